/** What the web server is given: ports, a few functions, and the words for them. Everything arrives as an argument. */
import type { Alarm } from "../core/alarm.ts";
import type { Clock } from "../core/clock.ts";
import type { CommandStore } from "../core/command.ts";
import type { Config } from "../core/config.ts";
import type { Claims, TelemetryDoor } from "../core/device-door.ts";
import type { Quarantined } from "../core/envelope.ts";
import type { Explanation } from "../core/explanation.ts";
import type { FleetHealth } from "../core/fleet.ts";
import type { LabDesk } from "../core/lab.ts";
import type { MaintenanceDesk } from "../core/maintenance.ts";
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
import type { PresenceStore } from "../core/presence.ts";
import type { RegulationDesk } from "../core/regulation.ts";
import type { RulePreview } from "../core/rule-preview.ts";
import type { HealthReport } from "./health.ts";

/** An entry of stream `quarantine` without its bytes; its offset names it. */
export interface QuarantineEntry extends Omit<Quarantined, "payload"> {
  readonly offset: number;
  /** Of the message; 0 when they were not kept with this entry. */
  readonly payloadBytes: number;
}
/** Handed in by the composition root: reading and replaying what could not be used. */
export interface QuarantineDesk {
  /** Newest first; of one reason when `code` is given. */
  list(query: { readonly limit: number; readonly code?: string }): Promise<readonly QuarantineEntry[]>;
  /** Sends the messages through ingest again and tells how many. @throws Refused when an offset is not kept. */
  replay(offsets: readonly number[]): Promise<number>;
}

/** Ports that devices connect to; null for a door that is closed. */
export interface DeviceDoors {
  readonly mqtt: number | null;
  readonly mqtts: number | null;
  readonly ws: number | null;
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
  /** Pure: from the alarm alone. */
  readonly explain: (alarm: Alarm) => Explanation;
  readonly registry: Registry;
  readonly directory: () => Directory;
  readonly accounts: Accounts;
  readonly outbox: Outbox;
  readonly claims: Claims;
  readonly fleet: FleetHealth;
  readonly presence: Pick<PresenceStore, "all">;
  readonly commands: Pick<CommandStore, "put" | "get" | "of" | "configure" | "config">;
  readonly limits: LimitBook;
  readonly regulation: RegulationDesk;
  readonly maintenance: MaintenanceDesk;
  readonly pepper: Buffer;
  readonly quarantine: QuarantineDesk;
  readonly preview: RulePreview;
  readonly telemetry: TelemetryDoor;
  readonly lab: LabDesk;
  /** Where devices connect to. */
  readonly doors: () => Promise<DeviceDoors>;
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
