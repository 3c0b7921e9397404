/**
 * What the server may ask of a device that keeps a connection of its own protocol open (HJ 212), what became of it, and
 * how such a connection fares. Words of ours; the protocol's codes stay in gateway/.
 */

/** Times in ms since 1970 UTC. A protocol that has no such command answers `failed`, code `unsupported`. */
export type FieldCommand =
  /** To the server's time. */
  | { readonly kind: "set-clock" }
  | { readonly kind: "read-clock" }
  /** Interval of real-time data, 30 to 3600 s. */
  | { readonly kind: "set-interval"; readonly seconds: number }
  /** Interval of averaged data: 1 2 3 4 5 6 10 12 15 20 30 min. */
  | { readonly kind: "set-average-interval"; readonly minutes: number }
  /** Data that the device has kept, `from` inclusive to `to` inclusive, e.g. to fill a gap. */
  | {
      readonly kind: "fetch-history";
      readonly data: "minute" | "hour" | "day";
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: "start-realtime" }
  | { readonly kind: "stop-realtime" }
  /** `parameter`: of the instrument for this one only, as the device names it. */
  | { readonly kind: "sample-now"; readonly parameter?: string }
  | { readonly kind: "restart" }
  /** How long the device waits for an answer, and how often it sends again then, 1 to 99. */
  | { readonly kind: "set-timeouts"; readonly seconds: number; readonly resends: number }
  | { readonly kind: "read-interval" | "read-average-interval" }
  /** States of treatment facilities, until stopped. */
  | { readonly kind: "start-facility" | "stop-facility" }
  /** Run hours of facilities by day. */
  | { readonly kind: "fetch-run-hours"; readonly from: number; readonly to: number }
  | { readonly kind: InstrumentDeed; readonly parameter: string }
  | { readonly kind: "keep-sample" }
  /** A sample every `hours` from `start` (hhmmss of the device's day) on. */
  | { readonly kind: "set-sampling"; readonly parameter: string; readonly start: string; readonly hours: number }
  /** `info`: code of a log (with times), a state or a setting of the instrument, e.g. i13004. */
  | {
      readonly kind: "read-info";
      readonly parameter: string;
      readonly info: string;
      readonly from?: number;
      readonly to?: number;
    }
  | { readonly kind: "set-parameter"; readonly parameter: string; readonly info: string; readonly value: string };

/** What is asked of the instrument for one parameter (`w01018`) and needs nothing else. */
export const INSTRUMENT_DEEDS = [
  "calibrate",
  "clean",
  "compare-sample",
  "read-sampling",
  "read-analysis-time",
  "read-serial",
] as const;
export type InstrumentDeed = (typeof INSTRUMENT_DEEDS)[number];

/** For whom a command is, and who wants to know how it goes on. */
export interface FieldOrder {
  /** The same for every try of one command: asked again after silence, it bears the number (QN) of the try before. */
  readonly id?: string;
  /** Wall clock, ms: nothing of it goes out from then on. */
  readonly expiresAt?: number;
  /** A wish of the server itself: what people ask goes before it. */
  readonly isOwn?: boolean;
  /** Its turn has come and the device is there; the first packet waits for this, and does not go out when it rejects. */
  onSending?(): Promise<void>;
  /** The device has agreed and is at it. */
  onAccepted?(): void;
}

/**
 * `accepted`: the device agreed, and the protocol promises no word on the result. `done` and `failed`: the device said so.
 * `expired`: nothing came in time.
 */
export interface FieldOutcome {
  readonly state: "accepted" | "done" | "failed" | "expired";
  /**
   * Stable word: ok, offline, revoked, queue-full, too-late, unnoted (`onSending` rejected), unsupported, invalid, no-answer,
   * no-result, closing, or what the device answered, such as busy.
   */
  readonly code: string;
  /** Times the request was sent. */
  readonly sent: number;
  /** Data packets that came in answer. */
  readonly packets: number;
  /** The device's time by its own clock, when it was asked for it. */
  readonly deviceTime?: number;
  /** What it was asked to read, under the protocol's own names; the newest of each, at most `SAID_MAX`. */
  readonly said?: Readonly<Record<string, string>>;
}
export const SAID_MAX = 64;

export interface PendingFieldCommand {
  readonly kind: FieldCommand["kind"];
  readonly state: "waiting" | "sent" | "accepted";
  readonly sent: number;
  readonly packets: number;
  /** Wall clock, ms. */
  readonly askedAt: number;
}

/** Numbered packets of one message of which some never came. */
export interface PacketGap {
  readonly command: string;
  /** The message's time as sent, empty when no packet carried it. */
  readonly dataTime: string;
  readonly total: number;
  readonly missing: readonly number[];
  /** Wall clock, ms. */
  readonly at: number;
}

/** One registered device; counters since the server started, over all its connections. */
export interface FieldSession {
  readonly device: string;
  /** The name it calls itself: MN. */
  readonly name: string;
  readonly connected: boolean;
  readonly address: string;
  /** Wall clock, ms. */
  readonly connectedAt: number;
  readonly lastPacketAt: number;
  readonly frames: number;
  /** Packets that were stored before and were answered again. */
  readonly resent: number;
  readonly crcErrors: number;
  readonly noiseBytes: number;
  readonly badLengths: number;
  readonly wrongPasswords: number;
  /** False: whoever knows its name can send as this device. */
  readonly hasPassword: boolean;
  /** Itself, or the account that carries it. */
  readonly isRevoked: boolean;
  /** The newest, at most 20. */
  readonly gaps: readonly PacketGap[];
  readonly pending: readonly PendingFieldCommand[];
}

/** Somebody whose name no registered device bears. */
export interface UnclaimedDevice {
  readonly name: string;
  readonly address: string;
  readonly lastPacketAt: number;
  readonly packets: number;
}
