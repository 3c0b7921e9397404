/**
 * Commands to devices that others carry: Sparkplug edge nodes and LoRaWAN network servers. Which metric or which frame a
 * command is, is written in the device's profile.
 *
 * Handed over, such a command is `accepted`, not `sent`: it must not go out again, since a node knows nothing of our ids. That
 * is written down before it goes out, so that no crash makes two of it; one in between loses it, and it expires. What
 * becomes of it ingest reads from their messages (ingest/fleet.ts); what cannot be known stays accepted until it expires.
 */
import type { Clock } from "../core/clock.ts";
import type { CommandDelivery, CommandMarks, DeviceCommander } from "../core/command.ts";
import { downlinkTopic } from "../core/foreign-topics.ts";
import type { Device } from "../core/site.ts";
import { metricWrite } from "../core/sparkplug-command.ts";
import { deviceCommandTopic, nodeCommandTopic } from "../core/sparkplug-edges.ts";
import { writeSparkplug } from "../core/sparkplug-write.ts";
import type { OutgoingMessage } from "./broker.ts";
import { downlinkMessage } from "./lorawan-payload.ts";

interface Parts {
  send(message: OutgoingMessage): Promise<void>;
  listens(account: string, topic: string): boolean;
  readonly clock: Clock;
}

/** The account whose connection carries the device's messages. */
function carrierOf({ via, id }: Device): string {
  return via ?? id;
}

function ends(status: "unsupported" | "failed", detail: string): CommandDelivery {
  return { kind: "answered", status, detail };
}

async function handedOver(marks: CommandMarks, detail: string, send: () => Promise<void>): Promise<CommandDelivery> {
  await marks.sending();
  await marks.accepted(detail);
  await send();
  return { kind: "sent" };
}

/** By NCMD and DCMD, QoS 0 as Sparkplug B 3.0, 6.4.21 and 6.4.22 want it. */
export function sparkplugCommander({ send, listens, clock }: Parts): DeviceCommander {
  /** To the node or the device; which of the two a command is for says its metric. */
  const isThere = (one: Device): boolean => {
    const { group = "", edge = "", device = "" } = one.profile?.sparkplug ?? {};
    const topics = [nodeCommandTopic(group, edge), ...(device ? [deviceCommandTopic(group, edge, device)] : [])];
    return topics.some((topic) => listens(carrierOf(one), topic));
  };
  return {
    name: "sparkplug",
    serves: ({ device }) => device.profile?.sparkplug !== undefined,
    reaches: ({ device }) => isThere(device),
    send: async (command, { device }, marks) => {
      const { sparkplug } = device.profile ?? {};
      if (!sparkplug) return { kind: "away" };
      const now = clock.now();
      const write = metricWrite(command, sparkplug, now);
      if (write === null) {
        return ends("unsupported", `no metric for ${command.op}: name it in profile.sparkplug.commands.${command.op}`);
      }
      if (typeof write === "string") return ends("failed", `cannot be written: ${write}`);
      const { group, edge, device: name } = sparkplug;
      const isOfNode = write.of === "node" || name === undefined;
      const topic = isOfNode ? nodeCommandTopic(group, edge) : deviceCommandTopic(group, edge, name);
      if (!listens(carrierOf(device), topic)) return { kind: "away" };
      const { metric, type, value } = write;
      const payload = writeSparkplug({ time: now, metrics: [{ name: metric, time: now, type, value }] });
      const detail = `${metric} written; waits for its value to come back`;
      return handedOver(marks, detail, () => send({ topic, payload, qos: 0, retain: false }));
    },
  };
}

/** Through the queue of a network server: ChirpStack v4 or The Things Stack v3. */
export function lorawanCommander({ send, listens, clock }: Parts): DeviceCommander {
  return {
    name: "lorawan",
    serves: ({ device }) => device.profile?.lorawan !== undefined,
    reaches: ({ device }) => {
      const { devEui = "", downlink } = device.profile?.lorawan ?? {};
      return !downlink || listens(carrierOf(device), downlinkTopic(downlink, devEui));
    },
    send: async (command, { device }, marks) => {
      const { devEui = "", downlink } = device.profile?.lorawan ?? {};
      if (!downlink) return ends("unsupported", "no way down: describe it in profile.lorawan.downlink");
      const topic = downlinkTopic(downlink, devEui);
      if (!listens(carrierOf(device), topic)) return { kind: "away" };
      const message = downlinkMessage(command, { devEui, downlink }, clock.now());
      if (message === null) {
        const place = `profile.lorawan.downlink.commands.${command.op}`;
        return ends("unsupported", `no frame for ${command.op}: write it in ${place}`);
      }
      if (typeof message === "string") return ends("failed", `cannot be written: ${message}`);
      const payload = Buffer.from(message.json);
      return handedOver(marks, "given to the network server", () => send({ topic, payload, qos: 1, retain: false }));
    },
  };
}
