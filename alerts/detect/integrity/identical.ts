/**
 * F11 identical stations (methods 5): two stations of a site that send the same numbers at the same times.
 *
 * Each member has a rolling hash of its last readings; at each time the members are put into buckets by hash, so that a
 * step costs one pass and not one a pair. An equal hash is compared with the readings themselves. Evidence needs
 * `readings` equal ones in a row with half of them changing, in a series that spreads over 20 counts.
 */

import { chinaDay } from "../../../core/china-day.ts";
import type { IdenticalRule } from "../../../core/rule-integrity.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "../condition.ts";
import type { DetectorMemory } from "../detector.ts";
import type { Group, GroupDetector, GroupMember, GroupStep } from "../group.ts";
import { FORM } from "../marks.ts";
import { addReading, type Channel, closeDay, newChannel, valueAt } from "./channel.ts";
import { combine, type Evidence, evidence } from "./evidence.ts";
import { leavingWeight, roll, symbolOf } from "./rolling-hash.ts";

interface Member {
  readonly channel: Channel;
  hash: number;
  /** Readings in a row without a missing or unfit one between. */
  fed: number;
  /** The member that it agrees with, for how many readings, and how many of these changed. */
  twin: number;
  equal: number;
  changes: number;
  best: [twin: number, equal: number, changes: number] | null;
}
interface Memory {
  day: number | null;
  members: Member[];
  score: number;
  found: [member: number, Evidence][];
}

/** One group a site and quantity (fraction, aggregate) with at least two stations; told at the first station. */
export function identicalGroups(members: readonly GroupMember[]): Group[] {
  const groups = new Map<string, GroupMember[]>();
  for (const member of members) {
    const key = `${member.quantity}.${member.fraction}.${member.aggregate}\n${member.site.id}`;
    const group = groups.get(key);
    if (group) group.push(member);
    else groups.set(key, [member]);
  }
  return [...groups].flatMap(([key, group]) => {
    const station = group[0]?.station.id;
    const [about = ""] = key.split("\n");
    return station !== undefined && group.length > 1 ? [{ station, about, members: group }] : [];
  });
}

export function createIdentical(rule: IdenticalRule, members: readonly GroupMember[]): GroupDetector {
  const weight = leavingWeight(rule.readings);
  let memory = fresh();
  function fresh(): Memory {
    const start = (): Member => ({
      channel: newChannel(),
      hash: 0,
      fed: 0,
      twin: -1,
      equal: 0,
      changes: 0,
      best: null,
    });
    return { day: null, members: members.map(start), score: 0, found: [] };
  }
  const buckets = new Map<number, number>();

  function add(step: GroupStep): void {
    buckets.clear();
    for (let m = 0; m < memory.members.length; m++) {
      const member = memory.members[m] as Member;
      if (step.forms[m] !== FORM.plain) {
        member.fed = 0;
        member.hash = 0;
        member.equal = 0;
        continue;
      }
      addReading(member.channel, step.time, step.values[m] as number);
      member.fed++;
      const leaving = member.fed > rule.readings ? symbolOf(valueAt(member.channel, rule.readings)) : 0;
      member.hash = roll(member.hash, symbolOf(step.values[m] as number), leaving, weight);
      if (member.fed >= rule.readings) compare(m, member);
    }
  }

  function compare(m: number, member: Member): void {
    const twin = buckets.get(member.hash);
    if (twin === undefined) {
      buckets.set(member.hash, m);
      member.equal = 0;
      return;
    }
    const other = (memory.members[twin] as Member).channel;
    if (member.equal > 0 && member.twin === twin) {
      member.equal++;
      if (valueAt(other, 0) !== valueAt(other, 1)) member.changes++;
    } else {
      member.twin = twin;
      member.equal = 0;
      member.changes = 0;
      while (member.equal < rule.readings && valueAt(other, member.equal) === valueAt(member.channel, member.equal)) {
        if (member.equal > 0 && valueAt(other, member.equal) !== valueAt(other, member.equal - 1)) member.changes++;
        member.equal++;
      }
    }
    const better = member.best === null || member.changes > member.best[2];
    if (member.equal >= rule.readings && better) member.best = [twin, member.equal, member.changes];
  }

  function close(): Judgement {
    memory.found = [];
    memory.score = 0;
    let judged = false;
    memory.members.forEach((member, m) => {
      judged = closeDay(member.channel, 30, members[m]?.resolution ?? null) !== null || judged;
      const { usual } = member.channel;
      const { best } = member;
      member.best = null;
      if (!best || best[2] < rule.readings / 2 || usual.iqr < 20 * usual.q) return;
      // A changing reading hits one of 1 + 2 steps; one comparison a reading and pair of the day.
      const surprise = best[2] * Math.log10(1 + (2 * usual.step) / usual.q) - Math.log10(1_440 * members.length);
      const threshold = rule.readings;
      const [other, statistic] = best;
      const piece = evidence("identical-stations", {
        statistic,
        threshold,
        window: statistic,
        weight: surprise,
        other,
      });
      memory.found.push([m, piece]);
      memory.score = Math.max(memory.score, combine([piece]));
    });
    return !judged ? NOT_JUDGED : memory.score >= rule.check ? VIOLATED : KEPT;
  }

  return {
    step(step) {
      const day = chinaDay(step.time);
      const judgement = memory.day !== null && day > memory.day ? close() : NOT_JUDGED;
      memory.day = day;
      add(step);
      return judgement;
    },
    get score() {
      return memory.score;
    },
    contributors: () => memory.found.flatMap(([m, piece]) => [piece.other, m]),
    figures() {
      const piece = memory.found[0]?.[1];
      return piece
        ? { score: memory.score, equal: piece.statistic, threshold: piece.threshold }
        : { score: memory.score };
    },
    save: () => structuredClone(memory),
    load(saved: DetectorMemory | null) {
      memory = saved === null ? fresh() : (structuredClone(saved) as Memory);
    },
  };
}
