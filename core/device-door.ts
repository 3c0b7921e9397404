/** Ports by which a device gets its identity and, when it speaks HTTP, its messages in. As core/ports.ts, apart for length. */

/** What became of a claim code that was shown. */
export type ClaimOutcome =
  | { readonly kind: "claimed"; readonly device: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "used" | "expired" | "withdrawn"; readonly device: string };

/** One-time codes by which an installer fetches a device's secret. Kept as HMAC. */
export interface Claims {
  /**
   * Open codes of the same devices made before are withdrawn.
   * @throws Refused `REGISTRY_INVALID` for a device that is not known.
   */
  put(
    codes: readonly { readonly hmac: string; readonly device: string; readonly expiresAt: number }[],
    by: string,
  ): Promise<void>;
  /**
   * Uses a code up and makes `credential` (HMAC of a fresh secret) the only one of its device, in one transaction with
   * the audit entry: of two at the same moment one is told "used". Refusals of a known code are audited too.
   */
  redeem(code: { readonly hmac: string; readonly credential: string; readonly from: string }): Promise<ClaimOutcome>;
}

/** A device's message that came by HTTP. */
export interface HttpMessage {
  /** As `enter` returned it. */
  readonly device: string;
  readonly address: string;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** Of the URL: what the body is, where its type does not say it (gateway/http-formats.ts). */
  readonly query: {
    readonly format?: string | undefined;
    readonly event?: string | undefined;
    readonly topic?: string | undefined;
  };
  readonly body: Uint8Array;
}

/** The way in for devices that speak HTTP. Both calls tell refusals as errors that carry their HTTP status. */
export interface TelemetryDoor {
  /**
   * Who sends: from `Authorization: Bearer {device}.{secret}` or `Basic`. Asked before the body is read.
   * @throws Refused `DEVICE_UNAUTHORIZED` 401, the later the more have failed; TooMany.
   */
  enter(sender: { readonly authorization: string | undefined; readonly address: string }): Promise<string>;
  /**
   * Durable when resolved: all messages of the body, or none.
   * @returns how many messages.
   * @throws Refused 400, 403 (messages that this account may not send), 413 or 415; TooMany, also for who sends more than
   * its share while ingest is behind; Unavailable as `Journal.append`, and `GATEWAY_BUSY` while too much waits.
   */
  take(message: HttpMessage): Promise<number>;
}
