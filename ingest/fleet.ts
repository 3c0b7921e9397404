/**
 * The reader of stream `fleet`: folds the health of every device, hands devices' answers to commands and reported
 * settings to the ledger, and asks for history where a hole in the data can be fetched.
 *
 * Position and memory are saved together, so after a crash the last half minute is folded again from the saved memory;
 * what goes to the ledger is idempotent. Nothing on the path of a warning waits for this loop.
 */
import type { Clock } from "../core/clock.ts";
import { CommandAck, type CommandStore, DeviceState } from "../core/command.ts";
import type { FleetDevice, FleetEntry, FleetHealth, FleetSignal } from "../core/fleet.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory, Journal } from "../core/ports.ts";
import type { Device } from "../core/site.ts";
import { isAnswer, type MetricSeen } from "../core/sparkplug-command.ts";
import { DeviceFold, type DeviceHealthSnapshot } from "./fleet-health.ts";
import { fetchHole, fetchMissing, type Hole, type Missing, numbersMessages } from "./fleet-history.ts";

const READER = "fleet";
const READ_BYTES = 1024 * 1024;
const SAVE_MS = 30_000;

export interface FleetParts {
  readonly journal: Journal;
  readonly directory: () => Directory;
  readonly book: FleetBook;
  readonly commands: Pick<CommandStore, "put" | "answer" | "reported" | "open" | "of">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Health of all devices, in memory. */
export class FleetBook implements FleetHealth {
  readonly #directory: () => Directory;
  readonly #clock: Clock;
  #folds = new Map<string, DeviceFold>();

  constructor(parts: { readonly directory: () => Directory; readonly clock: Clock }) {
    this.#directory = parts.directory;
    this.#clock = parts.clock;
  }

  /** Takes in one batch; returns the holes in data time that it showed. */
  add({ notes }: FleetEntry): readonly Hole[] {
    const holes: Hole[] = [];
    for (const note of notes) {
      const context = this.#directory().device(note.device);
      if (!context) continue;
      let fold = this.#folds.get(note.device);
      if (!fold) {
        fold = new DeviceFold();
        this.#folds.set(note.device, fold);
      }
      for (const gap of fold.add(note, context.device.interval)) holes.push({ device: note.device, gap });
    }
    return holes;
  }

  /** Numbers that are still missing some time after this batch's devices showed it, and are not asked for yet. */
  missing({ notes }: FleetEntry): readonly Missing[] {
    const found: Missing[] = [];
    for (const { device, receivedAt } of notes) {
      const context = this.#directory().device(device);
      const gap = context && numbersMessages(context.device) ? this.#folds.get(device)?.missing(receivedAt) : null;
      if (gap) found.push({ device, gap });
    }
    return found;
  }

  asked({ device, gap }: Missing, at: number): void {
    this.#folds.get(device)?.asked(gap, at);
  }

  /** Holes of this batch's devices that could not be asked for when they showed. */
  holes({ notes }: FleetEntry): readonly Hole[] {
    const found: Hole[] = [];
    for (const { device, receivedAt } of notes) {
      const context = this.#directory().device(device);
      if (context?.device.profile?.hj212 === undefined) continue;
      const gap = this.#folds.get(device)?.hole(receivedAt, context.device.interval);
      if (gap) found.push({ device, gap });
    }
    return found;
  }

  askedHole({ device, gap }: Hole, at: number): void {
    this.#folds.get(device)?.askedHole(gap, at);
  }

  async device(id: string): Promise<FleetDevice | null> {
    const context = this.#directory().device(id);
    return context ? this.#view(context.device) : null;
  }

  async all(): Promise<readonly FleetDevice[]> {
    return this.#directory().snapshot.devices.map((device) => {
      const view = this.#view(device);
      return { ...view, series: [], changes: [], days: view.days.slice(0, 1) };
    });
  }

  /** Devices that left the registry are left behind here. */
  snapshot(): Uint8Array {
    const devices: [string, DeviceHealthSnapshot][] = [];
    for (const [id, fold] of this.#folds) if (this.#directory().device(id)) devices.push([id, fold.snapshot()]);
    return Buffer.from(JSON.stringify({ version: 1, devices }));
  }

  /** @returns false when the bytes are of another version or damaged: then memory begins anew, as without any. */
  restore(bytes: Uint8Array | null): boolean {
    this.#folds = new Map();
    if (bytes === null) return true;
    try {
      const saved = JSON.parse(Buffer.from(bytes).toString()) as {
        version: number;
        devices: [string, DeviceHealthSnapshot][];
      };
      if (saved.version !== 1) return false;
      this.#folds = new Map(saved.devices.map(([id, fold]) => [id, DeviceFold.restore(fold)]));
      return true;
    } catch {
      return false;
    }
  }

  #view(device: Device): FleetDevice {
    return (this.#folds.get(device.id) ?? new DeviceFold()).view(device, this.#clock.now());
  }
}

/** Runs until the signal aborts. @throws Unavailable when journal or ledger are away: the caller runs it again. */
export async function runFleet(parts: FleetParts, signal: AbortSignal): Promise<void> {
  const { journal, book, clock, log } = parts;
  const saved = await journal.loadState(READER);
  if (!book.restore(saved?.bytes ?? null)) log.warn({}, "fleet state is unreadable; it begins anew");
  let next = Math.max(saved?.offset ?? 0, (await journal.stats()).streams.fleet.start);
  let savedAt = clock.monotonic();
  let isChanged = false;
  const save = async (): Promise<void> => {
    await journal.commit({
      advance: [{ reader: READER, stream: "fleet", offset: next }],
      state: [{ reader: READER, offset: next, bytes: book.snapshot() }],
    });
    savedAt = clock.monotonic();
    isChanged = false;
  };
  while (!signal.aborted) {
    const entries = await journal.read("fleet", next, READ_BYTES);
    if (entries.length === 0) {
      if (isChanged && clock.monotonic() - savedAt >= SAVE_MS) await save();
      await journal.wait("fleet", next, signal);
      continue;
    }
    for (const { offset, bytes } of entries) {
      await use(JSON.parse(Buffer.from(bytes).toString()) as FleetEntry, parts);
      next = offset + 1;
    }
    isChanged = true;
    if (clock.monotonic() - savedAt >= SAVE_MS) await save();
  }
  // In order to stop cleanly the newest memory is kept; a journal that is away already costs half a minute of folding.
  if (isChanged) await save().catch((error: unknown) => log.warn({ err: error }, "fleet state was not saved"));
}

async function use(entry: FleetEntry, parts: FleetParts): Promise<void> {
  const now = parts.clock.now();
  const { book } = parts;
  for (const hole of book.add(entry)) if (await fetchHole(hole, parts, now)) book.askedHole(hole, now);
  for (const hole of book.holes(entry)) if (await fetchHole(hole, parts, now)) book.askedHole(hole, now);
  for (const missing of book.missing(entry)) if (await fetchMissing(missing, parts, now)) book.asked(missing, now);
  for (const signal of entry.signals) await useSignal(signal, parts);
}

/** A device may say anything: what is neither an answer nor a state is counted, and that is all. */
async function useSignal(signal: FleetSignal, parts: FleetParts): Promise<void> {
  const { device, channel, receivedAt } = signal;
  const json = parse(signal.payload);
  if (channel === "metric") {
    await useMetric(device, { ...(json as Omit<MetricSeen, "at">), at: receivedAt }, parts);
    return;
  }
  if (channel === "cmd/ack") {
    const ack = CommandAck.safeParse(json);
    if (ack.success) await parts.commands.answer(device, ack.data, receivedAt);
    parts.metrics.count("command_answers", 1, { status: ack.success ? ack.data.status : "unreadable" });
    return;
  }
  const state = DeviceState.safeParse(json);
  if (state.success && state.data.cfg !== undefined) await parts.commands.reported(device, state.data.cfg, receivedAt);
}

/** A metric that came back as it was written ends the command that wrote it. */
async function useMetric(device: string, seen: MetricSeen, parts: FleetParts): Promise<void> {
  const profile = parts.directory().device(device)?.device.profile?.sparkplug;
  if (!profile) return;
  for (const command of await parts.commands.open(device)) {
    if (!isAnswer(seen, command, profile)) continue;
    const detail = seen.isBirth ? `born again with ${seen.metric}` : `${seen.metric} is ${seen.value}`;
    await parts.commands.answer(device, { id: command.id, status: "done", detail }, seen.at);
    parts.metrics.count("command_answers", 1, { status: "done" });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
