/**
 * What each decoder does alone, on one core: prepared messages of different content, decoded again and again. CPU time of
 * the whole process, garbage collection included, so other load on the machine matters little.
 */

import { Hj212Profile } from "../../core/device-profile.ts";
import { externalName } from "../../core/directory.ts";
import { encodeFrame } from "../../core/hj212-frame.ts";
import { hj212Qn, hj212Time } from "../../core/hj212-time.ts";
import { writeSparkplug } from "../../core/sparkplug-write.ts";
import { decodeCayenne } from "../../ingest/codecs/cayenne.ts";
import { decodeChirpstack } from "../../ingest/codecs/chirpstack.ts";
import type { Codec, SenderProfile } from "../../ingest/codecs/codec.ts";
import { decodeHj212 } from "../../ingest/codecs/hj212.ts";
import { decodeHj212Frames } from "../../ingest/codecs/hj212-frames.ts";
import { decodeSenml } from "../../ingest/codecs/senml.ts";
import { SparkplugDecoder } from "../../ingest/codecs/sparkplug.ts";
import { decodeTelemetry } from "../../ingest/codecs/telemetry.ts";
import { decodeThingsboard } from "../../ingest/codecs/thingsboard.ts";
import { decodeTts } from "../../ingest/codecs/tts.ts";
import { NOW } from "../support/builders.ts";

const EUI = "00AABBCCDDEEFF01";
const MN = "010000A8900016F000169DC0";
/** A multiple of 256, so that Sparkplug's numbers go on from round to round. */
const MESSAGES = 2_048;
const sender: SenderProfile = {
  quantities: { cd: "mg/L", ph: "pH" },
  profile: { lorawan: { devEui: EUI, payload: "object" }, hj212: Hj212Profile.parse({ mn: MN }) },
};

interface Case {
  readonly name: string;
  readonly topic: string;
  readonly codec: Codec;
  readonly payload: (n: number) => string | Uint8Array;
  /** The least a core should do. */
  readonly target?: number;
  readonly readings: number;
}

export interface CodecRate {
  readonly messagesPerSecond: number;
  readonly cpuMicrosecondsAMessage: number;
  readonly bytesAMessage: number;
  readonly target: number | null;
  readonly isMet: boolean;
}

const values = (n: number) => ({
  cd: (8 + (n % 100)) / 1_000,
  ph: 7 + (n % 50) / 100,
  ec: 800 + (n % 70),
  temp: 15 + (n % 30) / 10,
  pb: 0.0003,
});
const NAMES = Object.keys(values(0));
const time = (n: number) => new Date(NOW + n * 1_000).toISOString();

const CASES: readonly Case[] = [
  {
    name: "telemetry",
    topic: "ews/1/t/s/st/d/telemetry",
    codec: decodeTelemetry,
    readings: 5,
    target: 200_000,
    payload: (n) =>
      JSON.stringify({
        v: 1,
        boot: "a41f09c2",
        seq: n,
        ts: time(n),
        r: Object.entries(values(n)).map(([p, v], at) => (at % 2 === 0 ? { p, v, u: "mg/L" } : { p, v })),
      }),
  },
  {
    name: "telemetry short form",
    topic: "ews/1/t/s/st/d/telemetry",
    codec: decodeTelemetry,
    readings: 5,
    payload: (n) => JSON.stringify({ seq: n, ts: NOW + n, m: values(n) }),
  },
  {
    name: "senml",
    topic: "ews/1/t/s/st/d/senml",
    codec: decodeSenml,
    readings: 5,
    target: 100_000,
    payload: (n) =>
      JSON.stringify(
        Object.entries(values(n)).map(([name, v], at) =>
          at === 0
            ? { bn: "urn:dev:mac:0024befffe804ff1:", bt: NOW / 1_000 + n, n: name, u: "mg/L", v }
            : { n: name, v },
        ),
      ),
  },
  {
    name: "chirpstack",
    topic: `application/17c82e96-be03-4f38-aef3-f83d48582d97/device/${EUI.toLowerCase()}/event/up`,
    codec: decodeChirpstack,
    readings: 5,
    payload: (n) =>
      JSON.stringify({
        deduplicationId: `3ac7e3c4-4401-4b8d-9386-${String(n).padStart(12, "0")}`,
        time: time(n),
        deviceInfo: { devEui: EUI.toLowerCase(), deviceName: "well 1", tags: { key: "value" } },
        fCnt: n,
        fPort: 1,
        data: "qg==",
        rxInfo: [{ gatewayId: "0016c001f153a14c", rssi: -36, snr: 10.5 }],
        object: values(n),
      }),
  },
  {
    name: "tts",
    topic: "v3/app@tenant/devices/d/up",
    codec: decodeTts,
    readings: 5,
    payload: (n) =>
      JSON.stringify({
        end_device_ids: { device_id: "d", dev_eui: EUI },
        received_at: time(n),
        uplink_message: {
          session_key_id: "AXA50tHUGUucuzS/bCGMNw==",
          f_cnt: n,
          f_port: 1,
          decoded_payload: values(n),
          rx_metadata: [{ time: time(n), rssi: -35, snr: 5 }],
          received_at: time(n),
        },
      }),
  },
  {
    name: "cayenne",
    topic: externalName.devEui(EUI),
    codec: decodeCayenne,
    readings: 5,
    payload: (n) => {
      const bytes = Buffer.from("0167FFD702686C037327BF04020000050300FF".slice(0, 38), "hex");
      bytes.writeInt16BE((n % 400) - 100, 2);
      return bytes;
    },
  },
  {
    name: "thingsboard",
    topic: "v1/devices/me/telemetry",
    codec: decodeThingsboard,
    readings: 5,
    payload: (n) => JSON.stringify({ ts: NOW + n, values: values(n) }),
  },
  {
    name: "hj212",
    topic: "ews/1/t/s/st/d/hj212",
    codec: decodeHj212,
    readings: 5,
    target: 60_000,
    payload: hj212Packet,
  },
  {
    name: "sparkplug",
    topic: "spBv1.0/park/DDATA/edge-1/well-1",
    codec: sparkplugEdge(),
    readings: 5,
    payload: (n) =>
      writeSparkplug({
        time: NOW,
        seq: (n + 2) % 256,
        metrics: metrics(n).map((metric, alias) => ({ ...metric, alias, isTyped: false, time: NOW })),
      }),
  },
];

/** An edge node with one device that has been born; between births values come by alias. */
function sparkplugEdge(): Codec {
  const decoder = new SparkplugDecoder();
  const say = (type: string, bytes: Uint8Array) =>
    decoder.decode(bytes, { topic: `spBv1.0/park/${type}`, receivedAt: NOW });
  const bdSeq = [{ name: "bdSeq", type: "UInt64", value: 0 }] as const;
  const named = metrics(0).map((metric, alias) => ({ ...metric, name: NAMES[alias] ?? "", alias }));
  say("NBIRTH/edge-1", writeSparkplug({ time: NOW, seq: 0, metrics: bdSeq }));
  say("DBIRTH/edge-1/well-1", writeSparkplug({ time: NOW, seq: 1, metrics: named }));
  return (bytes, _sender, envelope) => decoder.decode(bytes, envelope).decoded;
}
function metrics(n: number) {
  return Object.values(values(n)).map((value) => ({ type: "Double", value }) as const);
}

/** A real-time packet with five values, as a station for surface water sends it. */
function hj212Packet(n: number): Uint8Array {
  const zone = "Asia/Shanghai";
  const at = NOW + n * 1_000;
  const codes = ["w20115", "w01001", "w01014", "w01010", "w20120"];
  const items = Object.values(values(n)).map((v, index) => `${codes[index]}-Rtd=${v},${codes[index]}-Flag=N`);
  const cp = [`DataTime=${hj212Time(at, zone)}`, ...items].join(";");
  return encodeFrame(`QN=${hj212Qn(at, zone)};ST=21;CN=2011;PW=123456;MN=${MN};Flag=5;CP=&&${cp}&&`);
}

/** @param seconds of CPU for each codec, after as much again to warm up. */
export function benchCodecs({ seconds = 2 } = {}): Record<string, CodecRate> {
  const rates: Record<string, CodecRate> = {};
  for (const { name, topic, codec, payload, readings, target = null } of CASES) {
    const messages = Array.from({ length: MESSAGES }, (_, n) => Buffer.from(payload(n) as string));
    const envelope = { topic, receivedAt: NOW };
    const round = (): void => {
      for (const bytes of messages) {
        const decoded = codec(bytes, sender, envelope);
        if ("refused" in decoded || decoded.readings.length !== readings) throw new Error(`${name} was not understood`);
      }
    };
    rates[name] = measure(round, messages, target, seconds);
  }
  const packets = Array.from({ length: MESSAGES }, (_, n) => hj212Packet(n));
  rates["hj212 frames"] = measure(
    () => {
      for (const bytes of packets) {
        const [frame] = decodeHj212Frames(bytes);
        if (!frame || "error" in frame) throw new Error("a packet was not understood");
      }
    },
    packets,
    null, // it shows streams to people; what ingest runs is "hj212"
    seconds,
  );
  return rates;
}

function measure(
  round: () => void,
  messages: readonly Uint8Array[],
  target: number | null,
  seconds: number,
): CodecRate {
  run(round, seconds);
  const { rounds, cpuMicroseconds } = run(round, seconds);
  const each = cpuMicroseconds / (rounds * messages.length);
  const messagesPerSecond = Math.round(1e6 / each);
  const bytes = messages.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return {
    messagesPerSecond,
    cpuMicrosecondsAMessage: each,
    bytesAMessage: Math.round(bytes / messages.length),
    target,
    isMet: target === null || messagesPerSecond >= target,
  };
}

function run(round: () => void, seconds: number): { readonly rounds: number; readonly cpuMicroseconds: number } {
  const before = process.cpuUsage();
  for (let rounds = 1; ; rounds++) {
    round();
    const { user, system } = process.cpuUsage(before);
    if (user + system >= seconds * 1e6) return { rounds, cpuMicroseconds: user + system };
  }
}
