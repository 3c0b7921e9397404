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
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory, Journal } from "../core/ports.ts";
import type { DeviceContext } from "../core/site.ts";
import { devicePrefix } from "../core/wire.ts";
import { deviceGrant, mayPublish } from "./access.ts";
import { IN_FLIGHT_BYTES_MAX } from "./admit.ts";
import { doorman } from "./http-doorman.ts";
import { readBody } from "./http-formats.ts";
import { Rate } from "./limits.ts";
import { Shares } from "./pace.ts";
import { keepPace } from "./pace-keeper.ts";
import { Refusals } from "./refusals.ts";

const unzip = promisify(gunzip);

/** Of a body after decompression. */
export const INFLATED_BYTES_MAX = 4 * 1024 * 1024;
/** Telemetry shrinks ten- to fiftyfold; what claims more is not unpacked, so that memory is known before the bytes are. */
const INFLATION_MAX = 100;
/** Of a device; of a network server, for each of its devices. */
const REQUESTS_PER_MINUTE = 600;

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
  const shares = new Shares();
  const enter = doorman(parts, refusals);
  let isHeld = false;
  let bytesInFlight = 0;
  const stopPace = keepPace({ ...parts, log }, (held) => {
    isHeld = held;
  });

  const take = async (message: HttpMessage): Promise<number> => {
    const { device, address } = message;
    const who = { address, account: device };
    const devices = 1 + parts.directory().carriedBy(device).length;
    const now = clock.monotonic();
    if (!rate.enter(device, now, 1 / devices)) {
      refusals.refuse("http-too-many-requests", who);
      throw new TooMany(
        `more than ${REQUESTS_PER_MINUTE * devices} requests a minute of ${device}: put several messages in one`,
        1,
      );
    }
    const owedMs = isHeld ? shares.owedMs(device, now) : 0;
    if (owedMs > 0) {
      refusals.refuse("http-paced", who);
      throw new TooMany(
        "more has come in than can be judged at the moment, and this device has sent more than its share: send the same again",
        Math.ceil(owedMs / 1_000),
      );
    }
    shares.take(device, { now, messages: 1, devices });
    const size = bytesMaxOf(message);
    if (bytesInFlight + size > IN_FLIGHT_BYTES_MAX) {
      count("http-busy");
      throw new Unavailable("GATEWAY_BUSY", {
        what: "more has come in than can be judged at the moment",
        mend: "send the same messages again a little later",
      });
    }
    bytesInFlight += size;
    try {
      const entries = await entriesOf(parts, message);
      shares.take(device, { now, messages: entries.length - 1, devices });
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

async function entriesOf({ directory, clock }: HttpDoorParts, message: HttpMessage): Promise<Uint8Array[]> {
  const body = await inflate(message);
  const messages = readBody(message.contentType, message.query, body);
  if ("refused" in messages) {
    const { code, what, status } = messages.refused;
    throw new Refused(code, { what, where: "body" }, status);
  }
  const { device } = message;
  const context = directory().device(device);
  if (!context) throw new Refused("DEVICE_UNAUTHORIZED", { what: `${device} was removed meanwhile` }, 401);
  if (directory().revokedSince(device) !== undefined)
    throw new Refused("DEVICE_UNAUTHORIZED", { what: `${device} was revoked meanwhile` }, 401);
  const topic =
    "channel" in messages
      ? devicePrefix(context.site, context.station, context.device) + messages.channel
      : grantedTopic(directory(), context, messages);
  const receivedAt = clock.now();
  return messages.payloads.map((payload) => encodeRaw({ receivedAt, device, topic, payload }));
}

/** The topic of another world, when the account may publish there over MQTT. */
function grantedTopic(
  directory: Directory,
  context: DeviceContext,
  { topic, payloads }: { readonly topic: string; readonly payloads: readonly Uint8Array[] },
): string {
  const { id } = context.device;
  const bytes = Math.max(...payloads.map(({ byteLength }) => byteLength));
  if (mayPublish(deviceGrant(context, directory.carriedBy(id)), topic, bytes) === "granted") return topic;
  throw new Refused(
    "SENDER_NOT_GRANTED",
    {
      what: `${id} may not send to "${topic}"`,
      mend: "register the device or edge node it speaks of, with this account as `via`",
    },
    403,
  );
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
