/**
 * Which Sparkplug metric a command writes, and by what its coming back is known. Pure; the gateway writes by it, ingest
 * looks out for the answer by it.
 *
 * Without a mapping in the profile only what Sparkplug B names itself is used: `Node Control/Rebirth`, `Reboot` and `Scan
 * Rate` (ms) of an edge node. Of a device behind one only the rebirth: the others would hit its neighbours too.
 */
import type { CommandArgs } from "./command.ts";
import type { CommandOp } from "./command-ops.ts";
import type { SparkplugCommand, SparkplugProfile } from "./device-profile.ts";
import { REBIRTH } from "./sparkplug-write.ts";

export const REBOOT = "Node Control/Reboot";
export const SCAN_RATE = "Node Control/Scan Rate";
/** Births that follow these are their answer: the metric itself goes back to false. */
const ANSWERED_BY_BIRTH: ReadonlySet<string> = new Set([
  REBIRTH,
  REBOOT,
  "Device Control/Rebirth",
  "Device Control/Reboot",
]);
/** A clock that was set and reads within this of ours is set. */
const CLOCK_MS_MAX = 60_000;

const OF_NODE: Readonly<Partial<Record<CommandOp, SparkplugCommand>>> = {
  sampleNow: { metric: REBIRTH, type: "Boolean" },
  restart: { metric: REBOOT, type: "Boolean" },
  setInterval: { metric: SCAN_RATE, type: "Int64", factor: 1_000 },
};
const BEHIND_NODE: Readonly<Partial<Record<CommandOp, SparkplugCommand>>> = {
  sampleNow: { metric: REBIRTH, type: "Boolean", of: "node" },
};

export interface MetricWrite {
  readonly metric: string;
  readonly type: SparkplugCommand["type"];
  readonly value: number | boolean | string;
  readonly of: "node" | "device";
}

/** A value of a metric that a command may write, as an edge node has sent it. */
export interface MetricSeen {
  readonly metric: string;
  readonly value: number | string | null;
  readonly of: "node" | "device";
  readonly isBirth: boolean;
  /** Arrival, wall clock, ms. */
  readonly at: number;
}

function mappingOf(op: CommandOp, { commands, device }: SparkplugProfile): SparkplugCommand | undefined {
  return commands?.[op] ?? (device === undefined ? OF_NODE : BEHIND_NODE)[op];
}
function placeOf(mapping: SparkplugCommand, { device }: SparkplugProfile): "node" | "device" {
  return device === undefined ? "node" : (mapping.of ?? "device");
}

/**
 * Null when the profile maps no metric to the command, a text when its value cannot be written.
 *
 * @param now wall clock, ms: what `timeSync` sets.
 */
export function metricWrite(
  { op, args }: { readonly op: CommandOp; readonly args: CommandArgs },
  profile: SparkplugProfile,
  now: number,
): MetricWrite | string | null {
  const mapping = mappingOf(op, profile);
  if (!mapping) return null;
  const { metric, type } = mapping;
  const value = valueWritten(mapping, { op, args }, now);
  const why = misfit(value, type);
  return why === null ? { metric, type, value, of: placeOf(mapping, profile) } : `${metric}: ${why}`;
}

function valueWritten(
  { value, type, factor = 1 }: SparkplugCommand,
  { op, args }: { readonly op: CommandOp; readonly args: CommandArgs },
  now: number,
): number | boolean | string {
  if (value !== undefined) return value;
  if (op !== "setInterval" && op !== "timeSync") return type === "Boolean" ? true : type === "String" ? "true" : 1;
  const number = (op === "setInterval" ? Number(args["seconds"]) : now) * factor;
  if (type === "String") return String(number);
  return isInteger(type) ? Math.round(number) : number;
}

const INTEGER = /^(U?)Int(\d+)$/;
function isInteger(type: SparkplugCommand["type"]): boolean {
  return type === "DateTime" || INTEGER.test(type);
}

function misfit(value: number | boolean | string, type: SparkplugCommand["type"]): string | null {
  if (type === "String") return typeof value === "string" ? null : "a String takes a text";
  if (type === "Boolean") return typeof value === "boolean" ? null : "a Boolean takes true or false";
  if (typeof value !== "number" || !Number.isFinite(value)) return `${type} takes a number`;
  if (!isInteger(type)) return null;
  const [, unsigned = "U", bits = "53"] = INTEGER.exec(type) ?? [];
  const size = Math.min(Number(bits), 53);
  const [low, high] = unsigned === "U" ? [0, 2 ** size] : [-(2 ** (size - 1)), 2 ** (size - 1)];
  return Number.isInteger(value) && value >= low && value < high ? null : `${value} does not fit into ${type}`;
}

/** Metrics whose coming back may answer a command, of the node or of the device. */
export function watchedMetrics(profile: SparkplugProfile, of: "node" | "device"): ReadonlySet<string> {
  const defaults = profile.device === undefined ? OF_NODE : BEHIND_NODE;
  const mappings = Object.values({ ...defaults, ...profile.commands });
  return new Set(mappings.filter((mapping) => placeOf(mapping, profile) === of).map(({ metric }) => metric));
}

/** Whether what an edge node has said is the answer to a command that was handed over at `sentAt` (wall clock, ms). */
export function isAnswer(
  seen: MetricSeen,
  command: { readonly op: CommandOp; readonly args: CommandArgs; readonly sentAt: number | null },
  profile: SparkplugProfile,
): boolean {
  if (command.sentAt === null || seen.at < command.sentAt) return false;
  const write = metricWrite(command, profile, seen.at);
  if (write === null || typeof write === "string" || write.metric !== seen.metric || write.of !== seen.of) return false;
  if (ANSWERED_BY_BIRTH.has(write.metric)) return seen.isBirth;
  if (seen.value === null) return false;
  const factor = mappingOf(command.op, profile)?.factor ?? 1;
  if (command.op === "timeSync" && typeof seen.value === "number" && typeof write.value === "number")
    return Math.abs(seen.value - write.value) <= CLOCK_MS_MAX * factor;
  return isSame(write, seen.value);
}

function isSame({ type, value }: MetricWrite, seen: number | string): boolean {
  if (typeof value === "boolean") return seen === (value ? 1 : 0);
  if (type === "Float" && typeof value === "number") return seen === Math.fround(value);
  return seen === value;
}
