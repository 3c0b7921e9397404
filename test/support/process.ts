/** What the system says of a child process (Linux). */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { systemClock as clock } from "../../core/clock.ts";

/** Seconds of CPU (all threads) as percent of one core over the time since the call. Linux: 100 ticks a second. */
export function cpuOf(child: ChildProcess): () => number {
  const ticks = (): number => {
    const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return Number(fields[11]) + Number(fields[12]);
  };
  const [startTicks, startAt] = [ticks(), clock.monotonic()];
  return () => Math.round((ticks() - startTicks) / ((clock.monotonic() - startAt) / 1_000));
}

/** Resident memory, MiB. */
export function rssOf(child: ChildProcess): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kilobytes) / 1_024);
}
