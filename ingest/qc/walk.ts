/** Judges a stretch of a series' window again, from where the state is certain to where nothing can have changed. */
import type { PackedTests } from "../../core/qc.ts";
import { QC } from "../../core/reading.ts";
import type { SeriesWindow } from "../series-window.ts";
import { NEIGHBOUR_MS, NOISE_STEPS, SeriesControl, SPREAD_MS, withSpike, withSpikeOf } from "./assess.ts";

/** Readings after a change whose noise estimate, spike and rate it may touch. */
const AFTER = NOISE_STEPS + 2;

/** Steps `control` through the entries before `end` that its state depends on. */
export function stateBefore(window: SeriesWindow, control: SeriesControl, end: number): SeriesControl {
  for (let index = beginOf(window, control, end); index < end; index++) control.step(window, index);
  return control;
}

/**
 * Judges again what a change between `from` and `to` can touch, and tells the window.
 *
 * @param onChange data time of each entry whose tests have changed.
 * @returns the state at the newest reading: a new one where the walk reached it, else `live`.
 */
export function walk(
  window: SeriesWindow,
  live: SeriesControl,
  from: number,
  to: number,
  onChange: (time: number) => void,
): SeriesControl {
  const first = window.find(from);
  const begin = beginOf(window, live, first);
  const control = new SeriesControl(live.thresholds, live.directory);
  const packed: PackedTests[] = [];
  let [last, after] = [-1, 0];
  let index = begin;
  for (; index < window.count; index++) {
    const found = control.step(window, index);
    packed.push(index < first ? window.told(index) : found);
    if (!control.takesPart(window, index)) continue;
    if (index >= first && last >= 0) {
      // Where the neighbour is too far away, or has gone, there is no verdict.
      const verdict = Number.isNaN(control.spikeAt) ? QC.notEvaluated : control.spikeFlag;
      packed[last - begin] = withSpike(packed[last - begin] as PackedTests, verdict);
    }
    last = index;
    if (window.time(index) > to) after += 1;
    if (after > AFTER && isSettled(control, window.time(index), to)) break;
  }
  const isWhole = index >= window.count;
  // The last one of all has no right neighbour, and if it had one before, no longer.
  if (isWhole && last >= 0) packed[last - begin] = withSpike(packed[last - begin] as PackedTests, QC.notEvaluated);
  // Stopped on the way, the last reading's own neighbour was not seen; it cannot have changed.
  if (!isWhole) packed[last - begin] = withSpikeOf(packed[last - begin] as PackedTests, window.told(last));
  for (let at = 0; at < packed.length; at++) {
    // After readings were forgotten the first ones lack what they were judged by: they keep what they were told.
    if (window.hasForgotten && begin + at < AFTER) continue;
    if (window.told(begin + at) === packed[at]) continue;
    window.tell(begin + at, packed[at] as PackedTests);
    onChange(window.time(begin + at));
  }
  return isWhole ? control : live;
}

function isSettled(control: SeriesControl, time: number, to: number): boolean {
  if (time <= to + Math.max(SPREAD_MS, control.lookbackMs + NEIGHBOUR_MS)) return false;
  return !(control.runFrom <= to + SPREAD_MS); // a run that began earlier may have its limits from the changed day
}

/** Index from which to step so that the state at `end` is right: two neighbours, the whole run without change, windows. */
function beginOf(window: SeriesWindow, control: SeriesControl, end: number): number {
  const lookback = control.lookbackMs;
  const since =
    end > 0 && lookback > 0 ? window.time(Math.min(end, window.count - 1)) - lookback - NEIGHBOUR_MS : Infinity;
  let [begin, seen, value, isRun] = [end, 0, Number.NaN, true];
  while (begin > 0) {
    const at = begin - 1;
    if (control.takesPart(window, at)) {
      if (seen >= 3 && !isRun && window.time(at) < since) break;
      if (seen > 0 && window.value(at) !== value) isRun = false;
      value = window.value(at);
      seen += 1;
    }
    begin = at;
  }
  return begin;
}
