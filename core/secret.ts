/**
 * Machine secrets: 256-bit random, kept as HMAC-SHA-256 with a server pepper, so that ten thousand devices reconnecting
 * cost milliseconds of CPU (people's passwords are argon2id instead, see dashboards/auth.ts).
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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
