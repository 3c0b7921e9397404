/**
 * The frame guard: follows MQTT fixed headers in the bytes as they arrive and refuses what nobody should buffer.
 *
 * Neither Aedes nor its parser limits a packet: an unfinished CONNECT may announce 256 MB and is kept in memory before
 * anybody has authenticated. So the guard sees every chunk first. Until `open` it lets one CONNECT through and stops there.
 */
import { PAYLOAD_BYTES_MAX, PREAUTH_BYTES_MAX } from "../core/wire.ts";

/** Largest packet of a device after authentication: payload, topic of five ids, packet id. */
export const DEVICE_FRAME_BYTES_MAX = PAYLOAD_BYTES_MAX + 1_024;
/** Consumers send SUBSCRIBE, PUBACK and PINGREQ only. */
export const CONSUMER_FRAME_BYTES_MAX = PREAUTH_BYTES_MAX;

export type FrameFault = "packet-too-large" | "connect-expected" | "malformed-length";

const CONNECT = 0x10;
/** The remaining length has at most four bytes (MQTT 3.1.1, 2.2.3). */
const LENGTH_SCALE_MAX = 128 ** 3;

export class FrameGuard {
  #bytesMax = PREAUTH_BYTES_MAX;
  #isOpen = false;
  #sawConnect = false;
  #connectEnded = false;
  #inLength = false;
  #length = 0;
  #scale = 1;
  /** Bytes of the current packet still to come, after its header. */
  #left = 0;

  /** True between the end of CONNECT and `open`: read nothing. */
  get waits(): boolean {
    return this.#connectEnded && !this.#isOpen;
  }

  /** Lets packets of up to `bytesMax` through from now on. */
  open(bytesMax: number): void {
    this.#isOpen = true;
    this.#bytesMax = bytesMax;
  }

  /**
   * @returns how many bytes of the chunk may be handed on (fewer than all only at the end of CONNECT), or what is wrong.
   */
  push(chunk: Uint8Array): number | FrameFault {
    let at = 0;
    while (at < chunk.length && !this.waits) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, chunk.length - at);
        at += step;
        this.#left -= step;
        if (this.#left === 0) this.#endPacket();
        continue;
      }
      const fault = this.#header(chunk[at] ?? 0);
      if (fault) return fault;
      at += 1;
    }
    return at;
  }

  #header(byte: number): FrameFault | null {
    if (!this.#inLength) {
      if (!this.#sawConnect && byte !== CONNECT) return "connect-expected";
      this.#sawConnect = true;
      this.#inLength = true;
      this.#length = 0;
      this.#scale = 1;
      return null;
    }
    this.#length += (byte & 127) * this.#scale;
    if (this.#length > this.#bytesMax) return "packet-too-large";
    if (byte & 128) {
      if (this.#scale === LENGTH_SCALE_MAX) return "malformed-length";
      this.#scale *= 128;
      return null;
    }
    this.#inLength = false;
    this.#left = this.#length;
    if (this.#left === 0) this.#endPacket();
    return null;
  }

  #endPacket(): void {
    if (!this.#isOpen) this.#connectEnded = true;
  }
}
