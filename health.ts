/** Is the system fit to be trusted right now? Lag of every reader, disk, and what is refused; for /health/ready. */
import { type Journal, type Stream, WORKING_READERS } from "./core/ports.ts";
import type { HealthReport } from "./dashboards/health.ts";

/** How many entries a working reader may lag behind in each stream before the system says it is not ready. */
const LAG_MAX: Readonly<Record<Stream, number>> = {
  raw: 200_000,
  readings: 2_000,
  alarms: 10_000,
  commands: 100,
  quarantine: 0,
  fleet: 2_000,
};

export async function healthOf(journal: Journal): Promise<HealthReport> {
  const stats = await journal.stats();
  const lags = stats.readers.flatMap(({ reader, stream, offset }) => {
    if (!(WORKING_READERS as readonly string[]).includes(reader)) return [];
    const lag = stats.streams[stream].end - offset;
    return [{ name: `${reader} reads ${stream}`, ok: lag <= LAG_MAX[stream], detail: `${lag} entries behind` }];
  });
  const free = `${Math.round(stats.diskFreeBytes / 1_048_576)} MiB free`;
  const disk = { name: "disk", ok: !stats.full, detail: stats.full ? `${free}: nothing is acknowledged` : free };
  const checks = [disk, ...lags];
  return { ready: checks.every((check) => check.ok), checks };
}
