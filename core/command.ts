/**
 * Commands to devices and their desired settings: what a person may ask, how it goes on, and what a device answers.
 * The wire form is that of topics `cmd`, `cmd/ack`, `cfg` and `state` below a device's prefix.
 */
import { z } from "zod";
import { COMMAND_OPS, type CommandOp } from "./command-ops.ts";
import type { AuditEntry } from "./ports.ts";
import type { DeviceContext } from "./site.ts";

const NoArgs = z.strictObject({}).default({});
const Instant = z.int().describe("ms since 1970 UTC");

const Boot = z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/);
const Seq = z.int().min(0);
/** Message numbers that one request may ask for. */
export const FETCH_SEQS_MAX = 10_000;

/** Between two times, both included. `data`: averages of which length (HJ 212); the device's profile says when left out. */
const HistoryOfTime = z
  .strictObject({ from: Instant, to: Instant, data: z.enum(["minute", "hour", "day"]).optional() })
  .refine(({ from, to }) => from <= to, "from must not be after to");
/** Messages of one boot by number, both included; for devices that number theirs. */
const HistoryOfSeqs = z
  .strictObject({ boot: Boot, fromSeq: Seq, toSeq: Seq })
  .refine(({ fromSeq, toSeq }) => fromSeq <= toSeq && toSeq - fromSeq < FETCH_SEQS_MAX, {
    message: `fromSeq must not be after toSeq, and at most ${FETCH_SEQS_MAX} messages`,
  });

/** What may be asked; times in ms since 1970 UTC. */
export const CommandAsk = z.discriminatedUnion("op", [
  z.strictObject({
    op: z.literal("setInterval"),
    args: z.strictObject({
      seconds: z.int().min(1).max(86_400),
      /** Of averages instead of real-time values (HJ 212, 1064). */
      data: z.literal("minute").optional(),
    }),
  }),
  z.strictObject({ op: z.literal("sampleNow"), args: NoArgs }),
  z.strictObject({ op: z.literal("restart"), args: NoArgs }),
  z.strictObject({ op: z.literal("timeSync"), args: NoArgs }),
  z.strictObject({ op: z.literal("fetchHistory"), args: z.union([HistoryOfTime, HistoryOfSeqs]) }),
]);
export type CommandAsk = z.infer<typeof CommandAsk>;
export type CommandArgs = Readonly<Record<string, number | string>>;

/** Arguments as they are kept and sent: what was left out is not there. */
export function argsOf({ args }: CommandAsk): CommandArgs {
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as CommandArgs;
}

/** `sent` was handed to the connection; `accepted` is the device's first word; the other four are ends. */
export const COMMAND_STATES = ["queued", "sent", "accepted", "done", "failed", "unsupported", "expired"] as const;
export type CommandState = (typeof COMMAND_STATES)[number];
export const COMMAND_OPEN: readonly CommandState[] = ["queued", "sent", "accepted"];

/** What the server asks by itself, such as the history of a gap, is not asked more often: people's commands wait behind it. */
export const OWN_TRIES_MAX = 3;

export const COMMAND_MS_DEFAULT = 3_600_000;
export const COMMAND_MS_MAX = 30 * 86_400_000;
/** Open commands of one device; one more is refused. */
export const COMMANDS_OPEN_MAX = 32;

export interface DeviceCommand {
  readonly id: string;
  readonly device: string;
  readonly op: CommandOp;
  readonly args: CommandArgs;
  readonly state: CommandState;
  /** The device's own words, or ours; at most `DETAIL_CHARACTERS_MAX`. */
  readonly detail: string;
  readonly by: string;
  readonly via: string;
  /** Wall clock, ms. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly sentAt: number | null;
  /** How often it was handed to a connection. */
  readonly tries: number;
  readonly updatedAt: number;
}
export const DETAIL_CHARACTERS_MAX = 300;

/** Payload of topic `cmd`. */
export const CommandMessage = z.strictObject({
  id: z.string().min(1).max(64),
  op: z.enum(COMMAND_OPS),
  args: z.record(z.string(), z.union([z.number(), z.string()])),
  exp: z.string().describe("RFC 3339; after it the device answers expired and does nothing"),
});
export type CommandMessage = z.infer<typeof CommandMessage>;

export const ACK_STATUSES = ["accepted", "done", "failed", "unsupported", "expired"] as const;
/** Payload of topic `cmd/ack`. */
export const CommandAck = z.object({
  id: z.string().min(1).max(64),
  status: z.enum(ACK_STATUSES),
  detail: z.unknown().optional(),
});
export type CommandAck = z.infer<typeof CommandAck>;

/** Settings as a flat object: what nests belongs into a device's own file format. */
export const DeviceSettings = z.record(
  z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
  z.union([z.string().max(256), z.number(), z.boolean()]),
);
export type DeviceSettings = z.infer<typeof DeviceSettings>;
export const SETTINGS_MAX = 64;

/** Payload of topic `cfg`, retained. */
export const ConfigMessage = z.strictObject({ version: z.int().min(1), values: DeviceSettings });

/** Payload of topic `state`, retained, and of the will. `cfg` is the version of the settings the device works by. */
export const DeviceState = z.object({
  online: z.boolean(),
  ts: z.union([z.string(), z.number()]).optional(),
  boot: z.string().max(64).optional(),
  fw: z.string().max(64).optional(),
  reason: z.string().max(64).optional(),
  until: z.union([z.string(), z.number()]).optional(),
  cfg: z.int().min(0).optional(),
});
export type DeviceState = z.infer<typeof DeviceState>;

export interface DeviceConfig {
  readonly device: string;
  readonly version: number;
  readonly values: DeviceSettings;
  readonly by: string;
  readonly at: number;
  /** Version that the device said it works by; null when it never said. */
  readonly reported: number | null;
  readonly reportedAt: number | null;
}

/** The payload of a command as it goes out. */
export function commandMessage({ id, op, args, expiresAt }: DeviceCommand): CommandMessage {
  return { id, op, args: { ...args }, exp: new Date(expiresAt).toISOString() };
}

/**
 * Pure: the state after a device's word, or null when it changes nothing. A repeated or late `accepted` says nothing
 * new; a device that did the work after our expiry did it all the same.
 */
export function stateAfterAck(state: CommandState, status: CommandAck["status"]): CommandState | null {
  if (status === "accepted") return state === "queued" || state === "sent" ? "accepted" : null;
  if (COMMAND_OPEN.includes(state)) return status;
  return state === "expired" && (status === "done" || status === "failed") ? status : null;
}

/** Commands and desired settings, durable; written by the web thread, the commander and the fleet loop. */
export interface CommandStore {
  /**
   * Durable with its audit entry; the same id twice equals once.
   * @throws Refused `COMMANDS_FULL` beyond `COMMANDS_OPEN_MAX` open ones of the device.
   */
  put(command: DeviceCommand, audit: AuditEntry): Promise<void>;
  get(id: string): Promise<DeviceCommand | null>;
  /** Newest first. */
  of(device: string, limit: number): Promise<readonly DeviceCommand[]>;
  /**
   * Devices with commands to be handed over: not yet sent, or last sent at `sentBefore` (ms) or earlier; without the server's
   * own that have been tried `OWN_TRIES_MAX` times. In order of their ids from after `after` on, so that those of devices that are away stand in nobody's way.
   */
  dueDevices(sentBefore: number, page: { readonly after: string; readonly limit: number }): Promise<readonly string[]>;
  /** Their commands to be handed over, oldest first. */
  due(devices: readonly string[], sentBefore: number): Promise<readonly DeviceCommand[]>;
  /** Those of one device that have not ended, oldest first. */
  open(device: string): Promise<readonly DeviceCommand[]>;
  /** Handed over once more; does nothing to one that has moved on. */
  sent(id: string, at: number): Promise<void>;
  /** No word came: the next try counts its wait from `at`. Does nothing to one that has moved on. */
  rested(id: string, at: number): Promise<void>;
  /** Deletes the server's own that have ended before that wall time, and returns how many; people's stay. */
  forget(before: number): Promise<number>;
  /** Ends those open ones whose time is over, and returns how many. */
  expire(now: number): Promise<number>;
  /**
   * The device's word; nothing when the command is not this device's. Returns the new state, null when it did not change: a
   * further `accepted` renews the detail only.
   */
  answer(device: string, ack: CommandAck, at: number): Promise<CommandState | null>;
  /** The next version of a device's desired settings, with its audit entry. */
  configure(
    change: { readonly device: string; readonly values: DeviceSettings; readonly by: string; readonly at: number },
    audit: AuditEntry,
  ): Promise<DeviceConfig>;
  config(device: string): Promise<DeviceConfig | null>;
  /** All of them; `since` leaves out what has not changed after that wall time. */
  configs(since?: number): Promise<readonly DeviceConfig[]>;
  reported(device: string, version: number, at: number): Promise<void>;
}

/**
 * What became of handing over: `away` is tried again, `sent` too while no word comes, `answered` is the device's word that came
 * on the same way.
 */
export type CommandDelivery =
  | { readonly kind: "away" }
  | { readonly kind: "sent" }
  | { readonly kind: "answered"; readonly status: CommandAck["status"]; readonly detail: string };

/** Written down while a command goes out, so that neither a person nor the next start takes it for one that still waits. */
export interface CommandMarks {
  /** Durable when it resolves; for a way on which an answer may come at once, or that takes long. Counts the try. */
  sending(): Promise<void>;
  /** The device is at it, or whoever carries it has it; from then on the command is not handed over again. */
  accepted(detail: string): Promise<void>;
}

/** One way down to devices. Never throws for what a device does. */
export interface DeviceCommander {
  readonly name: string;
  /** Whether this way is the device's. */
  serves(context: DeviceContext): boolean;
  /** Whether a command could be handed over now. */
  reaches(context: DeviceContext): boolean;
  /** What it calls `sent` without having said `marks.sending` is noted as sent then. */
  send(command: DeviceCommand, context: DeviceContext, marks: CommandMarks): Promise<CommandDelivery>;
}
