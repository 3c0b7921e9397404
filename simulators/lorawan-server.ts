/**
 * A simulated LoRaWAN network server: one MQTT account that publishes the uplinks, joins and battery reports of its
 * end-devices, as ChirpStack v4 or The Things Stack v3 would. Real on the wire; what is on it lorawan-events.ts writes.
 */
import type { Clock } from "../core/clock.ts";
import { createDevice } from "./device.ts";
import { type EndDevice, frameOf, type Measured, type Session, sessionOf } from "./lorawan.ts";
import type { ServerFormat } from "./lorawan-events.ts";

export interface LorawanServer {
  /**
   * The next frame of an end-device, which joins first when it has not. Resolves when every copy of its message has been
   * acknowledged, at once when no gateway heard it. @returns how many messages were sent: 0 for a lost frame.
   */
  uplink(devEui: string, measured: Measured, time: number): Promise<number>;
  /** A new activation: frames are counted from 0 again. */
  join(devEui: string, time: number): Promise<void>;
  counts(): {
    /** Frames that end-devices sent. */
    readonly frames: number;
    readonly lost: number;
    /** Messages that were sent a second time. */
    readonly repeated: number;
    readonly made: number;
    readonly acknowledged: number;
    readonly waiting: number;
  };
  drained(): Promise<void>;
  close(): Promise<void>;
}

/** ChirpStack asks for the battery now and then, in the demonstration oftener than once a day. */
const STATUS_FRAMES = 50;

interface Node {
  readonly device: EndDevice;
  session: Session | null;
  joins: number;
  /** Of the next frame. */
  fCnt: number;
}

export function createLorawanServer(parts: {
  readonly url: string;
  /** MQTT account: user, client id and secret. */
  readonly account: { readonly id: string; readonly secret: string };
  readonly format: ServerFormat;
  readonly devices: readonly EndDevice[];
  readonly clock: Clock;
  /** Sessions that each device had before this run, so that frames of another run are not taken for repeats. */
  readonly joinsBefore?: number;
  readonly onTrouble?: (error: Error, isRefused: boolean) => void;
}): LorawanServer {
  const { url, account, format, clock, joinsBefore = 0, onTrouble } = parts;
  const nodes = new Map(
    parts.devices.map((device): [string, Node] => [
      device.devEui.toUpperCase(),
      { device, session: null, joins: joinsBefore, fCnt: 0 },
    ]),
  );
  const connection = createDevice({
    url,
    identity: { ...account, prefix: "" },
    boot: "",
    clock,
    windowMax: 64,
    ...(onTrouble ? { onTrouble } : {}),
  });
  const counts = { frames: 0, lost: 0, repeated: 0 };
  const nodeOf = (devEui: string): Node => {
    const node = nodes.get(devEui.toUpperCase());
    if (!node) throw new RangeError(`no end-device ${devEui} belongs to ${account.id}`);
    return node;
  };
  const join = (node: Node, time: number): { readonly session: Session; readonly told: Promise<void> } => {
    const session = sessionOf(node.device, node.joins++);
    node.session = session;
    node.fCnt = 0;
    const { topic, body } = format.join(node.device, session, time);
    return { session, told: connection.publish(topic, body) };
  };

  return {
    join: async (devEui, time) => await join(nodeOf(devEui), time).told,
    uplink: async (devEui, measured, time) => {
      const node = nodeOf(devEui);
      const session = node.session ?? join(node, time).session;
      const frame = frameOf(node.device, session, { fCnt: node.fCnt++, time, measured });
      counts.frames += 1;
      if (frame.heard.length === 0) {
        counts.lost += 1;
        return 0;
      }
      counts.repeated += frame.copies - 1;
      const message = format.uplink(frame);
      const status = frame.fCnt % STATUS_FRAMES === 0 ? format.status(frame) : null;
      const messages = [...Array.from({ length: frame.copies }, () => message), ...(status ? [status] : [])];
      await Promise.all(messages.map(({ topic, body }) => connection.publish(topic, body)));
      return messages.length;
    },
    counts: () => ({ ...counts, ...connection.counts() }),
    drained: () => connection.drained(),
    close: () => connection.close(),
  };
}
