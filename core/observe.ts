/** Logging (pino, secrets redacted, to stderr) and metrics (Prometheus). Pure code does neither. */
import { pino } from "pino";
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry as MetricRegistry } from "prom-client";

export type Logger = Pick<pino.Logger, "debug" | "info" | "warn" | "error" | "fatal" | "child">;

const REDACTED = [
  "password",
  "secret",
  "token",
  "authorization",
  "*.password",
  "*.secret",
  "*.token",
  "*.authorization",
];

/** Writes JSON lines to stderr, so that stdout carries results only. */
export function createLogger(level: string, part?: string): Logger {
  const base = part ? { part } : null;
  return pino(
    { level, base, redact: { paths: REDACTED, censor: "[redacted]" } },
    pino.destination({ fd: 2, sync: true }),
  );
}

export interface Labels {
  [label: string]: string;
}

/**
 * Named counters, gauges and histograms of one thread. Names are words of ours, so that the documentation, the
 * page of health and the tests use the same words. `snapshot` is merged over threads by the /metrics route.
 */
export class Metrics {
  readonly registry = new MetricRegistry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  /** Adds `by` to counter `jingtu_<name>_total`. */
  count(name: string, by = 1, labels: Labels = {}): void {
    let counter = this.#counters.get(name);
    if (!counter) {
      const labelNames = Object.keys(labels);
      counter = new Counter({
        name: `jingtu_${name}_total`,
        help: name.replaceAll("_", " "),
        labelNames,
        registers: [this.registry],
      });
      this.#counters.set(name, counter);
    }
    counter.inc(labels, by);
  }

  /** Sets gauge `jingtu_<name>`. */
  set(name: string, value: number, labels: Labels = {}): void {
    let gauge = this.#gauges.get(name);
    if (!gauge) {
      const labelNames = Object.keys(labels);
      gauge = new Gauge({
        name: `jingtu_${name}`,
        help: name.replaceAll("_", " "),
        labelNames,
        registers: [this.registry],
      });
      this.#gauges.set(name, gauge);
    }
    gauge.set(labels, value);
  }

  /** Observes a duration in seconds in histogram `jingtu_<name>_seconds`. */
  observeSeconds(name: string, seconds: number, labels: Labels = {}): void {
    let histogram = this.#histograms.get(name);
    if (!histogram) {
      const labelNames = Object.keys(labels);
      const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
      histogram = new Histogram({
        name: `jingtu_${name}_seconds`,
        help: name.replaceAll("_", " "),
        labelNames,
        buckets,
        registers: [this.registry],
      });
      this.#histograms.set(name, histogram);
    }
    histogram.observe(labels, seconds);
  }

  /** Plain objects that can cross threads; see prom-client `AggregatorRegistry.aggregate`. */
  snapshot(): Promise<object[]> {
    return this.registry.getMetricsAsJSON();
  }
}

/** Prometheus text of several threads' snapshots: counters, histograms and gauges of one name and labels are added up. */
export function mergeMetrics(snapshots: readonly (readonly object[])[]): Promise<string> {
  return AggregatorRegistry.aggregate(snapshots.map((snapshot) => [...snapshot])).metrics();
}
