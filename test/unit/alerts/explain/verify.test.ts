/** An alarm of the real engine agrees with its own evidence; whatever is changed in the file afterwards is found. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLimitBinder } from "../../../../alerts/bind.ts";
import type { Judgement } from "../../../../alerts/detect/condition.ts";
import type { Detector } from "../../../../alerts/detect/detector.ts";
import { engineOf } from "../../../../alerts/detectors.ts";
import { readAlarm } from "../../../../alerts/explain/alarm-file.ts";
import { explain } from "../../../../alerts/explain/explain.ts";
import { verifyAlarm } from "../../../../alerts/explain/verify.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import type { Alarm } from "../../../../core/alarm.ts";
import { explanationText } from "../../../../core/explanation.ts";
import { anAlarm, anAlarmEvent, anEvidence, aVersionedRule, NOW } from "../../../support/builders.ts";
import { MINUTE, readings, Timeline } from "../../../support/timeline.ts";

const packs = loadPacks();
const parts = { packs, book: engineOf(packs).detectors };
const level = (more: object = {}) => aVersionedRule({ id: "high", above: 10, ...more }, 3);
const limit = aVersionedRule({
  id: "cd-iii",
  kind: "limit",
  pack: "gbt14848-2017",
  above: "III",
  onDelay: "2 readings",
});

/** The last told alarm of one rule over a tape. */
function alarmOf(rule: ReturnType<typeof level>, tape: readonly (number | string | null)[], more: object = {}): Alarm {
  const timeline = new Timeline({ rules: [rule], bindLimit: createLimitBinder(packs) });
  for (const reading of readings(tape, more)) timeline.feed([reading], reading.origin.receivedAt);
  const alarm = timeline.alarms.find(({ rule: id }) => id === rule.rule.id);
  if (!alarm) throw new Error("the tape raised no alarm");
  return alarm;
}
/** Through a file, as a person would have it. */
function verify(alarm: unknown) {
  const read = readAlarm(JSON.stringify(alarm));
  if ("fault" in read) throw new Error(read.fault);
  return verifyAlarm(read.alarm, parts);
}
const differing = (alarm: unknown) =>
  verify(alarm)
    .checks.filter(({ outcome }) => outcome === "differs")
    .map(({ name }) => name);
const unseen = (alarm: unknown) =>
  verify(alarm)
    .checks.filter(({ outcome }) => outcome === "unseen")
    .map(({ name }) => name);

describe("an untouched alarm", () => {
  test.each([
    ["level rule", level(), [1, 12], []],
    ["two readings of on-delay", level({ onDelay: "2 readings" }), [11, 1, 12, 13], []],
    ["delay by time", level({ onDelay: "2m" }), [11, 12, 13], []],
    ["suspect readings only", level(), [1, "12?"], []],
    ["suspect at first, confirmed later", level(), [1, "12?", 11], []],
    ["a worse value later", level(), [1, 12, 40], []],
    ["over range", level(), ["12T"], []],
    ["limit of a pack", limit, [0.006, 0.007], []],
    ["cleared", level(), [1, 12, 1], ["end"]],
    ["a run longer than what is kept", level({ onDelay: "25m" }), Array(30).fill(12), ["on-delay"]],
  ] as const)("%s", (_name, rule, tape, notSeen) => {
    const alarm = alarmOf(rule, tape);
    const found = verify(alarm);
    expect(differing(alarm)).toEqual([]);
    expect(unseen(alarm)).toEqual(notSeen);
    expect(found.outcome).toBe(notSeen.length === 0 ? "agrees" : "partly");
  });

  test("both sides of a two-sided limit", () => {
    const ph = aVersionedRule({
      id: "ph",
      kind: "limit",
      on: { quantity: "ph" },
      pack: "gbt14848-2017",
      above: "III",
      onDelay: "2 readings",
    });
    const alarm = alarmOf(ph, [9, 5], { series: "mw-1/ph/total/rtd" });
    expect(alarm.evidence.bounds).toHaveLength(2);
    expect(differing(alarm)).toEqual([]);
  });

  test("instrument alarm", () => {
    const timeline = new Timeline({ rules: [] });
    timeline.feed(readings([1, "5D"]));
    expect(verify(timeline.alarms[0]).outcome).toBe("agrees");
  });

  test("any tape: no alarm of the engine differs from its own evidence", () => {
    const value = fc.constantFrom<number | string | null>(
      1,
      9.5,
      11,
      15,
      40,
      "11?",
      "50?",
      "<3",
      "<20",
      ">12",
      "12T",
      "11F",
      null,
    );
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 40 }),
        fc.constantFrom("1 reading", "3 readings", "4m"),
        (tape, onDelay) => {
          const timeline = new Timeline({ rules: [level({ onDelay, deadband: "10 %", offDelay: "2 readings" })] });
          for (const reading of readings(tape)) timeline.feed([reading], reading.origin.receivedAt);
          for (const { alarm } of timeline.events) {
            if (alarm.supersededBy === null)
              expect({ alarm, differs: differing(alarm) }).toEqual({ alarm, differs: [] });
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("late data that moves the start is frozen with it", () => {
    const timeline = new Timeline({ rules: [level()] });
    const [first, second] = readings([11, 12]);
    if (second) timeline.feed([second], NOW + MINUTE);
    if (first) timeline.feed([first], NOW + 2 * MINUTE);
    const [alarm] = timeline.alarms;
    expect(alarm?.start).toBe(NOW);
    expect(differing(alarm)).toEqual([]);
  });
});

describe("a changed file is found", () => {
  const alarm = alarmOf(limit, [0.001, 0.006, 0.007]);
  const suspect = alarmOf(level(), ["12?"]);
  const { evidence } = alarm;
  const changed = (index: number, more: object) =>
    evidence.readings.map((reading, at) => (at === index ? { ...reading, ...more } : reading));
  test.each([
    ["a value under the limit", { evidence: { ...evidence, readings: changed(0, { value: 0.004 }) } }, "readings"],
    ["the worst reading's value", { evidence: { ...evidence, readings: changed(1, { value: 0.5 }) } }, "value"],
    ["the alarm's value", { value: 0.9 }, "value"],
    ["the value and its time", { value: 0.0061, valueTime: alarm.valueTime + 1 }, "value"],
    ["censoring", { evidence: { ...evidence, readings: changed(0, { cmp: "<" }) } }, "readings"],
    ["an instrument flag", { evidence: { ...evidence, readings: changed(0, { qualifier: "M" }) } }, "readings"],
    [
      "quality flags",
      { evidence: { ...evidence, readings: evidence.readings.map((one) => ({ ...one, flag: 4 })) } },
      "verified",
    ],
    ["the limit", { evidence: { ...evidence, limit: 0.004 } }, "limit"],
    ["the clause", { evidence: { ...evidence, clause: "GB/T 14848-2017 table 1 no. 99 class III" } }, "clause"],
    [
      "the class",
      { evidence: { ...evidence, clause: evidence.clause?.replace("class III", "class IV"), limit: 0.01 } },
      "clause",
    ],
    ["the confidence", { evidence: { ...evidence, confidence: "primary-ish" } }, "confidence"],
    ["the level", { level: "red" }, "level"],
    ["verified", { verified: false }, "verified"],
    ["the start", { start: alarm.start - MINUTE }, "start"],
    ["a reading left out", { evidence: { ...evidence, readings: evidence.readings.slice(1) } }, "start"],
    ["all readings left out", { evidence: { ...evidence, readings: [] } }, "readings"],
    ["the rule's name", { rule: "other" }, "rule"],
    ["lateness", { lateMs: 3_600_000 }, "lateMs"],
    ["the station", { station: "mw-2" }, "series"],
    ["the state", { state: "cleared" }, "state"],
  ])("%s", (_name, change, name) => {
    expect(differing(alarm)).toEqual([]);
    expect(differing({ ...alarm, ...change })).toContain(name);
  });
  test("doubt taken away from a suspect reading", () => {
    const [reading] = suspect.evidence.readings;
    const cleaned = { ...suspect.evidence, readings: [{ ...reading, flag: 1 }] };
    expect(differing({ ...suspect, evidence: cleaned })).toEqual(["verified"]);
    expect(differing({ ...suspect, level: "orange" })).toEqual(["level"]);
  });
});

test("a pack of another version is told, not judged", () => {
  const alarm = alarmOf(limit, [0.006, 0.007]);
  const older = { ...alarm, evidence: { ...alarm.evidence, packVersion: 99, limit: 0.004 } };
  expect(differing(older)).toEqual([]);
  expect(unseen(older)).toEqual(["limit"]);
  expect(alarm.evidence).toMatchObject({ pack: "gbt14848-2017", packVersion: packs.get("gbt14848-2017")?.version });
  const { packVersion: _, ...before } = alarm.evidence;
  expect(unseen({ ...alarm, evidence: before })).toEqual(["packVersion"]);
});

describe("detectors with memory", () => {
  /** Holds when the value is over three times the value before. */
  const jump = (): Detector => {
    let before: number | null = null;
    let ratio = 0;
    return {
      step: (_time, value): Judgement => {
        ratio = before === null ? 0 : value / before;
        if (ratio <= 3) before = value;
        return ratio > 3 ? 1 : 0;
      },
      get excess() {
        return ratio;
      },
      figures: () => ({ ratio }),
      save: () => before,
      load: (memory) => {
        before = memory as number | null;
      },
    };
  };
  const [reading] = alarmOf(level(), [12]).evidence.readings;
  const evidence = anEvidence({
    readings: reading ? [reading] : [],
    limit: null,
    passes: null,
    rule: { kind: "jumpy", id: "cd-high", level: "orange", onDelay: { readings: 1 }, offDelay: { readings: 1 } },
    computation: {
      kind: "jumpy",
      members: null,
      memory: 2,
      figures: { ratio: 6 },
      context: { unit: "mg/L", resolution: null, intervalMs: null, limit: null },
    },
  });
  const alarm = anAlarm({ value: 12, lateMs: 0, evidence });
  const run = (changed: Alarm, known = true) =>
    verifyAlarm(changed, { packs, book: { ofSeries: () => (known ? jump() : null), ofGroup: () => null } });

  test("the memory is loaded and the readings stepped", () => {
    expect(run(alarm).outcome).toBe("agrees");
    expect(run(alarm, false).outcome).toBe("partly");
  });
  test.each([
    ["memory", { memory: 5 }, "figures.ratio"],
    ["figures", { figures: { ratio: 7 } }, "figures.ratio"],
  ])("changed %s is found", (_name, change, name) => {
    const { computation } = evidence;
    const changed = {
      ...alarm,
      evidence: { ...evidence, ...(computation ? { computation: { ...computation, ...change } } : {}) },
    };
    expect(run(changed).checks.find(({ outcome }) => outcome === "differs")?.name).toBe(name);
  });
  test("figures without words of their own are shown as they are", () => {
    expect(explanationText(explain(alarm), "en")).toContain("Computed: ratio = 6.");
  });
});

describe("absence", () => {
  const rule = { kind: "absence", id: "silent", level: "yellow", intervals: 3, after: 600_000, on: {} };
  const [last] = alarmOf(level(), [12]).evidence.readings;
  const evidence = anEvidence({ readings: last ? [last] : [], unit: "", limit: null, passes: null, rule });
  const silent = anAlarm({
    rule: "silent",
    category: "absence",
    level: "yellow",
    value: null,
    start: NOW,
    raisedAt: NOW + 700_000,
    evidence,
  });
  test("silence longer than the rule allows agrees, shorter differs", () => {
    expect(verify(silent).outcome).toBe("agrees");
    expect(differing({ ...silent, raisedAt: NOW + 500_000 })).toEqual(["on-delay"]);
    expect(explain(silent).verdict.en).toContain("No data of cadmium");
  });
});

describe("forms of the file", () => {
  const alarm = alarmOf(level(), [12]);
  test.each([
    ["the alarm", alarm],
    ["an event", anAlarmEvent({ alarm })],
    ["the API's answer", { alarm: { id: "view" }, record: alarm }],
  ])("%s", (_name, json) => {
    expect(readAlarm(JSON.stringify(json))).toEqual({ alarm });
  });
  test("what is no alarm says why", () => {
    expect(readAlarm("{")).toHaveProperty("fault");
    expect(readAlarm('{"id":"x"}')).toHaveProperty("fault");
  });
});

describe("explanations", () => {
  test("rule version, limit with clause and confidence, readings with flags, delays, level", () => {
    const text = explanationText(explain(alarmOf(limit, [0.001, "0.006?", "0.007?"])), "en");
    expect(text).toContain("version 1 (limit of a standard)");
    expect(text).toContain("≤ 0.005 mg/L. Source: GB/T 14848-2017 table 1 no. ");
    expect(text).toContain("quality flag 3 (suspect), instrument flag N (normal)");
    expect(text).toContain("0.006 > 0.005, beyond by 0.001 mg/L");
    expect(text).toContain("On-delay: 2 readings. 2 readings in a row from 2026-03-15 08:01:00 +08:00");
    expect(text).toContain("Not verified: all readings bear quality flag 3");
    expect(text).toContain("the rule says orange; not verified, it is one level lower: yellow");
  });
  test("every step in both languages; Chinese ones hold Chinese", () => {
    const { steps, verdict } = explain(alarmOf(level({ deadband: "5 %" }), [1, 12, 30, 1]));
    expect(steps.map(({ kind }) => kind)).toEqual([
      "rule",
      "limit",
      "deadband",
      "reading",
      "reading",
      "on-delay",
      "verified",
      "level",
      "worst",
      "end",
    ]);
    for (const text of [verdict, ...steps]) {
      expect(text["zh-CN"]).toMatch(/[\u4e00-\u9fff]/);
      expect(text.en).not.toMatch(/[\u4e00-\u9fff]/);
    }
  });
});
