/** Packed groups of journal entries: what goes in comes out, and any damage is seen. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { groupChecksum, Packer, packedBytes, streamIndex, unpackGroup } from "../../../storage/journal-sqlite-group.ts";

const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 40 });
const place = fc.record({ stream: fc.integer({ min: 0, max: 4 }), first: fc.integer({ min: 0, max: 2 ** 50 }) });

function packed(stream: number, first: number, of: readonly Uint8Array[], expectedBytes = 0) {
  const packer = new Packer(stream, expectedBytes);
  for (const entry of of) packer.add(entry);
  const { count, bytes } = packer.finish();
  return { first, count, bytes, crc: groupChecksum(stream, first, count, bytes) };
}

test("unpacking gives back the entries with their offsets, whatever size was expected", () => {
  fc.assert(
    fc.property(entries, place, fc.integer({ min: 0, max: 5_000 }), (of, { stream, first }, expectedBytes) => {
      const group = packed(stream, first, of, expectedBytes);
      expect(group.bytes.byteLength).toBe(of.reduce((sum, entry) => sum + packedBytes(entry), 0));
      const found = unpackGroup(stream, group);
      expect(found?.map(({ offset }) => offset)).toEqual(of.map((_, index) => first + index));
      expect(found?.map(({ bytes }) => Array.from(bytes))).toEqual(of.map((entry) => Array.from(entry)));
    }),
  );
});

test("a flipped bit anywhere, a cut, or another place is seen", () => {
  fc.assert(
    fc.property(entries, place, fc.nat(), fc.integer({ min: 0, max: 7 }), (of, { stream, first }, at, bit) => {
      const group = packed(stream, first, of);
      const flipped = Uint8Array.from(group.bytes);
      flipped[at % flipped.length]! ^= 1 << bit;
      expect(unpackGroup(stream, { ...group, bytes: flipped })).toBeNull();
      expect(unpackGroup(stream, { ...group, bytes: group.bytes.subarray(0, -1) })).toBeNull();
      expect(unpackGroup(stream, { ...group, first: first + 1 })).toBeNull();
      expect(unpackGroup(stream, { ...group, count: group.count - 1 })).toBeNull();
      expect(unpackGroup((stream + 1) % 5, group)).toBeNull();
    }),
  );
});

test("lengths that do not fit are refused although their checksum does", () => {
  const bytes = Buffer.from([9, 0, 0, 0, 1, 2]);
  expect(unpackGroup(0, { first: 0, count: 1, bytes, crc: groupChecksum(0, 0, 1, bytes) })).toBeNull();
  const short = Buffer.from([1, 0, 0]);
  expect(unpackGroup(0, { first: 0, count: 1, bytes: short, crc: groupChecksum(0, 0, 1, short) })).toBeNull();
});

test("a name that is no stream is a bug of the caller", () => {
  expect(() => streamIndex("row")).toThrow(TypeError);
  expect(streamIndex("raw")).toBe(0);
});
