/**
 * Turns the difference between what the readings show and what was told into alarm events, and keeps the ledger equal
 * to what they say. Ids follow from the journal alone, so the same decision after a crash has the same ids.
 */
import { createHash } from "node:crypto";
import {
  type Alarm,
  type AlarmEvent,
  type AlarmEventKind,
  type Computation,
  type Evidence,
  lowerLevel,
} from "../core/alarm.ts";
import type { Binding, Place } from "./bind.ts";
import { excess } from "./detect/condition.ts";
import type { Episode } from "./detect/episode.ts";
import {
  decisionOf,
  type FurtherEvidence,
  freeze,
  freezeAgain,
  furtherRows,
  type Lateness,
  latenessOf,
} from "./evidence.ts";
import type { Ledger, Told } from "./ledger.ts";
import { transition } from "./lifecycle.ts";
import type { SeriesState } from "./series.ts";
import type { Judged, Orphan, Watch } from "./watch.ts";
import type { Row } from "./window.ts";

/** Why something is told now. */
export interface Occasion {
  /** Position in stream `readings` up to which the engine has read. */
  readonly offset: number;
  /** Wall time. */
  readonly now: number;
  /** Sets apart decisions at one offset: empty for readings, else e.g. `tick` or `rules`, with a running number. */
  readonly cause: string;
  /** Said in the event, e.g. that a rule was changed. */
  readonly note: string | null;
  /** True when a rule changed, not the readings: then what was told stays told. */
  readonly ruleChanged: boolean;
}

export class Teller {
  readonly #ledger: Ledger;
  readonly #isBulk: (device: string, receivedAt: number) => boolean;
  /** What was told since `take`. */
  #events: AlarmEvent[] = [];

  constructor(ledger: Ledger, isBulk: (device: string, receivedAt: number) => boolean) {
    this.#ledger = ledger;
    this.#isBulk = isBulk;
  }

  take(): AlarmEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Tells everything that one watch has to say. */
  reconcile(series: SeriesState, watch: Watch, place: Place, occasion: Occasion): void {
    watch.touched = false;
    for (let index = watch.settled; index < watch.judged.length; index++) {
      const judged = watch.judged[index] as Judged;
      if (judged.told) this.#compare(judged.told, judged, series, watch, occasion);
      else if (!watch.isBefore(judged.episode, series.window))
        judged.told = this.#raise(series, watch, judged, place, occasion);
      if (index === watch.settled && judged.episode.end !== null) watch.settled++;
    }
    for (const orphan of watch.orphans.splice(0)) this.#retract(orphan, occasion);
  }

  /** Raises an alarm; one that is over already is told once, as cleared. */
  raise(alarm: Omit<Alarm, "id">, occasion: Occasion): Told {
    const key = [alarm.rule, alarm.series, alarm.start, occasion.offset, occasion.cause].join("\n");
    const id = createHash("sha256").update(key).digest("hex").slice(0, 16);
    const told = this.#ledger.add({ ...alarm, id }, 0);
    this.say(told, "raised", { ...alarm, id }, occasion);
    return told;
  }

  /** One event: the alarm as it is from now on. */
  say(
    told: Told,
    kind: AlarmEventKind,
    alarm: Alarm,
    { offset, now, note }: Pick<Occasion, "offset" | "now" | "note">,
    by: { readonly command: string; readonly by: string; readonly via: string } | null = null,
  ): void {
    told.alarm = alarm;
    told.events++;
    this.#events.push({
      id: `${alarm.id}-${told.events}`,
      kind,
      at: now,
      readingsOffset: offset,
      command: by?.command ?? null,
      by: by?.by ?? null,
      via: by?.via ?? null,
      note,
      alarm,
    });
  }

  /** The condition is gone for another reason than readings: no rule watches it any more. */
  end(told: Told, end: number, occasion: Occasion): void {
    const { alarm } = told;
    if (alarm.end === null) {
      const over = { ...alarm, state: "cleared", end: Math.max(end, alarm.start), updatedAt: occasion.now } as const;
      this.say(told, "cleared", over, occasion);
    }
    this.#ledger.settle(told);
  }

  #raise(series: SeriesState, watch: Watch, { episode }: Judged, place: Place, occasion: Occasion): Told {
    const { rows, computation } = decisionOf(series, watch, episode);
    const further = furtherRows(series, watch, episode, rows);
    return this.raiseEpisode(series, watch.binding, episode, rows, place, occasion, { computation, further });
  }

  /** @param deciding the readings that decided, oldest first. */
  raiseEpisode(
    series: Pick<SeriesState, "key" | "quantity">,
    binding: Binding,
    episode: Episode,
    deciding: readonly Row[],
    place: Place,
    occasion: Occasion,
    more: { readonly computation: Computation | null; readonly further: FurtherEvidence } | null = null,
  ): Told {
    const frozen = freeze(binding, deciding, episode.worst, more?.computation ?? null);
    const evidence = { ...frozen, ...more?.further };
    const lateness = latenessOf(deciding, episode.decided, this.#isBulk);
    return this.raise(
      {
        ...frame(binding, place, series, evidence, lateness, occasion),
        ...worstOf(episode, binding),
        ...this.levelOf(binding, episode),
        state: episode.end === null ? "active" : "cleared",
        start: episode.start,
        end: episode.end,
      },
      occasion,
    );
  }

  /** One level lower while only doubtful readings support it (CONTRACTS 1.7). */
  levelOf(
    { level: own, grades }: Binding,
    { verified, worst }: Pick<Episode, "verified" | "worst">,
  ): Pick<Alarm, "level" | "verified"> {
    const level = grades?.[Math.min(grades.length, Math.max(1, Math.round(worst))) - 1] ?? own;
    return { verified, level: verified ? level : lowerLevel(level) };
  }

  #compare(told: Told, judged: Judged, series: SeriesState, watch: Watch, occasion: Occasion): void {
    const { alarm } = told;
    const { binding } = watch;
    const { start, end } = judged.episode;
    const { level, verified } = this.levelOf(binding, judged.episode);
    const kind = kindOf(alarm, judged, level, binding);
    if (!kind) return;
    const action = kind === "cleared" ? "return" : kind === "reopened" ? "recur" : null;
    const state = (action && transition(alarm, action)) ?? alarm.state;
    const worst = worstOf(judged.episode, binding);
    const isOther =
      start !== alarm.start ||
      verified !== alarm.verified ||
      worst.valueTime !== alarm.valueTime ||
      worst.value !== alarm.value;
    const evidence = isOther ? freezeAgain(alarm.evidence, series, watch, judged.episode) : alarm.evidence;
    const changed = { ...alarm, ...worst, level, verified, start, end, state, evidence, updatedAt: occasion.now };
    this.say(told, kind, changed, occasion);
  }

  #retract({ told, joined }: Orphan, occasion: Occasion): void {
    if (occasion.ruleChanged && !joined) {
      this.end(told, told.alarm.valueTime, occasion);
      return;
    }
    const { alarm } = told;
    const end = alarm.end ?? Math.max(alarm.start, alarm.valueTime);
    const supersededBy = joined?.alarm.id ?? "retracted";
    this.say(told, "retracted", { ...alarm, state: "cleared", end, supersededBy, updatedAt: occasion.now }, occasion);
    this.#ledger.remove(told);
  }
}

/** What differs enough to be told: the span, the level, or an excess that has doubled since it was last told. */
function kindOf(alarm: Alarm, { episode }: Judged, level: Alarm["level"], { bounds }: Binding): AlarmEventKind | null {
  if (alarm.end === null && episode.end !== null) return "cleared";
  if (alarm.end !== null && episode.end === null) return "reopened";
  if (alarm.start !== episode.start || alarm.end !== episode.end) return "updated";
  if (alarm.level !== level || alarm.verified !== episode.verified) return "updated";
  if (bounds.length === 0) return null; // what a detector measures by is not the value
  const toldExcess = alarm.value === null ? 0 : excess(bounds, alarm.value);
  return episode.excess > toldExcess && episode.excess >= 2 * toldExcess ? "updated" : null;
}

function worstOf(
  { worst, worstTime, worstForm }: Episode,
  { category }: Binding,
): Pick<Alarm, "value" | "valueTime" | "cmp"> {
  const value = category === "instrument" || Number.isNaN(worst) ? null : worst;
  return { value, valueTime: worstTime, cmp: worstForm === 1 ? "<" : worstForm === 2 ? ">" : "" };
}

function frame(
  binding: Binding,
  { station, site }: Place,
  { key, quantity }: Pick<SeriesState, "key" | "quantity">,
  evidence: Evidence,
  { lateMs, backfill }: Lateness,
  { now }: Occasion,
) {
  return {
    rule: binding.ruleId,
    category: binding.category,
    tenant: site.tenant,
    site: site.id,
    station: station.id,
    series: key,
    quantity,
    lateMs,
    backfill,
    raisedAt: now,
    updatedAt: now,
    acknowledgedAt: null,
    acknowledgedBy: null,
    acknowledgedVia: null,
    supersededBy: null,
    advice: binding.advice,
    evidence,
  };
}
