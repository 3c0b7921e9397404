/** Bytes → JSON value, for every format that is JSON; gzip is recognised by its first bytes (RFC 1952, 2.3.1). */
import { isUtf8 } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { PAYLOAD_BYTES_MAX } from "../../core/wire.ts";
import { type Refusal, refuse } from "./codec.ts";

/** A compressed payload may grow to this much and no further. */
export const UNZIPPED_BYTES_MAX = PAYLOAD_BYTES_MAX * 8;

/** Reasons: NOT_UTF8, MALFORMED_JSON, GZIP_BROKEN, GZIP_TOO_LARGE. */
export function parseJsonBytes(bytes: Uint8Array): { readonly json: unknown } | Refusal {
  let plain = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (plain[0] === 0x1f && plain[1] === 0x8b) {
    try {
      plain = gunzipSync(plain, { maxOutputLength: UNZIPPED_BYTES_MAX }) as typeof plain;
    } catch (error) {
      const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      return tooLarge
        ? refuse("GZIP_TOO_LARGE", `grows beyond ${UNZIPPED_BYTES_MAX} bytes`)
        : refuse("GZIP_BROKEN", (error as Error).message);
    }
  }
  if (!isUtf8(plain)) return refuse("NOT_UTF8", "the payload is not UTF-8 text");
  try {
    return { json: JSON.parse(plain.toString("utf8")) };
  } catch (error) {
    return refuse("MALFORMED_JSON", (error as Error).message);
  }
}
