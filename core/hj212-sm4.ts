/**
 * SM4 as HJ 212-2025 uses it: ECB without padding over the text between `CP=&&` and the last `&&`. Every whole 16 bytes
 * are encrypted, the rest stays plain; length and check are made first, on the plaintext (GB/T 32907 is the cipher).
 *
 * The edition is known here at second hand. Its printed samples show the ciphertext as `{0xE4,0x3E,…}`, their lengths fit
 * raw bytes: both forms are read, raw bytes are written.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";

export const SM4_KEY_BYTES = 16;
const BLOCK_BYTES = 16;
const OPEN = Buffer.from("CP=&&");
const CLOSE = Buffer.from("&&");
// biome-ignore lint/suspicious/noControlCharactersInRegex: those bytes are what it looks for
const CIPHERTEXT = /^\{?\s*0[xX][0-9a-fA-F]{2}\s*[,}]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const PRINTED = /^\{?\s*(?:0[xX][0-9a-fA-F]{2}\s*,\s*)*0[xX][0-9a-fA-F]{2}\s*\}?$/;

/** For a framer: the plaintext of a segment whose check failed, or null when it holds nothing encrypted. */
export function sm4Decrypter(key: Uint8Array): (data: Uint8Array) => Uint8Array | null {
  return (data) => decryptSegment(data, key);
}

/** Whether there is ciphertext behind a `CP=&&`, by its looks: printed, or bytes that no text holds. */
export function looksEncrypted(data: Uint8Array): boolean {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const open = bytes.indexOf(OPEN);
  if (open < 0) return false;
  const text = bytes.subarray(open + OPEN.length).toString("latin1");
  return CIPHERTEXT.test(text);
}

/** Null when there is no CP or less than one block in it. @throws RangeError when the key is not 16 bytes. */
export function decryptSegment(data: Uint8Array, key: Uint8Array): Uint8Array | null {
  return inCp(data, (cp) => {
    const bytes = unprinted(cp);
    return bytes.length < BLOCK_BYTES ? null : blocks(bytes, (whole) => cipher(whole, key, createDecipheriv));
  });
}

/** Null when there is no CP. @throws RangeError when the key is not 16 bytes. */
export function encryptSegment(data: Uint8Array, key: Uint8Array): Uint8Array | null {
  return inCp(data, (cp) => blocks(cp, (whole) => cipher(whole, key, createCipheriv)));
}

function inCp(data: Uint8Array, change: (cp: Buffer) => Uint8Array | null): Uint8Array | null {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const open = bytes.indexOf(OPEN);
  const close = bytes.length - CLOSE.length; // the end, not a search: ciphertext may hold && anywhere
  if (open < 0 || close < open + OPEN.length || !bytes.subarray(close).equals(CLOSE)) return null;
  const changed = change(bytes.subarray(open + OPEN.length, close));
  return changed === null ? null : Buffer.concat([bytes.subarray(0, open + OPEN.length), changed, CLOSE]);
}

function blocks(bytes: Buffer, change: (whole: Buffer) => Buffer): Buffer {
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  return Buffer.concat([change(bytes.subarray(0, whole)), bytes.subarray(whole)]);
}

function cipher(bytes: Buffer, key: Uint8Array, create: typeof createCipheriv | typeof createDecipheriv): Buffer {
  if (key.length !== SM4_KEY_BYTES) throw new RangeError(`an SM4 key has ${SM4_KEY_BYTES} bytes, not ${key.length}`);
  const sm4 = create("sm4-ecb", key, null);
  sm4.setAutoPadding(false);
  return Buffer.concat([sm4.update(bytes), sm4.final()]);
}

/** `{0xE4,0x3E,…}rest` as bytes; anything else as it is. */
function unprinted(cp: Buffer): Buffer {
  if (cp[0] !== 0x7b && cp[0] !== 0x30) return cp;
  const text = cp.toString("latin1");
  const end = text.indexOf("}") + 1 || text.length;
  if (!PRINTED.test(text.slice(0, end))) return cp;
  const bytes = [...text.slice(0, end).matchAll(/0[xX]([0-9a-fA-F]{2})/g)].map(([, hex = ""]) =>
    Number.parseInt(hex, 16),
  );
  return Buffer.concat([Buffer.from(bytes), cp.subarray(end)]);
}
