/**
 * Live updates: one shared tail of the streams `readings` and `alarms`, handed to every browser that may see them.
 *
 * Alarms carry their offset as event id, so that a browser that comes back gets what it missed, none twice. Readings
 * are the newest of each series, once a second. Without browsers no readings are read.
 */
import type { AlarmEvent } from "../core/alarm.ts";
import { Unavailable } from "../core/errors.ts";
import { WORKING_READERS } from "../core/ports.ts";
import { parseSeriesKey } from "../core/reading.ts";
import { decodeReadingBlock } from "../core/reading-block.ts";
import { keepRunning } from "../core/service.ts";
import { alarmVisibleTo, visibleTo } from "./access.ts";
import { alarmView } from "./alarm-view.ts";
import { type Browser, frame } from "./live-browser.ts";
import { type LiveValue, LiveValues } from "./live-values.ts";
import type { OpenAlarms } from "./open-alarms.ts";
import type { DashboardParts } from "./parts.ts";
import type { Sessions } from "./sessions.ts";
import { iso, isoOrNull } from "./times.ts";

const BEAT_MS = 15_000;
const TICK_MS = 1_000;
const COUNTED = new Set<string>(WORKING_READERS);
const BROWSERS_MAX = 1_000;
const READ_BYTES_MAX = 4 * 1_024 * 1_024;
/** A browser that missed more alarms than this reloads its lists instead. */
const RESUME_EVENTS_MAX = 10_000;
/** While catching up, frames are written ahead of the reader by at most this. */
const RESUME_BYTES_AHEAD = 64 * 1_024;
/** A browser that is catching up and takes nothing for this long is closed. */
const STALL_MS = 30_000;
const CAUGHT_UP_MS_MAX = 2_000;

export type LiveParts = Pick<DashboardParts, "journal" | "directory" | "clock" | "log" | "metrics" | "version"> & {
  readonly openAlarms: OpenAlarms;
  readonly sessions: Sessions;
};

export class LiveHub {
  readonly #parts: LiveParts;
  readonly #browsers = new Set<Browser>();
  readonly #values = new LiveValues();
  readonly #stopping = new AbortController();
  /** Stops the readings tail when the last browser leaves. */
  #readingsTail: AbortController | null = null;
  #nextAlarm = 0;
  /** Who waits until the tail has reached an offset. */
  readonly #followers = new Set<{ readonly end: number; resolve(): void }>();
  #ticks = 0;
  #running: Promise<void> = Promise.resolve();
  #stopTicks: () => void = () => {};
  #onFault: (error: unknown) => void = () => {};
  /** Resolves when the newest block has been looked at, so that the first beat knows how fresh the data is. */
  #primed: Promise<void> = Promise.resolve();

  constructor(parts: LiveParts) {
    this.#parts = parts;
  }

  /** @param onFault called when the tail stops on a bug; the process should stop too. */
  async start(onFault: (error: unknown) => void): Promise<void> {
    const { journal, clock, sessions } = this.#parts;
    this.#nextAlarm = await journal.end("alarms");
    this.#stopTicks = clock.every(TICK_MS, () => this.#tick());
    this.#running = keepRunning(
      "live alarms",
      (signal) => this.#tailAlarms(signal),
      this.#parts,
      this.#stopping.signal,
    );
    this.#running.catch(onFault);
    this.#onFault = onFault;
    sessions.onEnd((id) => this.#endWhere((browser) => browser.principal.session?.id === id));
  }

  async stop(): Promise<void> {
    this.#stopTicks();
    this.#stopping.abort();
    this.#readingsTail?.abort();
    for (const browser of this.#browsers) browser.end("closing");
    this.#browsers.clear();
    await this.#running.catch(() => {}); // reported by onFault already
  }

  /** @throws Unavailable `STREAMS_FULL` when a thousand browsers are connected. */
  admit(): void {
    if (this.#browsers.size < BROWSERS_MAX) return;
    throw new Unavailable("STREAMS_FULL", { what: "too many live views are open", mend: "try again later" });
  }

  /** @param after id of the last alarm event that the browser has, null for none. */
  join(browser: Browser, after: number | null): void {
    const { clock, version } = this.#parts;
    this.#browsers.add(browser);
    browser.nextAlarm = after === null ? this.#nextAlarm : after + 1;
    const hello = { at: iso(clock.now()), version, name: browser.principal.name, beatMs: BEAT_MS };
    browser.send(`retry: 2000\n${frame("hello", hello, browser.nextAlarm - 1)}`);
    this.#tailReadings();
    this.#beat([browser]);
    if (browser.nextAlarm === this.#nextAlarm) return;
    browser.catchingUp = true;
    this.#catchUp(browser).catch((error) => {
      if (!(error instanceof Unavailable)) this.#parts.log.error({ err: error }, "live view could not be resumed");
      browser.drop(); // it reconnects and asks again
    });
  }

  leave(browser: Browser): void {
    this.#browsers.delete(browser);
    if (this.#browsers.size > 0) return;
    this.#readingsTail?.abort();
    this.#readingsTail = null;
  }

  get size(): number {
    return this.#browsers.size;
  }

  /**
   * Resolves when every alarm event that was durable at the call has been seen here, or after two seconds: whoever heard
   * of an alarm over MQTT may ask for it before the store has it.
   */
  async caughtUp(): Promise<void> {
    const { journal, clock } = this.#parts;
    const end = await journal.end("alarms");
    if (this.#nextAlarm >= end) return;
    const waiting = new AbortController();
    const seen = new Promise<void>((resolve) => this.#followers.add({ end, resolve }));
    await Promise.race([seen, clock.sleep(CAUGHT_UP_MS_MAX, waiting.signal)]);
    waiting.abort();
  }

  async #tailAlarms(signal: AbortSignal): Promise<void> {
    const { journal } = this.#parts;
    while (!signal.aborted) {
      await journal.wait("alarms", this.#nextAlarm, signal);
      if (signal.aborted) return;
      for (const { offset, bytes } of await journal.read("alarms", this.#nextAlarm, READ_BYTES_MAX)) {
        this.#announce(offset, parseEvent(bytes));
        this.#nextAlarm = offset + 1;
      }
      for (const follower of this.#followers) {
        if (follower.end > this.#nextAlarm) continue;
        this.#followers.delete(follower);
        follower.resolve();
      }
    }
  }

  #announce(offset: number, event: AlarmEvent): void {
    this.#parts.openAlarms.apply(event.alarm);
    let text: string | undefined;
    for (const browser of this.#browsers) {
      if (browser.catchingUp || browser.nextAlarm > offset) continue;
      browser.nextAlarm = offset + 1;
      if (!alarmVisibleTo(browser.principal, event.alarm)) continue;
      text ??= this.#alarmFrame(offset, event);
      if (!browser.send(text)) this.#dropped(browser);
    }
  }

  #alarmFrame(offset: number, { id, kind, at, by, via, note, alarm }: AlarmEvent): string {
    const view = alarmView(alarm, this.#parts.directory());
    return frame("alarm", { event: { id, kind, at: iso(at), by, via, note }, alarm: view }, offset);
  }

  /** Reads what a browser missed, until it has caught up with the shared tail. */
  async #catchUp(browser: Browser): Promise<void> {
    const { journal } = this.#parts;
    const end = await journal.end("alarms");
    if (browser.nextAlarm > end || end - browser.nextAlarm > RESUME_EVENTS_MAX) {
      const reason = browser.nextAlarm > end ? "trimmed" : "too-many"; // beyond the end: ids of an older journal
      browser.nextAlarm = this.#nextAlarm;
      browser.send(frame("gap", { reason }, this.#nextAlarm - 1));
    }
    while (browser.nextAlarm < this.#nextAlarm && !browser.closed) {
      const entries = await journal.read("alarms", browser.nextAlarm, RESUME_BYTES_AHEAD);
      const first = entries[0];
      if (!first || browser.closed) break;
      if (first.offset > browser.nextAlarm) browser.send(frame("gap", { reason: "trimmed" }));
      for (const { offset, bytes } of entries) {
        const event = parseEvent(bytes);
        browser.nextAlarm = offset + 1;
        if (alarmVisibleTo(browser.principal, event.alarm)) browser.send(this.#alarmFrame(offset, event));
      }
      if (browser.queuedBytes > RESUME_BYTES_AHEAD) await this.#drainedOrStalled(browser);
    }
    browser.catchingUp = false;
  }

  async #drainedOrStalled(browser: Browser): Promise<void> {
    const waiting = new AbortController();
    const stalled = this.#parts.clock.sleep(STALL_MS, waiting.signal).then(() => {
      if (!waiting.signal.aborted) this.#dropped(browser);
    });
    await Promise.race([browser.drained(), stalled]);
    waiting.abort();
  }

  #tailReadings(): void {
    if (this.#readingsTail) return;
    const tail = new AbortController();
    this.#readingsTail = tail;
    const { journal } = this.#parts;
    const readFrom = async (next: number): Promise<number> => {
      for (const { offset, bytes } of await journal.read("readings", next, READ_BYTES_MAX)) {
        this.#values.take(decodeReadingBlock(bytes));
        next = offset + 1;
      }
      return next;
    };
    const loop = async (signal: AbortSignal): Promise<void> => {
      const first = journal.end("readings").then((end) => (end > 0 ? readFrom(end - 1) : 0));
      this.#primed = first.then(
        () => {},
        () => {}, // the loop below meets the same error and deals with it
      );
      let next = await first;
      while (!signal.aborted) {
        await journal.wait("readings", next, signal);
        if (!signal.aborted) next = await readFrom(next);
      }
    };
    keepRunning("live readings", loop, this.#parts, tail.signal).catch((error) => this.#onFault(error));
  }

  #tick(): void {
    this.#ticks++;
    this.#parts.metrics.set("live_browsers", this.#browsers.size);
    this.#sendValues();
    if (this.#ticks % (BEAT_MS / TICK_MS) === 0) this.#beat([...this.#browsers]);
    this.#checkSessions().catch((error) => this.#parts.log.warn({ err: error }, "sessions could not be checked"));
  }

  #sendValues(): void {
    const values = this.#values.drain();
    const directory = this.#parts.directory();
    const tenantOf = (series: string): string | undefined =>
      directory.station(parseSeriesKey(series).station)?.site.tenant;
    /** One selection for all browsers of the same scope. */
    const byScope = new Map<string, readonly LiveValue[]>();
    for (const browser of this.#browsers) {
      const { principal } = browser;
      const scope = principal.tenant ?? "";
      let visible = byScope.get(scope);
      if (!visible) {
        visible = values.filter(([series]) => {
          const tenant = tenantOf(series);
          return tenant !== undefined && visibleTo(principal, { tenant });
        });
        byScope.set(scope, visible);
      }
      if (!browser.sendValues(visible)) this.#dropped(browser);
    }
  }

  /** Says how fresh the data is, and keeps proxies from closing the connection. */
  #beat(browsers: readonly Browser[]): void {
    if (browsers.length === 0) return;
    const send = async (): Promise<void> => {
      const { journal, clock, version } = this.#parts;
      await this.#primed;
      const { streams, readers } = await journal.stats();
      const lag = { raw: 0, readings: 0, alarms: 0 };
      for (const { reader, stream, offset } of readers) {
        if (COUNTED.has(reader) && stream in lag) {
          const name = stream as keyof typeof lag;
          lag[name] = Math.max(lag[name], streams[name].end - offset);
        }
      }
      const newestReceivedAt = isoOrNull(this.#values.receivedAt);
      const text = frame("beat", { at: iso(clock.now()), newestReceivedAt, lag, version });
      for (const browser of browsers) if (!browser.send(text)) this.#dropped(browser);
    };
    send().catch((error) => this.#parts.log.warn({ err: error }, "freshness could not be read"));
  }

  async #checkSessions(): Promise<void> {
    const bySession = new Map<string, Browser[]>();
    for (const browser of this.#browsers) {
      const key = browser.principal.session?.id ?? `token ${browser.principal.tokenHmac}`;
      bySession.set(key, [...(bySession.get(key) ?? []), browser]);
    }
    for (const browsers of bySession.values()) {
      const [first] = browsers;
      if (!first || (await this.#parts.sessions.stillHolds(first.principal))) continue;
      for (const browser of browsers) browser.end("session-ended");
    }
  }

  #endWhere(matches: (browser: Browser) => boolean): void {
    for (const browser of this.#browsers) if (matches(browser)) browser.end("session-ended");
  }

  #dropped(browser: Browser): void {
    if (!this.#browsers.delete(browser)) return;
    this.#parts.metrics.count("live_browsers_dropped");
    browser.drop();
  }
}

function parseEvent(bytes: Uint8Array): AlarmEvent {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as AlarmEvent;
}
