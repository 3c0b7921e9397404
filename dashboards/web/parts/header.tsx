/** Header: where to go, how fresh the data is, the language, who is signed in. */

import type { VNode } from "preact";
import { useLocation } from "preact-iso";
import { signOut } from "../api.ts";
import { locale, setLocale, t } from "../locale.ts";
import { shanghaiSecond, shanghaiShort } from "../pure/format.ts";
import { connection, counts, now, session } from "../store.ts";
import { wordFor } from "../texts.ts";

/** Below this the pipeline is simply at work. */
const LAG_SHOWN_MIN = 100;

export function Header(): VNode {
  const { path } = useLocation();
  const current = (own: boolean): { "aria-current"?: "page" } => (own ? { "aria-current": "page" } : {});
  return (
    <header class="top">
      <a class="brand" href="/">
        {t("product")}
      </a>
      <nav aria-label={t("nav.label")}>
        <a href="/" {...current(path === "/" || path === "/map")}>
          {t("nav.overview")}
        </a>
        <a href="/alarms" {...current(path === "/alarms")}>
          {t("nav.alarms")}
          <OpenCount />
        </a>
        <a href="/fleet" {...current(path === "/fleet")}>
          {t("nav.fleet")}
        </a>
      </nav>
      <Freshness />
      <LanguageSwitch />
      <Account />
    </header>
  );
}

function OpenCount(): VNode | null {
  const active = counts.value?.active ?? 0;
  return active === 0 ? null : <span class="count">{active}</span>;
}

function Freshness(): VNode {
  const { newestAt, lag, ok } = connection.value;
  if (newestAt === null) return <p class="fresh">{ok ? t("asOfNever") : ""}</p>;
  return (
    <p class={ok ? "fresh" : "fresh old"} title={shanghaiSecond(newestAt)}>
      {t("asOf", { time: shanghaiShort(newestAt, now.value) })}
      {lag >= LAG_SHOWN_MIN ? <span class="lag"> · {t("lag", { n: lag })}</span> : null}
    </p>
  );
}

function LanguageSwitch(): VNode {
  const other = locale.value === "en" ? "zh-CN" : "en";
  return (
    <button type="button" class="quiet language" lang={other} onClick={() => setLocale(other)}>
      {t("otherLanguage")}
    </button>
  );
}

function Account(): VNode | null {
  const view = session.value;
  if (view === null) return null;
  return (
    <details class="account">
      <summary aria-label={`${t("account")} ${view.name}`}>
        <span class="full">{view.name}</span>
        <span class="initial">{view.name.slice(0, 1).toUpperCase()}</span>
      </summary>
      <div class="menu">
        <p>
          {view.name} · {wordFor(t, "role", view.role)}
        </p>
        {view.via === "session" ? (
          <button type="button" onClick={() => signOut().catch(() => location.reload())}>
            {t("signOut")}
          </button>
        ) : null}
      </div>
    </details>
  );
}
