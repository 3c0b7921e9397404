/**
 * Readings older than the window's left edge, whose neighbours are no longer in memory. They are judged on their own:
 * each batch in its own order, going on from the batch before when it continues it in time. What they show is told as
 * over, since newer readings are known; an episode whose batches come out of order may be told in parts.
 */
import type { Binding, Place } from "./bind.ts";
import { VIOLATED } from "./detect/condition.ts";
import { type Episode, Fold } from "./detect/episode.ts";
import { cmpOf, flagOf, formOf, qualifierOf } from "./detect/marks.ts";
import type { Ledger, Told } from "./ledger.ts";
import type { OldReading, SeriesState } from "./series.ts";
import type { Occasion, Teller } from "./tell.ts";
import type { Watch } from "./watch.ts";
import type { Row } from "./window.ts";

/** Where the last batch of old readings of one watch ended. */
export interface Carry {
  readonly fold: Fold;
  time: number;
  /** Alarm of the episode that was running there. */
  told: Told | null;
}

export interface OldParts {
  readonly teller: Teller;
  readonly ledger: Ledger;
}

/** @param parts null while a restart replays: then nothing is told, only the carry moves on. */
export function judgeOld(
  series: SeriesState,
  place: Place | undefined,
  parts: OldParts | null,
  occasion: Occasion,
): void {
  const readings = series.old.sort((a, b) => a.time - b.time);
  series.old = [];
  const first = readings[0];
  if (!first) return;
  for (const watch of series.watches) {
    if (watch.learns) continue; // its memory of that time is gone
    if (!watch.carry || first.time <= watch.carry.time) watch.carry = { fold: new Fold(), time: 0, told: null };
    for (const found of foldOld(watch, watch.carry, readings)) {
      if (!parts || !place) continue;
      const told = tellOld(series, watch.binding, found, place, parts, occasion);
      if (watch.carry.fold.episode === found.episode) watch.carry.told = told;
    }
    if (watch.carry.fold.episode === null) watch.carry.told = null;
  }
}

interface Found {
  readonly episode: Episode;
  readonly told: Told | null;
  readonly deciding: readonly Row[];
  /** Its end, or the last old reading while no end is known. */
  readonly end: number;
}

function foldOld(watch: Watch, carry: Carry, readings: readonly OldReading[]): Found[] {
  const episodes: { episode: Episode; told: Told | null; deciding: Row[] }[] = [];
  if (carry.fold.episode) episodes.push({ episode: carry.fold.episode, told: carry.told, deciding: [] });
  let run: Row[] = [];
  let last = carry.time;
  for (const reading of readings) {
    const { time, value, marks } = reading;
    if (time === last) continue; // a repeat
    last = time;
    const form = formOf(value, marks);
    const before = carry.fold.episode;
    if (!before && watch.judge(value, form) === VIOLATED) run.push(toRow(reading));
    watch.advance(carry.fold, time, value, form);
    const { episode, runCount } = carry.fold;
    if (episode && !before) episodes.push({ episode, told: null, deciding: run });
    if (episode || runCount === 0) run = [];
  }
  carry.time = last;
  return episodes.map((found) => ({ ...found, end: found.episode.end ?? last }));
}

function tellOld(
  series: SeriesState,
  binding: Binding,
  { episode, told, deciding, end }: Found,
  place: Place,
  { teller, ledger }: OldParts,
  occasion: Occasion,
): Told {
  const over = { ...episode, end };
  if (!told) {
    const raised = teller.raiseEpisode(series, binding, over, deciding, place, occasion);
    ledger.settle(raised);
    return raised;
  }
  if (told.alarm.end !== end) {
    const { now: updatedAt } = occasion;
    teller.say(told, "updated", { ...told.alarm, ...teller.levelOf(binding, episode), end, updatedAt }, occasion);
  }
  return told;
}

function toRow({ time, value, marks, origin }: OldReading): Row {
  return { time, value, cmp: cmpOf(marks), flag: flagOf(marks), qualifier: qualifierOf(marks), origin };
}
