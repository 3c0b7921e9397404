import { expect, test } from "vitest";
import { hashPassword, PasswordVerifier } from "../../../dashboards/passwords.ts";

test("hashes with argon2id, 19 MiB, two passes, one lane; refuses short and endless passwords", async () => {
  expect(await hashPassword("a long sentence")).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  await expect(hashPassword("elevenchars")).rejects.toThrow("PASSWORD_WEAK");
  await expect(hashPassword("x".repeat(257))).rejects.toThrow("PASSWORD_WEAK");
});

test("knows the right password, in either Unicode form, and nothing else", async () => {
  const verifier = new PasswordVerifier();
  const known = await hashPassword("café au lait s'il vous plaît".normalize("NFD"));
  expect(await verifier.verify(known, "café au lait s'il vous plaît".normalize("NFC"))).toBe(true);
  expect(await verifier.verify(known, "another long sentence")).toBe(false);
  expect(await verifier.verify(undefined, "nobody has this password")).toBe(false);
  expect(await verifier.verify("damaged", "another long sentence")).toBe(false);
});

test("lets a bounded number wait and refuses the rest at once", async () => {
  const verifier = new PasswordVerifier();
  const tries = Array.from({ length: 70 }, () => verifier.verify("damaged", "x"));
  const outcomes = await Promise.allSettled(tries);
  expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(4);
  expect(await verifier.verify("damaged", "x")).toBe(false);
});
