/**
 * One connection between its socket and the broker: every byte passes the frame guard and the gate's back-pressure
 * on its way in, and acknowledgements of one group commit leave in one write.
 *
 * How: `read` of the stream is replaced on this one object. While it returns null the bytes stay in the socket.
 */
import type { Duplex } from "node:stream";
import type { Grant } from "./access.ts";
import type { Gate, Sender } from "./admit.ts";
import type { Certificate } from "./certificates.ts";
import type { Identity, Proof } from "./credentials.ts";
import { CONSUMER_FRAME_BYTES_MAX, DEVICE_FRAME_BYTES_MAX, FrameGuard } from "./frames.ts";

/** What an account was when it signed in; looked at again when the registry changes. */
export interface SignedIn {
  readonly grant: Grant;
  readonly proof: Proof;
}

/** Filters one connection may hold; a device has three. */
export const FILTERS_MAX = 32;

export class Link implements Sender {
  readonly stream: Duplex;
  readonly address: string;
  readonly certificate: Certificate | null;
  readonly acks: number[] = [];
  readonly filters = new Set<string>();
  inFlight = 0;
  inFlightBytes = 0;
  withinShareAt = 0;
  /** From CONNECT, until it has been judged. */
  identity: Identity | null = null;
  signedIn: SignedIn | null = null;
  /** Its keep-alive ran out. */
  isSilent = false;
  readonly #gate: Gate;
  readonly #guard = new FrameGuard();
  readonly #refuse: (reason: string) => void;
  #onSignIn: () => void;
  readonly #readStream: (size?: number) => Buffer | null;

  constructor(parts: {
    stream: Duplex;
    address: string;
    certificate: Certificate | null;
    gate: Gate;
    refuse: (reason: string) => void;
    onSignIn: () => void;
  }) {
    this.stream = parts.stream;
    this.address = parts.address;
    this.certificate = parts.certificate;
    this.#gate = parts.gate;
    this.#refuse = parts.refuse;
    this.#onSignIn = parts.onSignIn;
    this.#readStream = parts.stream.read.bind(parts.stream);
    parts.stream.read = (size?: number) => this.#read(size);
    parts.stream.on("drain", () => this.#gate.wake(this));
  }

  get devices(): number {
    return this.grant?.kind === "device" ? this.grant.devices : 1;
  }
  get grant(): Grant | null {
    return this.signedIn?.grant ?? null;
  }

  /** Packets behind CONNECT pass from now on, those the client sent without waiting for CONNACK too. */
  open(kind: Grant["kind"]): void {
    this.#guard.open(kind === "device" ? DEVICE_FRAME_BYTES_MAX : CONSUMER_FRAME_BYTES_MAX);
    this.#onSignIn();
    this.#onSignIn = ignore; // and what it held on to is let go
    process.nextTick(() => this.resume());
  }

  takesAnswers(): boolean {
    return !this.stream.writableNeedDrain;
  }

  sendAcks(): void {
    const ids = this.acks;
    if (this.stream.writable) {
      const bytes = Buffer.allocUnsafe(ids.length * 4);
      let at = 0;
      for (const id of ids) {
        bytes.writeUInt16BE(0x4002, at); // PUBACK, remaining length 2
        bytes.writeUInt16BE(id, at + 2);
        at += 4;
      }
      this.stream.write(bytes);
    }
    ids.length = 0;
  }

  /** The broker reads whenever the stream says "readable"; while it was held back nobody else would say it. */
  resume(): void {
    if (!this.stream.destroyed) this.stream.emit("readable");
  }

  #read(size?: number): Buffer | null {
    if (this.#guard.waits || !this.#gate.mayRead(this)) return null;
    const chunk = this.#readStream(size);
    if (chunk === null) return null;
    const passed = this.#guard.push(chunk);
    if (typeof passed === "string") {
      this.#refuse(passed);
      this.stream.destroy();
      return null;
    }
    if (passed === chunk.length) return chunk;
    this.stream.unshift(chunk.subarray(passed));
    return chunk.subarray(0, passed);
  }
}

function ignore(): void {}
