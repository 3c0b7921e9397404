/** Computes the verdict of a detector with a memory again: loads what it remembered and steps the frozen readings. */
import type { Alarm, ComputationMember, Level } from "../../core/alarm.ts";
import { QC } from "../../core/reading.ts";
import type { Rule } from "../../core/rule.ts";
import type { DetectorBook } from "../detect/book.ts";
import { type Judgement, NOT_JUDGED, VIOLATED } from "../detect/condition.ts";
import type { SeriesContext } from "../detect/detector.ts";
import type { Group } from "../detect/group.ts";
import { FORM } from "../detect/marks.ts";
import type { Checks } from "./checks.ts";
import { type FrozenRule, frozenReading, type JudgedReading } from "./frozen.ts";

/** Scores that are grades count from 1 to this. */
const GRADE_MAX = 4;

/** The level of a verified alarm: of its grade where the rule has grades, else the rule's own. */
export function ownLevel({ value, evidence }: Alarm, rule: FrozenRule, book: DetectorBook): Level {
  const levelOfScore = evidence.computation?.members ? book.ofGroup(evidence.rule as Rule)?.levelOfScore : undefined;
  if (!levelOfScore || value === null) return rule.level;
  return levelOfScore(Math.min(GRADE_MAX, Math.max(1, Math.round(value))));
}

/** Null when it cannot be computed from what is there; then the checks say so. */
export function computeAgain(alarm: Alarm, book: DetectorBook, checks: Checks): readonly JudgedReading[] | null {
  const { computation } = alarm.evidence;
  const unknown = (): null => {
    checks.unseen(
      "computation",
      "缺少重算所需的记忆，或本版本没有该检测器",
      "the memory is not in the alarm, or this version has no such detector",
    );
    return null;
  };
  if (!computation) return unknown();
  let judged: readonly JudgedReading[] | null;
  try {
    judged = computation.members
      ? stepGroup(alarm, computation.members, book, checks)
      : stepSeries(alarm, book, checks);
  } catch (error) {
    // Memory and context come from the file: a detector cannot read what it did not save.
    const { message } = error as Error;
    checks.differ("computation", `记忆或上下文无法读取（${message}）`, `memory or context cannot be read (${message})`);
    return [];
  }
  if (!judged) return unknown();
  const last = judged.at(-1);
  if (last?.judgement !== VIOLATED)
    checks.differ("computation", "重算后条件不成立", "computed again, the condition does not hold");
  // What says nothing stands between those that decide: it was stepped with them.
  const odd = judged.find(({ judgement }) => judgement !== VIOLATED && judgement !== NOT_JUDGED);
  if (odd && odd !== last) {
    const at = new Date(odd.reading.time).toISOString();
    checks.differ("readings", `${at} 的读数不满足条件`, `the reading at ${at} does not fulfil the condition`);
  }
  checks.agree("computation", computation.kind);
  return judged;
}

function stepSeries({ evidence }: Alarm, book: DetectorBook, checks: Checks): readonly JudgedReading[] | null {
  const { computation, rule, readings } = evidence;
  const detector = computation ? book.ofSeries(rule as Rule, computation.context as SeriesContext) : null;
  if (!detector || !computation) return null;
  detector.load(computation.memory);
  const judged = readings.map((reading): JudgedReading => {
    const frozen = frozenReading(reading);
    const judgement = detector.step(reading.time, frozen.value, frozen.form, reading.flag);
    return { ...frozen, judgement, excess: judgement === VIOLATED ? detector.excess : 0 };
  });
  compareFigures(detector.figures(), computation.figures, checks);
  return judged;
}

/** The members' readings merged by time; the readings of the alarm are the scores that come out. */
function stepGroup(
  { evidence }: Alarm,
  members: readonly ComputationMember[],
  book: DetectorBook,
  checks: Checks,
): readonly JudgedReading[] | null {
  const { computation, rule, readings } = evidence;
  const plan = book.ofGroup(rule as Rule);
  if (!plan || !computation) return null;
  const detector = plan.create(computation.context as Group);
  detector.load(computation.memory);
  const times = [...new Set(members.flatMap((member) => member.readings.map(({ time }) => time)))].sort(
    (a, b) => a - b,
  );
  const found = new Map<number, { readonly judgement: Judgement; readonly score: number; readonly flag: number }>();
  for (const time of times) {
    const at = members.map((member) => member.readings.find((reading) => reading.time === time));
    const frozen = at.map((reading) => (reading ? frozenReading(reading) : null));
    const judgement = detector.step({
      time,
      values: Float64Array.from(frozen, (one) => one?.value ?? Number.NaN),
      forms: Uint8Array.from(frozen, (one) => one?.form ?? FORM.unfit),
      flags: Uint8Array.from(at, (reading) => reading?.flag ?? 9),
    });
    const isDoubtful = at.every((reading) => !reading || reading.flag >= QC.suspect);
    const score = judgement === VIOLATED ? detector.score : 0;
    found.set(time, { judgement, score, flag: isDoubtful ? QC.suspect : QC.good });
  }
  compareFigures(detector.figures(), computation.figures, checks);
  compareMembers(detector.contributors(), members, checks);
  return readings.map((reading): JudgedReading => {
    const { judgement, score, flag } = found.get(reading.time) ?? { judgement: NOT_JUDGED, score: 0, flag: QC.missing };
    if (judgement === VIOLATED && !isNear(score, reading.value ?? Number.NaN))
      checks.equal("score", score, reading.value);
    if (judgement === VIOLATED && flag !== reading.flag) checks.equal("flag", flag, reading.flag);
    return { ...frozenReading(reading), judgement, excess: score };
  });
}

/** Which members it rests on, most first. */
function compareMembers(contributors: readonly number[], members: readonly ComputationMember[], checks: Checks): void {
  const told = members.map(({ contributes }) => contributes);
  const found = members.map((_, index) => contributors.indexOf(index));
  checks.equal("contributes", found.join(" "), told.join(" "));
}

function compareFigures(
  found: Readonly<Record<string, number>>,
  told: Readonly<Record<string, number>>,
  checks: Checks,
): void {
  for (const [name, value] of Object.entries(found)) {
    // JSON has no NaN and no infinity: such figures come back as null.
    if (Number.isFinite(value) && !isNear(told[name] ?? Number.NaN, value))
      checks.equal(`figures.${name}`, value, told[name] ?? null);
  }
}

/** Within a billionth, and times (ms since 1970) to the ms. */
function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.min(0.5, 1e-9 * Math.max(1e-300, Math.abs(a), Math.abs(b)));
}
