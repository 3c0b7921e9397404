/** Is the system fit to be trusted right now? Lag of every reader, disk, and what is refused; for /health/ready. */
import type { Journal } from "./core/ports.ts";
import type { HealthReport } from "./dashboards/health.ts";

/**
 * Readers on the path of a warning and of the store, and how many entries each may lag behind. Others in the journal are
 * saved states, which lag by design.
 */
const READERS: Readonly<Record<string, number>> = {
  "ingest raw": 200_000,
  "series readings": 2_000,
  "alerts readings": 2_000,
  "alerts commands": 100,
  "recorder alarms": 10_000,
  "alarm-publisher alarms": 10_000,
  "dispatch alarms": 10_000,
};

export async function healthOf(journal: Journal): Promise<HealthReport> {
  const stats = await journal.stats();
  const lags = stats.readers.flatMap(({ reader, stream, offset }) => {
    const lagMax = READERS[`${reader} ${stream}`];
    if (lagMax === undefined) return [];
    const lag = stats.streams[stream].end - offset;
    return [{ name: `${reader} reads ${stream}`, ok: lag <= lagMax, detail: `${lag} entries behind` }];
  });
  const free = `${Math.round(stats.diskFreeBytes / 1_048_576)} MiB free`;
  const disk = { name: "disk", ok: !stats.full, detail: stats.full ? `${free}: nothing is acknowledged` : free };
  const checks = [disk, ...lags];
  return { ready: checks.every((check) => check.ok), checks };
}
