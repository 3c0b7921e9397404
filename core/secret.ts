/**
 * Machine secrets: 256-bit random, kept as HMAC-SHA-256 with a server pepper, so that ten thousand devices reconnecting
 * cost milliseconds of CPU (people's passwords are argon2id instead, see dashboards/auth.ts).
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceCredential } from "./ports.ts";

/** 32 random bytes as 43 characters of base64url. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** @returns hex, as the registry keeps it. */
export function hmacSecret(pepper: Buffer, secret: string | Buffer): string {
  return createHmac("sha256", pepper).update(secret).digest("hex");
}

/** Compares in constant time; false when `expected` is absent. */
export function secretMatches(pepper: Buffer, secret: string | Buffer, expected: string | undefined): boolean {
  const actual = Buffer.from(hmacSecret(pepper, secret), "hex");
  const wanted = Buffer.from(expected ?? "", "hex");
  return wanted.length === actual.length && timingSafeEqual(actual, wanted);
}

export type SecretVerdict =
  | { readonly kind: "right"; readonly hmac: string }
  /** It was right once: rotated out or revoked. */
  | { readonly kind: "over" }
  | { readonly kind: "wrong" };

/**
 * Whether a device's secret opens now. One HMAC whatever the number of credentials, none included, and every comparison
 * in constant time: neither names nor secrets can be told apart by the clock.
 *
 * @param now wall clock, ms.
 */
export function judgeSecret(
  pepper: Buffer,
  secret: string | Buffer,
  credentials: readonly DeviceCredential[],
  now: number,
): SecretVerdict {
  const actual = Buffer.from(hmacSecret(pepper, secret), "hex");
  let verdict: SecretVerdict = { kind: "wrong" };
  for (const { hmac, validUntil } of credentials) {
    const wanted = Buffer.from(hmac, "hex");
    if (wanted.length !== actual.length || !timingSafeEqual(actual, wanted)) continue;
    if (isOpen({ validUntil }, now)) verdict = { kind: "right", hmac };
    else if (verdict.kind === "wrong") verdict = { kind: "over" };
  }
  return verdict;
}

export function isOpen({ validUntil }: { readonly validUntil?: number | undefined }, now: number): boolean {
  return validUntil === undefined || now < validUntil;
}

/** Crockford's base 32: no I, L, O, U, so that a code can be read aloud and typed from paper. */
const CLAIM_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CLAIM_CHARACTERS = 12;

/** 60 random bits as three groups of four, "7QK2-M0XV-9TRA": single use and limited tries make that plenty. */
export function newClaimCode(): string {
  const letters = Array.from(randomBytes(CLAIM_CHARACTERS), (byte) => CLAIM_LETTERS.charAt(byte & 31)).join("");
  return letters.replace(/(.{4})(?=.)/g, "$1-");
}

/** As typed by a person → as made; null when it cannot be a code. Case, spaces, dashes do not matter; O is 0, I and L are 1. */
export function readClaimCode(typed: string): string | null {
  const letters = typed.toUpperCase().replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
  if (letters.length !== CLAIM_CHARACTERS || [...letters].some((letter) => !CLAIM_LETTERS.includes(letter)))
    return null;
  return letters.replace(/(.{4})(?=.)/g, "$1-");
}

/** Apart from device secrets, so that a code can never be taken for one. */
export function hmacClaimCode(pepper: Buffer, code: string): string {
  return hmacSecret(pepper, `claim:${code}`);
}

/** Reads `<dataDir>/pepper`, or makes it (mode 0600) on the first run. Losing it invalidates every device secret. */
export function loadPepper(dataDir: string): Buffer {
  const file = join(dataDir, "pepper");
  if (!existsSync(file)) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(file, 0o600);
  }
  return Buffer.from(readFileSync(file, "utf8").trim(), "hex");
}
