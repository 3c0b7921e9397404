/**
 * Commands to devices that others carry: Sparkplug edge nodes and LoRaWAN network servers. Which metric or which frame a
 * command is, is written in the device's profile.
 *
 * Handed over, such a command is `accepted`, not `sent`: it must not go out again, since a node knows nothing of our ids. What
 * becomes of it ingest reads from their messages (ingest/fleet.ts); what cannot be known stays accepted until it expires.
 */
import type { Clock } from "../core/clock.ts";
import type { CommandDelivery, DeviceCommander } from "../core/command.ts";
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

function ends(status: "unsupported" | "failed" | "accepted", detail: string): CommandDelivery {
  return { kind: "answered", status, detail };
}

/** By NCMD and DCMD, QoS 0 as Sparkplug B 3.0, 6.4.21 and 6.4.22 want it. */
export function sparkplugCommander({ send, listens, clock }: Parts): DeviceCommander {
  const isThere = (device: Device): boolean => {
    const { group = "", edge = "" } = device.profile?.sparkplug ?? {};
    return listens(carrierOf(device), nodeCommandTopic(group, edge));
  };
  return {
    name: "sparkplug",
    notesFirst: true,
    serves: ({ device }) => device.profile?.sparkplug !== undefined,
    reaches: ({ device }) => isThere(device),
    send: async (command, { device }) => {
      const { sparkplug } = device.profile ?? {};
      if (!sparkplug || !isThere(device)) return { kind: "away" };
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
      await send({ topic, payload, qos: 0, retain: false });
      return ends("accepted", `${metric} written; waits for its value to come back`);
    },
  };
}

/** Through the queue of a network server: ChirpStack v4 or The Things Stack v3. */
export function lorawanCommander({ send, listens, clock }: Parts): DeviceCommander {
  return {
    name: "lorawan",
    notesFirst: true,
    serves: ({ device }) => device.profile?.lorawan !== undefined,
    reaches: ({ device }) => {
      const { devEui = "", downlink } = device.profile?.lorawan ?? {};
      return !downlink || listens(carrierOf(device), downlinkTopic(downlink, devEui));
    },
    send: async (command, { device }) => {
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
      await send({ topic, payload: Buffer.from(message.json), qos: 1, retain: false });
      return ends("accepted", "given to the network server");
    },
  };
}
