/**
 * HJ 212 bytes → one object a frame, in stream order, as protocol tools and the vector files show them: for looking at a
 * stream, not for readings (hj212.ts).
 *
 * `groups` is CP cut at every `;` and then at `,`, as such tools do; a text between // and // that holds a `;` stands in
 * two pieces here, and whole in `parseSegment`.
 */

import { answerFor } from "../../core/hj212-answer.ts";
import type { Hj212CrcVariant } from "../../core/hj212-crc.ts";
import { encodeFrame, type Hj212Event } from "../../core/hj212-frame.ts";
import { Hj212Framer } from "../../core/hj212-framer.ts";
import { type Hj212Header, type Hj212SegmentFault, parseSegment } from "../../core/hj212-segment.ts";
import { sm4Decrypter } from "../../core/hj212-sm4.ts";

/** Keys as in the vector files. */
export interface ShownFrame {
  readonly header: Hj212Header;
  readonly flag: { readonly version: number; readonly split: boolean; readonly ack: boolean } | null;
  /** An item without `=` has null as value; null when the segment has no usable CP. */
  readonly groups: readonly (readonly (readonly [name: string, value: string | null])[])[] | null;
  /** The whole frame that the platform answers with; always with the standard's check. */
  readonly ack: string | null;
  /** Why the frame goes to quarantine, unanswered, although its check fits. */
  readonly error?: Hj212SegmentFault;
}
export interface ShownFault {
  readonly error: Hj212SegmentFault;
}

/**
 * The frames and faults of a stream. Noise between frames is passed over.
 *
 * @param profile `crc` as in the device's profile; `sm4Key`, 16 bytes, for the 2025 edition.
 */
export function* decodeHj212Frames(
  bytes: Uint8Array,
  profile: { readonly crc?: Hj212CrcVariant; readonly sm4Key?: Uint8Array } = {},
): Generator<ShownFrame | ShownFault> {
  const { crc = "hj212", sm4Key } = profile;
  const framer = new Hj212Framer({ crc, ...(sm4Key ? { decrypt: sm4Decrypter(sm4Key) } : {}) });
  for (const event of framer.push(bytes)) yield event.kind === "frame" ? showFrame(event.data) : showFault(event);
  const waiting = framer.waitingBytes;
  if (waiting > 0) {
    yield shown("FRAME_INCOMPLETE", `${waiting} bytes of a frame that ends early`, "end of the input", "send the rest");
  }
}

function showFrame(data: Uint8Array): ShownFrame {
  const parsed = parseSegment(data);
  const { header } = parsed;
  const flag =
    parsed.flag === null
      ? null
      : { version: parsed.flag.version, split: parsed.flag.numbered, ack: parsed.flag.answer };
  if ("error" in parsed) return { header, flag, groups: null, ack: null, error: parsed.error };
  const answer = answerFor(parsed);
  const ack = answer === null ? null : Buffer.from(encodeFrame(answer)).toString("utf8");
  return { header, flag, groups: plainGroups(parsed.cp), ack };
}

function plainGroups(cp: string): (readonly [string, string | null])[][] {
  return cp
    .split(";")
    .map((group) => splitItems(group).flatMap(shownItem))
    .filter((group) => group.length > 0);
}
/** At commas, but not those of a text that begins with `//`. */
function splitItems(group: string): string[] {
  const text = group.indexOf("=//");
  if (text < 0) return group.split(",");
  const close = group.indexOf("//", text + 3);
  const end = close < 0 ? group.length : close + 2;
  const before = group.lastIndexOf(",", text) + 1;
  const rest = group.slice(end).replace(/^[^,]*,?/, "");
  return [...group.slice(0, before).split(","), group.slice(before, end), ...(rest === "" ? [] : splitItems(rest))];
}
function shownItem(item: string): (readonly [string, string | null])[] {
  if (item.trim() === "") return [];
  const equals = item.indexOf("=");
  return [equals < 0 ? [item.trim(), null] : [item.slice(0, equals).trim(), item.slice(equals + 1).trim()]];
}

function showFault(event: Exclude<Hj212Event, { kind: "frame" }>): ShownFault {
  if (event.kind === "bad-crc") {
    const given = event.crcGiven.replace(/[^\x21-\x7e]/g, "?");
    const hint = event.fits === null ? "compare with HJ 212-2017 Annex A; it is not Modbus" : `set crc=${event.fits}`;
    const what = `check ${given} of ${event.length} bytes is wrong${event.crcExpected === "" ? "" : `, ${event.crcExpected} is right`}`;
    return shown("CRC_WRONG", what, "end of the frame", hint);
  }
  const what = {
    "not-4-digits": "the length is not four digits",
    "too-long": "the length is beyond what can be taken",
    incomplete: "the length reaches over a whole other frame",
  }[event.why];
  return shown("LENGTH_WRONG", what, "behind ##", "send the bytes of the data segment as four digits");
}

function shown(code: string, what: string, where: string, mend: string): ShownFault {
  return { error: { code, what, where, mend } };
}
