/**
 * HTTP ingest without HTTP: who sends, what is in the body, and the journal's word that it is durable. The web server
 * (dashboards/routes/telemetry.ts) carries the requests; both run in the web thread, on its own journal connection, so
 * that a fault of HTTP cannot touch the MQTT side. Same envelope, same ingest, same guarantees as a PUBLISH with QoS 1.
 */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Clock } from "../core/clock.ts";
import type { HttpMessage, TelemetryDoor } from "../core/device-door.ts";
import { encodeRaw } from "../core/envelope.ts";
import { Refused, TooMany, Unavailable } from "../core/errors.ts";
import { addressKey, FailurePace } from "../core/failure-pace.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory, Journal } from "../core/ports.ts";
import { judgeSecret } from "../core/secret.ts";
import { devicePrefix } from "../core/wire.ts";
import { IN_FLIGHT_BYTES_MAX } from "./admit.ts";
import { splitBody } from "./http-body.ts";
import { Rate } from "./limits.ts";
import { keepPace } from "./pace-keeper.ts";
import { Refusals } from "./refusals.ts";

const unzip = promisify(gunzip);

/** Of a body after decompression. */
export const INFLATED_BYTES_MAX = 4 * 1024 * 1024;
/** Telemetry shrinks ten- to fiftyfold; what claims more is not unpacked, so that memory is known before the bytes are. */
const INFLATION_MAX = 100;
const REQUESTS_PER_MINUTE = 600;
/** Failed sign-ins whose answer waits; beyond, they are turned away at once. */
const WAITING_MAX = 500;
const RETRY_SECONDS = 5;

export interface HttpDoorParts {
  readonly journal: Journal;
  readonly directory: () => Directory;
  readonly pepper: Buffer;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export function createTelemetryDoor(parts: HttpDoorParts): TelemetryDoor & { close(): void } {
  const { clock, metrics } = parts;
  const log = parts.log.child({ part: "http-ingest" });
  const count = (reason: string): void => metrics.count("gateway_refused", 1, { reason });
  const refusals = new Refusals({ count, clock, log });
  const rate = new Rate(REQUESTS_PER_MINUTE);
  const enter = doorman(parts, refusals);
  let isHeld = false;
  let bytesInFlight = 0;
  const stopPace = keepPace({ ...parts, log }, (held) => {
    isHeld = held;
  });

  const take = async (message: HttpMessage): Promise<number> => {
    const { device, address } = message;
    const who = { address, account: device };
    if (!rate.enter(device, clock.monotonic())) {
      refusals.refuse("http-too-many-requests", who);
      throw new TooMany(
        `more than ${REQUESTS_PER_MINUTE} requests a minute of ${device}: put several messages in one`,
        1,
      );
    }
    const size = bytesMaxOf(message);
    if (isHeld || bytesInFlight + size > IN_FLIGHT_BYTES_MAX) {
      count("http-busy");
      throw new Unavailable("GATEWAY_BUSY", {
        what: "more has come in than can be judged at the moment",
        mend: "send the same messages again a little later",
      });
    }
    bytesInFlight += size;
    try {
      const entries = await entriesOf(parts, message);
      await store(parts.journal, entries);
      metrics.count("http_messages", entries.length);
      return entries.length;
    } catch (error) {
      if (error instanceof Refused) refusals.refuse(`http-${error.status}`, who);
      else if (error instanceof Unavailable) count("journal-unavailable");
      throw error;
    } finally {
      bytesInFlight -= size;
    }
  };
  return { enter, take, close: stopPace };
}

async function store(journal: Journal, entries: readonly Uint8Array[]): Promise<void> {
  const [first, ...rest] = entries;
  if (first && rest.length === 0) await journal.append("raw", first);
  else await journal.commit({ append: [{ stream: "raw", entries }] });
}

/** Fails late by address and by name, and never locks: a right secret is let in at once. */
function doorman(parts: HttpDoorParts, refusals: Refusals): TelemetryDoor["enter"] {
  const { clock } = parts;
  const pace = new FailurePace();
  let waiting = 0;
  return async ({ authorization, address }) => {
    const claimed = readAuthorization(authorization);
    const verdict = claimed ? judge(parts, claimed) : "http-unauthenticated";
    if (claimed && verdict === null) return claimed.device;
    const account = claimed?.device;
    refusals.refuse(verdict ?? "http-unauthenticated", { address, account });
    const delayMs = pace.fail(addressKey(address), account ?? "", clock.now());
    if (delayMs > 0 && waiting >= WAITING_MAX) throw new TooMany("too many failed sign-ins at once", RETRY_SECONDS);
    if (delayMs > 0) {
      waiting += 1;
      await clock.sleep(delayMs);
      waiting -= 1;
    }
    throw new Refused(
      "DEVICE_UNAUTHORIZED",
      {
        what: "no such device and secret",
        where: "Authorization",
        mend: "send `Authorization: Bearer DEVICE.SECRET`, or Basic with the device id as user",
      },
      401,
    );
  };
}

/** Null when the device may send; else the reason, for the count. */
function judge(
  { directory, pepper, clock }: HttpDoorParts,
  { device, secret }: { readonly device: string; readonly secret: string },
): string | null {
  const verdict = judgeSecret(pepper, secret, directory().credentials(device), clock.now());
  if (verdict.kind !== "right") return verdict.kind === "over" ? "secret-over" : "secret-wrong";
  if (directory().revokedSince(device) !== undefined) return "device-revoked";
  return directory().device(device) ? null : "device-without-station";
}

/**
 * `Bearer {device}.{secret}`, split at the last dot (secrets that we make have none), or `Basic` for a secret that
 * was written by hand and has one.
 */
export function readAuthorization(
  header: string | undefined,
): { readonly device: string; readonly secret: string } | null {
  const [, scheme = "", text = ""] = /^(Bearer|Basic) +(\S+)$/i.exec(header ?? "") ?? [];
  const isBasic = scheme.toLowerCase() === "basic";
  const credentials = isBasic ? Buffer.from(text, "base64").toString("utf8") : text;
  const at = isBasic ? credentials.indexOf(":") : credentials.lastIndexOf(".");
  if (at <= 0) return null;
  return { device: credentials.slice(0, at), secret: credentials.slice(at + 1) };
}

async function entriesOf({ directory, clock }: HttpDoorParts, message: HttpMessage): Promise<Uint8Array[]> {
  const body = await inflate(message);
  const messages = splitBody(message.contentType, body);
  if ("refused" in messages) {
    const { code, what, status } = messages.refused;
    throw new Refused(code, { what, where: "body" }, status);
  }
  const { device } = message;
  const context = directory().device(device);
  if (!context) throw new Refused("DEVICE_UNAUTHORIZED", { what: `${device} was removed meanwhile` }, 401);
  const topic = devicePrefix(context.site, context.station, context.device) + messages.channel;
  const receivedAt = clock.now();
  return messages.payloads.map((payload) => encodeRaw({ receivedAt, device, topic, payload }));
}

function encodingOf({ contentEncoding }: HttpMessage): string {
  return (contentEncoding ?? "identity").trim().toLowerCase();
}

/** Bytes that the body may have once it is unpacked. */
function bytesMaxOf(message: HttpMessage): number {
  const { byteLength } = message.body;
  return encodingOf(message) === "gzip" ? Math.min(INFLATED_BYTES_MAX, INFLATION_MAX * byteLength) : byteLength;
}

async function inflate(message: HttpMessage): Promise<Buffer> {
  const { body } = message;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const encoding = encodingOf(message);
  if (encoding === "identity") return bytes;
  if (encoding !== "gzip")
    throw new Refused("CONTENT_ENCODING_UNKNOWN", { what: "content encoding is neither gzip nor identity" }, 415);
  try {
    return await unzip(bytes, { maxOutputLength: bytesMaxOf(message) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new Refused("BODY_TOO_LARGE", { what: `more than ${bytesMaxOf(message)} bytes when unpacked` }, 413);
    throw new Refused("BODY_NOT_GZIP", { what: "the body is not gzip, or damaged", where: "body" }, 400);
  }
}
