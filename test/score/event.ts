/**
 * `npm run score -- event`: the event detector with its defaults on each labelled set, then leave-one-set-out.
 *
 * Labels of single channels (Logan River) become events of the station. They mark sensor faults, which are the matter of
 * quality control; SKAB is a pump rig, NAB one indoor thermometer with windows of weeks: those three are printed because
 * a default that suits two sets only must be seen, not because the detector is made for them.
 */
import { KEPT, NOT_JUDGED, VIOLATED } from "../../alerts/detect/condition.ts";
import { createEvent, EVENT_FILTERS, type EventFilters } from "../../alerts/detect/event.ts";
import { isQualityChannel } from "../../alerts/detect/event-channels.ts";
import type { GroupMember } from "../../alerts/detect/group.ts";
import { FORM } from "../../alerts/detect/marks.ts";
import { EventRule } from "../../core/rule-event.ts";
import { aSite, aStation } from "../support/builders.ts";
import { heading, type Interval, line, type Recording, type Score, score, union } from "./scorer.ts";
import type { Channel, LabelledRecording, LabelledSet } from "./sets.ts";

/** One point of the grid. */
export interface EventChoice {
  readonly rule: EventRule;
  readonly filters: EventFilters;
  readonly name: string;
}

const rule = (more: object): EventRule =>
  EventRule.parse({ kind: "event", id: "event", on: {}, level: "yellow", ...more });

export const DEFAULTS: EventChoice = { rule: rule({}), filters: EVENT_FILTERS, name: "defaults" };

/** weight × clip × threshold × vote: 36 choices. */
const GRID: readonly EventChoice[] = [0.1, 0.2].flatMap((weight) =>
  [3, 4].flatMap((clip) =>
    [6, 8, 10].flatMap((threshold) =>
      ["4/6", "6/9", "8/12"].map((vote) => {
        const [need, of] = vote.split("/").map(Number);
        return {
          rule: rule({ threshold, thresholdSingle: threshold + 2, vote: { need, of } }),
          filters: { ...EVENT_FILTERS, rbz: { ...EVENT_FILTERS.rbz, weight, clip } },
          name: `weight ${weight} clip ${clip} threshold ${threshold} vote ${vote}`,
        };
      }),
    ),
  ),
);

export function scoreEvent(sets: readonly LabelledSet[], print: (text: string) => void): void {
  print(heading);
  for (const set of sets) print(line(set.name, scoreSet(set, DEFAULTS)));
  print(`\nleave one set out: of ${GRID.length} choices the one with the best mean F1 on the other sets`);
  print(heading);
  const scores = GRID.map((choice) => sets.map((set) => scoreSet(set, choice)));
  sets.forEach((set, left) => {
    const others = (index: number): number =>
      (scores[index] as Score[]).reduce((sum, { f1 }, at) => sum + (at === left ? 0 : f1), 0);
    const best = GRID.reduce((found, _, index) => (others(index) > others(found) ? index : found), 0);
    print(`${line(set.name, (scores[best] as Score[])[left] as Score)}  ${(GRID[best] as EventChoice).name}`);
  });
}

export function scoreSet(set: LabelledSet, choice: EventChoice = DEFAULTS): Score {
  return score(set.recordings.map((recording) => judged(set, recording, choice)));
}

function judged(set: LabelledSet, recording: LabelledRecording, choice: EventChoice): Recording {
  const { times } = recording;
  // Signals of the rig are in no catalogue; they take part under the name of one that is.
  const channels = recording.channels.map((channel) => ({ ...channel, quantity: channel.quantity ?? "ec" }));
  const watched = new Set(channels.filter(({ quantity }) => isQualityChannel(quantity)).map(({ name }) => name));
  const truths = recording.truths.filter(({ series }) => series === "station" || watched.has(series));
  return {
    truths: union(truths, set.intervalMs),
    detections: detectionsOf(times, channels, set.intervalMs, choice),
    intervalMs: set.intervalMs,
    spanMs: (times.at(-1) as number) - (times[0] as number),
  };
}

function detectionsOf(
  times: Float64Array,
  channels: readonly (Channel & { readonly quantity: string })[],
  intervalMs: number,
  { rule, filters }: EventChoice,
): Interval[] {
  const detector = createEvent(
    rule,
    channels.map(({ name, quantity }) => member(name, quantity, intervalMs)),
    filters,
  );
  const step = {
    time: 0,
    values: new Float64Array(channels.length),
    forms: new Uint8Array(channels.length),
    flags: new Uint8Array(channels.length),
  };
  const found: Interval[] = [];
  let [start, last] = [Number.NaN, Number.NaN];
  for (let row = 0; row < times.length; row++) {
    step.time = times[row] as number;
    for (let channel = 0; channel < channels.length; channel++) {
      const value = channels[channel]?.values[row] as number;
      step.values[channel] = value;
      step.forms[channel] = Number.isNaN(value) ? FORM.unfit : FORM.plain;
      step.flags[channel] = Number.isNaN(value) ? 9 : 1;
    }
    const judgement = detector.step(step);
    if (judgement === VIOLATED) {
      if (Number.isNaN(start)) start = step.time;
      last = step.time;
    } else if (judgement === KEPT && !Number.isNaN(start)) {
      found.push({ start, end: last });
      start = Number.NaN;
    } else if (judgement === NOT_JUDGED) continue;
  }
  if (!Number.isNaN(start)) found.push({ start, end: last });
  return found;
}

function member(name: string, quantity: string, intervalMs: number): GroupMember {
  const common = { fraction: "total", aggregate: "rtd", unit: "", resolution: null, intervalMs, limit: null };
  return { key: `station/${name}/total/rtd`, quantity, ...common, station: aStation({}), site: aSite({}) };
}
