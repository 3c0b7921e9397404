/**
 * Commands over a session of a device's own protocol (HJ 212).
 *
 * One round is the standard's four sends under one number. What may be done twice without harm has three rounds; what may not,
 * such as a sample, has one: a logger that does it and never says so would take a sample each round.
 *
 * A fetch stays `sent` while it runs, though the device has agreed to it: broken off, by a restart of ours or by silence of the
 * logger, it is asked for again, and `accepted` never is.
 */
import { ACK_STATUSES, type CommandDelivery, type DeviceCommand, type DeviceCommander } from "../core/command.ts";
import type { FieldCommand, FieldOrder, FieldOutcome } from "../core/field-session.ts";
import { commandFault, historyKind } from "../core/hj212-limits.ts";
import { averageStart } from "../core/hj212-time.ts";
import type { Device } from "../core/site.ts";

/** The sessions that commands go down on. */
export interface FieldWay {
  /** Resolves with what became of it. */
  command(device: string, command: FieldCommand, order?: FieldOrder): Promise<FieldOutcome>;
  isConnected(device: string): boolean;
}

/** Nothing was sent, and nothing is wrong with the command. `busy` is not among them: it is a device's word. */
const AWAY: ReadonlySet<string> = new Set(["offline", "queue-full", "too-late", "unnoted"]);
/** Done twice it is as done once. */
const REPEATABLE: ReadonlySet<string> = new Set(["setInterval", "timeSync", "fetchHistory"]);
const ROUNDS_MAX = 3;
const DEFAULT_ZONE = "Asia/Shanghai";

export function fieldCommander(way: FieldWay): DeviceCommander {
  return {
    name: "field",
    serves: ({ device }) => device.profile?.hj212 !== undefined,
    reaches: ({ device }) => way.isConnected(device.id),
    send: async (command, { device }, marks) => {
      const asked = fieldCommand(command, device);
      if (typeof asked === "string") return answered("failed", asked);
      // A stop or a crash of ours lay between: whether the device has done it nobody knows.
      if (!REPEATABLE.has(command.op) && command.tries > 0) return answered("failed", "no-answer");
      let agreed: Promise<void> | undefined;
      const outcome = await way.command(device.id, asked, {
        ...{ id: command.id, expiresAt: command.expiresAt, isOwn: command.via === "server" },
        onSending: () => marks.sending(),
        onAccepted: () => {
          if (command.op !== "fetchHistory") agreed = marks.accepted("").catch(ignore); // the end is written all the same
        },
      });
      await agreed;
      return deliveryOf(outcome, command);
    },
  };
}

/** Pure. */
export function deliveryOf(
  { state, code, packets, sent }: FieldOutcome,
  { op, tries }: Pick<DeviceCommand, "op" | "tries">,
): CommandDelivery {
  if (AWAY.has(code) || (code === "closing" && sent === 0)) return { kind: "away" };
  const isFetch = op === "fetchHistory";
  if (code === "closing" && (isFetch || (state !== "accepted" && REPEATABLE.has(op)))) return { kind: "sent" };
  if (code === "no-result" && packets > 0) return answered("done", `${packets} packets, no result`);
  // It said yes (9011) and goes on working: asked again it would do it twice.
  if (code === "no-result" && !isFetch) return answered("accepted", code);
  const isPassing = code === "no-answer" ? REPEATABLE.has(op) : isFetch && (code === "no-result" || code === "busy");
  if (isPassing && tries + 1 < ROUNDS_MAX) return { kind: "sent" };
  const status = code === "unsupported" ? code : (ACK_STATUSES.find((word) => word === state) ?? "failed");
  return answered(status === "expired" ? "failed" : status, packets > 0 ? `${code}, ${packets} packets` : code);
}

function answered(status: (typeof ACK_STATUSES)[number], detail: string): CommandDelivery {
  return { kind: "answered", status, detail };
}

/** In words of the session; a text when the protocol cannot take these arguments. */
export function fieldCommand({ op, args }: DeviceCommand, device: Device): FieldCommand | string {
  const why = commandFault({ op, args }, device);
  if (why !== null) return why;
  if (op === "setInterval") {
    const seconds = Number(args["seconds"]);
    if (args["data"] !== "minute") return { kind: "set-interval", seconds };
    return { kind: "set-average-interval", minutes: seconds / 60 };
  }
  if (op === "sampleNow") return { kind: "sample-now" };
  if (op === "restart") return { kind: "restart" };
  if (op === "timeSync") return { kind: "set-clock" };
  const [from, to] = [Number(args["from"]), Number(args["to"])];
  const about = { intervalMs: device.interval, profile: device.profile?.hj212 ?? {} };
  const data = HISTORY_KINDS.find((kind) => kind === args["data"]) ?? historyKind({ from, to }, about);
  const start = averageStart(data, from, device.profile?.hj212?.zone ?? DEFAULT_ZONE);
  return { kind: "fetch-history", data, from: start, to };
}
const HISTORY_KINDS = ["minute", "hour", "day"] as const;

function ignore(): void {}
