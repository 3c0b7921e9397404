/**
 * Sparkplug B 3.0 messages of edge nodes → readings, with the memory that DATA messages need (sparkplug-session.ts).
 *
 * Metric names are given as they are; a device's profile maps them. A message's identity for de-duplication is none (`boot`
 * empty, `seq` -1): its number runs from 0 to 255 and around, so only (series, time) tells a repeat. Control metrics,
 * transient ones and those of no numeric type (String, DataSet, Template, arrays) are no readings.
 *
 * A gap in the numbers does not spoil the messages after it: aliases stay what the births said. A message that arrived
 * before the newest one is a replay from quarantine: it is read, and moves nothing.
 */

import { parseForeignTopic, type SPARKPLUG_TYPES } from "../../core/foreign-topics.ts";
import type { MetricSeen } from "../../core/sparkplug-command.ts";
import type { EdgeNotice, EdgeNoticeKind } from "../../core/sparkplug-edges.ts";
import { type Metric, type Payload, readSparkplug } from "../../core/sparkplug-wire.ts";
import { type Decoded, type DecodedReading, type Envelope, type Fault, fault } from "./codec.ts";
import { EdgeSession, type SessionSnapshot } from "./sparkplug-session.ts";
import { isControl, isNumeric, numberOf, readingOf } from "./sparkplug-value.ts";

/** Edge nodes remembered; only registered ones come here. The longest silent is forgotten first. */
export const EDGES_MAX = 10_000;
/** Of a snapshot: one commit of the journal must hold it. Some 300,000 metrics. */
export const STATE_BYTES_MAX = 16 * 1024 * 1024;
/** A wall clock may be set back by so much without a message passing for a replay. */
const CLOCK_SLACK_MS = 2_000;
const BDSEQ_LIMIT = 256;

type MessageType = (typeof SPARKPLUG_TYPES)[number];
interface Address {
  readonly group: string;
  readonly edge: string;
  readonly device: string | null;
  readonly type: MessageType;
}

export interface SparkplugOutcome {
  /** What became of it; `ignored`: the death of an older session, or of what is not born. */
  readonly kind: "birth" | "data" | "death" | "ignored" | "refused";
  readonly seq: number | null;
  readonly bdSeq: number | null;
  /** Set when the whole message is unusable: then there are no readings. */
  readonly refused: Fault | null;
  readonly decoded: Decoded;
  readonly notices: readonly EdgeNotice[];
  /** Watched metrics that it carried, whatever their type. */
  readonly seen: readonly SeenMetric[];
}
export type SeenMetric = Pick<MetricSeen, "metric" | "value">;

interface SavedState {
  readonly version: 1;
  readonly edges: readonly (readonly [name: string, session: SessionSnapshot])[];
}

export class SparkplugDecoder {
  #edges = new Map<string, EdgeSession>();

  /**
   * Reasons for a message: NOT_SPARKPLUG, MALFORMED_PROTOBUF, TOO_MANY_METRICS, COMPRESSED, BIRTH_MISSING, BIRTH_TOO_LARGE,
   * ALIASES_CHANGED. For a reading: ALIAS_UNKNOWN, METRIC_UNKNOWN and those of `readingOf`.
   *
   * The caller has made sure that the sender may speak for this edge node.
   *
   * @param watched names of metrics that are told in `seen` as well.
   */
  decode(bytes: Uint8Array, { topic, receivedAt }: Envelope, watched?: ReadonlySet<string>): SparkplugOutcome {
    const parsed = parseForeignTopic(topic);
    if (parsed?.format !== "sparkplug")
      return refusal(fault("NOT_SPARKPLUG", `"${topic}" is no topic of an edge node`));
    const { group, edge, device = null } = parsed;
    const address: Address = { group, edge, device, type: parsed.type as MessageType };
    const payload = readSparkplug(bytes);
    if ("code" in payload) return refusal(fault(payload.code, payload.detail));
    if (payload.uuid === "SPBV1.0_COMPRESSED") {
      return refusal(fault("COMPRESSED", "compressed payloads are not taken; switch compression off at the edge node"));
    }
    return new Reader({ session: this.#session(group, edge), address, payload, at: receivedAt, watched }).read();
  }

  /** At most `STATE_BYTES_MAX`: beyond that the longest silent are left out, and will be asked for a rebirth. */
  snapshot(): Uint8Array {
    const newestFirst = [...this.#edges].sort(([, one], [, other]) => other.newestAt - one.newestAt);
    const parts: string[] = [];
    let bytes = 0;
    for (const [name, session] of newestFirst) {
      const part = JSON.stringify([name, session.snapshot()]);
      bytes += Buffer.byteLength(part) + 1;
      if (bytes > STATE_BYTES_MAX) break;
      parts.push(part);
    }
    return Buffer.from(`{"version":1,"edges":[${parts.reverse().join(",")}]}`);
  }

  /** Takes the place of what is remembered. @throws when the bytes are no snapshot of this version; nothing changes then. */
  restore(bytes: Uint8Array): void {
    const saved = JSON.parse(Buffer.from(bytes).toString()) as SavedState;
    if (saved.version !== 1) throw new RangeError(`Sparkplug state of version ${saved.version}`);
    this.#edges = new Map(saved.edges.map(([name, session]) => [name, EdgeSession.restore(session)]));
  }

  #session(group: string, edge: string): EdgeSession {
    const name = `${group}/${edge}`;
    const known = this.#edges.get(name);
    if (known) {
      if (this.#edges.size < EDGES_MAX / 2) return known;
      this.#edges.delete(name); // put last: the order is that of use
    }
    const session = known ?? new EdgeSession();
    this.#edges.set(name, session);
    if (this.#edges.size > EDGES_MAX) this.#edges.delete(this.#edges.keys().next().value as string);
    return session;
  }
}

/** One message against its session. */
class Reader {
  readonly #session: EdgeSession;
  readonly #address: Address;
  readonly #payload: Payload;
  readonly #at: number;
  readonly #bdSeq: number | null;
  readonly #isReplay: boolean;
  readonly #notices: EdgeNotice[] = [];
  readonly #live: DecodedReading[] = [];
  readonly #historical: DecodedReading[] = [];
  readonly #faults: Fault[] = [];
  readonly #watched: ReadonlySet<string> | undefined;
  /** The last of each name. */
  readonly #seen = new Map<string, SeenMetric>();

  constructor(parts: {
    readonly session: EdgeSession;
    readonly address: Address;
    readonly payload: Payload;
    readonly at: number;
    readonly watched: ReadonlySet<string> | undefined;
  }) {
    const { session, address, payload, at } = parts;
    this.#watched = parts.watched;
    this.#session = session;
    this.#address = address;
    this.#payload = payload;
    this.#at = at;
    this.#bdSeq = address.device === null ? bdSeqOf(payload) : null;
    // The next session's birth is no replay, whatever the clock says.
    const isNextBirth = address.type === "NBIRTH" && session.bdSeq !== null && this.#bdSeq === following(session.bdSeq);
    this.#isReplay = at < session.newestAt - CLOCK_SLACK_MS && !isNextBirth;
    if (!this.#isReplay) session.newestAt = at;
  }

  read(): SparkplugOutcome {
    const { type } = this.#address;
    if (type === "NDEATH" || type === "DDEATH") return this.#death(type);
    if (type === "NBIRTH" || type === "DBIRTH") return this.#birth(type);
    return this.#data();
  }

  #birth(type: "NBIRTH" | "DBIRTH"): SparkplugOutcome {
    const { device } = this.#address;
    const { metrics, seq } = this.#payload;
    if (!this.#isReplay) {
      if (type === "DBIRTH" && !this.#session.isAlive) return this.#unborn();
      const isTaken =
        type === "NBIRTH"
          ? this.#session.nodeBirth(metrics, this.#bdSeq, this.#at)
          : this.#session.deviceBirth(device ?? "", metrics, this.#at);
      if (!isTaken)
        return this.#refuse("BIRTH_TOO_LARGE", `more metrics or devices than are remembered of one edge node`);
      this.#count(seq);
      this.#notice("birth", "");
    }
    for (const metric of metrics) if (metric.name !== null) this.#take(metric, metric.name, metric.datatype ?? 0);
    return this.#outcome("birth");
  }

  #data(): SparkplugOutcome {
    const { device } = this.#address;
    if (this.#isReplay) {
      if (this.#at < (this.#session.steadySince ?? Number.NEGATIVE_INFINITY))
        return this.#refuse(
          "ALIASES_CHANGED",
          "the edge node has given its aliases another meaning since this message",
        );
    } else {
      if (!this.#session.isAlive) return this.#unborn();
      this.#count(this.#payload.seq);
      if (!this.#session.isBorn(device)) return this.#unborn();
    }
    let unknown: string | null = null;
    for (const metric of this.#payload.metrics) {
      const meaning = this.#session.meaning(device, metric, this.#isReplay);
      if (meaning) this.#take(metric, meaning.name, meaning.type);
      else {
        unknown = metric.name === null && metric.alias !== null ? "ALIAS_UNKNOWN" : "METRIC_UNKNOWN";
        this.#faults.push(
          fault(unknown, `${metric.name ?? `alias ${metric.alias}`} is in no birth of ${this.#place()}`),
        );
      }
    }
    if (unknown !== null && !this.#isReplay) this.#notice("rebirth-wanted", unknown);
    return this.#outcome("data");
  }

  #death(type: "NDEATH" | "DDEATH"): SparkplugOutcome {
    if (this.#isReplay) return this.#outcome("ignored");
    if (type === "DDEATH" && this.#session.isAlive) this.#count(this.#payload.seq);
    const isMeant =
      type === "NDEATH"
        ? this.#session.nodeDeath(this.#bdSeq)
        : this.#session.isAlive && this.#session.deviceDeath(this.#address.device ?? "");
    if (!isMeant) return this.#outcome("ignored");
    this.#notice("death", "");
    return this.#outcome("death");
  }

  #unborn(): SparkplugOutcome {
    this.#notice("rebirth-wanted", "BIRTH_MISSING");
    return this.#refuse(
      "BIRTH_MISSING",
      `${this.#place()} has not been born; after its next birth this can be replayed`,
    );
  }

  #count(seq: number | null): void {
    const verdict = this.#session.sequence(seq === null ? null : seq % 256);
    if (verdict === "gap") this.#notice("gap", "SEQ_GAP");
    if (verdict === "gap-closed") this.#notice("gap-closed", "");
  }

  #take(metric: Metric, name: string, type: number): void {
    if (this.#watched?.has(name) && !metric.isHistorical && !this.#isReplay) this.#see(metric, name, type);
    if (isControl(name) || metric.isTransient || !isNumeric(type)) return;
    const found = readingOf(metric, name, type, this.#payload.time);
    if ("code" in found) this.#faults.push(found);
    else (metric.isHistorical ? this.#historical : this.#live).push(found);
  }

  #see(metric: Metric, name: string, type: number): void {
    const number = metric.isNull || metric.field === "string" ? null : numberOf(metric, name, type);
    const value = metric.field === "string" ? metric.text : typeof number === "number" ? number : null;
    this.#seen.set(name, { metric: name, value });
  }

  #notice(kind: EdgeNoticeKind, reason: string): void {
    const { group, edge, device } = this.#address;
    this.#notices.push({ kind, group, edge, device, at: this.#at, reason });
  }

  #place(): string {
    const { group, edge, device } = this.#address;
    return device === null ? `edge node ${group}/${edge}` : `device ${device} of edge node ${group}/${edge}`;
  }

  #refuse(code: string, detail: string): SparkplugOutcome {
    return { ...this.#outcome("refused"), refused: fault(code, detail) };
  }

  #outcome(kind: SparkplugOutcome["kind"]): SparkplugOutcome {
    const { seq } = this.#payload;
    const isAllHistory = this.#live.length === 0 && this.#historical.length > 0;
    const own = { boot: "", seq: -1, faults: this.#faults };
    const decoded: Decoded = isAllHistory
      ? { ...own, backfill: true, readings: this.#historical }
      : {
          ...own,
          backfill: false,
          readings: this.#live,
          ...(this.#historical.length > 0
            ? { history: { boot: "", seq: -1, backfill: true, readings: this.#historical, faults: [] } }
            : {}),
        };
    return {
      kind,
      seq,
      bdSeq: this.#bdSeq,
      refused: null,
      decoded,
      notices: this.#notices,
      seen: [...this.#seen.values()],
    };
  }
}

function bdSeqOf({ metrics }: Payload): number | null {
  const found = metrics.find(({ name }) => name === "bdSeq");
  return found && (found.field === "long" || found.field === "int") ? found.value : null;
}

function following(bdSeq: number): number {
  return (bdSeq + 1) % BDSEQ_LIMIT;
}

const NOTHING: Decoded = { boot: "", seq: -1, backfill: false, readings: [], faults: [] };

function refusal(refused: Fault): SparkplugOutcome {
  return { kind: "refused", seq: null, bdSeq: null, refused, decoded: NOTHING, notices: [], seen: [] };
}
