/** Pure: what a packet of a field device is to us, and how a command of ours becomes a packet. */
import type { Clock } from "../core/clock.ts";
import type { Hj212Profile } from "../core/device-profile.ts";
import type { FieldCommand } from "../core/field-session.ts";
import { buildCommand, EXECUTION_RESULTS, REQUEST_RESULTS, segmentText } from "../core/hj212-answer.ts";
import { encodeFrame, type Hj212Frame } from "../core/hj212-frame.ts";
import type { Hj212Segment } from "../core/hj212-segment.ts";
import { hj212Qn, hj212Time, parseHj212Time } from "../core/hj212-time.ts";
import { DROPPED_IN_2025, wordingOf } from "./hj212-commands.ts";
import type { FieldDevice } from "./hj212-devices.ts";
import type { Answer, Request } from "./hj212-exchange.ts";
import type { Part } from "./hj212-parts.ts";

const DEFAULT_ZONE = "Asia/Shanghai";
/** Version bits of `Flag` by edition, until the device has shown which it uses. */
const VERSIONS = { "2005": 0, "2017": 1, "2025": 2 } as const;
/** HJ 212-2017 table 5: waste water, the commonest, until the device has named its own. */
const DEFAULT_SYSTEM_CODE = "32";

/** `reply`: to a request of ours, or to an answer. `data`: to be kept. `notice`: everything else. */
export function kindOf(code: string): "reply" | "data" | "clock-wish" | "notice" {
  if (/^901[1-4]$/.test(code)) return "reply";
  if (code === "1013") return "clock-wish";
  return /^[23]/.test(code) ? "data" : "notice";
}

/** What people ask for to read it themselves; the rest is readings and goes to ingest. */
const READS: ReadonlySet<string> = new Set("1061 1063 2041 3015 3017 3018 3019 3020".split(" "));

/** What a packet says about a request of ours, if it may be about one. */
export function saidOf(segment: Hj212Segment, zone = DEFAULT_ZONE): Answer | null {
  const { CN: code = "" } = segment.header;
  if (code === "9011") return verdict(REQUEST_RESULTS, itemOf(segment, "QnRtn"), "accepted");
  if (code === "9012") return verdict(EXECUTION_RESULTS, itemOf(segment, "ExeRtn"), "done");
  if (code === "9013") return { kind: "noticed" };
  if (code === "9014") return null;
  const systemTime = code === "1011" ? itemOf(segment, "SystemTime") : undefined;
  const deviceTime = systemTime === undefined ? null : parseHj212Time(systemTime, zone);
  const dataTime = itemOf(segment, "DataTime");
  const items = READS.has(code) ? segment.groups.flat() : [];
  const said = items.flatMap(([name, value]) => (value && name !== "DataTime" ? [[name, value] as const] : []));
  return {
    kind: "data",
    ...(said.length === 0 ? {} : { said: new Map(said) }),
    ...(dataTime === undefined ? {} : { dataTime }),
    ...(deviceTime === null ? {} : { deviceTime }),
  };
}

function verdict(words: Readonly<Record<string, string>>, code: string | undefined, good: "accepted" | "done"): Answer {
  const number = String(Number(code)); // some write 01
  if (number === "1") return { kind: good };
  return { kind: "failed", code: Object.hasOwn(words, number) ? (words[number] ?? "unknown") : "unknown" };
}

/** Value of the first item of that name in CP. */
export function itemOf({ groups }: Pick<Hj212Segment, "groups">, name: string): string | undefined {
  for (const group of groups) for (const [own, value] of group) if (own === name) return value;
  return undefined;
}

/** Null for a packet without numbers. */
export function partOf({ header, flag, groups }: Hj212Segment): Part | null {
  if (!flag?.numbered) return null;
  const { CN: command = "", ST: systemCode = "", PNUM, PNO } = header;
  const dataTime = itemOf({ groups }, "DataTime") ?? "";
  return { command, systemCode, dataTime, total: Number(PNUM), number: Number(PNO) };
}

/**
 * What the journal keeps of a packet: its bytes as they came, or encoded anew in plaintext, since whoever reads them later
 * has no key.
 *
 * @param lent the DataTime of part 1, for a part without one: it goes before the packet as a frame that holds nothing
 *   else, so that the message can be understood by itself, now and when it is replayed.
 */
export function keptBytes(
  frame: Hj212Frame,
  profile: Hj212Profile | undefined,
  lent: { readonly part: Part; readonly dataTime: string } | null,
): Uint8Array {
  const own = frame.decrypted ? encodeFrame(frame.data, profile?.crc) : frame.raw;
  if (lent === null) return own;
  const { command: CN, systemCode, total } = lent.part;
  const ST = systemCode === "" ? undefined : systemCode;
  const header = { ST, CN, MN: profile?.mn, Flag: "6", PNUM: String(total), PNO: "1" };
  return Buffer.concat([encodeFrame(segmentText(header, [[["DataTime", lent.dataTime]]]), profile?.crc), own]);
}

/** Called when its turn has come; `unsupported` or `invalid` as `wordingOf` says. */
export function requestOf(
  command: FieldCommand,
  parts: {
    readonly device: FieldDevice;
    readonly clock: Clock;
    /** The one that is kept, asked for each time it is sent: a re-send may come after a change. */
    readonly password: () => string | undefined;
    readonly profile: Hj212Profile;
    /** The command's id. */
    readonly id?: string | undefined;
  },
): (() => Request) | "unsupported" | "invalid" {
  const { device, clock, password, profile, id } = parts;
  const wording = wordingOf(command);
  if (typeof wording === "string") return wording;
  if (profile.edition === "2025" && DROPPED_IN_2025.has(wording.code)) return "unsupported";
  const { zone, crc } = profile;
  return () => {
    const qn = hj212Qn(device.qnOf(id, clock.now()), zone);
    const packet = (): Uint8Array => {
      const own = password(); // first: a change of it makes the manner void
      const { manner } = device;
      const text = buildCommand({
        qn,
        st: profile.st ?? manner?.systemCode ?? DEFAULT_SYSTEM_CODE,
        cn: wording.code,
        pw: own ?? manner?.password ?? "",
        mn: profile.mn,
        version: manner?.version ?? VERSIONS[profile.edition],
        groups: wording.groups(clock.now(), zone),
      });
      return encodeFrame(text, crc);
    };
    const { code, expects, range } = wording;
    const stamps = range && { from: hj212Time(range.from, zone), to: hj212Time(range.to, zone) };
    return { command, qn, code, expects, packet, ...(stamps ? { range: stamps } : {}) };
  };
}
