/**
 * A message as received, before anybody has understood it: one entry of journal stream `raw`.
 *
 * Layout: u8 version 1, f64 receivedAt (little-endian), u8 + device id, u16 + topic, payload to the end.
 */
export interface RawMessage {
  /** Wall clock at the gateway, ms since 1970 UTC. */
  readonly receivedAt: number;
  /** The authenticated device. */
  readonly device: string;
  readonly topic: string;
  readonly payload: Uint8Array;
}

const VERSION = 1;

export function encodeRaw(message: RawMessage): Uint8Array {
  const { device, topic, payload } = message;
  const topicBytes = Buffer.byteLength(topic);
  const bytes = Buffer.allocUnsafe(12 + device.length + topicBytes + payload.byteLength);
  bytes[0] = VERSION;
  bytes.writeDoubleLE(message.receivedAt, 1);
  bytes[9] = device.length; // ids are ASCII, at most 64
  bytes.write(device, 10, "latin1");
  let at = 10 + device.length;
  bytes.writeUInt16LE(topicBytes, at);
  bytes.write(topic, at + 2, "utf8");
  at += 2 + topicBytes;
  bytes.set(payload, at);
  return bytes;
}

/** @throws RangeError when the bytes are not an envelope: the journal is damaged or newer than this program. */
export function decodeRaw(bytes: Uint8Array): RawMessage {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer[0] !== VERSION) throw new RangeError(`raw envelope version ${buffer[0]} is unknown`);
  const deviceEnd = 10 + buffer.readUInt8(9);
  const topicEnd = deviceEnd + 2 + buffer.readUInt16LE(deviceEnd);
  return {
    receivedAt: buffer.readDoubleLE(1),
    device: buffer.toString("latin1", 10, deviceEnd),
    topic: buffer.toString("utf8", deviceEnd + 2, topicEnd),
    payload: buffer.subarray(topicEnd),
  };
}

/** One entry of stream `quarantine`: what could not be used, why, and the bytes to replay. JSON on the journal. */
export interface Quarantined {
  /** Wall clock at ingest, ms since 1970 UTC. */
  readonly at: number;
  readonly receivedAt: number;
  /** The authenticated account, as in the raw message. */
  readonly device: string;
  readonly topic: string;
  /** Stable reason, e.g. `TIME_WITHOUT_OFFSET`. */
  readonly code: string;
  readonly detail: string;
  /** How many readings of the message were lost to this reason; 0 when the message could not be read at all. */
  readonly readings: number;
  /** Whose readings they are and the message's own number, once it could be read. Entries of older versions lack it. */
  readonly message?: MessageName | undefined;
  /** The whole message, base64, so that it can be replayed after the cause is mended. */
  readonly payload: string;
}

/** `boot` empty or `seq` -1 when none was sent. */
export interface MessageName {
  readonly device: string;
  readonly boot: string;
  readonly seq: number;
}
