import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hmacClaimCode, hmacSecret, judgeSecret, newClaimCode, readClaimCode } from "../../../core/secret.ts";

const pepper = Buffer.alloc(32, 7);
const kept = (secret: string, validUntil?: number) => {
  const credential = { device: "dev-1", hmac: hmacSecret(pepper, secret) };
  return validUntil === undefined ? credential : { ...credential, validUntil };
};

describe("judgeSecret", () => {
  const credentials = [kept("old", 1_000), kept("going", 3_000), kept("new")];
  test.each`
    secret     | now      | verdict
    ${"new"}   | ${2_000} | ${"right"}
    ${"going"} | ${2_999} | ${"right"}
    ${"going"} | ${3_000} | ${"over"}
    ${"old"}   | ${2_000} | ${"over"}
    ${"old"}   | ${999}   | ${"right"}
    ${"New"}   | ${2_000} | ${"wrong"}
    ${""}      | ${2_000} | ${"wrong"}
  `("$secret at $now is $verdict", ({ secret, now, verdict }) => {
    expect(judgeSecret(pepper, secret, credentials, now).kind).toBe(verdict);
  });
  test("nothing opens a device without credentials, nor one whose HMAC is damaged", () => {
    expect(judgeSecret(pepper, "new", [], 0)).toEqual({ kind: "wrong" });
    expect(judgeSecret(pepper, "", [{ device: "dev-1", hmac: "" }], 0)).toEqual({ kind: "wrong" });
  });
});

describe("claim codes", () => {
  test("are three groups of four, and are read back however a person types them", () => {
    fc.assert(
      fc.property(fc.constant(null), () => {
        const code = newClaimCode();
        expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$/);
        expect(readClaimCode(code)).toBe(code);
        const typed = ` ${code.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l")} `;
        expect(readClaimCode(typed)).toBe(code);
      }),
    );
  });
  test.each(["", "7QK2-M0XV-9TR", "7QK2-M0XV-9TRAA", "7QK2-M0XV-9TRU", "净土"])("%j is no code", (typed) => {
    expect(readClaimCode(typed)).toBeNull();
  });
  test("a code is never taken for a device secret", () => {
    expect(hmacClaimCode(pepper, "7QK2-M0XV-9TRA")).not.toBe(hmacSecret(pepper, "7QK2-M0XV-9TRA"));
  });
});
