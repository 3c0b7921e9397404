/**
 * Asks devices for what is missing, through the ledger like any command: HJ 212 devices for the data of a hole in time, devices
 * that number their messages for the numbers that never came.
 *
 * Every hole and every run of numbers is asked for once. Whether and how often the request is handed over is the commander's
 * business: three times at most while nobody answers. A device has few such requests open at a time, so that what people ask is
 * not crowded out; the others wait. One that has said `unsupported` is not asked for numbers for a week.
 */
import { createHash } from "node:crypto";
import { type CommandStore, type DeviceCommand, FETCH_SEQS_MAX } from "../core/command.ts";
import { Refused } from "../core/errors.ts";
import type { SeqGap, TimeGap } from "../core/fleet.ts";
import { HISTORY_MS_MAX, historyKind } from "../core/hj212-limits.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory } from "../core/ports.ts";
import type { Device } from "../core/site.ts";

/** How long a device may take to be there and be asked. */
const PATIENCE_MS = 86_400_000;
/** Holes of one device asked for at the same time; numbers one by one. */
const OWN_OPEN_MAX = 4;
const UNSUPPORTED_MS = 7 * 86_400_000;
/** Newest commands of a device among which its last word on history is looked for. */
const LOOK_BACK = 50;

export interface HistoryParts {
  readonly directory: () => Directory;
  readonly commands: Pick<CommandStore, "put" | "open" | "of">;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** A hole in the data of a device. */
export interface Hole {
  readonly device: string;
  readonly gap: TimeGap;
}
/** Messages of a device that never came. */
export interface Missing {
  readonly device: string;
  readonly gap: SeqGap;
}

/** Only a device with a connection of its own, speaking our own protocol, hears `cmd` and numbers what it sends. */
export function numbersMessages({ profile, via }: Device): boolean {
  const { hj212, lorawan, sparkplug } = profile ?? {};
  return via === undefined && hj212 === undefined && lorawan === undefined && sparkplug === undefined;
}

/** @returns whether it counts as asked for now. */
export async function fetchHole(hole: Hole, parts: HistoryParts, now: number): Promise<boolean> {
  const device = parts.directory().device(hole.device)?.device;
  if (device?.profile?.hj212 === undefined) return false;
  const command = fetchCommand(hole, device, now);
  const open = (await parts.commands.open(hole.device)).filter(isOwn);
  if (open.some(({ id }) => id === command.id)) return true;
  if (open.length >= OWN_OPEN_MAX) return false;
  const { from, to } = hole.gap;
  return put(command, `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`, parts);
}

function isOwn({ op, via }: DeviceCommand): boolean {
  return op === "fetchHistory" && via === "server";
}

/** @returns whether it counts as asked for now. */
export async function fetchMissing(missing: Missing, parts: HistoryParts, now: number): Promise<boolean> {
  const command = missingCommand(missing, now);
  const open = (await parts.commands.open(missing.device)).find(isOwn);
  if (open) return open.id === command.id;
  const last = (await parts.commands.of(missing.device, LOOK_BACK)).find(isOwn);
  if (last?.state === "unsupported" && now - last.updatedAt < UNSUPPORTED_MS) return false;
  const { boot, from, to } = missing.gap;
  return put(command, `messages ${from} to ${to} of boot ${boot}`, parts);
}

async function put(command: DeviceCommand, detail: string, { commands, log, metrics }: HistoryParts): Promise<boolean> {
  const { createdAt: at, by: actor, via, device } = command;
  try {
    await commands.put(command, { at, actor, via, action: "command.fetchHistory", object: device, detail });
    metrics.count("history_requests");
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    log.warn({ code: error.code, deviceId: device, detail }, "history of a gap could not be asked for");
    return false;
  }
}

/**
 * Pure. The id names device and hole, so that folding again after a crash asks once. What lies further back than one request
 * may reach is a matter for a person.
 */
export function fetchCommand(
  { device, gap }: Hole,
  { interval, profile }: Pick<Device, "interval" | "profile">,
  now: number,
): DeviceCommand {
  const data = historyKind(gap, { intervalMs: interval, profile: profile?.hj212 ?? {} });
  const from = Math.max(gap.from + 1, gap.to - HISTORY_MS_MAX[data]);
  const id = `h-${shortHash(device)}-${gap.from.toString(36)}`;
  return request({ id, device, args: { from, to: gap.to - 1, data } }, now);
}

/** Pure; the newest numbers when there are more than one request may name. */
export function missingCommand({ device, gap }: Missing, now: number): DeviceCommand {
  const { boot, from, to } = gap;
  const id = `m-${shortHash(`${device}/${boot}`)}-${from.toString(36)}`;
  const fromSeq = Math.max(from, to - FETCH_SEQS_MAX + 1);
  return request({ id, device, args: { boot, fromSeq, toSeq: to } }, now);
}

function request(about: Pick<DeviceCommand, "id" | "device" | "args">, now: number): DeviceCommand {
  return {
    ...about,
    op: "fetchHistory",
    state: "queued",
    detail: "",
    by: "fleet",
    via: "server",
    createdAt: now,
    expiresAt: now + PATIENCE_MS,
    sentAt: null,
    tries: 0,
    updatedAt: now,
  };
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}
