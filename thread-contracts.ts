/** What the three threads hand and offer one another. Types and names only, so that importing it starts nothing. */
import type { MessagePort } from "node:worker_threads";
import type { Config } from "./core/config.ts";
import type { LatestPoint, Point, SeriesQuery } from "./core/ports.ts";
import type { HealthReport } from "./dashboards/health.ts";
import type { DeviceDoors } from "./dashboards/parts.ts";

export interface PipelineData {
  readonly config: Config;
  readonly journalPort: MessagePort;
  /** Main offers the ports `Publisher` and `EdgeListener` here. */
  readonly publisherPort: MessagePort;
  /** The pipeline offers `PipelineControl` here. */
  readonly controlPort: MessagePort;
}
/** Sent to the pipeline thread: offer series reads and fleet health on one more port each (for each start of the web thread). */
export interface OfferSeries {
  readonly seriesPort: MessagePort;
  readonly fleetPort: MessagePort;
}

/** What the main thread asks of the pipeline. */
export interface PipelineControl {
  stop(): Promise<void>;
  metrics(): Promise<object[]>;
  backupSeries(folder: string): Promise<void>;
  seriesCount(): Promise<number>;
  seriesLatest(): Promise<readonly LatestPoint[]>;
  seriesQuery(query: SeriesQuery, limit: number): Promise<readonly Point[]>;
}
export const PIPELINE_CONTROL = [
  "stop",
  "metrics",
  "backupSeries",
  "seriesCount",
  "seriesLatest",
  "seriesQuery",
] as const;

/** What the web thread may ask of the series store. */
export const SERIES_READS = ["query", "buckets", "latest", "corrections", "count"] as const;

/** What the web thread may ask of fleet health. */
export const FLEET_READS = ["device", "all"] as const;

export interface WebData {
  readonly config: Config;
  readonly version: string;
  readonly webRoot: string | null;
  readonly journalPort: MessagePort;
  readonly seriesPort: MessagePort;
  readonly fleetPort: MessagePort;
  /** Main offers `WebSupport` here. */
  readonly supportPort: MessagePort;
  /** The web thread offers `WebControl` here. */
  readonly controlPort: MessagePort;
}
/** What the web thread asks of the main one. */
export interface WebSupport {
  doors(): Promise<DeviceDoors>;
  health(): Promise<HealthReport>;
  metrics(): Promise<object[][]>;
}
export const WEB_SUPPORT = ["doors", "health", "metrics"] as const;
export interface WebControl {
  stop(): Promise<void>;
}
export const WEB_CONTROL = ["stop"] as const;
/** Sent by the web thread once it listens. */
export interface WebReady {
  readonly address: { readonly port: number; readonly url: string };
}
