/**
 * What one batch of raw messages becomes: one packed readings block, quarantine entries, and the counts. No journal, no
 * clock: entries in, a result out, with the de-duplication memory moved on.
 */
import { decodeRaw, type Quarantined, type RawMessage } from "../core/envelope.ts";
import type { FleetSignal } from "../core/fleet.ts";
import { effectiveQualifier, GIVEN } from "../core/maintenance.ts";
import type { Directory } from "../core/ports.ts";
import { aggregateOf } from "../core/qc.ts";
import { type Origin, QC } from "../core/reading.ts";
import { comparisonCode, ReadingBlockBuilder } from "../core/reading-block.ts";
import type { Device, DeviceContext } from "../core/site.ts";
import { type BatchCounts, noCounts } from "./batch-counts.ts";
import { type Codec, type Decoded, type Fault, fault } from "./codecs/codec.ts";
import { decodeTelemetry } from "./codecs/telemetry.ts";
import { comparisonOfMark, type Dedupe, markOf } from "./dedupe.ts";
import { type DeviceNotes, FleetNotes } from "./fleet-notes.ts";
import { createFormats, type Formats } from "./formats.ts";
import { giveAt, Maintenance } from "./maintenance.ts";
import { Normaliser, type Row } from "./normalise.ts";
import { Qc } from "./qc/qc.ts";
import { encodeQuarantined } from "./quarantine.ts";
import { Revisions } from "./revisions.ts";
import { routeMessage } from "./validate.ts";

export interface Batch {
  /** Null when no row came of it. */
  readonly block: Uint8Array | null;
  readonly rows: number;
  readonly quarantine: readonly Uint8Array[];
  /** What the messages said of their devices, entries of stream `fleet`. */
  readonly fleet: readonly Uint8Array[];
  readonly counts: Readonly<BatchCounts>;
  /** Quarantine entries by code. */
  readonly codes: ReadonlyMap<string, number>;
}

interface Known {
  readonly context: DeviceContext;
  readonly normaliser: Normaliser;
  /** The one topic of nearly every message. */
  telemetryTopic: string | null;
}

interface Refusals {
  readonly detail: string;
  readings: number;
}

export class BatchMaker {
  readonly #directory: () => Directory;
  readonly #dedupe: Dedupe;
  readonly #formats: Formats;
  readonly #onBug: (error: unknown, message: RawMessage) => void;
  readonly #block = new ReadingBlockBuilder();
  readonly #fleet = new FleetNotes();
  readonly #qc: Qc;
  readonly #revisions: Revisions;
  readonly #maintenance = new Maintenance();
  #quarantine: Uint8Array[] = [];
  #codes = new Map<string, number>();
  #counts = noCounts();
  #known = new Map<string, Known>();
  #knownFor: Directory | null = null;

  /** @param onBug told of an exception while a message was judged; the message itself goes to quarantine. */
  constructor(parts: {
    readonly directory: () => Directory;
    readonly dedupe: Dedupe;
    readonly formats?: Formats;
    readonly onBug: (error: unknown, message: RawMessage) => void;
  }) {
    this.#directory = parts.directory;
    this.#dedupe = parts.dedupe;
    this.#qc = new Qc(parts.directory);
    this.#revisions = new Revisions(parts.dedupe);
    this.#formats = parts.formats ?? createFormats();
    this.#onBug = parts.onBug;
  }

  /** @param now wall clock, ms; written into quarantine entries. */
  add(entry: Uint8Array, now: number): void {
    this.lookAgain();
    this.#counts.messages += 1;
    let message: RawMessage = { receivedAt: now, device: "", topic: "", payload: entry };
    try {
      message = decodeRaw(entry);
      this.#judge(message, now);
    } catch (error) {
      this.#onBug(error, message);
      this.#refuse(message, fault("INTERNAL_ERROR", String(error)), now);
    }
  }

  /** A newer registry: known readings that fall into, or out of, maintenance windows come again with `take`. True when some do. */
  lookAgain(): boolean {
    return this.#maintenance.follow(this.#directory(), this.#dedupe, this.#qc);
  }

  /** Hands over what has been gathered and begins the next batch. */
  take(): Batch {
    this.lookAgain();
    for (const { takeSignals } of this.#formats.foreign) {
      const { signals, refused } = takeSignals?.() ?? { signals: [], refused: 0 };
      for (const signal of signals) this.#signal(signal);
      this.#counts.signalsRefused += refused;
    }
    this.#counts.readingsRevised += this.#revisions.write(this.#qc, this.#block);
    const rows = this.#block.count;
    const batch = {
      block: rows > 0 ? this.#block.encode() : null,
      rows,
      quarantine: this.#quarantine,
      fleet: this.#fleet.take(),
      counts: this.#counts,
      codes: this.#codes,
    };
    this.#block.clear();
    this.#quarantine = [];
    this.#codes = new Map();
    this.#counts = noCounts();
    return batch;
  }

  #judge(message: RawMessage, now: number): void {
    const known = this.#find(message.device);
    if (known?.telemetryTopic === message.topic) {
      this.#decode(decodeTelemetry, known, message, now);
      return;
    }
    const route = routeMessage(message, this.#directory(), this.#formats);
    if (route.kind === "pass") this.#pass(message, route.channel);
    else if (route.kind === "refuse") this.#refuse(message, route.fault, now);
    else {
      const owner = this.#find(route.context.device.id);
      if (!owner) return; // cannot be: the route came from the same directory
      if (owner === known && route.codec === decodeTelemetry) known.telemetryTopic = message.topic;
      this.#decode(route.codec, owner, message, now);
    }
  }

  #pass({ device, receivedAt, payload }: RawMessage, channel: string): void {
    this.#counts.messagesPassed += 1;
    if (channel !== "state" && channel !== "cmd/ack") return;
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
    this.#signal({ device, channel, receivedAt, payload: text });
  }

  #signal(signal: FleetSignal): void {
    if (!this.#fleet.signal(signal)) this.#counts.signalsRefused += 1;
  }

  #decode(codec: Codec, owner: Known, message: RawMessage, now: number): void {
    const decoded = codec(message.payload, owner.context.device, message);
    if ("refused" in decoded) this.#refuse(message, decoded.refused, now);
    else {
      if (decoded.readings.length === 0 && decoded.faults.length === 0) this.#counts.messagesPassed += 1;
      if (saysSomething(decoded)) this.#use(decoded, message, owner, now);
    }
    if ("readings" in decoded && (decoded.answers || decoded.facts))
      this.#tell(decoded, owner.context.device, message.receivedAt);
    if ("history" in decoded && decoded.history) this.#use(decoded.history, message, owner, now);
  }

  /** What it says beside readings. */
  #tell({ answers = [], facts }: Decoded, { id: device, interval }: Device, receivedAt: number): void {
    if (facts) this.#fleet.of(device, interval).facts(facts, receivedAt);
    for (const answer of answers)
      this.#signal({ device, channel: "cmd/ack", receivedAt, payload: JSON.stringify(answer) });
  }

  /** @param owner the device whose readings they are, which need not be the account that sent them. */
  #use(decoded: Decoded, message: RawMessage, { context, normaliser }: Known, now: number): void {
    const { receivedAt } = message;
    const device = context.device.id;
    const origin = { device, boot: decoded.boot, seq: decoded.seq, receivedAt, backfill: decoded.backfill };
    if (this.#dedupe.isRepeat(origin)) {
      this.#counts.messagesRepeated += 1;
      this.#counts.readingsRepeated += decoded.readings.length + decoded.faults.length;
      return;
    }
    // Everything that could fail comes before the first row: a message is used once or not at all.
    const rows: Row[] = [];
    let refusals: Map<string, Refusals> | null = null;
    for (const found of decoded.faults) refusals = note(refusals, found);
    for (const reading of decoded.readings) {
      const row = normaliser.row(reading, receivedAt);
      if (!("code" in row)) rows.push(row);
      else if (reading.incidental !== true) refusals = note(refusals, row);
    }
    const notes = this.#fleet.of(device, context.device.interval);
    this.#useRows(rows, origin, notes);
    notes.end(decoded.countedBy === undefined ? origin : { ...origin, boot: decoded.countedBy }, {
      hasTime: decoded.readings[0] !== undefined && decoded.readings[0].time !== null,
      refused: countOf(refusals),
      ...(decoded.health === undefined ? {} : { signs: decoded.health }),
    });
    this.#dedupe.settle(origin, refusals !== null);
    if (refusals) this.#quarantineReadings(message, origin, refusals, now);
  }

  #useRows(rows: readonly Row[], origin: Origin, notes: DeviceNotes): void {
    const counts = this.#counts;
    let isNamed = false;
    for (const { series, time, value, reading, given } of rows) {
      notes.cover(time, reading.spanMs);
      const window = this.#dedupe.window(series);
      const verdict = this.#dedupe.judge(window, time, value, markOf(reading.cmp, reading.qualifier));
      if (verdict === "repeat") counts.readingsRepeated += 1;
      else if (verdict === "superseded") counts.readingsSuperseded += 1;
      else {
        if (!isNamed) this.#block.message(origin);
        isNamed = true;
        if (given !== GIVEN.none) giveAt(window, time, given);
        const tests = this.#qc.assess(series, window, time, value);
        const flag = aggregateOf(tests);
        const qualifier = effectiveQualifier(reading.qualifier, given).charCodeAt(0);
        this.#block.row(series, time, value, comparisonCode(reading.cmp), flag, qualifier);
        if (given !== GIVEN.none) this.#block.said(reading.qualifier.charCodeAt(0));
        this.#block.tests(tests);
        this.#revisions.note(series, window, time, origin);
        counts.readingsStored += 1;
        if (verdict === "fresh") {
          notes.count(series, time, flag <= QC.notEvaluated && reading.qualifier === "N");
          continue;
        }
        this.#block.correct(window.oldValue, comparisonOfMark(window.oldMark));
        counts.readingsCorrected += 1;
      }
    }
  }

  #find(device: string): Known | undefined {
    const directory = this.#directory();
    if (directory !== this.#knownFor) {
      this.#known = new Map();
      this.#knownFor = directory;
    }
    let known = this.#known.get(device);
    if (!known) {
      const context = directory.device(device);
      if (!context) return undefined;
      known = {
        context,
        normaliser: new Normaliser(context, directory.maintenance(context.station.id)),
        telemetryTopic: null,
      };
      this.#known.set(device, known);
    }
    return known;
  }

  #refuse(message: RawMessage, { code, detail }: Fault, now: number): void {
    this.#counts.messagesRefused += 1;
    this.#put(message, { code, detail, readings: 0 }, now, true);
  }

  #quarantineReadings(message: RawMessage, key: Origin, refusals: Map<string, Refusals>, now: number): void {
    let isFirst = true;
    const { device, boot, seq } = key;
    for (const [code, { detail, readings }] of refusals) {
      this.#counts.readingsRefused += readings;
      this.#put(message, { code, detail, readings, message: { device, boot, seq } }, now, isFirst);
      isFirst = false;
    }
  }

  #put(
    { receivedAt, device, topic, payload }: RawMessage,
    why: Pick<Quarantined, "code" | "detail" | "readings" | "message">,
    now: number,
    isFirst: boolean,
  ): void {
    this.#quarantine.push(encodeQuarantined({ at: now, receivedAt, device, topic, ...why }, payload, isFirst));
    this.#codes.set(why.code, (this.#codes.get(why.code) ?? 0) + 1);
  }
}

/** Beside answers and facts. A number without readings has arrived all the same: it is no gap, and its repeat a repeat. */
function saysSomething({ readings, faults, health, boot, seq }: Decoded): boolean {
  return readings.length > 0 || faults.length > 0 || health !== undefined || (boot !== "" && seq >= 0);
}

function countOf(refusals: ReadonlyMap<string, Refusals> | null): number {
  let count = 0;
  for (const { readings } of refusals?.values() ?? []) count += readings;
  return count;
}

/** The first detail of a code stands for all of its readings. */
function note(refusals: Map<string, Refusals> | null, { code, detail }: Fault): Map<string, Refusals> {
  const all = refusals ?? new Map<string, Refusals>();
  const known = all.get(code);
  if (known) known.readings += 1;
  else all.set(code, { detail, readings: 1 });
  return all;
}
