/** Is the system fit to be trusted right now? Lag of every reader, disk, and what is refused; for /health/ready. */
import type { Clock } from "./core/clock.ts";
import type { Journal } from "./core/ports.ts";
import type { HealthReport } from "./dashboards/health.ts";

/** Entries a reader may lag behind before the system says it is not ready. */
const LAG_ENTRIES_MAX: Readonly<Record<string, number>> = {
  raw: 200_000,
  readings: 2_000,
  alarms: 10_000,
  commands: 100,
  quarantine: Number.MAX_SAFE_INTEGER,
};

export async function healthOf({ journal }: { journal: Journal; clock: Clock }): Promise<HealthReport> {
  const stats = await journal.stats();
  const lags = stats.readers.map(({ reader, stream, offset }) => {
    const lag = stats.streams[stream].end - offset;
    return { name: `lag ${reader} ← ${stream}`, ok: lag <= (LAG_ENTRIES_MAX[stream] ?? 0), detail: `${lag} entries` };
  });
  const disk = { name: "disk", ok: !stats.full, detail: `${Math.round(stats.diskFreeBytes / 1_048_576)} MiB free` };
  const checks = [disk, ...lags];
  return { ready: checks.every((check) => check.ok), checks };
}
