/**
 * Mutated HJ 212 frames through framer, segment parser
 * and codec, in chunks of any size.
 *
 * Promise: no exception, work in proportion to the bytes, bounded memory, and sound frames in between still come out.
 */
import { Hj212Profile } from "../../core/device-profile.ts";
import { answerFor } from "../../core/hj212-answer.ts";
import { encodeFrame } from "../../core/hj212-frame.ts";
import { Hj212Framer } from "../../core/hj212-framer.ts";
import { parseSegment } from "../../core/hj212-segment.ts";
import { encryptSegment, sm4Decrypter } from "../../core/hj212-sm4.ts";
import { decodeHj212 } from "../../ingest/codecs/hj212.ts";
import { decodeHj212Frames } from "../../ingest/codecs/hj212-frames.ts";
import { isSound } from "./fuzz-codecs.ts";
import { changeOnce, mutate, type Noise, noise } from "./fuzz-noise.ts";

const KEY = Buffer.alloc(16, 0x30);
const RECEIVED_AT = Date.UTC(2026, 2, 15, 1);
const HEAD = "QN=20260315083000123;ST=24;CN=2011;PW=123456;MN=A1;Flag=5;";
const LIVE = `${HEAD}CP=&&DataTime=20260315083000;w01001-Rtd=7.12,w01001-Flag=N;w20120-Rtd=8.4,w20120-Flag=T&&`;
export const SEEDS: readonly Uint8Array[] = [
  LIVE,
  `${HEAD}CP=&&DataTime=20260315083000;w01018-SampleTime=20260315070000,w01018-Rtd=<2.2,w01018-EFlag=A01;&&`,
  "QN=20260315090000001;ST=24;CN=2061;PW=1;MN=A1;Flag=7;PNUM=3;PNO=1;CP=&&DataTime=20260315080000;w20111-Avg=0.01,w20111-Min=--,w20111-Cou=1,w20111-Flag=D&&",
  `${HEAD.replace("2011", "3020")}CP=&&DataTime=20260315083000;i11001-Info=//更换试剂,清洗;##管路&&//&&`,
  "ST=32;CN=2031;PW=;MN=A1;CP=&&BeginTime=20260315083000,EndTime=20260316083000&&",
].map((segment) => encodeFrame(segment));
const SPICES = [
  "##",
  "##9999",
  "##0000",
  "&&",
  "CP=&&",
  ";",
  ",",
  "=",
  "//",
  "-Rtd",
  "-Flag",
  "__proto__",
  "\0",
  "\r\n",
  "1e400",
  "DataTime=",
  "{0xE4,0x3E}",
].map((text) => Buffer.from(text));

/** As any message, or its data is changed and the frame made whole again, so that the parser behind the check sees it. */
export function mutateFrame(frame: Uint8Array, random: Noise): Buffer {
  return mutate(frame, random, SPICES, (bytes) =>
    random(7) > 0
      ? changeOnce(bytes, random, SPICES)
      : Buffer.from(encodeFrame(mutateSegment(bytes.subarray(6, Math.max(bytes.length - 6, 6)), random))),
  );
}
function mutateSegment(segment: Buffer, random: Noise): Buffer {
  const bytes = Buffer.from(segment);
  for (let times = 1 + random(3); times > 0 && bytes.length > 0; times--) {
    const at = random(bytes.length);
    const spice = SPICES[random(SPICES.length)] ?? bytes;
    if (random(2) === 0) bytes[at] = random(256);
    else bytes.set(spice.subarray(0, bytes.length - at), at);
  }
  return random(20) === 0 ? Buffer.from(encryptSegment(bytes, KEY) ?? bytes) : bytes;
}

interface Hj212FuzzReport {
  readonly frames: number;
  readonly bytes: number;
  readonly framesOut: number;
  readonly segmentsParsed: number;
  readonly readings: number;
  readonly workPerByte: number;
  readonly waitingBytesMax: number;
  readonly heapMiB: number;
}

/** @throws whatever the code under test throws, or an Error when a promise is broken. */
export function fuzzHj212({ frames, seed }: { readonly frames: number; readonly seed: number }): Hj212FuzzReport {
  const random = noise(seed);
  const sender = { quantities: {}, profile: { hj212: Hj212Profile.parse({ mn: "A1" }) } };
  let framer = new Hj212Framer({ decrypt: sm4Decrypter(KEY) });
  const sum = { bytes: 0, framesOut: 0, segmentsParsed: 0, readings: 0, work: 0 };
  let waitingBytesMax = 0;
  let heap = 0;
  const take = (chunk: Uint8Array): number => {
    let sound = 0;
    for (const event of framer.push(chunk)) {
      if (event.kind !== "frame") continue;
      sum.framesOut += 1;
      const segment = parseSegment(event.data);
      if ("error" in segment) continue;
      sum.segmentsParsed += 1;
      answerFor(segment);
      if (segment.header.CN === "2011") sound += 1;
    }
    waitingBytesMax = Math.max(waitingBytesMax, framer.waitingBytes);
    return sound;
  };
  for (let index = 0; index < frames; index++) {
    const bytes = mutateFrame(SEEDS[random(SEEDS.length)] as Uint8Array, random);
    sum.bytes += bytes.length;
    const size = 1 + random(bytes.length + 1);
    for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size));
    const decoded = decodeHj212(bytes, sender, { topic: "", receivedAt: RECEIVED_AT });
    if ("readings" in decoded) {
      if (!decoded.readings.every(isSound))
        throw new Error(`misshapen readings of ${Buffer.from(bytes).toString("base64")}`);
      sum.readings += decoded.readings.length;
    }
    if (index % 10 === 0) for (const _shown of decodeHj212Frames(bytes, { sm4Key: KEY }));
    if (index % 1_000 !== 999) continue;
    // A sound frame after whatever came before: at the latest the one behind the longest claim comes out.
    framer.dropPartial();
    if (take(encodeFrame(LIVE)) === 0) throw new Error(`frame ${index}: a sound frame was lost`);
    heap = Math.max(heap, process.memoryUsage().heapUsed);
    sum.work += framer.work;
    framer = new Hj212Framer({ decrypt: sm4Decrypter(KEY) });
  }
  const workPerByte = sum.work / Math.max(sum.bytes, 1);
  if (workPerByte > 40) throw new Error(`${workPerByte} units of work a byte`);
  if (waitingBytesMax > 10_009) throw new Error(`${waitingBytesMax} bytes waited`);
  const { bytes, framesOut, segmentsParsed, readings } = sum;
  return { frames, bytes, framesOut, segmentsParsed, readings, workPerByte, waitingBytesMax, heapMiB: heap / 2 ** 20 };
}
