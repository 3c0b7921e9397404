import fc from "fast-check";
import { generate, type Packet } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { DEVICE_FRAME_BYTES_MAX, FrameGuard } from "../../../gateway/frames.ts";

const CONNECT = generate({
  cmd: "connect",
  clientId: "dev-1",
  protocolId: "MQTT",
  protocolVersion: 4,
  clean: true,
  keepalive: 0,
});
const PING = Buffer.from([0xc0, 0]);

/** What comes through when the bytes arrive cut at `sizes`, signing in as soon as CONNECT has ended. */
function passThrough(bytes: Buffer, sizes: readonly number[], bytesMax = DEVICE_FRAME_BYTES_MAX): Buffer | string {
  const guard = new FrameGuard();
  const passed: Buffer[] = [];
  let rest = bytes;
  for (let turn = 0; rest.length > 0; turn++) {
    const chunk = rest.subarray(0, sizes[turn % sizes.length]);
    const count = guard.push(chunk);
    if (typeof count === "string") return count;
    passed.push(chunk.subarray(0, count));
    rest = rest.subarray(count);
    if (guard.waits) guard.open(bytesMax);
  }
  return Buffer.concat(passed);
}

describe("FrameGuard", () => {
  test("stops exactly behind CONNECT until it is opened", () => {
    const guard = new FrameGuard();
    expect(guard.push(Buffer.concat([CONNECT, PING]))).toBe(CONNECT.length);
    expect(guard.waits).toBe(true);
    expect(guard.push(PING)).toBe(0);
    guard.open(DEVICE_FRAME_BYTES_MAX);
    expect(guard.waits).toBe(false);
    expect(guard.push(PING)).toBe(2);
  });

  test("lets every legal stream through unchanged, however it is cut", () => {
    const packet: fc.Arbitrary<Packet> = fc.oneof(
      fc.constant<Packet>({ cmd: "pingreq" }),
      fc.nat(40_000).map(
        (length): Packet => ({
          cmd: "publish",
          topic: "t",
          payload: Buffer.alloc(length, 0x10),
          qos: 0,
          dup: false,
          retain: false,
        }),
      ),
    );
    fc.assert(
      fc.property(
        fc.array(packet, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 6 }),
        (packets, sizes) => {
          const bytes = Buffer.concat([CONNECT, ...packets.map((it) => generate(it))]);
          const passed = passThrough(bytes, sizes);
          expect(typeof passed === "string" ? passed : passed.equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each`
    why                               | bytes                             | outcome
    ${"PINGREQ first"}                | ${[0xc0, 0]}                      | ${"connect-expected"}
    ${"CONNECT with reserved flags"}  | ${[0x11, 0]}                      | ${"connect-expected"}
    ${"4 KiB announced"}              | ${[0x10, 0x80, 0x20]}             | ${3}
    ${"4 KiB and one byte announced"} | ${[0x10, 0x81, 0x20]}             | ${"packet-too-large"}
    ${"256 MB announced"}             | ${[0x10, 0xff, 0xff, 0xff, 0x7f]} | ${"packet-too-large"}
    ${"a length that never ends"}     | ${[0x10, 0x80, 0x80, 0x80, 0x80]} | ${"malformed-length"}
  `("$why: $outcome", ({ bytes, outcome }) => {
    expect(new FrameGuard().push(Buffer.from(bytes))).toBe(outcome);
  });

  test.each`
    length   | outcome
    ${1_000} | ${"passes"}
    ${1_001} | ${"packet-too-large"}
  `("opened for 1,000 bytes, a packet of $length: $outcome", ({ length, outcome }) => {
    const header = Buffer.from([0x30, (length & 127) | 128, length >> 7]);
    const bytes = Buffer.concat([CONNECT, header, Buffer.alloc(length)]);
    const passed = passThrough(bytes, [64], 1_000);
    expect(typeof passed === "string" ? passed : "passes").toBe(outcome);
  });
});
