import fc from "fast-check";
import { expect, test } from "vitest";
import { seal, unseal } from "../../../core/sealed.ts";

const KEY = Buffer.alloc(32, 7);

test("what was sealed opens again, for its own purpose and key only, and never looks the same twice", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), (plain, purpose) => {
      const sealed = seal(KEY, plain, purpose);
      expect(unseal(KEY, sealed, purpose)).toBe(plain);
      expect(unseal(KEY, sealed, `${purpose}x`)).toBeNull();
      expect(unseal(Buffer.alloc(32, 8), sealed, purpose)).toBeNull();
      expect(seal(KEY, plain, purpose)).not.toBe(sealed);
    }),
  );
});

test("any changed bit is noticed", () => {
  const sealed = Buffer.from(seal(KEY, "123456", "p"), "base64url");
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(unseal(KEY, changed.toString("base64url"), "p")).toBeNull();
  }
});

test.each(["", "short", "A".repeat(100), "not base64 !"])("%j is no seal", (text) => {
  expect(unseal(KEY, text, "p")).toBeNull();
});
