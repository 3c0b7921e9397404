/**
 * A simulated LoRaWAN end-device and the air between it and its gateways: one numbered frame after the other, most of them
 * heard, some lost, some told twice by the network server. What happens to a frame is a function of (seed, device,
 * frame counter), so that a run can be repeated. Pure; lorawan-events.ts writes what the network servers make of it.
 */
import { createHash } from "node:crypto";
import { writeCayenne } from "./cayenne.ts";
import { normal, uniform } from "./random.ts";

/** By the name or dotted path that the decoded object will have: `temperature_1`, `water.level_m`. */
export type Measured = Readonly<Record<string, number>>;

export interface EndDevice {
  /** 16 hexadecimal digits. */
  readonly devEui: string;
  readonly name: string;
  /** Cayenne LPP bytes, or a payload of the maker's own that the network server decodes. */
  readonly payload: "cayenne" | "object";
  readonly fPort: number;
  readonly seed: number;
  /** Share of frames that no gateway hears, 0 to 1. */
  readonly lost: number;
  /** Share of frames whose message the network server sends twice, 0 to 1. */
  readonly repeated: number;
}

/** How a gateway received a frame. */
export interface Reception {
  readonly gateway: string;
  /** dBm. */
  readonly rssi: number;
  /** dB, in quarters. */
  readonly snr: number;
  readonly channel: number;
}

/** Of one activation over the air: the frame counter begins at 0 in each. */
export interface Session {
  /** 8 hexadecimal digits, lower case. */
  readonly devAddr: string;
  /** 16 bytes. */
  readonly keyId: Uint8Array;
}

export interface Frame {
  readonly device: EndDevice;
  readonly session: Session;
  readonly fCnt: number;
  /** Ms since 1970 UTC. */
  readonly time: number;
  readonly bytes: Uint8Array;
  /** What the network server decodes; null where it leaves the bytes as they are. */
  readonly object: Readonly<Record<string, unknown>> | null;
  /** Best first; empty when the frame was lost. */
  readonly heard: readonly Reception[];
  /** How often the network server sends its message: 1, or 2. */
  readonly copies: number;
  readonly spreadingFactor: number;
  /** Hz. */
  readonly frequency: number;
  /** What the device last said of its battery, percent. */
  readonly batteryPercent: number;
  /** Unique to the frame, the same in every copy of its message. */
  readonly id: string;
}

const GATEWAYS = ["a84041ffff1e3a01", "a84041ffff1e3a02", "a84041ffff1e3a03"];
/** CN470: uplink channel n lies at 470.3 MHz + n × 200 kHz; a gateway hears eight, here 80 to 87. */
const CHANNEL_FIRST_HZ = 486_300_000;
const CHANNEL_STEP_HZ = 200_000;
const CHANNELS = 8;
/** LoRa demodulates down to this SNR at SF12, dB, and needs 2.5 dB more for each factor less (SX1276 data sheet). */
const SNR_MIN_SF12 = -20;
const SNR_STEP = 2.5;
const SNR_MARGIN = 5;

/** @param joins how often the device has joined before. */
export function sessionOf({ devEui, seed }: EndDevice, joins: number): Session {
  const bytes = digest(`${seed}/${devEui}/join/${joins}`);
  return { devAddr: Buffer.from(bytes.subarray(0, 4)).toString("hex"), keyId: bytes.subarray(4, 20) };
}

/** @throws RangeError when a Cayenne payload cannot hold a value. */
export function frameOf(
  device: EndDevice,
  session: Session,
  { fCnt, time, measured }: { readonly fCnt: number; readonly time: number; readonly measured: Measured },
): Frame {
  const { seed, devEui } = device;
  const keyId = Buffer.from(session.keyId).toString("hex");
  const chance = (what: string): number => uniform(seed, `${devEui}/${keyId}/${what}`, fCnt);
  const isCayenne = device.payload === "cayenne";
  const channel = Math.floor(chance("channel") * CHANNELS);
  const heard = chance("lost") < device.lost ? [] : receptionsOf(device, fCnt, channel);
  return {
    ...{ device, session, fCnt, time, heard },
    bytes: isCayenne ? writeCayenne(measured) : floats(measured),
    object: isCayenne ? null : nested(measured),
    copies: chance("repeated") < device.repeated ? 2 : 1,
    spreadingFactor: spreadingFactorOf(heard[0]?.snr ?? SNR_MIN_SF12),
    frequency: CHANNEL_FIRST_HZ + channel * CHANNEL_STEP_HZ,
    batteryPercent: batteryPercentOf(fCnt),
    id: uuidOf(digest(`${seed}/${devEui}/${keyId}/${fCnt}`)),
  };
}

/** In steps of 1/254, as a device answers DevStatusReq: from 98 % on, a step every 2,000 frames, never below 20 %. */
export function batteryPercentOf(fCnt: number): number {
  const steps = Math.max(51, 249 - Math.floor(fCnt / 2_000));
  return Number(((steps / 254) * 100).toFixed(2));
}

/** Each device has its own distance to each gateway; the air adds some noise, and the farthest do not always hear it. */
function receptionsOf({ seed, devEui }: EndDevice, fCnt: number, channel: number): readonly Reception[] {
  const all = GATEWAYS.map((gateway) => {
    const pathDb = 85 + 45 * uniform(seed, `${devEui}/${gateway}/path`, 0);
    const rssi = Math.round(-pathDb + 2 * normal(seed, `${devEui}/${gateway}/fading`, fCnt));
    // 125 kHz: thermal noise and a noise figure of 6 dB make -117 dBm; a receiver reports no more than about 10 dB.
    const snr = Math.round(Math.min(10, rssi + 117) * 4) / 4;
    return { gateway, rssi, snr, channel };
  }).sort((one, other) => other.rssi - one.rssi);
  // The nearest hears what was not lost; the others only what their receiver can tell from noise.
  return all.filter(({ snr }, at) => at === 0 || snr > SNR_MIN_SF12);
}

/** The fastest that the signal allows, as adaptive data rate settles it. */
function spreadingFactorOf(snr: number): number {
  const spare = Math.floor((snr - SNR_MIN_SF12 - SNR_MARGIN) / SNR_STEP);
  return 12 - Math.max(0, Math.min(5, spare));
}

/** A maker's own payload: the values as 32 bit floats, big endian. */
function floats(measured: Measured): Uint8Array {
  const values = Object.values(measured);
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeFloatBE(value, at * 4);
  return bytes;
}

/** `{"water.level_m": 3}` as `{"water": {"level_m": 3}}`; a path through another's value stays as it is. */
function nested(measured: Measured): Readonly<Record<string, unknown>> {
  const object: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(measured)) {
    const [first = path, ...rest] = path.split(".");
    const inner = object[first] ?? {};
    if (rest.length === 0 || typeof inner !== "object") object[path] = value;
    else object[first] = { ...inner, ...nested({ [rest.join(".")]: value }) };
  }
  return object;
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

/** RFC 9562, version 4, of bytes that are as good as random. */
function uuidOf(bytes: Uint8Array): string {
  const sixteen = Buffer.from(bytes.subarray(0, 16));
  sixteen[6] = ((sixteen[6] ?? 0) & 0x0f) | 0x40;
  sixteen[8] = ((sixteen[8] ?? 0) & 0x3f) | 0x80;
  const hex = sixteen.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
