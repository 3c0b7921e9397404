/**
 * HJ 212 frames → readings as sent. A payload is one whole frame from the TCP server (already decrypted), or one or more
 * frames carried in an MQTT message.
 *
 * Used: 2011 real time, 2051 minutes, 2061 hours, 2031 days, and 2013, 2052, 2111 of the 2025 edition; other commands hold no
 * readings, but some tell of the equipment (hj212-facts.ts). Units come from the code table, since the message has none. Split packets hold whole items: each is used by itself, in any order.
 *
 * A message has no (device, boot, seq): QN is in milliseconds, is reused for two commands, and one packet may hold hours
 * of history. So `boot` is "" and `seq` -1, and repeats are known by (series, time): a resend is dropped, another value for
 * the same time is a correction, the later arrival wins.
 */
import type { DeviceFact } from "../../core/fleet.ts";
import type { Hj212Frame } from "../../core/hj212-frame.ts";
import { Hj212Framer } from "../../core/hj212-framer.ts";
import type { HistoryKind } from "../../core/hj212-limits.ts";
import { type Hj212Group, type Hj212Segment, parseSegment } from "../../core/hj212-segment.ts";
import { looksEncrypted, sm4Decrypter } from "../../core/hj212-sm4.ts";
import { parseHj212Time } from "../../core/hj212-time.ts";
import type { Aggregate } from "../../core/reading.ts";
import { READINGS_MAX } from "../../core/wire.ts";
import type { SenderProfile } from "./codec.ts";
import { type Decoded, type DecodedReading, type Envelope, type Fault, fault, type Refusal, refuse } from "./codec.ts";
import { factsOf, unusedFault } from "./hj212-facts.ts";
import { resolveCode } from "./hj212-names.ts";
import { qualifierOf, readValue } from "./hj212-values.ts";

const HOUR_MS = 3_600_000;
const ZONE = "Asia/Shanghai";

interface DataCommand {
  readonly liveMs: number;
  /** Length of the interval. */
  readonly spanMs?: number;
  /**
   * Averages so long fill a hole when they come as history only: each hour has one, also the hour in which the logger was off for
   * a while. What is asked for is known where the profile names it.
   */
  readonly history?: HistoryKind;
}

/**
 * Commands with readings, and how old DataTime (the start of the interval) may be before the packet is a back-fill:
 * the interval and an hour; the longest minute interval is 30 min, day data may come the next morning.
 */
const DATA_COMMANDS: Readonly<Record<string, DataCommand>> = {
  "2011": { liveMs: HOUR_MS },
  // The packet does not say over how many minutes: 10 is the usual setting (MinInterval).
  "2051": { liveMs: 1.5 * HOUR_MS, spanMs: HOUR_MS / 6 },
  "2061": { liveMs: 2 * HOUR_MS, spanMs: HOUR_MS, history: "hour" },
  "2031": { liveMs: 36 * HOUR_MS, spanMs: 24 * HOUR_MS, history: "day" },
  // Edition 2025: raw data of periodic analysers, single runs of noise meters, means over 5 minutes of furnaces.
  "2013": { liveMs: 36 * HOUR_MS },
  "2052": { liveMs: 1.5 * HOUR_MS },
  "2111": { liveMs: 1.5 * HOUR_MS, spanMs: HOUR_MS / 12 },
};

/** Suffixes that are readings. Others (Zs…, Ori, EFlag, Info, RS, RT, vendors' own) describe and are not used. */
const AGGREGATE_OF: ReadonlyMap<string, Aggregate> = new Map([
  ["Rtd", "rtd"],
  ["Min", "min"],
  ["Avg", "avg"],
  ["Max", "max"],
  ["Cou", "sum"],
]);

/** What is gathered over the frames of a payload. */
interface Gathering {
  readonly sender: SenderProfile;
  readonly zone: string;
  readonly receivedAt: number;
  readonly readings: DecodedReading[];
  readonly faults: Fault[];
  readonly facts: DeviceFact[];
  /** Every frame with readings was a back-fill. */
  isBackfill: boolean;
  /** DataTime of the first packet, for parts of the same message that have none. */
  dataTime: number | null;
}

/**
 * Keys stay with the TCP server: a frame that came over MQTT or HTTP is encrypted still, and cannot be read.
 *
 * Reasons for a message: FRAME_MISSING, FRAME_INCOMPLETE, CRC_WRONG, ENCRYPTED_TCP_ONLY, LENGTH_WRONG, MN_MISMATCH, TIME_MISSING,
 * TIME_NOT_A_DATE, TOO_MANY_READINGS and those of `parseSegment`; beside frames that can be used they are faults. For a
 * reading: UPLOAD_UNUSED (an upload of which nothing at all was used), QUANTITY_UNKNOWN, VALUE_NOT_A_NUMBER, VALUE_NOT_COMPUTED, NULL_WITHOUT_QUALIFIER, TIME_NOT_A_DATE.
 */
export function decodeHj212(
  bytes: Uint8Array,
  sender: SenderProfile,
  envelope: Envelope,
  sm4Key?: Uint8Array,
): Decoded | Refusal {
  const profile = sender.profile?.hj212;
  const framer = new Hj212Framer({
    crc: profile?.crc ?? "hj212",
    ...(sm4Key ? { decrypt: sm4Decrypter(sm4Key) } : {}),
  });
  const gathering: Gathering = {
    sender,
    zone: profile?.zone ?? ZONE,
    receivedAt: envelope.receivedAt,
    readings: [],
    faults: [],
    facts: [],
    isBackfill: true,
    dataTime: null,
  };
  let used = 0;
  let first: Fault | null = null;
  for (const event of framer.push(bytes)) {
    const found = event.kind === "frame" ? useFrame(event, gathering) : frameFault(event, sm4Key ? null : bytes);
    if (found === null) used += 1;
    else {
      first ??= found;
      gathering.faults.push(found);
    }
  }
  if (framer.waitingBytes > 0) {
    const found = fault("FRAME_INCOMPLETE", `the last ${framer.waitingBytes} bytes are a frame that ends early`);
    first ??= found;
    gathering.faults.push(found);
  }
  if (used === 0)
    return first === null ? refuse("FRAME_MISSING", "no ## with four digits behind it") : { refused: first };
  const { readings, faults, facts } = gathering;
  if (readings.length > READINGS_MAX) {
    return refuse("TOO_MANY_READINGS", `${readings.length} readings; at most ${READINGS_MAX}`);
  }
  const backfill = readings.length > 0 && gathering.isBackfill;
  return { boot: "", seq: -1, backfill, readings, faults, ...(facts.length > 0 ? { facts } : {}) };
}

/** @param payload null where a key was given, so that nothing can be encrypted still. */
function frameFault(
  event: Exclude<ReturnType<Hj212Framer["push"]>[number], Hj212Frame>,
  payload: Uint8Array | null,
): Fault {
  if (payload !== null && looksEncrypted(payload)) {
    return fault("ENCRYPTED_TCP_ONLY", "the frame is encrypted (SM4); its key is known to the HJ 212 port only");
  }
  if (event.kind === "bad-length") return fault("LENGTH_WRONG", `length of a frame: ${event.why}`);
  const fits = event.fits === null ? "" : `; it would fit crc: ${event.fits} in the device's profile`;
  return fault("CRC_WRONG", `check ${event.crcGiven} of ${event.length} bytes, expected ${event.crcExpected}${fits}`);
}

/** Null when the frame was used, with faults of single readings in `gathering`; else why not. */
function useFrame(frame: Hj212Frame, gathering: Gathering): Fault | null {
  const segment = parseSegment(frame.data);
  if ("error" in segment) return fault(segment.error.code, `${segment.error.what} (${segment.error.where})`);
  const mn = gathering.sender.profile?.hj212?.mn;
  if (mn !== undefined && segment.header.MN !== undefined && segment.header.MN !== mn) {
    return fault("MN_MISMATCH", `MN ${segment.header.MN} is not that of this device`);
  }
  const { readings, faults, facts } = gathering;
  const before = readings.length + faults.length;
  const command = DATA_COMMANDS[segment.header.CN ?? ""];
  const found = command === undefined ? null : useData(segment, command, gathering);
  if (found !== null || readings.length + faults.length > before) return found;
  const told = factsOf(segment, dataTimeOf(segment, gathering.zone) ?? gathering.receivedAt, command !== undefined);
  facts.push(...told);
  const unused = told.length === 0 ? unusedFault(segment) : null;
  if (unused !== null) faults.push(unused);
  return null;
}

function useData(segment: Hj212Segment, command: DataCommand, gathering: Gathering): Fault | null {
  const time = timeOf(segment, gathering);
  if (typeof time !== "number") return time;
  const isOld = gathering.receivedAt - time > command.liveMs;
  const before = gathering.readings.length;
  const bareFlag = bareFlagOf(segment.groups);
  const isHistory = segment.header.RF === "1" || isOld;
  const { history } = command;
  const fills = history === undefined || isHistory || history === gathering.sender.profile?.hj212?.history;
  const spanMs = fills ? command.spanMs : undefined;
  for (const group of segment.groups)
    useGroup(group, { time, bareFlag, spanMs, isRtd: segment.header.CN === "2011" }, gathering);
  if (gathering.readings.length > before && !isHistory) gathering.isBackfill = false;
  return null;
}

function dataTimeOf({ groups }: Hj212Segment, zone: string): number | null {
  const [, text] = groups.flat().find(([name]) => name === "DataTime") ?? [];
  return text === undefined ? null : parseHj212Time(text, zone);
}

/** A `Flag=N` without a code, in a group of its own: for the values that have none. */
function bareFlagOf(groups: readonly Hj212Group[]): string | undefined {
  for (const group of groups) {
    for (const [name, value] of group) if (name === "Flag") return value;
  }
  return undefined;
}

/**
 * Of the whole packet. Real-time data without DataTime counts for the moment of its QN, which a resend repeats; the
 * start of an interval cannot be guessed.
 */
function timeOf({ header, groups }: Hj212Segment, gathering: Gathering): number | Fault | null {
  if (groups.length === 0) return null;
  for (const group of groups) {
    for (const [name, value] of group) {
      if (name !== "DataTime") continue;
      const time = parseHj212Time(value, gathering.zone);
      if (time === null) return fault("TIME_NOT_A_DATE", `DataTime=${value} names no instant`);
      gathering.dataTime ??= time;
      return time;
    }
  }
  const isRange = groups.some((group) => group.some(([name]) => name === "BeginTime"));
  if (isRange) return null; // a request for history, not data
  if (header.PNO !== undefined && gathering.dataTime !== null) return gathering.dataTime;
  const asked = header.CN === "2011" ? parseHj212Time(header.QN ?? "", gathering.zone) : null;
  return asked ?? fault("TIME_MISSING", `a packet of command ${header.CN} without DataTime`);
}

function useGroup(
  group: Hj212Group,
  packet: {
    readonly time: number;
    readonly bareFlag: string | undefined;
    readonly spanMs: number | undefined;
    readonly isRtd: boolean;
  },
  gathering: Gathering,
): void {
  for (let index = 0; index < group.length; index++) {
    const [name, text] = group[index] as Hj212Group[number];
    const dash = name.lastIndexOf("-");
    if (dash <= 0) continue;
    const aggregate = AGGREGATE_OF.get(name.slice(dash + 1));
    if (aggregate === undefined) continue;
    const code = name.slice(0, dash);
    const resolved = resolveCode(code, aggregate, gathering.sender);
    if (resolved === null) {
      gathering.faults.push(
        fault("QUANTITY_UNKNOWN", `${name}=${text}: no code of HJ 212 for water, nor of the profile`),
      );
      continue;
    }
    const flag = attribute(group, code, "-Flag") ?? packet.bareFlag;
    const qualifier = qualifierOf(flag);
    const read = readValue(name, text, qualifier);
    if ("code" in read) {
      gathering.faults.push(read);
      continue;
    }
    const sampled = packet.isRtd ? attribute(group, code, "-SampleTime") : undefined;
    const time = sampled === undefined || sampled === "" ? packet.time : parseHj212Time(sampled, gathering.zone);
    if (time === null) {
      gathering.faults.push(fault("TIME_NOT_A_DATE", `${code}-SampleTime=${sampled} names no instant`));
      continue;
    }
    const { quantity, unit } = resolved;
    const { value, cmp } = read;
    const reading = { quantity, value, unit, cmp, qualifier, time, aggregate, fraction: "total" } as const;
    gathering.readings.push(packet.spanMs === undefined ? reading : { ...reading, spanMs: packet.spanMs });
  }
}

/** Value of `code` + `suffix` in the group. */
function attribute(group: Hj212Group, code: string, suffix: string): string | undefined {
  for (const [name, value] of group) {
    if (name.length === code.length + suffix.length && name.endsWith(suffix) && name.startsWith(code)) return value;
  }
  return undefined;
}
