/** Durations as people write them. */
import { z } from "zod";

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;
const DURATION_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "500ms", "30s", "10m", "1h", "30d" as milliseconds. */
export const Duration = z
  .string()
  .regex(DURATION, 'a duration such as "500ms", "30s", "5m", "1h", "30d"')
  .transform((text) => {
    const [, amount = "0", unit = "ms"] = DURATION.exec(text) ?? [];
    return Number(amount) * (DURATION_MS[unit] ?? 1);
  });

/** Writes milliseconds the way `Duration` reads them. */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"]) {
    const size = DURATION_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
