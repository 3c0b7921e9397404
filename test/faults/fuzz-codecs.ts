/**
 * Mutated messages through every decoder: sound seeds with bytes changed, cut, doubled and spiced.
 *
 * Promise: an answer for each and no exception, no message that takes over 250 ms of CPU, no memory that grows with the
 * number of messages, and readings that keep the shape ingest relies on. A run repeats by its seed.
 */
import { decodeCayenne } from "../../ingest/codecs/cayenne.ts";
import { decodeChirpstack } from "../../ingest/codecs/chirpstack.ts";
import type { Codec, SenderProfile } from "../../ingest/codecs/codec.ts";
import { decodeHj212 } from "../../ingest/codecs/hj212.ts";
import { decodeSenml } from "../../ingest/codecs/senml.ts";
import { SparkplugDecoder } from "../../ingest/codecs/sparkplug.ts";
import { decodeTelemetry } from "../../ingest/codecs/telemetry.ts";
import { decodeThingsboard } from "../../ingest/codecs/thingsboard.ts";
import { decodeTts } from "../../ingest/codecs/tts.ts";

const EUI = "00AABBCCDDEEFF01";
const AT = Date.UTC(2026, 2, 15);
const CPU_MS_MAX = 250;
const SPICES = [
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
];
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
  const sparkplug = new SparkplugDecoder();
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
    hj212: {
      codec: decodeHj212,
      topic: "",
      seeds: [
        Buffer.from(
          "##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80\r\n",
        ),
        Buffer.from(
          "##0162QN=20231008123340461;ST=22;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20231008123340;w01008-SampleTime=20231008123340,w01008-Rtd=123.456&&F441\r\n",
        ),
      ],
    },
    sparkplug: {
      codec: (bytes, _sender, envelope) => {
        const { refused, decoded } = sparkplug.decode(bytes, envelope);
        return refused ? { refused } : decoded;
      },
      topic: "spBv1.0/g/NBIRTH/e",
      seeds: hex(
        "0880d095ffbc3112120a0562645365711880d095ffbc312008580312210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b70001800",
        "0881d095ffbc3112180a02704810011880d095ffbc31200a697b14ae47e17a1c4012140a02436410021880d095ffbc312009650ad7a33a1801",
      ),
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
  const random = generator(seed);
  const device = sender(payload);
  const thrown: string[] = [];
  const misshapen: string[] = [];
  let [answered, refused, slowestMs, heapBefore] = [0, 0, 0, 0];
  for (let n = 0; n < inputs; n++) {
    if (n === Math.floor(inputs / 10)) heapBefore = heap();
    const bytes = mutate(seeds[random(seeds.length)] as Uint8Array, random);
    const began = process.cpuUsage();
    try {
      const result = codec(bytes, device, { topic, receivedAt: AT });
      if ("refused" in result) refused += 1;
      else {
        answered += 1;
        const isSound = result.readings.every(
          ({ quantity, value, time }) =>
            typeof quantity === "string" &&
            (value === null || typeof value === "number") &&
            (time === null || (Number.isFinite(time) && Math.abs(time) <= 8.64e15)),
        );
        if (!isSound && misshapen.length < 5) misshapen.push(bytes.toString("base64"));
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

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1_048_576;
}

/** xorshift32 */
function generator(seed: number): (below: number) => number {
  let state = seed | 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function mutate(seed: Uint8Array, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(seed);
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(bytes.length + 1);
    const kind = random(6);
    if (kind === 0 && bytes.length > 0) bytes[at % bytes.length] = random(256);
    else if (kind === 1 && bytes.length > 0) bytes[at % bytes.length] = 48 + random(10);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(12))]);
    else if (kind === 3)
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(SPICES[random(SPICES.length)] ?? ""),
        bytes.subarray(at),
      ]);
    else if (kind === 4)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1), at), bytes.subarray(at)]);
    else bytes = bytes.subarray(0, at);
  }
  return bytes.subarray(0, 8_000);
}
