/**
 * ThingsBoard device API, topic `v1/devices/me/telemetry`: `{k: v}`, `{ts, values: {k: v}}` with `ts` in Unix ms, or a list
 * of them. The connection is the device. Attributes are no readings.
 */
import { parseForeignTopic, THINGSBOARD_ATTRIBUTES } from "../../core/foreign-topics.ts";
import { READINGS_MAX, WireTime } from "../../core/wire.ts";
import {
  type Decoded,
  type DecodedReading,
  type DeviceHealth,
  type Envelope,
  type Fault,
  fault,
  type Refusal,
  refuse,
  type SenderProfile,
} from "./codec.ts";
import { checkedMs } from "./instant.ts";
import { parseJsonBytes } from "./json-bytes.ts";
import { field, isObject, type JsonObject, objectField, written } from "./json-fields.ts";
import { leavesOf, readLeaves } from "./value-tree.ts";

export const thingsboard = {
  name: "ThingsBoard",
  owns: (topic: string): boolean => parseForeignTopic(topic)?.format === "thingsboard",
  sender: (): null => null,
  decode: decodeThingsboard,
};

/** Reasons: those of `parseJsonBytes`, WRONG_SHAPE, TOO_MANY_READINGS; for one set of values the time reasons. */
export function decodeThingsboard(bytes: Uint8Array, sender: SenderProfile, { topic }: Envelope): Decoded | Refusal {
  const readings: DecodedReading[] = [];
  const faults: Fault[] = [];
  let health: DeviceHealth | undefined;
  if (topic !== THINGSBOARD_ATTRIBUTES) {
    const parsed = parseJsonBytes(bytes);
    if ("refused" in parsed) return parsed;
    const sets = Array.isArray(parsed.json) ? parsed.json : [parsed.json];
    if (sets.length === 0) return refuse("WRONG_SHAPE", "the list is empty");
    for (const [index, set] of sets.entries()) {
      if (!isObject(set)) return refuse("WRONG_SHAPE", `at [${index}]: {name: value} or {ts, values}`);
      const timed = timedValues(set, index);
      if ("code" in timed) {
        faults.push(timed);
        continue;
      }
      const { leaves, isTooMany } = leavesOf(timed.values, sender);
      if (isTooMany || readings.length + leaves.length > READINGS_MAX)
        return refuse("TOO_MANY_READINGS", `at most ${READINGS_MAX}`);
      const read = readLeaves(leaves, timed.time, sender);
      readings.push(...read.readings);
      if (read.health) health = { ...health, ...read.health };
    }
  }
  return { boot: "", seq: -1, backfill: false, readings, faults, ...(health ? { health } : {}) };
}

function timedValues(
  set: JsonObject,
  index: number,
): { readonly values: JsonObject; readonly time: number | null } | Fault {
  const values = objectField(set, "values");
  const ts = field(set, "ts");
  if (!values) return { values: set, time: null };
  if (ts === undefined) return { values, time: null };
  const time = WireTime.safeParse(ts);
  if (typeof ts !== "number" || !time.success)
    return fault("TIME_NOT_A_DATE", `at [${index}].ts: Unix milliseconds, not ${written(ts)}`);
  const ms = checkedMs(ts, `[${index}].ts`, ts);
  return typeof ms === "number" ? { values, time: ms } : ms;
}
