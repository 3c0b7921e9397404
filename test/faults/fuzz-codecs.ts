/**
 * Mutated messages through every decoder that keeps nothing between messages: sound seeds with bytes changed, cut, doubled and spiced.
 *
 * Promise: an answer for each and no exception, no message that takes over 250 ms of CPU, no memory that grows with the
 * number of messages, and readings that keep the shape ingest relies on. A run repeats by its seed.
 */
import { decodeCayenne } from "../../ingest/codecs/cayenne.ts";
import { decodeChirpstack } from "../../ingest/codecs/chirpstack.ts";
import type { Codec, DecodedReading, SenderProfile } from "../../ingest/codecs/codec.ts";
import { decodeSenml } from "../../ingest/codecs/senml.ts";
import { decodeTelemetry } from "../../ingest/codecs/telemetry.ts";
import { decodeThingsboard } from "../../ingest/codecs/thingsboard.ts";
import { decodeTts } from "../../ingest/codecs/tts.ts";
import { mutate, noise } from "./fuzz-noise.ts";

const EUI = "00AABBCCDDEEFF01";
const AT = Date.UTC(2026, 2, 15);
const CPU_MS_MAX = 250;
export const SPICES = [
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "1e999",
  "-0",
  '"__proto__":1,',
  "\0",
  "\ud800",
  '{"a":',
  "1e-400",
  "true",
  "9".repeat(40),
  "e",
].map((text) => Buffer.from(text));
const sender = (payload: "object" | "cayenne"): SenderProfile => ({
  quantities: { ph: "pH" },
  profile: { lorawan: { devEui: EUI, payload, timePath: "at" }, map: { n: { quantity: "ph" } } },
});

interface Target {
  readonly codec: Codec;
  readonly topic: string;
  readonly seeds: readonly Uint8Array[];
  readonly payload?: "object" | "cayenne";
}

const json = (...values: unknown[]): Uint8Array[] => values.map((value) => Buffer.from(JSON.stringify(value)));
const hex = (...texts: string[]): Uint8Array[] => texts.map((text) => Buffer.from(text, "hex"));

const CHIRPSTACK = {
  deduplicationId: "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
  time: "2026-03-15T00:00:00.123456789+00:00",
  deviceInfo: { devEui: EUI.toLowerCase() },
  fCnt: 42,
  fPort: 2,
  data: "A2cBEAVnAP8=",
  rxInfo: [{ rssi: -90, snr: 2 }],
  object: { ph: 7.12, at: "2026-03-15T00:00:00Z", status: { door: false }, list: [1, 2], n: "7.5", battery: 3.5 },
};
const TTS = {
  end_device_ids: { dev_eui: EUI },
  received_at: "2026-03-15T00:00:02Z",
  uplink_message: {
    session_key_id: "AXA50tHUGUucuzS/bCGMNw==",
    f_cnt: 7,
    f_port: 1,
    frm_payload: "A2cBEAVnAP8=",
    decoded_payload: { temperature: 1, deep: { at: 1 } },
    rx_metadata: [{ time: "2026-03-15T00:00:01Z", rssi: -35, snr: 5 }],
  },
};

function targets(): Readonly<Record<string, Target>> {
  return {
    telemetry: {
      codec: decodeTelemetry,
      topic: "",
      seeds: json(
        {
          v: 1,
          boot: "a1",
          seq: 7,
          ts: AT,
          r: [
            { p: "cd", v: 0.5, u: "mg/L", cmp: "<", t: "2026-03-15T08:00:00+08:00" },
            { p: "ph", v: null, q: "C" },
          ],
          sig: { rssi: -80 },
        },
        { seq: 1, m: { ph: 7.1, ec: 800 } },
      ),
    },
    senml: {
      codec: decodeSenml,
      topic: "",
      seeds: json([
        { bn: "well:", bt: 1_773_000_000, bu: "Cel", bver: 10, bv: 1, n: "t", v: 2, t: -5 },
        { n: "b", vb: true },
        { n: "s", vs: "x", ut: 5 },
        { n: "flow", u: "m3/s", s: 10.5, bs: 2 },
        { n: "d", vd: "aGk" },
      ]),
    },
    chirpstack: { codec: decodeChirpstack, topic: `application/a/device/${EUI}/event/up`, seeds: json(CHIRPSTACK) },
    "chirpstack cayenne": { codec: decodeChirpstack, topic: "", seeds: json(CHIRPSTACK), payload: "cayenne" },
    tts: { codec: decodeTts, topic: "v3/app/devices/d/up", seeds: json(TTS) },
    cayenne: {
      codec: decodeCayenne,
      topic: "",
      seeds: hex("03670110056700FF", "067104D2FB2E0000018806765FF2960A0003E8", "0182000000220587FF8001048501020304"),
    },
    thingsboard: {
      codec: decodeThingsboard,
      topic: "v1/devices/me/telemetry",
      seeds: json([
        { ts: AT, values: { ph: 7, deep: { x: true } } },
        { ec: 800, n: "7" },
      ]),
    },
  };
}

export interface FuzzReport {
  readonly inputs: number;
  readonly answered: number;
  readonly refused: number;
  readonly thrown: readonly string[];
  readonly misshapen: readonly string[];
  readonly slowestMs: number;
  readonly heapGrowthMegabytes: number;
}

export function fuzzCodecs({
  inputs,
  seed,
}: {
  readonly inputs: number;
  readonly seed: number;
}): Record<string, FuzzReport> {
  return Object.fromEntries(Object.entries(targets()).map(([name, target]) => [name, fuzz(target, inputs, seed)]));
}

export function fuzzKept(reports: Record<string, FuzzReport>): boolean {
  return Object.values(reports).every(
    ({ thrown, misshapen, slowestMs, heapGrowthMegabytes, answered, refused, inputs }) =>
      thrown.length === 0 &&
      misshapen.length === 0 &&
      slowestMs <= CPU_MS_MAX &&
      heapGrowthMegabytes < 100 &&
      answered + refused === inputs &&
      answered > 0,
  );
}

function fuzz({ codec, topic, seeds, payload = "object" }: Target, inputs: number, seed: number): FuzzReport {
  const random = noise(seed);
  const device = sender(payload);
  const thrown: string[] = [];
  const misshapen: string[] = [];
  let [answered, refused, slowestMs, heapBefore] = [0, 0, 0, 0];
  for (let n = 0; n < inputs; n++) {
    if (n === Math.floor(inputs / 10)) heapBefore = heap();
    const bytes = mutate(seeds[random(seeds.length)] as Uint8Array, random, SPICES);
    const began = process.cpuUsage();
    try {
      const result = codec(bytes, device, { topic, receivedAt: AT });
      if ("refused" in result) refused += 1;
      else {
        answered += 1;
        if (!result.readings.every(isSound) && misshapen.length < 5) misshapen.push(bytes.toString("base64"));
      }
    } catch (error) {
      if (thrown.length < 5) thrown.push(`${error} on ${bytes.toString("base64")}`);
    }
    const { user, system } = process.cpuUsage(began);
    slowestMs = Math.max(slowestMs, (user + system) / 1_000);
  }
  return {
    inputs,
    answered,
    refused,
    thrown,
    misshapen,
    slowestMs,
    heapGrowthMegabytes: Math.max(0, Math.round(heap() - heapBefore)),
  };
}

/** The shape that ingest relies on. */
export function isSound({ quantity, value, time, unit }: DecodedReading): boolean {
  return (
    typeof quantity === "string" &&
    (value === null || typeof value === "number") &&
    (unit === undefined || typeof unit === "string") &&
    (time === null || (Number.isFinite(time) && Math.abs(time) <= 8.64e15))
  );
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1_048_576;
}
