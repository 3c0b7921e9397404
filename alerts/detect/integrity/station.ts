/**
 * All signals over the series of one station. A day is closed when a reading of a later day comes, so the derived series
 * has one judged step a day; its value is the heaviest series' sum of -log10(p), each signal capped at 6.
 *
 * VIOLATED from `rule.check`. What it says is evidence for a person ("suspected, to be checked"), never a finding.
 */

import { chinaDay } from "../../../core/china-day.ts";
import { quantitySpec } from "../../../core/quantity.ts";
import type { IntegrityRule, StationSignal } from "../../../core/rule-integrity.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "../condition.ts";
import type { DetectorMemory } from "../detector.ts";
import type { Group, GroupDetector, GroupMember, GroupStep } from "../group.ts";
import { FORM } from "../marks.ts";
import { addReading, type Channel, closeDay, newChannel } from "./channel.ts";
import { judgeClipped } from "./clipped.ts";
import { addRun, breakRun, judgeConstant, newRuns, type Runs } from "./constant.ts";
import { addToCopies, type Copies, judgeCopies, type Lookup, lookupOf, newCopies } from "./copies.ts";
import { addDigits, closeDigits, type Digits, judgeBenford, judgeDigits, newDigits } from "./digits.ts";
import { combine, type Evidence } from "./evidence.ts";
import { addToGaps, closeGaps, declareUnusable, type Gaps, highBar, judgeGaps, newGaps } from "./gaps.ts";
import { addToHeap, closeHeap, type Heap, judgeHeap, newHeap } from "./limit-heap.ts";
import { addNoise, judgeNoise, type Noise, newNoise } from "./noise.ts";
import { addPair, closePair, judgePair, newPair, type Pair, type PairState, pairsOf } from "./pairs.ts";

const MISSING = 9;

/** Everything remembered of one series; plain data. */
interface Track {
  readonly channel: Channel;
  readonly runs: Runs;
  readonly heap: Heap;
  readonly digits: Digits;
  readonly copies: Copies;
  readonly noise: Noise;
  readonly gaps: Gaps;
}
interface Memory {
  day: number | null;
  tracks: Track[];
  pairs: PairState[];
  score: number;
  found: [member: number, Evidence][];
}

export interface IntegrityDetector extends GroupDetector {
  /** Evidence of the last closed day, by member. */
  evidence(): readonly (readonly [member: number, Evidence])[];
}

/** One group a station. */
export function integrityGroups(members: readonly GroupMember[]): Group[] {
  const groups = new Map<string, GroupMember[]>();
  for (const member of members) {
    const group = groups.get(member.station.id);
    if (group) group.push(member);
    else groups.set(member.station.id, [member]);
  }
  return [...groups].map(([station, group]) => ({ station, members: group }));
}

export function createIntegrity(rule: IntegrityRule, members: readonly GroupMember[]): IntegrityDetector {
  const limits = members.map((member) => limitOf(rule, member));
  const pairs: readonly Pair[] = pairsOf(members);
  const wanted = new Set<StationSignal>(rule.signals);
  let memory = freshMemory(limits, pairs.length);
  let lookups = memory.tracks.map(lookupsOf);

  return {
    step(step) {
      const day = chinaDay(step.time);
      const judgement = memory.day !== null && day > memory.day ? close() : NOT_JUDGED;
      memory.day = day;
      for (let m = 0; m < memory.tracks.length; m++) addMember(step, m);
      for (let p = 0; p < pairs.length; p++) addTogether(step, pairs[p] as Pair, memory.pairs[p] as PairState);
      return judgement;
    },
    get score() {
      return memory.score;
    },
    contributors: () => byWeight().map(({ member }) => member),
    evidence: () => memory.found,
    figures() {
      const figures: Record<string, number> = { score: memory.score, check: rule.check, strong: rule.strong };
      const heaviest = byWeight()[0]?.member;
      for (const [member, piece] of memory.found) {
        if (member !== heaviest) continue;
        figures[`${piece.signal}`] = piece.statistic;
        figures[`${piece.signal}.threshold`] = piece.threshold;
        figures[`${piece.signal}.window`] = piece.window;
        figures[`${piece.signal}.weight`] = piece.weight;
        figures[`${piece.signal}.honestRate`] = piece.honestRate;
      }
      return figures;
    },
    save: () => structuredClone(memory),
    load(saved: DetectorMemory | null) {
      memory = saved === null ? freshMemory(limits, pairs.length) : (structuredClone(saved) as Memory);
      lookups = memory.tracks.map(lookupsOf);
    },
  };

  function addMember(step: GroupStep, m: number): void {
    const track = memory.tracks[m] as Track;
    const form = step.forms[m];
    if (form !== FORM.plain) {
      if (form === FORM.unfit && step.flags[m] === MISSING) return;
      breakRun(track.runs);
      if (form === FORM.unfit) declareUnusable(track.gaps);
      return;
    }
    const value = step.values[m] as number;
    const { usual } = track.channel;
    addReading(track.channel, step.time, value);
    addRun(track.runs, value);
    addDigits(track.digits, value, usual);
    addToCopies(track.copies, track.channel, lookups[m] as readonly [Lookup, Lookup]);
    addNoise(track.noise, value, usual, () => noisySiblings(m), Math.min(2, members.length - 1));
    addToGaps(track.gaps, step.time, value, usual.interval);
    const limit = limits[m];
    if (limit) addToHeap(track.heap, value, limit.value, limit.below, usual);
  }

  function addTogether(step: GroupStep, pair: Pair, state: PairState): void {
    if (step.forms[pair.a] !== FORM.plain || step.forms[pair.b] !== FORM.plain) return;
    addPair(pair, state, step.values[pair.a] as number, step.values[pair.b] as number);
  }

  function noisySiblings(m: number): number {
    let noisy = 0;
    for (let s = 0; s < memory.tracks.length; s++) {
      const sibling = memory.tracks[s] as Track;
      if (s !== m && sibling.channel.today + sibling.channel.count > 0 && sibling.noise.ratio > 0.3) noisy++;
    }
    return noisy;
  }

  function close(): Judgement {
    // A sibling that changed once or twice did not live: the whole station stood still in the middle of the day.
    const alive = memory.tracks.map(({ channel }) => channel.changes > 0 && 20 * channel.changes >= channel.today);
    const read = memory.tracks.some(({ channel }) => channel.today > 0);
    memory.found = [];
    memory.tracks.forEach((track, m) => {
      const siblingAlive = alive.some((is, s) => is && s !== m);
      for (const piece of closeTrack(track, m, siblingAlive)) memory.found.push([m, piece]);
    });
    memory.pairs.forEach((state, p) => {
      const pair = pairs[p] as Pair;
      const piece = judgePair(pair, state);
      closePair(state, rule.days);
      if (piece) memory.found.push([pair.a, piece]);
    });
    memory.found = memory.found.filter(([, { signal }]) => wanted.has(signal as StationSignal));
    memory.score = byWeight()[0]?.sum ?? 0;
    return !read ? NOT_JUDGED : memory.score >= rule.check ? VIOLATED : KEPT;
  }

  function closeTrack(track: Track, m: number, siblingAlive: boolean): Evidence[] {
    const { channel } = track;
    const { today } = channel;
    const day = closeDay(channel, rule.days, members[m]?.resolution ?? null);
    closeHeap(track.heap, rule.days);
    closeDigits(track.digits, rule.days);
    const { usual } = channel;
    const limit = limits[m] ?? null;
    closeGaps(track.gaps, rule.days, highBar(usual, limit?.value ?? null, limit?.below ?? false));
    // A day without a reading, or before a week is known, says nothing; counts of the day are begun anew all the same.
    const pieces = [
      judgeConstant(track.runs, channel, siblingAlive),
      judgeNoise(track.noise, usual),
      ...judgeCopies(track.copies, channel, today),
    ];
    if (!day || usual.days < 3) return [];
    pieces.push(
      judgeHeap(track.heap, usual),
      judgeClipped(channel.days, usual, rangeOf(members[m])),
      judgeDigits(track.digits, usual),
      judgeBenford(track.digits),
      ...judgeGaps(track.gaps),
    );
    return pieces.filter((piece) => piece !== null);
  }

  function byWeight(): { member: number; sum: number }[] {
    const sums = memory.tracks.map((_, member) => ({
      member,
      sum: combine(memory.found.filter(([m]) => m === member).map(([, piece]) => piece)),
    }));
    return sums.filter(({ sum }) => sum > 0).sort((a, b) => b.sum - a.sum || a.member - b.member);
  }
}

function freshMemory(limits: readonly (Limit | null)[], pairs: number): Memory {
  const track = (limit: Limit | null): Track => ({
    channel: newChannel(),
    runs: newRuns(),
    heap: newHeap(),
    digits: newDigits(),
    copies: newCopies(),
    noise: newNoise(),
    gaps: newGaps(limit?.below ?? false),
  });
  return { day: null, tracks: limits.map(track), pairs: Array.from({ length: pairs }, newPair), score: 0, found: [] };
}

function lookupsOf(track: Track): readonly [Lookup, Lookup] {
  return [lookupOf(track.copies.exact), lookupOf(track.copies.affine)];
}

interface Limit {
  readonly value: number;
  readonly below: boolean;
}
function limitOf(rule: IntegrityRule, member: GroupMember): Limit | null {
  if (rule.limit !== undefined) return { value: rule.limit, below: false };
  if (!member.limit) return null;
  return { value: member.limit.value, below: member.limit.passes === ">=" || member.limit.passes === ">" };
}

function rangeOf(member: GroupMember | undefined): readonly [number, number] | null {
  return member ? (quantitySpec(member.quantity, member.station.medium)?.suspectSpan ?? null) : null;
}
