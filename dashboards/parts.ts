/** What the web server is given: ports, a few functions, and the words for them. Everything arrives as an argument. */
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config.ts";
import type { Quarantined } from "../core/envelope.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type {
  Accounts,
  AlarmDesk,
  AlarmStore,
  Directory,
  Journal,
  LimitBook,
  Outbox,
  Registry,
  TimeSeriesStore,
} from "../core/ports.ts";

/** One thing the system depends on; `detail` is for operators and holds no secrets. */
export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}
/** `ready` is false when readings cannot be accepted or alarms cannot be decided. */
export interface HealthReport {
  readonly ready: boolean;
  readonly checks: readonly HealthCheck[];
}

/** An entry of stream `quarantine` with its offset, which names it. */
export interface QuarantineItem extends Quarantined {
  readonly offset: number;
}
/** Handed in by the composition root: reading and replaying what could not be used. */
export interface QuarantineDesk {
  /** Newest first, with offsets below `before` (null: from the end); `before` of the answer asks for the next page. */
  list(query: {
    readonly before: number | null;
    readonly limit: number;
  }): Promise<{ readonly items: readonly QuarantineItem[]; readonly before: number | null }>;
  /** Appends the messages to stream `raw` again; `missing` are offsets that are not kept any more. */
  replay(
    offsets: readonly number[],
    by: string,
  ): Promise<{ readonly replayed: number; readonly missing: readonly number[] }>;
}

export interface DashboardParts {
  readonly config: Pick<
    Config,
    "host" | "httpPort" | "httpTlsCert" | "httpTlsKey" | "httpInsecure" | "publicUrl" | "drain"
  >;
  readonly journal: Journal;
  readonly series: TimeSeriesStore;
  readonly alarms: AlarmStore;
  readonly desk: AlarmDesk;
  readonly registry: Registry;
  readonly directory: () => Directory;
  readonly accounts: Accounts;
  readonly outbox: Outbox;
  readonly limits: LimitBook;
  readonly pepper: Buffer;
  readonly quarantine: QuarantineDesk;
  readonly health: () => Promise<HealthReport>;
  /** Snapshots of every thread's metrics. */
  readonly metricsOf: () => Promise<object[][]>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  /** Folder of the built web UI; null serves none. */
  readonly webRoot: string | null;
}
