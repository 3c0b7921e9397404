/** Clock games: simulated messages of honest and cheating devices, judged day by day. */
import { addClockNote, judgeClock, newClock } from "../../alerts/detect/integrity/clock-games.ts";
import { seeded } from "./integrity-sets.ts";

const MINUTE = 60_000;
const PER_DAY = 96;

/** Honest: 15 min, arrival 0 to 30 s late, an outage of 6 h each week sent on later, 2 s drift a day, NTP once a week. */
function day(day: number, seed: number, cheat: "none" | "set back" | "reused seq" | "ahead"): boolean {
  const random = seeded(seed * 1_000 + day);
  const clock = newClock();
  const outage = day % 7 === 3;
  for (let k = 0; k < PER_DAY; k++) {
    const true_ = (day * PER_DAY + k) * 15 * MINUTE;
    const late = outage && k >= 20 && k < 44 ? (44 - k) * 15 * MINUTE : 0;
    const drift = (day % 7) * 2_000;
    // Twice a day: two hours back, to write over what was sent; a number used again; or an hour ahead, to skip it.
    const games = cheat !== "none" && (k === 30 || k === 70);
    const offset = games && cheat === "set back" ? -2 * 60 * MINUTE : games && cheat === "ahead" ? 60 * MINUTE : 0;
    const seq = games && cheat === "reused seq" ? day * PER_DAY + k - 1 : day * PER_DAY + k;
    addClockNote(clock, {
      boot: "b",
      seq,
      measuredAt: true_ + drift + offset,
      receivedAt: true_ + late + random() * 30_000,
      backfill: false,
      clockSet: false,
    });
  }
  return (judgeClock(clock)?.weight ?? 0) >= 4;
}

export function scoreClock(print: (line: string) => void): number {
  let honest = 0;
  for (let d = 0; d < 730; d++) if (day(d, 1, "none")) honest++;
  let [tried, found] = [0, 0];
  for (let d = 0; d < 20; d++) {
    for (const cheat of ["set back", "reused seq", "ahead"] as const) {
      tried++;
      if (day(d, 2, cheat)) found++;
    }
  }
  print(
    `clock                recall ${found}/${tried} = ${(found / tried).toFixed(2)}; ${honest} false days in 2 simulated years (not real data)`,
  );
  return found / tried;
}
