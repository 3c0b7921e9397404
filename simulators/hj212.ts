/**
 * A simulated field logger (数采仪) on HJ 212-2017: keeps what has not been answered with 9014, sends it again, keeps
 * history for requests, and does what the platform asks. Real on the wire; can tear and glue its packets.
 */
import { connect, type Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import { encodeFrame } from "../core/hj212-frame.ts";
import { Hj212Framer } from "../core/hj212-framer.ts";
import { type Hj212Segment, parseSegment } from "../core/hj212-segment.ts";
import { hj212Qn, hj212Time, parseHj212Time } from "../core/hj212-time.ts";
import { hj212Reading, keepSetting } from "./hj212-reads.ts";
import { uniform } from "./random.ts";

const ZONE = "Asia/Shanghai";
const RECONNECT_MS = 500;
/** HJ 212-2017 table 1. */
const ANSWER_MS = 10_000;
/** Records that a history answer puts into one numbered packet. */
const RECORDS_A_PACKET = 1;
/** Requests whose result is remembered. */
const RESULTS_MAX = 256;
/** Records kept of each code: minutes of a week. The oldest make room. */
const RECORDS_MAX = 7 * 24 * 60;

/** `w20115` → 0.005, written as decimals. */
export type Hj212Values = Readonly<Record<string, number>>;
export type Hj212HistoryCode = "2051" | "2061" | "2031";

export interface Hj212Logger {
  /** One packet of data; resolves when it has been answered with 9014. */
  send(
    values: Hj212Values,
    options?: { readonly time?: number; readonly code?: string; readonly flag?: string },
  ): Promise<void>;
  /** What history requests of that code find. */
  keep(code: Hj212HistoryCode, time: number, values: Hj212Values): void;
  /** Asks for the time (1013); resolves when the platform has set it with 1012. */
  wishClock(): Promise<void>;
  readonly state: {
    readonly made: number;
    readonly answered: number;
    readonly waiting: number;
    readonly sent: number;
    /** Its clock runs ahead of the true time by so many ms. */
    readonly clockAheadMs: number;
    readonly intervalSeconds: number;
    readonly isUploading: boolean;
    /** CN of every request that came, in order, re-sends too. */
    readonly asked: readonly string[];
    /** CN of every request that was done: what comes again under the same QN is answered again, not done again. */
    readonly executed: readonly string[];
  };
  /** Resolves when nothing waits. */
  drained(): Promise<void>;
  /** Cuts the line; it connects again. */
  cut(): void;
  close(): Promise<void>;
}

export interface Hj212LoggerParts {
  readonly host: string;
  readonly port: number;
  readonly mn: string;
  readonly password: string;
  readonly systemCode?: string;
  readonly clock: Clock;
  readonly clockAheadMs?: number;
  /** Packets that may wait for their answer at a time; the standard's loggers have one. */
  readonly windowMax?: number;
  readonly answerMs?: number;
  /** Pieces a write is torn into, by a seeded chance, and packets glued together; off when absent. */
  readonly tear?: { readonly seed: number };
  /** What it says to a request instead of doing it: QnRtn, ExeRtn, or nothing at all. `mute`: does it and says nothing. */
  readonly manners?: (
    code: string,
  ) => "do" | "ignore" | "mute" | "accept-only" | { readonly qnRtn: number } | { readonly exeRtn: number };
}

interface Packet {
  readonly key: string;
  readonly frame: Uint8Array;
  readonly done: () => void;
  /** Monotonic ms; null while it is not on the way. */
  sentAt: number | null;
}

interface Asked {
  readonly qn: string;
  readonly code: string;
  /** ExeRtn instead of doing it. */
  readonly forced: number | null;
}

export function createHj212Logger(parts: Hj212LoggerParts): Hj212Logger {
  return new Logger(parts);
}

class Logger implements Hj212Logger {
  readonly state = {
    made: 0,
    answered: 0,
    waiting: 0,
    sent: 0,
    clockAheadMs: 0,
    intervalSeconds: 30,
    isUploading: true,
    averageMinutes: 10,
    sampling: new Map<string, readonly [string, string]>(),
    settings: new Map<string, string>(),
    asked: [] as string[],
    executed: [] as string[],
  };
  readonly #parts: Hj212LoggerParts;
  readonly #closing = new AbortController();
  readonly #history = new Map<string, { readonly time: number; readonly values: Hj212Values }[]>();
  readonly #queue: Packet[] = [];
  /** ExeRtn of what has been done or is being done, by QN, oldest first. */
  readonly #results = new Map<string, Promise<number>>();
  #socket: Socket | null = null;
  #framer = new Hj212Framer();
  #lastQn = 0;
  #writes = 0;
  #whenDrained: (() => void)[] = [];
  #whenSet: (() => void)[] = [];
  readonly #stopTimer: () => void;

  constructor(parts: Hj212LoggerParts) {
    this.#parts = parts;
    this.state.clockAheadMs = parts.clockAheadMs ?? 0;
    this.#open();
    this.#stopTimer = parts.clock.every(Math.min(1_000, (parts.answerMs ?? ANSWER_MS) / 2), () => this.#pump());
  }

  send(values: Hj212Values, { time = this.#now(), code = "2011", flag = "N" } = {}): Promise<void> {
    return this.#enqueue(code, `DataTime=${hj212Time(time, ZONE)};${groups(code, values, flag)}`);
  }

  keep(code: Hj212HistoryCode, time: number, values: Hj212Values): void {
    const records = this.#history.get(code) ?? [];
    records.push({ time, values });
    if (records.length > RECORDS_MAX) records.shift();
    this.#history.set(code, records);
  }

  wishClock(): Promise<void> {
    const set = new Promise<void>((resolve) => this.#whenSet.push(resolve));
    void this.#enqueue("1013", "PolId=");
    return set;
  }

  drained(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }
  cut(): void {
    this.#socket?.destroy();
  }
  async close(): Promise<void> {
    this.#closing.abort();
    this.#stopTimer();
    const socket = this.#socket;
    if (!socket || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      socket.destroy();
    });
  }

  #now(): number {
    return this.#parts.clock.now() + this.state.clockAheadMs;
  }

  #enqueue(code: string, cp: string, extra = "", flag = 5): Promise<void> {
    const { mn, password, systemCode = "32" } = this.#parts;
    this.#lastQn = Math.max(this.#now(), this.#lastQn + 1);
    const qn = hj212Qn(this.#lastQn, ZONE);
    const frame = encodeFrame(
      `QN=${qn};ST=${systemCode};CN=${code};PW=${password};MN=${mn};Flag=${flag};${extra}CP=&&${cp}&&`,
    );
    this.state.made += 1;
    return new Promise((done) => {
      this.#queue.push({ key: qn, frame, done, sentAt: null });
      this.#pump();
    });
  }

  /** Sends what waits, and again what has waited too long for its answer. */
  #pump(): void {
    this.state.waiting = this.#queue.length;
    const { clock, windowMax = 1, answerMs = ANSWER_MS } = this.#parts;
    const now = clock.monotonic();
    const due = this.#queue.slice(0, windowMax).filter(({ sentAt }) => sentAt === null || now - sentAt >= answerMs);
    if (!this.#socket?.writable || due.length === 0) return;
    for (const packet of due) packet.sentAt = now;
    this.state.sent += due.length;
    this.#write(Buffer.concat(due.map(({ frame }) => frame)));
  }

  #write(bytes: Uint8Array): void {
    const { tear, mn } = this.#parts;
    if (!tear) {
      this.#socket?.write(bytes);
      return;
    }
    // Each write reaches the wire by itself: the socket has no delay.
    for (let from = 0; from < bytes.length; ) {
      const size = 1 + Math.floor(uniform(tear.seed, mn, this.#writes++) * bytes.length);
      this.#socket?.write(bytes.subarray(from, from + size));
      from += size;
    }
  }

  #open(): void {
    if (this.#closing.signal.aborted) return;
    const { host, port, clock } = this.#parts;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    this.#framer = new Hj212Framer();
    for (const packet of this.#queue) packet.sentAt = null;
    socket.on("connect", () => this.#pump());
    socket.on("error", ignore); // "close" follows
    socket.on("data", (chunk: Buffer) => {
      for (const event of this.#framer.push(chunk)) {
        if (event.kind !== "frame") continue;
        const segment = parseSegment(event.data);
        if (!("error" in segment)) this.#heard(segment);
      }
    });
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      void clock.sleep(RECONNECT_MS, this.#closing.signal).then(() => this.#open());
    });
  }

  #heard(segment: Hj212Segment): void {
    const { QN: qn = "", CN: code = "" } = segment.header;
    if (code === "9013" || code === "9014") this.#settle(qn);
    else this.#asked(segment, qn, code);
  }

  #settle(qn: string): void {
    const at = this.#queue.findIndex(({ key }) => key === qn);
    const [packet] = at < 0 ? [] : this.#queue.splice(at, 1);
    if (!packet) return; // answered twice
    this.state.answered += 1;
    packet.done();
    this.#pump();
    if (this.#queue.length > 0) return;
    for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  #asked(segment: Hj212Segment, qn: string, code: string): void {
    this.state.asked.push(code);
    const manner = this.#parts.manners?.(code) ?? "do";
    if (manner === "ignore") return;
    if (code === "2012" || code === "2022") {
      if (code === "2012") this.state.isUploading = false;
      this.#reply(qn, "9013", "");
      return;
    }
    const refused = typeof manner === "object" && "qnRtn" in manner;
    if (manner !== "mute") this.#reply(qn, "9011", `QnRtn=${refused ? manner.qnRtn : 1}`);
    if (refused || manner === "accept-only") return;
    const result = typeof manner === "object" && "exeRtn" in manner ? manner.exeRtn : null;
    void this.#once(segment, { qn, code, forced: result }).then((exeRtn) => {
      if (code !== "2011" && code !== "2021" && manner !== "mute") this.#reply(qn, "9012", `ExeRtn=${exeRtn}`);
    });
  }

  #once(segment: Hj212Segment, request: Asked): Promise<number> {
    const { qn, code, forced } = request;
    const known = this.#results.get(qn);
    if (known) return known;
    if (forced === null) this.state.executed.push(code);
    const result = this.#execute(segment, request);
    this.#results.set(qn, result);
    for (const oldest of this.#results.keys()) {
      if (this.#results.size <= RESULTS_MAX) break;
      this.#results.delete(oldest);
    }
    return result;
  }

  /** ExeRtn, HJ 212-2017 table 7: 1 done, 2 failed, 100 no data. */
  async #execute(segment: Hj212Segment, { qn, code, forced }: Asked): Promise<number> {
    if (forced !== null) return forced;
    const values = new Map(segment.groups.flat());
    const time = (name: string): number => parseHj212Time(values.get(name) ?? "", ZONE) ?? Number.NaN;
    if (code === "1012") {
      this.state.clockAheadMs = time("SystemTime") - this.#parts.clock.now();
      for (const resolve of this.#whenSet.splice(0)) resolve();
    } else if (code === "2011") this.state.isUploading = true;
    else if (code === "2051" || code === "2061" || code === "2031")
      return await this.#tell(code, time("BeginTime"), time("EndTime"));
    keepSetting(code, values, this.state);
    const reading = hj212Reading(code, values, { state: this.state, time: hj212Time(this.#now(), ZONE) });
    if (reading !== null) this.#reply(qn, code, reading);
    return 1;
  }

  async #tell(code: Hj212HistoryCode, from: number, to: number): Promise<number> {
    const records = (this.#history.get(code) ?? []).filter(({ time }) => time >= from && time <= to);
    if (records.length === 0) return 100;
    const total = Math.ceil(records.length / RECORDS_A_PACKET);
    await Promise.all(
      records.map(({ time, values }, at) => {
        const cp = `DataTime=${hj212Time(time, ZONE)};${groups(code, values, "N")}`;
        return this.#enqueue(code, cp, total > 1 ? `PNUM=${total};PNO=${at + 1};` : "", total > 1 ? 7 : 5);
      }),
    );
    return 1;
  }

  #reply(qn: string, code: string, cp: string): void {
    const { mn, password } = this.#parts;
    this.#write(encodeFrame(`QN=${qn};ST=91;CN=${code};PW=${password};MN=${mn};Flag=4;CP=&&${cp}&&`));
  }
}

function groups(code: string, values: Hj212Values, flag: string): string {
  const suffix = code === "2011" ? "Rtd" : "Avg";
  return Object.entries(values)
    .map(([name, value]) => `${name}-${suffix}=${value},${name}-Flag=${flag}`)
    .join(";");
}

function ignore(): void {}
