/** HJ 212 codec alone: whole frames to readings, real-time packets of five values, one core. */
import { Hj212Profile } from "../../core/device-profile.ts";
import { encodeFrame } from "../../core/hj212-frame.ts";
import { hj212Qn, hj212Time } from "../../core/hj212-time.ts";
import { decodeHj212 } from "../../ingest/codecs/hj212.ts";

export interface CodecFigures {
  readonly packets: number;
  readonly bytesPerPacket: number;
  readonly readings: number;
  readonly packetsPerSecond: number;
}

const ZONE = "Asia/Shanghai";
const CODES = ["w01018", "w21003", "w21011", "w21001", "w01001"];

/** @param now monotonic clock in ms. */
export function benchHj212({
  packets = 300_000,
  now,
}: {
  readonly packets?: number;
  readonly now: () => number;
}): CodecFigures {
  const start = Date.UTC(2026, 2, 15);
  const frames = Array.from({ length: 2_000 }, (_, index) => aPacket(start + index * 1_000, index));
  const sender = {
    quantities: { cod: "mg/L", nh3n: "mg/L", tp: "mg/L", tn: "mg/L", ph: "1" },
    profile: { hj212: Hj212Profile.parse({ mn: "010000A8900016F000169DC0" }) },
  };
  let readings = 0;
  const run = (count: number): void => {
    for (let index = 0; index < count; index++) {
      const frame = frames[index % frames.length] as Uint8Array;
      const decoded = decodeHj212(frame, sender, { topic: "", receivedAt: start + (index % frames.length) * 1_000 });
      if ("readings" in decoded) readings += decoded.readings.length;
    }
  };
  run(Math.min(packets, 20_000)); // the compiler's turn
  readings = 0;
  const began = now();
  run(packets);
  const seconds = (now() - began) / 1_000;
  if (readings !== packets * CODES.length) throw new Error(`${readings} readings of ${packets} packets`);
  const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
  return {
    packets,
    bytesPerPacket: Math.round(bytes / frames.length),
    readings,
    packetsPerSecond: Math.round(packets / seconds),
  };
}

function aPacket(ms: number, index: number): Uint8Array {
  const items = CODES.map((code, at) => `${code}-Rtd=${((index * 7 + at * 13) % 900) / 10},${code}-Flag=N`);
  const cp = [`DataTime=${hj212Time(ms, ZONE)}`, ...items].join(";");
  const qn = hj212Qn(ms, ZONE);
  return encodeFrame(`QN=${qn};ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&${cp}&&`);
}
