import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crcOf, hj212Crc } from "../../../core/hj212-crc.ts";
import { encodeFrame, type Hj212Event, type Hj212FramerOptions } from "../../../core/hj212-frame.ts";
import { Hj212Framer } from "../../../core/hj212-framer.ts";

const SEGMENT = "QN=20260315083000123;ST=24;CN=2011;PW=1;MN=A1;Flag=5;CP=&&DataTime=20260315083000;w01001-Rtd=7.1&&";
const OTHER = SEGMENT.replace("7.1", "7.25");
const good = text(encodeFrame(SEGMENT));
const other = text(encodeFrame(OTHER));

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
function segments(events: readonly Hj212Event[]): string[] {
  return events.flatMap((event) => (event.kind === "frame" ? [text(event.data)] : []));
}
function run(stream: string, options: Hj212FramerOptions = {}): { events: Hj212Event[]; framer: Hj212Framer } {
  const framer = new Hj212Framer(options);
  return { events: framer.push(Buffer.from(stream, "latin1")), framer };
}
/** The good frame with another number in its length. */
function claiming(length: number): string {
  return `##${String(length).padStart(4, "0")}${good.slice(6)}`;
}

describe("checks", () => {
  test.each`
    bytes          | hj212     | be        | le
    ${"123456789"} | ${"2F80"} | ${"4B37"} | ${"374B"}
    ${"1"}         | ${"9481"} | ${"947E"} | ${"7E94"}
    ${"QN="}       | ${"7200"} | ${"60D4"} | ${"D460"}
    ${"\x00"}      | ${"4040"} | ${"40BF"} | ${"BF40"}
    ${"\xff"}      | ${"0000"} | ${"00FF"} | ${"FF00"}
  `("of $bytes", ({ bytes, hj212, be, le }: Record<"bytes" | "hj212" | "be" | "le", string>) => {
    const data = Buffer.from(bytes, "latin1");
    expect([crcOf(data, "hj212"), crcOf(data, "modbus-be"), crcOf(data, "modbus-le")]).toEqual([hj212, be, le]);
  });

  test("the table does what Annex A says step by step, and the low byte has eight values only", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        let register = 0xffff;
        for (const byte of bytes) {
          register = (register >> 8) ^ byte;
          for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >> 1) ^ 0xa001 : register >> 1;
        }
        expect(hj212Crc(bytes)).toBe(register);
        if (bytes.length > 0) expect([0x00, 0x01, 0x40, 0x41, 0x80, 0x81, 0xc0, 0xc1]).toContain(register & 0xff);
      }),
    );
  });
});

describe("framing", () => {
  test.each`
    why                                         | stream                                                          | out
    ${"one frame"}                              | ${good}                                                         | ${[SEGMENT]}
    ${"stuck together without tails"}           | ${good.slice(0, -2) + other.slice(0, -2) + good}                | ${[SEGMENT, OTHER, SEGMENT]}
    ${"tail of LF, of CR CR LF, and blanks"}    | ${`${good.slice(0, -2)}\n${other.slice(0, -2)}\r\r\n  ${good}`} | ${[SEGMENT, OTHER, SEGMENT]}
    ${"lower-case check"}                       | ${good.slice(0, -6) + good.slice(-6).toLowerCase()}             | ${[SEGMENT]}
    ${"modem text and lone # before"}           | ${`+CSQ: 23\r\nICCID8986#${good}`}                              | ${[SEGMENT]}
    ${"### before the length"}                  | ${`#${good}`}                                                   | ${[SEGMENT]}
    ${"wrong check, then good"}                 | ${good.replace(/.(?=\r\n$)/, "7") + other}                      | ${[OTHER]}
    ${"length too short does not eat the next"} | ${claiming(SEGMENT.length - 2) + other}                         | ${[OTHER]}
    ${"length too long by two"}                 | ${claiming(SEGMENT.length + 2) + other}                         | ${[OTHER]}
    ${"length over the next whole frame"}       | ${claiming(9_999) + other}                                      | ${[OTHER]}
    ${"length over some, the last one torn"}    | ${claiming(9_999) + other + good + other.slice(0, 30)}          | ${[OTHER, SEGMENT]}
    ${"half a frame, then a whole one"}         | ${good.slice(0, 40) + other}                                    | ${[OTHER]}
    ${"three digits of length"}                 | ${`##${SEGMENT.length - 2}${SEGMENT}0000\r\n${other}`}          | ${[OTHER]}
    ${"no data at all"}                         | ${"##0000FFFF\r\n"}                                             | ${[""]}
  `("$why", ({ stream, out }: { stream: string; out: string[] }) => {
    expect(segments(run(stream).events)).toEqual(out);
    const framer = new Hj212Framer();
    const single = [...Buffer.from(stream, "latin1")].flatMap((byte) => framer.push(Uint8Array.of(byte)));
    expect(segments(single)).toEqual(out);
  });

  test("a frame that holds something like a frame in its text is given whole", () => {
    const inner = SEGMENT.replace("w01001-Rtd=7.1", "i11001-Info=//## ##0002QN7200 ##12 正常//");
    const frame = encodeFrame(inner);
    const framer = new Hj212Framer();
    const events = [...frame].flatMap((byte) => framer.push(Uint8Array.of(byte)));
    expect(events.map(({ kind }) => kind)).toEqual(["frame"]);
  });

  test("noise is counted, white space and NUL are not, a rejected frame is no noise", () => {
    const { framer } = run(`\0\0 AT+OK\r\n${good}\t${good.replace("7.1", "7.2")}`);
    expect(framer.counters).toMatchObject({ noiseBytes: 5, frames: 1, badCrc: 1, rejectedBytes: good.length - 2 });
  });

  test("a wrong check names the variant that would fit, and is not taken by itself", () => {
    const [event] = run(text(encodeFrame(SEGMENT, "modbus-le"))).events;
    expect(event).toMatchObject({
      kind: "bad-crc",
      fits: "modbus-le",
      crcExpected: crcOf(Buffer.from(SEGMENT), "hj212"),
    });
    expect(segments(run(text(encodeFrame(SEGMENT, "modbus-le")), { crc: "modbus-le" }).events)).toEqual([SEGMENT]);
    expect(segments(run(text(encodeFrame(SEGMENT, "modbus-be")), { crc: () => "modbus-be" }).events)).toEqual([
      SEGMENT,
    ]);
  });

  test("a half frame waits, is dropped on request, and the next frame is found", () => {
    const { framer, events } = run(good.slice(0, 50));
    expect([events, framer.waitingBytes]).toEqual([[], 50]);
    expect([framer.dropPartial(), framer.waitingBytes, framer.dropPartial()]).toEqual([50, 0, 0]);
    expect(segments(framer.push(Buffer.from(other)))).toEqual([OTHER]);
  });

  test("events keep their bytes when the chunk is used again", () => {
    const chunk = Buffer.from(good);
    const [event] = new Hj212Framer().push(chunk);
    chunk.fill(0x20);
    expect(event?.kind === "frame" && text(event.data)).toBe(SEGMENT);
  });

  test("a claim beyond the buffer is refused at once", () => {
    const { events, framer } = run(`##0900${other}`, { bufferBytesMax: 512 });
    expect(events.map((event) => (event.kind === "bad-length" ? event.why : event.kind))).toEqual([
      "too-long",
      "frame",
    ]);
    expect(framer.waitingBytes).toBe(0);
  });
});

describe("laws", () => {
  const chunked = fc
    .tuple(
      fc.array(fc.tuple(fc.string({ unit: "binary", maxLength: 60 }), fc.constantFrom("\r\n", "\n", "", "\r\r\n")), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.array(fc.nat({ max: 80 }), { minLength: 1, maxLength: 30 }),
      fc.constantFrom("hj212" as const, "modbus-be" as const, "modbus-le" as const),
    )
    .map(([parts, cuts, crc]) => ({ parts, cuts, crc }));

  test("what was encoded comes out, however the stream is cut", () => {
    fc.assert(
      fc.property(chunked, ({ parts, cuts, crc }) => {
        const stream = Buffer.concat(
          parts.flatMap(([data, tail]) => [encodeFrame(data, crc).subarray(0, -2), Buffer.from(tail)]),
        );
        const framer = new Hj212Framer({ crc });
        const events: Hj212Event[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = (cuts[turn % cuts.length] ?? 0) + 1;
          events.push(...framer.push(stream.subarray(at, at + size)));
          at += size;
        }
        const data = events.map((event) => (event.kind === "frame" ? Buffer.from(event.data).toString() : event.kind));
        expect(data).toEqual(parts.map(([sent]) => Buffer.from(sent).toString()));
        expect(framer.waitingBytes).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("every byte is in a frame, noise, rejected, blank or waiting", () => {
    const piece = fc.constantFrom(good, other, good.slice(0, 33), "##", "##99", "##0040", "xyz", "#", claiming(300));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.nat({ max: 50 }), (pieces, size) => {
        const stream = Buffer.from(pieces.join("").replaceAll("\r\n", ""), "latin1");
        const framer = new Hj212Framer();
        const events: Hj212Event[] = [];
        for (let at = 0; at < stream.length; at += size + 1)
          events.push(...framer.push(stream.subarray(at, at + size + 1)));
        const inFrames = events.reduce((sum, event) => sum + (event.kind === "frame" ? event.raw.length : 0), 0);
        const { noiseBytes, rejectedBytes, bytes } = framer.counters;
        expect(inFrames + noiseBytes + rejectedBytes + framer.waitingBytes).toBe(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe("hostile bytes cost work in proportion to their number", () => {
  // Claims of 9,800 bytes whose checks fall on hexadecimal digits that the standard's check could give.
  const patterns = ["##9800", "##9800QN=", "##0000", "##9999", "##", "#", "##1", "##0001QN=0000", claiming(9_000)];
  test.each(
    patterns.flatMap((pattern) => [1, 97, 65_536].map((size) => [pattern.slice(0, 20), pattern, size] as const)),
  )("%s…", (_, pattern, size) => {
    const bytes = Buffer.alloc(150_000, pattern, "latin1");
    const framer = new Hj212Framer({ decrypt: () => null });
    let waiting = 0;
    for (let at = 0; at < bytes.length; at += size) {
      framer.push(bytes.subarray(at, at + size));
      waiting = Math.max(waiting, framer.waitingBytes);
    }
    expect(framer.work).toBeLessThan(256 * 1_024 + 30 * bytes.length);
    expect(waiting).toBeLessThanOrEqual(10_009);
  });

  test("and a good frame behind them is still found", () => {
    const framer = new Hj212Framer();
    framer.push(Buffer.alloc(1_000_000, "##9800QN=", "latin1"));
    expect(segments(framer.push(Buffer.from(good.repeat(100)))).length).toBeGreaterThan(50);
    const last = framer.push(Buffer.from(`${"x".repeat(10_000)}${good}${other}`));
    expect(segments(last)).toEqual([SEGMENT, OTHER]);
  });
});
