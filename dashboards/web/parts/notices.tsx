/** What is said in the flow of the page, never over a control: a broken connection, waiting, faults, what was done. */
import { signal } from "@preact/signals";
import type { VNode } from "preact";
import { ApiFault } from "../api.ts";
import { t } from "../locale.ts";
import { shanghaiShort } from "../pure/format.ts";
import { connection, now } from "../store.ts";

/** Version of the server at the first beat: another one later means that this page is older than the server. */
let firstVersion: string | null = null;

export function ConnectionNotice(): VNode {
  const { ok, newestAt, version } = connection.value;
  firstVersion ??= version;
  const isOld = version !== null && firstVersion !== null && version !== firstVersion;
  document.documentElement.classList.toggle("disconnected", !ok);
  return (
    <div role="status" class="notices">
      {ok ? null : (
        <p class="notice broken">
          {t("broken", { time: newestAt === null ? "–" : shanghaiShort(newestAt, now.value) })}
        </p>
      )}
      {isOld ? (
        <p class="notice">
          {t("newVersion")}{" "}
          <button type="button" onClick={() => location.reload()}>
            {t("reload")}
          </button>
        </p>
      ) : null}
    </div>
  );
}

export function Loading(): VNode {
  return (
    <p class="loading" role="status">
      {t("loading")}
    </p>
  );
}

export function Fault({ fault, onRetry }: { fault: unknown; onRetry?: () => void }): VNode {
  const isMissing = fault instanceof ApiFault && fault.status === 404;
  const what = fault instanceof Error ? fault.message : String(fault);
  return (
    <div class="notice" role="alert">
      <p>{isMissing ? t("notFound") : t("failed", { what })}</p>
      {isMissing ? (
        <a class="button" href="/">
          {t("home")}
        </a>
      ) : null}
      {onRetry && !isMissing ? (
        <button type="button" onClick={onRetry}>
          {t("retry")}
        </button>
      ) : null}
    </div>
  );
}

/** The last thing done; read out, and shown in a line of its own that always has its height. */
export const saidLast = signal("");
export function say(text: string): void {
  saidLast.value = text;
}
export function SaidLast(): VNode {
  return (
    <p class="said" role="status">
      {saidLast.value}
    </p>
  );
}
