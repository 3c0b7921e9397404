/**
 * The shape of every payload decoder: bytes, the sender's profile and the envelope in, readings as sent or a named
 * refusal out. Pure, and it never throws for what a device sent.
 */
import type { CommandAck } from "../../core/command.ts";
import type { DeviceFact } from "../../core/fleet.ts";
import type { Aggregate, Comparison, Fraction, Qualifier } from "../../core/reading.ts";
import type { Device } from "../../core/site.ts";

/** What a decoder may know about its sender; formats without names or units take them from here. */
export type SenderProfile = Pick<Device, "quantities" | "profile">;

/** How the message came. */
export interface Envelope {
  readonly topic: string;
  /** Arrival at the gateway, wall clock, ms. */
  readonly receivedAt: number;
}

/** One reading as sent: nothing looked up, nothing converted. */
export interface DecodedReading {
  /** Own quantity id or HJ 212 code. */
  readonly quantity: string;
  /** In `unit`; null when the device says that it has none. */
  readonly value: number | null;
  /** Undefined: the unit the registry names for this quantity. */
  readonly unit: string | undefined;
  readonly cmp: Comparison;
  readonly qualifier: Qualifier;
  /** Ms since 1970 UTC; null: none was sent, so arrival time counts. */
  readonly time: number | null;
  readonly aggregate: Aggregate;
  readonly fraction: Fraction;
  /** Of an average that fills a hole: how long it speaks for, from `time` on, ms. */
  readonly spanMs?: number;
  /** Told in `health` as well: nothing is lost, and nothing quarantined, where the device is not registered to report it. */
  readonly incidental?: boolean;
}

/** Why something could not be used. `detail` names the place; at most `DETAIL_MAX` characters, no control characters, no lone surrogates. */
export interface Fault {
  readonly code: string;
  readonly detail: string;
}

/** The whole message is unusable. */
export interface Refusal {
  readonly refused: Fault;
}

export interface Decoded {
  /** Empty when none was sent. */
  readonly boot: string;
  /** -1 when none was sent. */
  readonly seq: number;
  readonly backfill: boolean;
  /** Where repeats are known by an id of the message (then `boot`): whose number `seq` is, so that gaps show. */
  readonly countedBy?: string;
  readonly readings: readonly DecodedReading[];
  /** One for each reading that was sent and cannot be used; the others of the message are. */
  readonly faults: readonly Fault[];
  /** State of the device itself, when the message tells it. */
  readonly health?: DeviceHealth;
  /** What the device says of its equipment. */
  readonly facts?: readonly DeviceFact[];
  /** What a network server says of our commands to the device. */
  readonly answers?: readonly CommandAck[];
  /** Back-filled readings of a message whose others are live; none of its faults. */
  readonly history?: Decoded;
}

/** What a message says of the device rather than of the place. */
export interface DeviceHealth {
  /** Received signal strength, dBm. */
  readonly rssi?: number;
  /** Signal to noise, dB. */
  readonly snr?: number;
  readonly batteryVolts?: number;
  /** 0 to 100. */
  readonly batteryPercent?: number;
}

export type Codec = (bytes: Uint8Array, sender: SenderProfile, envelope: Envelope) => Decoded | Refusal;

const DETAIL_MAX = 300;

/** A fault whose text is fit for logs and pages, whatever a device put into it. */
export function fault(code: string, detail: string): Fault {
  const text = detail.slice(0, DETAIL_MAX).replace(/[\p{Cc}\p{Cs}]/gu, "\uFFFD");
  return { code, detail: text };
}

export function refuse(code: string, detail: string): Refusal {
  return { refused: fault(code, detail) };
}
