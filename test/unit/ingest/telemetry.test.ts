import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Telemetry } from "../../../core/wire.ts";
import type { Decoded, Refusal } from "../../../ingest/codecs/codec.ts";
import { decodeTelemetry } from "../../../ingest/codecs/telemetry.ts";

const profile = { quantities: {} };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const decode = (payload: unknown): Decoded | Refusal =>
  decodeTelemetry(bytes(typeof payload === "string" ? payload : JSON.stringify(payload)), profile);
const code = (result: Decoded | Refusal): string => ("refused" in result ? result.refused.code : "used");
const full = (reading: object, message: object = {}) => ({ v: 1, r: [{ p: "ph", v: 7, ...reading }], ...message });

describe("what is understood", () => {
  test("telemetry v1 with every field", () => {
    const payload = {
      v: 1,
      boot: "a41f09c2",
      seq: 18234,
      ts: "2026-03-15T08:30:00+08:00",
      r: [
        { p: "w20120", v: 0.0084, u: "mg/L", q: "T", cmp: ">", fraction: "dissolved" },
        { p: "level", v: 3.402, u: "m", t: 1773534300000, from: "2026-03-15T08:20:00Z", agg: "avg" },
      ],
      backfill: true,
      sig: { rssi: -87, bat: 3.58 },
    };
    const common = { aggregate: "rtd", fraction: "total", cmp: "", qualifier: "N" };
    expect(decode(payload)).toEqual({
      boot: "a41f09c2",
      seq: 18234,
      backfill: true,
      faults: [],
      health: { rssi: -87, batteryVolts: 3.58 },
      readings: [
        {
          ...common,
          quantity: "w20120",
          value: 0.0084,
          unit: "mg/L",
          cmp: ">",
          qualifier: "T",
          time: Date.UTC(2026, 2, 15, 0, 30),
          fraction: "dissolved",
        },
        { ...common, quantity: "level", value: 3.402, unit: "m", time: 1773534300000, aggregate: "avg" },
      ],
    });
  });

  test("the short form, without time, boot or units", () => {
    expect(decode({ seq: 1, m: { ph: 7.12, ec: 812 } })).toMatchObject({
      boot: "",
      seq: 1,
      backfill: false,
      readings: [
        { quantity: "ph", value: 7.12, unit: undefined, time: null },
        { quantity: "ec", value: 812, unit: undefined, time: null },
      ],
    });
  });

  test("gzip by its first bytes", () => {
    expect(decodeTelemetry(gzipSync(JSON.stringify(full({}))), profile)).toMatchObject({ readings: [{ value: 7 }] });
  });

  test.each(["2026-03-15T08:30+08:00", "2026-03-15t00:30:00z", 1773534600000])("time %s", (ts) => {
    expect(decode(full({}, { ts }))).toMatchObject({ readings: [{ time: Date.UTC(2026, 2, 15, 0, 30) }] });
  });

  test("a time before 1970 in milliseconds", () => {
    expect(decode(full({ t: -662688000000 }))).toMatchObject({ readings: [{ time: Date.UTC(1949, 0, 1) }] });
  });
});

describe("a message is refused as a whole", () => {
  test.each`
    why                                  | payload                                                                           | expected
    ${"empty payload"}                   | ${""}                                                                             | ${"MALFORMED_JSON"}
    ${"text"}                            | ${"hello"}                                                                        | ${"MALFORMED_JSON"}
    ${"cut JSON"}                        | ${'{"v":1,"r":[{"p":"ph"'}                                                        | ${"MALFORMED_JSON"}
    ${"NaN literal"}                     | ${'{"v":1,"r":[{"p":"ph","v":NaN}]}'}                                             | ${"MALFORMED_JSON"}
    ${"Infinity literal"}                | ${'{"v":1,"r":[{"p":"ph","v":-Infinity}]}'}                                       | ${"MALFORMED_JSON"}
    ${"byte order mark"}                 | ${"\uFEFF{}"}                                                                     | ${"MALFORMED_JSON"}
    ${"raw control character in a text"} | ${'{"v":1,"r":[{"p":"p\u0000h","v":1}]}'}                                         | ${"MALFORMED_JSON"}
    ${"a list"}                          | ${"[1,2]"}                                                                        | ${"WRONG_SHAPE"}
    ${"null"}                            | ${"null"}                                                                         | ${"WRONG_SHAPE"}
    ${"a number"}                        | ${"5"}                                                                            | ${"WRONG_SHAPE"}
    ${"an empty object"}                 | ${"{}"}                                                                           | ${"WRONG_SHAPE"}
    ${"another version"}                 | ${{ v: 2, r: [{ p: "ph", v: 7 }] }}                                               | ${"WRONG_SHAPE"}
    ${"no readings"}                     | ${{ v: 1, r: [] }}                                                                | ${"WRONG_SHAPE"}
    ${"no values"}                       | ${{ m: {} }}                                                                      | ${"WRONG_SHAPE"}
    ${"both forms at once"}              | ${{ v: 1, r: [{ p: "ph", v: 7 }], m: { ph: 7 } }}                                 | ${"WRONG_SHAPE"}
    ${"a text as value"}                 | ${full({ v: "7" })}                                                               | ${"WRONG_SHAPE"}
    ${"a text as short value"}           | ${{ m: { ph: "7" } }}                                                             | ${"WRONG_SHAPE"}
    ${"an unknown key"}                  | ${full({ value: 1 })}                                                             | ${"WRONG_SHAPE"}
    ${"an unknown qualifier"}            | ${full({ q: "X" })}                                                               | ${"WRONG_SHAPE"}
    ${"a boot with a blank"}             | ${full({}, { boot: "a b" })}                                                      | ${"WRONG_SHAPE"}
    ${"a negative seq"}                  | ${full({}, { seq: -1 })}                                                          | ${"WRONG_SHAPE"}
    ${"an infinite seq"}                 | ${'{"v":1,"seq":1e999,"r":[{"p":"ph","v":1}]}'}                                   | ${"WRONG_SHAPE"}
    ${"a time that is a list"}           | ${full({}, { ts: [] })}                                                           | ${"WRONG_SHAPE"}
    ${"__proto__ in the message"}        | ${'{"v":1,"__proto__":{},"r":[{"p":"ph","v":1}]}'}                                | ${"WRONG_SHAPE"}
    ${"__proto__ in a reading"}          | ${'{"v":1,"r":[{"p":"ph","v":1,"__proto__":1}]}'}                                 | ${"WRONG_SHAPE"}
    ${"__proto__ as a quantity"}         | ${'{"m":{"__proto__":1,"ph":7}}'}                                                 | ${"WRONG_SHAPE"}
    ${"constructor in a reading"}        | ${'{"v":1,"r":[{"p":"ph","v":1,"constructor":1}]}'}                               | ${"WRONG_SHAPE"}
    ${"501 readings"}                    | ${{ v: 1, r: Array(501).fill({ p: "ph", v: 7 }) }}                                | ${"TOO_MANY_READINGS"}
    ${"501 short values"}                | ${{ m: Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`q${n}`, 1])) }} | ${"TOO_MANY_READINGS"}
    ${"time without offset"}             | ${full({}, { ts: "2026-03-15T08:30:00" })}                                        | ${"TIME_WITHOUT_OFFSET"}
    ${"a date"}                          | ${full({}, { ts: "2026-03-15" })}                                                 | ${"TIME_WITHOUT_OFFSET"}
    ${"a blank for the T"}               | ${{ ts: "2026-03-15 08:30:00", m: { ph: 7 } }}                                    | ${"TIME_WITHOUT_OFFSET"}
    ${"31 February"}                     | ${full({}, { ts: "2026-02-31T08:30:00Z" })}                                       | ${"TIME_NOT_A_DATE"}
    ${"month 13"}                        | ${full({}, { ts: "2026-13-01T08:30:00Z" })}                                       | ${"TIME_NOT_A_DATE"}
    ${"a word"}                          | ${full({}, { ts: "yesterday" })}                                                  | ${"TIME_NOT_A_DATE"}
    ${"seconds"}                         | ${full({}, { ts: 1773534600 })}                                                   | ${"TIME_NOT_A_DATE"}
    ${"the year 0000"}                   | ${full({}, { ts: "0000-01-01T00:00:00Z" })}                                       | ${"TIME_OUT_OF_RANGE"}
    ${"beyond what a Date holds"}        | ${full({}, { ts: Number.MAX_SAFE_INTEGER })}                                      | ${"TIME_OUT_OF_RANGE"}
  `("$why: $expected", ({ payload, expected }: { payload: unknown; expected: string }) => {
    expect(code(decode(payload))).toBe(expected);
  });

  test("bytes that are not UTF-8", () => {
    expect(code(decodeTelemetry(new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), profile))).toBe("NOT_UTF8");
  });

  test("broken gzip", () => {
    expect(code(decodeTelemetry(new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3]), profile))).toBe("GZIP_BROKEN");
  });

  test("a gzip bomb, without unpacking it", () => {
    expect(code(decodeTelemetry(gzipSync(Buffer.alloc(50_000_000, 32)), profile))).toBe("GZIP_TOO_LARGE");
  });

  test("naming the path of the fault", () => {
    const result = decode({
      v: 1,
      r: [
        { p: "ph", v: 7 },
        { p: "ec", v: true },
      ],
    });
    expect(result).toMatchObject({ refused: { detail: expect.stringContaining("at r[1].v:") } });
  });
});

describe("one reading is at fault and the others are used", () => {
  const good = { p: "ec", v: 800 };
  test.each`
    why                           | reading                                          | expected
    ${"null as a normal value"}   | ${'{"p":"ph","v":null}'}                         | ${"NULL_WITHOUT_QUALIFIER"}
    ${"null marked N"}            | ${'{"p":"ph","v":null,"q":"N"}'}                 | ${"NULL_WITHOUT_QUALIFIER"}
    ${"a number beyond a double"} | ${'{"p":"ph","v":1e999}'}                        | ${"VALUE_NOT_FINITE"}
    ${"minus beyond a double"}    | ${'{"p":"ph","v":-1e999}'}                       | ${"VALUE_NOT_FINITE"}
    ${"its time lacks an offset"} | ${'{"p":"ph","v":1,"t":"2026-03-15T08:30:00"}'}  | ${"TIME_WITHOUT_OFFSET"}
    ${"its time is in seconds"}   | ${'{"p":"ph","v":1,"t":5}'}                      | ${"TIME_NOT_A_DATE"}
    ${"its day does not exist"}   | ${'{"p":"ph","v":1,"t":"2026-04-31T00:00:00Z"}'} | ${"TIME_NOT_A_DATE"}
    ${"its year is 1600"}         | ${'{"p":"ph","v":1,"t":"1600-01-01T00:00:00Z"}'} | ${"TIME_OUT_OF_RANGE"}
  `("$why: $expected", ({ reading, expected }: { reading: string; expected: string }) => {
    const result = decode(`{"v":1,"boot":"b","seq":4,"r":[${reading},${JSON.stringify(good)}]}`);
    expect(result).toMatchObject({ boot: "b", seq: 4, readings: [{ quantity: "ec" }], faults: [{ code: expected }] });
    expect(decode(`{"v":1,"boot":"b","seq":4,"r":[${reading}]}`)).toMatchObject({
      seq: 4,
      readings: [],
      faults: [{ code: expected }],
    });
  });

  test("null and infinity in the short form", () => {
    const result = decode('{"boot":"b","seq":4,"m":{"ph":null,"ec":800,"cd":1e999}}');
    expect(result).toMatchObject({
      seq: 4,
      readings: [{ quantity: "ec", value: 800 }],
      faults: [{ code: "NULL_WITHOUT_QUALIFIER" }, { code: "VALUE_NOT_FINITE" }],
    });
    expect(decode('{"seq":4,"m":{"cd":1e999}}')).toMatchObject({ seq: 4, readings: [], faults: [{}] });
  });
});

const MANY = Array.from({ length: 10_000 }, (_, n) => `"k${n}":${n}`).join(",");
const CORPUS: Record<string, string> = {
  "10,000 keys": `{${MANY}}`,
  "10,000 keys in a reading": `{"v":1,"r":[{${MANY}}]}`,
  "10,000 short values": `{"m":{${MANY}}}`,
  "500 wrong readings": `{"v":1,"r":[${Array(500).fill('{"p":1,"v":"x","t":[],"q":9}').join(",")}]}`,
  "500 readings of infinite value": `{"v":1,"r":[${Array(500).fill('{"p":"ph","v":1e999}').join(",")}]}`,
  "60,000 numbers for readings": `{"v":1,"r":[${Array(60_000).fill("1").join(",")}]}`,
  "lists 60,000 deep": `{"v":1,"r":${"[".repeat(60_000)}${"]".repeat(60_000)}}`,
  "objects 20,000 deep": `{"v":1,"r":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`,
  "lone surrogates": '{"v":1,"r":[{"p":"\\ud800","v":1,"u":"\\udfff"}]}',
  "escaped control characters": '{"v":1,"r":[{"p":"\\u0000\\u001b[2J","v":1}],"\\u0000":1}',
  "a long number": `{"v":1,"r":[{"p":"ph","v":${"9".repeat(100_000)}}]}`,
  "a long text": `{"v":1,"boot":"${"x".repeat(120_000)}","r":[{"p":"ph","v":1}]}`,
  "a long time": `{"v":1,"ts":"2026-03-15T08:30:00.${"1".repeat(120_000)}","r":[{"p":"ph","v":1}]}`,
};

describe("bad input disturbs nothing", () => {
  test.each(Object.keys(CORPUS))("%s: a short, clean answer within 50 ms of work", (name) => {
    const input = bytes(CORPUS[name] as string);
    const result = decodeTelemetry(input, profile);
    // The quickest of ten: what else the machine does is not what is asked.
    const works = Array.from({ length: 10 }, () => {
      const before = process.cpuUsage();
      decodeTelemetry(input, profile);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    });
    expect(Math.min(...works)).toBeLessThan(50);
    const details = "refused" in result ? [result.refused] : result.faults;
    for (const { code: name_, detail } of details) {
      expect(name_).toMatch(/^[A-Z_]+$/);
      expect(detail.length).toBeLessThanOrEqual(300);
      expect(detail).not.toMatch(/[\p{Cc}\p{Cs}]/u);
    }
    expect(({} as Record<string, unknown>)["k1"]).toBeUndefined();
  });

  test("any bytes are answered and never thrown at", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(bytes)), (input) => {
        const result = decodeTelemetry(input, profile);
        expect("refused" in result || Array.isArray(result.readings)).toBe(true);
      }),
    );
  });

  test("readings and faults together are what was sent", () => {
    const reading = fc.record(
      {
        p: fc.constantFrom("ph", "cd"),
        v: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
        q: fc.constantFrom("N", "C"),
        t: fc.constantFrom(1773534600000, 5, "2026-03-15T08:30:00", "2026-02-30T00:00:00Z", "2026-03-15T08:30:00Z"),
      },
      { requiredKeys: ["p", "v"] },
    );
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 20 }), (r) => {
        const result = decode({ v: 1, r });
        if ("refused" in result) throw new Error(result.refused.detail);
        expect(result.readings.length + result.faults.length).toBe(r.length);
        if (Telemetry.safeParse({ v: 1, r }).success && !r.some(({ t }) => t === "2026-02-30T00:00:00Z")) {
          expect(result.faults).toEqual([]);
        }
      }),
    );
  });
});
