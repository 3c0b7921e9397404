/** Commands over a session of a device's own protocol (HJ 212). */
import { ACK_STATUSES, type DeviceCommand, type DeviceCommander } from "../core/command.ts";
import type { FieldCommand, FieldOutcome } from "../core/field-session.ts";
import { commandFault, historyKind } from "../core/hj212-limits.ts";
import type { Device } from "../core/site.ts";

/** The sessions that commands go down on. */
export interface FieldWay {
  /** Resolves with what became of it. */
  command(device: string, command: FieldCommand): Promise<FieldOutcome>;
  isConnected(device: string): boolean;
}

const AWAY: ReadonlySet<string> = new Set(["offline", "busy"]);

export function fieldCommander(way: FieldWay): DeviceCommander {
  return {
    name: "field",
    serves: ({ device }) => device.profile?.hj212 !== undefined,
    reaches: ({ device }) => way.isConnected(device.id),
    send: async (command, { device }) => {
      const asked = fieldCommand(command, device);
      if (typeof asked === "string") return { kind: "answered", status: "failed", detail: asked };
      const { state, code, packets, sent } = await way.command(device.id, asked);
      if (AWAY.has(code) || (code === "closing" && sent === 0)) return { kind: "away" };
      // It said yes (9011) and goes on working: asked again it would do it twice.
      if (code === "no-result") return { kind: "answered", status: "accepted", detail: code };
      if (state === "expired") return { kind: "sent" }; // no answer in the protocol's time: asked again later
      const status = code === "unsupported" ? "unsupported" : state;
      const known = ACK_STATUSES.find((word) => word === status) ?? "failed";
      return { kind: "answered", status: known, detail: packets > 0 ? `${code}, ${packets} packets` : code };
    },
  };
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
  return { kind: "fetch-history", data, from, to };
}
const HISTORY_KINDS = ["minute", "hour", "day"] as const;
