/**
 * Secrets that must be sent again in clear, and so cannot be kept as an HMAC: sealed with AES-256-GCM (NIST SP 800-38D)
 * under a key that lies in a file beside the stores. HJ 212 puts its access password (PW) into every packet.
 *
 * Layout of a sealed text: base64url of 12 bytes nonce, ciphertext, 16 bytes tag.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Misconfigured } from "./errors.ts";

export const HJ212_KEY_FILE = "hj212.key";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Reads `<dataDir>/hj212.key`, or makes it (mode 0600) at first use. Losing it loses every sealed secret.
 * @throws Misconfigured `KEY_INVALID` when the file is not 64 hexadecimal digits.
 */
export function loadSealingKey(dataDir: string): Buffer {
  const file = join(dataDir, HJ212_KEY_FILE);
  if (!existsSync(file)) makeKey(dataDir, file);
  const key = Buffer.from(readFileSync(file, "utf8").trim(), "hex");
  if (key.length === KEY_BYTES) return key;
  throw new Misconfigured("KEY_INVALID", {
    what: `the key file does not hold ${KEY_BYTES * 2} hexadecimal digits`,
    where: file,
    mend: "restore it from a backup; without it the HJ 212 passwords must be given again",
  });
}

function makeKey(dataDir: string, file: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, `${randomBytes(KEY_BYTES).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(file, 0o600);
  } catch (error) {
    // Another process was first: its key counts.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** @param purpose bound into the seal: what was sealed for one device and use opens for no other. */
export function seal(key: Buffer, plain: string, purpose: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(purpose));
  const sealed = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString("base64url");
}

/** Null when it was sealed with another key or for another purpose, or has been changed since. */
export function unseal(key: Buffer, sealed: string, purpose: string): string | null {
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
  const cipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(purpose))
    .setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
  try {
    const plain = Buffer.concat([cipher.update(bytes.subarray(NONCE_BYTES, bytes.length - TAG_BYTES)), cipher.final()]);
    return plain.toString("utf8");
  } catch {
    return null; // the tag does not fit
  }
}
