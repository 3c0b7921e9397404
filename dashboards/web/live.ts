/**
 * The live stream of this page: one EventSource, resumed by the browser with Last-Event-ID or by us with `after`, and
 * a watch that says when nothing was heard for half a minute.
 */
import { goToSignIn, openSession } from "./api.ts";
import type { AlarmMessage, Beat, LiveValue } from "./api-types.ts";
import { applyAlarm, applyBeat, applyReadings, connection, reloadAll, setServerTime } from "./store.ts";

/** The server beats every 15 s; two missed beats are a broken connection. */
const SILENT_MS = 30_000;
const WATCH_MS = 1_000;
const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 30_000;

export function startLive(): void {
  let source: EventSource | null = null;
  let heardAt = performance.now();
  let lastId: string | null = null;
  let wasLost = false;
  let retryMs = RETRY_MIN_MS;

  const heard = (): void => {
    heardAt = performance.now();
    if (!connection.value.ok) connection.value = { ...connection.value, ok: true };
  };
  const on = <T>(name: string, take: (data: T) => void): void => {
    source?.addEventListener(name, (event) => {
      heard();
      const { data, lastEventId } = event as MessageEvent<string>;
      if (lastEventId !== "") lastId = lastEventId;
      take(JSON.parse(data) as T);
    });
  };
  const open = (): void => {
    source = new EventSource(`/api/v1/stream${lastId === null ? "" : `?after=${encodeURIComponent(lastId)}`}`);
    on<{ at: string }>("hello", ({ at }) => {
      setServerTime(at);
      retryMs = RETRY_MIN_MS;
      if (wasLost) reloadAll(); // alarms are resumed, values and states of the meantime are not
      wasLost = false;
    });
    on<AlarmMessage>("alarm", applyAlarm);
    on<{ values: LiveValue[] }>("readings", ({ values }) => applyReadings(values));
    on<Beat>("beat", applyBeat);
    on("gap", reloadAll);
    on<{ reason: string }>("bye", ({ reason }) => {
      if (reason === "session-ended") goToSignIn();
    });
    source.addEventListener("error", () => {
      wasLost = true;
      if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      source.close();
      setTimeout(reopen, retryMs);
      retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
    });
  };
  /** A closed EventSource does not say why: a session that is over sends to the sign-in page from here. */
  const reopen = (): void => {
    openSession().then(open, () => {
      setTimeout(reopen, retryMs);
      retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
    });
  };

  open();
  setInterval(() => {
    if (performance.now() - heardAt < SILENT_MS || !connection.value.ok) return;
    wasLost = true;
    connection.value = { ...connection.value, ok: false };
  }, WATCH_MS);
}
