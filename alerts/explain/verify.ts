/**
 * Computes an alarm's verdict again from the alarm alone: every frozen reading against the rule, the run against its
 * delays, worst value, verification, level, lateness, and the limit against the shipped packs. Says what differs, and
 * what the alarm does not hold and so cannot be checked: it never claims more than it saw.
 */
import { type Alarm, lowerLevel } from "../../core/alarm.ts";
import type { Rule } from "../../core/rule.ts";
import type { DetectorBook } from "../detect/book.ts";
import { VIOLATED } from "../detect/condition.ts";
import { Fold, RAISED } from "../detect/episode.ts";
import type { Packs } from "../packs/load.ts";
import { Checks, type Verification } from "./checks.ts";
import { type FrozenRule, frozenDelays, frozenRule, type JudgedReading, judgeFrozen, judgesAlone } from "./frozen.ts";
import { matterOf } from "./matter.ts";
import { EVIDENCE_READINGS_MAX } from "./outcome.ts";
import { checkLimit } from "./verify-limit.ts";
import { computeAgain, ownLevel } from "./verify-memory.ts";

export interface VerifyParts {
  readonly packs: Packs;
  /** Detectors of the kinds with a memory. */
  readonly book: DetectorBook;
}

const LATE_MS = 60_000;

export function verifyAlarm(alarm: Alarm, parts: VerifyParts): Verification {
  const checks = new Checks();
  const rule = frozenRule(alarm.evidence);
  if (!rule) {
    checks.differ("rule", "证据中没有可读的规则", "the evidence holds no readable rule");
    return checks.result(alarm.id);
  }
  checkFrame(alarm, rule, parts.book, checks);
  if (alarm.category === "absence") checkAbsence(alarm, rule, checks);
  else {
    const judged = judgesAlone(rule) ? judgeAgain(alarm, rule, checks) : computeAgain(alarm, parts.book, checks);
    if (judgesAlone(rule)) checkLimit(alarm, rule, parts.packs, checks);
    if (judged) checkRun(alarm, rule, judged, checks);
  }
  if (alarm.end !== null)
    checks.unseen("end", "解除报警的读数不在文件中", "the readings that ended it are not in the alarm");
  return checks.result(alarm.id);
}

/** Names, level and state agree with one another. */
function checkFrame(alarm: Alarm, rule: FrozenRule, book: DetectorBook, checks: Checks): void {
  checks.equal("rule", rule.id, alarm.rule);
  const kinds: Readonly<Record<string, string>> = { absence: "absence", instrument: "instrument" };
  const ofGroup = alarm.evidence.computation?.members ? book.ofGroup(alarm.evidence.rule as Rule)?.category : undefined;
  checks.equal("category", kinds[rule.kind] ?? ofGroup ?? "pollution", alarm.category);
  const own = ownLevel(alarm, rule, book);
  checks.equal("level", alarm.verified ? own : lowerLevel(own), alarm.level);
  checks.equal("state", alarm.end === null ? "open" : "cleared", alarm.state === "cleared" ? "cleared" : "open");
  const [station, quantity] = alarm.series.split("/");
  checks.equal("series", `${station}/${quantity}`, `${alarm.station}/${alarm.quantity}`);
  if (alarm.end !== null && alarm.end < alarm.start) checks.differ("end", "结束早于开始", "it ends before it starts");
}

/** Every frozen reading against the bounds; each of them must violate. */
function judgeAgain(alarm: Alarm, rule: FrozenRule, checks: Checks): readonly JudgedReading[] {
  const { judged, bounds } = matterOf(alarm);
  if (bounds.length === 0 && rule.kind !== "instrument")
    checks.differ("limit", `规则类型 ${rule.kind} 缺少限值`, `a rule of kind ${rule.kind} without a limit`);
  checkViolated(judged, checks);
  return judged;
}

function checkViolated(judged: readonly JudgedReading[], checks: Checks): void {
  if (judged.length === 0) checks.differ("readings", "没有起决定作用的读数", "there is no deciding reading");
  for (const [index, { reading, judgement }] of judged.entries()) {
    const before = judged[index - 1]?.reading.time ?? Number.NEGATIVE_INFINITY;
    const at = new Date(reading.time).toISOString();
    if (reading.time <= before) checks.differ("readings", `${at} 次序有误`, `${at} is out of order`);
    if (judgement !== VIOLATED)
      checks.differ("readings", `${at} 的读数不满足条件`, `the reading at ${at} does not fulfil the condition`);
  }
  checks.agree("readings", judged.length);
}

/** The run against delays, then what follows from it. */
function checkRun(alarm: Alarm, rule: FrozenRule, judged: readonly JudgedReading[], checks: Checks): void {
  const first = judged[0]?.reading.time;
  const last = judged.at(-1)?.reading.time;
  if (first === undefined || last === undefined) return;
  const isCut = first > alarm.start && judged.length >= EVIDENCE_READINGS_MAX;
  const isOldBatch = first > alarm.start && alarm.lateMs > 0 && alarm.end !== null;
  const delays = frozenDelays(rule);
  if (isCut || isOldBatch) {
    checks.unseen(
      "on-delay",
      `连续段早于 ${new Date(first).toISOString()} 的读数不在文件中`,
      `the readings of the run before ${new Date(first).toISOString()} are not in the alarm`,
    );
    if (last - alarm.start < delays.onMs) checks.differ("on-delay", "历时不足", "the run is shorter than the on-delay");
    if (isCut && delays.onMs === 0 && delays.onReadings <= EVIDENCE_READINGS_MAX)
      checks.differ(
        "start",
        "开始时间早于第一个读数",
        "it starts before the first reading of a run that is held whole",
      );
  } else {
    checks.equal("start", first, alarm.start);
    const fold = new Fold();
    const raisedBy = judged.findIndex(({ reading, value, form, suspect, judgement, excess }) => {
      return fold.step(delays, judgement, reading.time, value, form, suspect, excess) === RAISED;
    });
    if (raisedBy === judged.length - 1) checks.agree("on-delay", judged.length);
    else
      checks.differ(
        "on-delay",
        raisedBy < 0 ? "读数未满足触发延时" : "更早的读数已满足触发延时",
        raisedBy < 0 ? "the readings do not fulfil the on-delay" : "an earlier reading already fulfils the on-delay",
      );
  }
  checkVerified(alarm, rule, judged, checks);
  checkWorst(alarm, rule, judged, checks);
  checkLateness(alarm, last, checks);
}

function checkVerified(alarm: Alarm, rule: FrozenRule, judged: readonly JudgedReading[], checks: Checks): void {
  const { confirmedBy, computation } = alarm.evidence;
  const confirming = confirmedBy ? judgeFrozen(rule, matterOf(alarm).bounds, confirmedBy) : null;
  if (confirming && !computation && confirming.judgement !== VIOLATED)
    checks.differ("verified", "核实读数不满足条件", "the confirming reading does not fulfil the condition");
  const isSure =
    judged.some(({ suspect, judgement }) => !suspect && judgement === VIOLATED) ||
    (confirming !== null && !confirming.suspect);
  checks.equal("verified", isSure, alarm.verified);
}

/** The worst value is the worst of what is there, and stands at its own time. */
function checkWorst(alarm: Alarm, rule: FrozenRule, judged: readonly JudgedReading[], checks: Checks): void {
  const { evidence, valueTime, value, cmp } = alarm;
  if (alarm.category === "instrument") {
    checks.equal("value", null, value);
    return;
  }
  const { bounds } = matterOf(alarm);
  const further = [evidence.worst, evidence.confirmedBy].flatMap((reading) =>
    reading && !evidence.computation ? [judgeFrozen(rule, bounds, reading)] : [],
  );
  for (const { judgement } of further)
    if (judgement !== VIOLATED)
      checks.differ("value", "最差读数不满足条件", "the worst reading does not fulfil the condition");
  const all = [...judged, ...further];
  const own = all.find(({ reading }) => reading.time === valueTime);
  const most = Math.max(...all.map(({ excess }) => excess));
  if (own) {
    checks.equal("value", `${own.reading.cmp}${own.reading.value}`, `${cmp}${value}`);
    if (own.excess < most) checks.differ("value", "另有更差的读数", "another reading is worse");
    return;
  }
  checks.unseen("value", "最差值的读数不在文件中", "the reading of the worst value is not in the alarm");
  if (evidence.computation || value === null) return;
  const [like] = evidence.readings;
  if (!like) return;
  const claimed = judgeFrozen(rule, bounds, { ...like, time: valueTime, value, cmp, qualifier: "N" });
  if (claimed.judgement !== VIOLATED || claimed.excess < most)
    checks.differ("value", "最差值与读数不符", "the worst value does not fit the readings");
}

/** Lateness is told once, when it is raised; later data does not change it. */
function checkLateness({ lateMs, evidence, raisedAt, updatedAt }: Alarm, decided: number, checks: Checks): void {
  const knownAt = Math.max(...evidence.readings.map(({ receivedAt }) => receivedAt));
  const late = knownAt - decided > LATE_MS ? knownAt - decided : 0;
  if (late === lateMs || updatedAt === raisedAt) checks.equal("lateMs", late, lateMs);
  else checks.unseen("lateMs", "迟到时长属于最初的读数", "lateness is that of the readings that first raised it");
}

function checkAbsence(alarm: Alarm, rule: FrozenRule, checks: Checks): void {
  const last = alarm.evidence.readings.at(-1);
  if (last) checks.equal("start", last.time, alarm.start);
  else
    checks.unseen(
      "start",
      "从未收到读数，开始等待的时间不在文件中",
      "nothing ever came; since when it is awaited is not in the alarm",
    );
  const heard = Math.max(alarm.start, last?.receivedAt ?? alarm.start);
  if (rule.after === undefined)
    checks.unseen("on-delay", "设备上报间隔不在文件中", "the device's interval is not in the alarm");
  else if (alarm.raisedAt - heard > rule.after) checks.agree("on-delay", rule.after);
  else checks.differ("on-delay", "静默时长不足", "it had not been silent for long enough");
  checks.equal("verified", true, alarm.verified);
}
