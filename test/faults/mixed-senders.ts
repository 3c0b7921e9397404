/** Senders of every protocol for the mixed fault: each sends a value until it has been acknowledged as its protocol does. */
import { systemClock } from "../../core/clock.ts";
import { encodeFrame } from "../../core/hj212-frame.ts";
import { hj212Qn, hj212Time } from "../../core/hj212-time.ts";
import type { Telemetry } from "../../core/wire.ts";
import { createDevice } from "../../simulators/device.ts";
import { createHj212Logger } from "../../simulators/hj212.ts";
import { createSparkplugEdge } from "../../simulators/sparkplug-edge.ts";
import { aTestRegistry, type Ports, type TestRegistry } from "../support/server.ts";
import { createHttpSender } from "./http-sender.ts";

/** Devices of each protocol. */
export const EACH = 5;
export const QUANTITY = "ec";
const UNIT = "µS/cm";
const ZONE = "Asia/Shanghai";

/** The acknowledgement that counts: PUBACK, 9014, 202. */
export const PROTOCOLS = [
  ...(["telemetry", "senml", "thingsboard", "cayenne", "tts"] as const),
  ...(["sparkplug", "hj212", "hj212-mqtt", "http"] as const),
] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface MixedSender {
  readonly protocol: Protocol;
  readonly station: string;
  /** Resolves when acknowledged. */
  send(value: number, time: number): Promise<void>;
}
export interface Mixed {
  readonly senders: readonly MixedSender[];
  close(): Promise<void>;
}

/** Devices 1 to EACH are of the first protocol, and so on; accounts behind them carry Cayenne, The Things Stack and Sparkplug. */
const COUNT = PROTOCOLS.length * EACH;
const LORAWAN_SERVER = COUNT + 1;
const EDGE_NODE = COUNT + 2;
const TTS_SERVER = COUNT + 3;

const idOf = (n: number): string => `dev-${n}`;
const secretOf = (n: number): string => `secret-of-device-${n}-0123456789abcdef`;
const prefixOf = (n: number): string => `ews/1/t1/s1/mw-${n}/dev-${n}/`;
const mnOf = (n: number): string => `MIXED${String(n).padStart(19, "0")}`;
const euiOf = (n: number): string => `00AABBCCDD${String(n).padStart(6, "0")}`;

export function mixedRegistry(): TestRegistry {
  const base = aTestRegistry(COUNT + 3);
  return { ...base, devices: base.devices.map((device, at) => ({ ...device, ...profileOf(at + 1) })) };
}

function profileOf(n: number): object {
  const map = (name: string): object => ({ [name]: { quantity: QUANTITY, unit: UNIT } });
  if (n === EDGE_NODE) return { profile: { sparkplug: { group: "mixed", edge: "edge" } } };
  switch (PROTOCOLS[Math.floor((n - 1) / EACH)]) {
    case "senml":
    case "thingsboard":
      return { profile: { map: map("conductivity") } };
    case "cayenne":
      return {
        via: idOf(LORAWAN_SERVER),
        profile: { lorawan: { devEui: euiOf(n), payload: "cayenne" }, map: map("generic_1") },
      };
    case "tts":
      return {
        via: idOf(TTS_SERVER),
        profile: { lorawan: { devEui: euiOf(n), payload: "object" }, map: map("conductivity") },
      };
    case "sparkplug":
      return {
        via: idOf(EDGE_NODE),
        profile: { sparkplug: { group: "mixed", edge: "edge", device: idOf(n) }, map: map("conductivity") },
      };
    case "hj212":
    case "hj212-mqtt":
      return { profile: { hj212: { mn: mnOf(n) }, map: map("w01014") } };
    default:
      return {};
  }
}

type Wire = readonly [topic: string, payload: object | string];
type Send = MixedSender["send"];
interface Opened {
  readonly send: (n: number) => Send;
  close(): Promise<void>;
}

export function openMixed(ports: Ports, seed: number): Mixed {
  const url = `mqtt://127.0.0.1:${ports.mqtt}`;
  const numbers = (protocol: Protocol): number[] =>
    Array.from({ length: EACH }, (_, at) => PROTOCOLS.indexOf(protocol) * EACH + at + 1);
  const opened: Record<Protocol, Opened> = {
    telemetry: openPublishers(url, numbers("telemetry")),
    senml: openPublishers(url, numbers("senml"), (n, { value, time }) => [
      `${prefixOf(n)}senml`,
      [{ n: "conductivity", v: value, t: time / 1_000 }],
    ]),
    thingsboard: openPublishers(url, numbers("thingsboard"), (_n, { value, time }) => [
      "v1/devices/me/telemetry",
      { ts: time, values: { conductivity: value } },
    ]),
    cayenne: openPublishers(url, [LORAWAN_SERVER], (_n, { name, value, time }) => uplink(Number(name), value, time)),
    tts: openPublishers(url, [TTS_SERVER], (_n, { name, value, time }) => ttsUplink(Number(name), value, time)),
    sparkplug: openEdge(url, numbers("sparkplug")),
    hj212: openLoggers(ports.hj212, numbers("hj212"), seed),
    "hj212-mqtt": openPublishers(url, numbers("hj212-mqtt"), (n, { value, time }) => [
      `${prefixOf(n)}hj212`,
      hj212Packet(n, value, time),
    ]),
    http: openHttp(`http://127.0.0.1:${ports.http}/api/v1/telemetry`, numbers("http")),
  };
  return {
    senders: PROTOCOLS.flatMap((protocol) =>
      numbers(protocol).map((n) => ({ protocol, station: `mw-${n}`, send: opened[protocol].send(n) })),
    ),
    close: async () => {
      await Promise.all(Object.values(opened).map(({ close }) => close()));
    },
  };
}

/**
 * Store-and-forward devices over MQTT, each reading with PUBACK. One account may carry several devices: their number
 * stands for the quantity then, until `write` makes the message of it.
 */
function openPublishers(
  url: string,
  accounts: readonly number[],
  write?: (account: number, reading: { readonly name: string; readonly value: number; readonly time: number }) => Wire,
): Opened {
  const devices = new Map(
    accounts.map((account) => {
      const identity = { id: idOf(account), secret: secretOf(account), prefix: prefixOf(account) };
      const parts = { url, identity, boot: "boot-1", clock: systemClock };
      if (!write) return [account, createDevice(parts)] as const;
      const own = ({ ts, r: [reading] }: Telemetry): { topic: string; body: string } => {
        const { p: name = "", v = null } = reading ?? {};
        const [topic, payload] = write(account, { name, value: Number(v), time: Number(ts) });
        return { topic, body: typeof payload === "string" ? payload : JSON.stringify(payload) };
      };
      return [account, createDevice({ ...parts, write: own })] as const;
    }),
  );
  const [carrier] = devices.values();
  return {
    send: (n) => async (v, ts) =>
      devices.has(n)
        ? devices.get(n)?.send([{ p: QUANTITY, v, u: UNIT }], { ts })
        : carrier?.send([{ p: String(n), v }], { ts }),
    close: async () => {
      for (const device of devices.values()) await device.close();
    },
  };
}

/** ChirpStack v4; Cayenne LPP: channel 1, type 100 (four bytes, divisor 1). */
function uplink(n: number, value: number, time: number): Wire {
  const bytes = Buffer.from([1, 100, 0, 0, 0, 0]);
  bytes.writeUInt32BE(value, 2);
  return [
    `application/mixed/device/${euiOf(n)}/event/up`,
    {
      deduplicationId: `${String(n).padStart(8, "0")}-0000-4000-8000-${String(time).slice(-12)}`,
      time: new Date(time).toISOString(),
      deviceInfo: { devEui: euiOf(n) },
      fPort: 2,
      data: bytes.toString("base64"),
    },
  ];
}

/** The Things Stack v3, payload formatter of the server. */
function ttsUplink(n: number, conductivity: number, time: number): Wire {
  const at = new Date(time).toISOString();
  return [
    `v3/mixed@ttn/devices/node-${n}/up`,
    {
      end_device_ids: { device_id: `node-${n}`, application_ids: { application_id: "mixed" }, dev_eui: euiOf(n) },
      received_at: at,
      uplink_message: {
        f_port: 2,
        f_cnt: Math.floor(time / 1_000) % 65_536,
        decoded_payload: { conductivity },
        received_at: at,
      },
    },
  ];
}

/** One real-time packet, as text: it is ASCII. */
function hj212Packet(n: number, value: number, time: number): string {
  const head = `QN=${hj212Qn(time, ZONE)};ST=32;CN=2011;PW=123456;MN=${mnOf(n)};Flag=5;`;
  const frame = encodeFrame(`${head}CP=&&DataTime=${hj212Time(time, ZONE)};w01014-Rtd=${value},w01014-Flag=N&&`);
  return Buffer.from(frame).toString("latin1");
}

function openEdge(url: string, numbers: readonly number[]): Opened {
  const waiting = new Map<string, () => void>();
  const keyOf = (device: string, time: number | undefined): string => `${device}@${time}`;
  const edge = createSparkplugEdge({
    url,
    account: { id: idOf(EDGE_NODE), secret: secretOf(EDGE_NODE) },
    ...{ group: "mixed", edge: "edge", clock: systemClock, qos: 1 },
    devices: numbers.map((n) => ({
      id: idOf(n),
      metrics: [{ name: "conductivity", type: "Double", value: null }],
    })),
    onStored: (device, values) => {
      for (const { time } of values) waiting.get(keyOf(device, time))?.();
    },
  });
  const closing = new AbortController();
  const connecting = (async () => {
    while (!closing.signal.aborted) {
      if (!edge.isConnected()) await edge.connect().catch(() => undefined);
      await systemClock.sleep(100, closing.signal);
    }
  })();
  return {
    send: (n) => (value, time) =>
      new Promise((resolve) => {
        waiting.set(keyOf(idOf(n), time), resolve);
        edge.data(idOf(n), [{ name: "conductivity", value, time }]);
      }),
    close: async () => {
      closing.abort();
      await connecting;
      await edge.close();
    },
  };
}

function openLoggers(port: number, numbers: readonly number[], seed: number): Opened {
  const loggers = new Map(
    numbers.map((n) => {
      const identity = { host: "127.0.0.1", port, mn: mnOf(n), password: "123456", clock: systemClock };
      return [n, createHj212Logger({ ...identity, windowMax: 8, answerMs: 2_000, tear: { seed: seed + n } })] as const;
    }),
  );
  return {
    send: (n) => async (w01014, time) => loggers.get(n)?.send({ w01014 }, { time }),
    close: async () => {
      for (const logger of loggers.values()) await logger.close();
    },
  };
}

function openHttp(url: string, numbers: readonly number[]): Opened {
  const senders = new Map(
    numbers.map((n) => [n, createHttpSender({ url, id: idOf(n), secret: secretOf(n) })] as const),
  );
  return {
    send: (n) => async (v, ts) => senders.get(n)?.send({ ts, r: [{ p: QUANTITY, v, u: UNIT }] }),
    close: async () => {
      for (const sender of senders.values()) await sender.close();
    },
  };
}
