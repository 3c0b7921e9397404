import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeRaw, encodeRaw } from "../../../core/envelope.ts";
import { Unavailable } from "../../../core/errors.ts";
import type { Reading } from "../../../core/reading.ts";
import { comparisonCode, decodeReadingBlock, ReadingBlockBuilder, readingAt } from "../../../core/reading-block.ts";
import { anOrigin } from "../../support/builders.ts";

const reading: fc.Arbitrary<Reading> = fc.record({
  series: fc.constantFrom("mw-1/cd/total/rtd", "mw-1/ph/total/rtd", "s.2_x/no3n/dissolved/avg"),
  time: fc.integer({ min: -6.7e11, max: 4e12 }),
  value: fc.double(),
  cmp: fc.constantFrom("" as const, "<" as const, ">" as const),
  flag: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const, 9 as const),
  qualifier: fc.constantFrom("N" as const, "M" as const, "T" as const),
  origin: fc.record({
    device: fc.constantFrom("dev-1", "dev-2"),
    boot: fc.constantFrom("", "a41f"),
    seq: fc.integer({ min: -1, max: 2 ** 50 }),
    receivedAt: fc.integer({ min: 0, max: 4e12 }),
    backfill: fc.boolean(),
  }),
});

function pack(readings: readonly Reading[], builder = new ReadingBlockBuilder()): Uint8Array {
  for (const { origin, series, time, value, cmp, flag, qualifier } of readings) {
    builder.message(origin);
    builder.row(series, time, value, comparisonCode(cmp), flag, qualifier.charCodeAt(0));
  }
  return builder.encode();
}

describe("reading block", () => {
  test("decode(encode(x)) = x, at any alignment, and the builder can be used again", () => {
    const builder = new ReadingBlockBuilder();
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 50 }), fc.nat(7), (readings, shift) => {
        builder.clear();
        const bytes = pack(readings, builder);
        const shifted = new Uint8Array(bytes.length + shift);
        shifted.set(bytes, shift);
        const block = decodeReadingBlock(shifted.subarray(shift));
        expect(Array.from({ length: block.count }, (_, row) => readingAt(block, row))).toEqual(readings);
      }),
    );
  });

  test("grows beyond its first capacity", () => {
    const builder = new ReadingBlockBuilder();
    builder.message({ device: "d", boot: "", seq: -1, receivedAt: 0, backfill: false });
    for (let i = 0; i < 5_000; i++) builder.row(`s${i % 7}/cd/total/rtd`, i, i / 3, 0, 1, 78);
    const block = decodeReadingBlock(builder.encode());
    expect(block.count).toBe(5_000);
    expect(block.value[4_999]).toBe(4_999 / 3);
    expect(block.series[block.seriesIndex[4_999] ?? 0]).toBe(`s${4_999 % 7}/cd/total/rtd`);
  });

  test("keeps corrections, with a null old value", () => {
    const builder = new ReadingBlockBuilder();
    builder.message({ device: "d", boot: "", seq: -1, receivedAt: 0, backfill: false });
    builder.row("s/cd/total/rtd", 1, 2, 0, 1, 78);
    builder.correct(Number.NaN, "<");
    expect(decodeReadingBlock(builder.encode()).corrections).toEqual([{ row: 0, oldValue: Number.NaN, oldCmp: "<" }]);
  });

  test("anything else is refused by name", () => {
    expect(() => decodeReadingBlock(new Uint8Array(4))).toThrow(Unavailable);
    expect(() => decodeReadingBlock(new TextEncoder().encode('{"v":1,"r":[]}  '))).toThrow(/BLOCK_UNREADABLE/);
  });
});

describe("raw envelope", () => {
  test("decode(encode(x)) = x", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e12 }),
        fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
        fc.string(),
        fc.uint8Array({ maxLength: 300 }),
        (receivedAt, device, topic, payload) => {
          const wellFormed = Buffer.from(topic).toString();
          const decoded = decodeRaw(encodeRaw({ receivedAt, device, topic: wellFormed, payload }));
          expect({ ...decoded, payload: [...decoded.payload] }).toEqual({
            receivedAt,
            device,
            topic: wellFormed,
            payload: [...payload],
          });
        },
      ),
    );
  });

  test("an unknown version is refused", () => {
    expect(() => decodeRaw(new Uint8Array(20).fill(9))).toThrow(/version 9/);
  });
});

test("tests stand beside rows that are not good, and revisions at the end", () => {
  const builder = new ReadingBlockBuilder();
  builder.message(anOrigin());
  builder.row("s/ph/total/rtd", 1, 7, 0, 1, 78);
  builder.tests(0);
  builder.row("s/ph/total/rtd", 2, 9, 0, 3, 78);
  builder.tests(0b011_000_000);
  builder.revisions();
  builder.row("s/ph/total/rtd", 0, 7, 0, 4, 78);
  builder.tests(4);
  const block = decodeReadingBlock(builder.encode());
  expect([...block.tests]).toEqual([
    [1, 0b011_000_000],
    [2, 4],
  ]);
  expect(block.revisedFrom).toBe(2);
  builder.clear();
  builder.message(anOrigin());
  builder.row("s/ph/total/rtd", 1, 7, 0, 1, 78);
  const plain = decodeReadingBlock(builder.encode());
  expect([plain.tests.size, plain.revisedFrom]).toEqual([0, 1]);
});
