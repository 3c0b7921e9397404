/** What the gateway counts. Plain numbers on the hot path, handed to the metrics once a second. */
import type { Metrics } from "../core/observe.ts";

/** Metrics are names and labels looked up in maps: too dear for every message, cheap once a second. */
export const TALLY_MS = 1_000;

export class Tally {
  readonly #metrics: Metrics;
  readonly #refused = new Map<string, number>();
  #messages = 0;
  #bytes = 0;
  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** One message is durable. `bytes` of its payload. */
  message(bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
  }
  /** The reason becomes a label: a word of ours, never text from the wire. */
  refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }
  connect(): void {
    this.#metrics.count("gateway_connects");
  }
  disconnect(): void {
    this.#metrics.count("gateway_disconnects");
  }
  /** Devices were held back for one more interval. */
  paced(): void {
    this.#metrics.count("gateway_paced_intervals");
  }
  appended(seconds: number): void {
    this.#metrics.observeSeconds("gateway_append", seconds);
  }

  flush(now: {
    readonly connections: number;
    readonly inFlight: number;
    readonly inFlightBytes: number;
    readonly waiting: number;
  }): void {
    const metrics = this.#metrics;
    metrics.count("gateway_messages", this.#messages);
    metrics.count("gateway_bytes", this.#bytes);
    this.#messages = 0;
    this.#bytes = 0;
    for (const [reason, count] of this.#refused) metrics.count("gateway_refused", count, { reason });
    this.#refused.clear();
    metrics.set("gateway_connections", now.connections);
    metrics.set("gateway_in_flight", now.inFlight);
    metrics.set("gateway_in_flight_bytes", now.inFlightBytes);
    metrics.set("gateway_held_connections", now.waiting);
  }
}

/** Marks errors that are counted where they were decided. */
export class Counted extends Error {}

/** Null for what was counted where it was decided, and for sockets that just broke. */
export function closeReason(error: Error & { code?: unknown; errorCode?: number }): string | null {
  if (error instanceof Counted || typeof error.code === "string") return null;
  if (error.errorCode === 1) return "protocol-version";
  if (error.message === "keep alive timeout") return "keepalive-timeout";
  if (error.message === "connect did not arrive in time") return "connect-timeout";
  if (error.message === "drain timeout") return "subscriber-too-slow";
  return "protocol-error";
}
