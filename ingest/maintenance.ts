/**
 * Maintenance windows over readings that came before them: a window that is set, shortened or ended gives those readings
 * of its span that the de-duplication memory still holds another qualifier, and they are written again.
 *
 * What a reading says follows from its own qualifier and the windows alone (core/maintenance.ts), so that the order in
 * which readings and windows come does not matter. What the memory has forgotten (ingest/series-window.ts: hours at one
 * reading a second, days at one a minute) keeps what it was stored with, until its device sends it again.
 */
import { endOf, type Given, givenBy, type MaintenanceWindow, windowsOf } from "../core/maintenance.ts";
import type { Directory } from "../core/ports.ts";
import { parseSeriesKey, QUALIFIERS } from "../core/reading.ts";
import type { Dedupe } from "./dedupe.ts";
import type { Qc } from "./qc/qc.ts";
import type { SeriesWindow } from "./series-window.ts";

export class Maintenance {
  #directory: Directory | null = null;
  /** Ends by id, as they were last followed; none at the start, so that what was set meanwhile is found. */
  #ends: ReadonlyMap<string, number> = new Map();

  /** Cheap while the directory stays the same. Readings whose qualifier changes are handed to `qc` for its `settle`. @returns whether there are any. */
  follow(directory: Directory, dedupe: Dedupe, qc: Qc): boolean {
    if (directory === this.#directory) return false;
    this.#directory = directory;
    const changed = new Map<string, MaintenanceWindow[]>();
    const ends = new Map<string, number>();
    for (const window of directory.snapshot.maintenance) {
      const end = endOf(window);
      ends.set(window.id, end);
      if (this.#ends.get(window.id) === end) continue;
      const others = changed.get(window.station);
      if (others) others.push(window);
      else changed.set(window.station, [window]);
    }
    this.#ends = ends;
    if (changed.size === 0) return false;
    let isChanged = false;
    for (const [series, memory] of dedupe.windows()) {
      const { station, quantity } = parseSeriesKey(series);
      const spans = changed.get(station)?.filter((one) => one.quantities?.includes(quantity) ?? true);
      if (spans === undefined || spans.length === 0) continue;
      const windows = windowsOf(directory.maintenance(station), quantity);
      for (const { from, to } of spans) {
        if (requalify(series, memory, { from, to, windows }, qc)) isChanged = true;
      }
    }
    return isChanged;
  }
}

/** Every entry from `from` until before `to`: the whole span as it was set, of which a part may have been given back. */
function requalify(
  series: string,
  memory: SeriesWindow,
  span: { readonly from: number; readonly to: number; readonly windows: readonly MaintenanceWindow[] },
  qc: Qc,
): boolean {
  let isChanged = false;
  for (let index = memory.find(span.from); index < memory.count; index++) {
    const time = memory.time(index);
    if (time >= span.to) break;
    const given = givenBy(span.windows, time, QUALIFIERS[memory.mark(index) & 7] ?? "N");
    if (given === memory.given(index)) continue;
    memory.give(index, given);
    qc.requalify(series, memory, time);
    isChanged = true;
  }
  return isChanged;
}

/** Of a reading that its window has just taken in; one older than all that is kept is not there. */
export function giveAt(memory: SeriesWindow, time: number, given: Given): void {
  const index = memory.indexOf(time);
  if (index >= 0) memory.give(index, given);
}
