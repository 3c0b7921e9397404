/** Rules that change while the engine runs, and absence: what is not there is told in wall time. */
import { describe, expect, test } from "vitest";
import { silence } from "../../../alerts/detect/absence.ts";
import { aDevice, anOrigin, aReading, aVersionedRule, NOW } from "../../support/builders.ts";
import { MINUTE, outcomes, readings, Timeline } from "../../support/timeline.ts";

const kinds = (timeline: Timeline): string[] => timeline.events.map(({ kind }) => kind);

describe("a rule changes", () => {
  test("the same episode keeps its id and its acknowledgement", () => {
    const timeline = new Timeline({ rules: [aVersionedRule({ above: 10 }, 1)] });
    timeline.feed(readings([1, 11, 12]));
    const id = timeline.alarms[0]?.id ?? "";
    timeline.acknowledge(id);
    timeline.rules([aVersionedRule({ above: 5, level: "red" }, 2)]);
    expect(kinds(timeline)).toEqual(["raised", "acknowledged", "updated"]);
    expect(timeline.alarms).toMatchObject([
      { id, level: "red", state: "acknowledged", acknowledgedBy: "officer", end: null },
    ]);
    expect(timeline.events.at(-1)?.note).toBe("rule-changed");
  });

  test("an alarm that the new limit does not deserve ends, with the reason, and is not withdrawn", () => {
    const timeline = new Timeline({ rules: [aVersionedRule({ above: 10 }, 1)] });
    timeline.feed(readings([1, 11, 12]));
    timeline.rules([aVersionedRule({ above: 100 }, 2)]);
    expect(timeline.events.at(-1)).toMatchObject({
      kind: "cleared",
      note: "rule-changed",
      alarm: { supersededBy: null },
    });
  });

  test("a new rule sees what is running, with its true start, but does not dig up what is over", () => {
    const timeline = new Timeline({ rules: [] });
    timeline.feed(readings([11, 1, 11, 11]));
    timeline.rules([aVersionedRule({ above: 10 }, 1)]);
    expect(outcomes(timeline.alarms)).toMatchObject([{ start: 2, end: null }]);
  });

  test.each`
    why             | after
    ${"its advice"} | ${{ above: 10, advice: "call" }}
    ${"its limit"}  | ${{ above: 8 }}
  `("after a change of $why a finished episode that comes late is told", ({ after }) => {
    const timeline = new Timeline({ rules: [aVersionedRule({ above: 10 }, 1)] });
    const all = readings([1, 9, 1, 12, 12, 1, 1]);
    timeline.feed(all.filter((_, minute) => minute < 2 || minute > 5));
    timeline.rules([aVersionedRule(after, 2)]);
    expect(timeline.events).toEqual([]); // 9 was over before: a change does not dig it up
    const receivedAt = NOW + 60 * MINUTE;
    timeline.feed(all.slice(2, 6).map((row) => ({ ...row, origin: { ...row.origin, receivedAt } })));
    expect(outcomes(timeline.alarms)).toMatchObject([{ start: 3, end: 5 }]);
  });

  test("an alarm of a removed or disabled rule ends, with the reason", () => {
    for (const after of [[], [aVersionedRule({ above: 10, enabled: false }, 2)]]) {
      const timeline = new Timeline({ rules: [aVersionedRule({ above: 10 }, 1)] });
      timeline.feed(readings([11, 12]));
      timeline.rules(after);
      expect(timeline.events.at(-1)).toMatchObject({
        kind: "cleared",
        note: "rule-removed",
        alarm: { end: NOW + MINUTE },
      });
    }
  });

  test("a change of the registry that touches no rule says nothing", () => {
    const rules = [aVersionedRule({ above: 10 }, 1)];
    const timeline = new Timeline({ rules });
    timeline.feed(readings([11]));
    expect(timeline.rules(rules)).toEqual([]);
  });

  test("a rule that does not change goes on over a change of another", () => {
    const timeline = new Timeline({ rules: [aVersionedRule({ above: 10, onDelay: "2 readings" }, 1)] });
    timeline.feed(readings([11]));
    timeline.rules([
      aVersionedRule({ above: 10, onDelay: "2 readings" }, 1),
      aVersionedRule({ id: "low", below: 0 }, 1),
    ]);
    timeline.feed([aReading({ time: NOW + MINUTE, value: 11 })]);
    expect(outcomes(timeline.alarms)).toMatchObject([{ rule: "cd-high", start: 0 }]);
  });
});

describe("silence", () => {
  const span = 30 * MINUTE;
  const never = { newest: -Infinity, lastArrival: -Infinity, quickest: Infinity };
  const heard = (newest: number, lastArrival = newest) => ({ newest, lastArrival, quickest: 1_000 });

  test.each`
    why                                    | heard                                                           | awaited | answer
    ${"awaited for less than the span"}    | ${heard(NOW - 2 * span)}                                        | ${10}   | ${"grace"}
    ${"never heard"}                       | ${never}                                                        | ${60}   | ${60}
    ${"heard within the span"}             | ${heard(NOW - 10 * MINUTE)}                                     | ${60}   | ${"heard"}
    ${"last heard before the span"}        | ${heard(NOW - 40 * MINUTE)}                                     | ${60}   | ${40}
    ${"old data, but it is just arriving"} | ${heard(NOW - 400 * MINUTE, NOW - MINUTE)}                      | ${60}   | ${"heard"}
    ${"has only ever sent history"}        | ${{ newest: NOW - 1e9, lastArrival: NOW - 1e7, quickest: 9e8 }} | ${60}   | ${"history-only"}
  `("$why", ({ heard: state, awaited, answer }) => {
    const found = silence(state, span, NOW - awaited * MINUTE, NOW);
    expect(found.silent ? (NOW - found.since) / MINUTE : found.why).toBe(answer);
  });

  const rules = [aVersionedRule({ id: "silent", kind: "absence", on: {}, level: "blue" })];
  const arrives = (minute: number, quantity = "cd") =>
    aReading({
      series: `mw-1/${quantity}/total/rtd`,
      time: NOW + minute * MINUTE,
      origin: anOrigin({ seq: minute, receivedAt: NOW + minute * MINUTE + 500 }),
    });

  test("a silent device is one alarm, from its last reading; newer data clears it", () => {
    const timeline = new Timeline({ rules });
    timeline.feed([arrives(5), arrives(5, "ph")]);
    for (let minute = 6; minute <= 80; minute++) timeline.tick(NOW + minute * MINUTE);
    expect(kinds(timeline)).toEqual(["raised"]);
    expect(timeline.alarms).toMatchObject([
      {
        category: "absence",
        rule: "silent",
        series: "mw-1/cd/total/rtd",
        start: NOW + 5 * MINUTE,
        state: "active",
        value: null,
      },
    ]);
    timeline.feed([arrives(4, "ph")], NOW + 81 * MINUTE); // older than the silence: a late message
    expect(kinds(timeline)).toEqual(["raised"]);
    timeline.feed([arrives(82, "ph")], NOW + 82 * MINUTE);
    expect(timeline.alarms).toMatchObject([{ state: "cleared", end: NOW + 82 * MINUTE }]);
    timeline.tick(NOW + 83 * MINUTE);
    expect(kinds(timeline)).toEqual(["raised", "cleared"]);
  });

  test("a device that was never heard is awaited from the start; its first word clears the alarm", () => {
    const timeline = new Timeline({ rules });
    timeline.tick(NOW + 30 * MINUTE);
    expect(timeline.events).toEqual([]);
    timeline.tick(NOW + 31 * MINUTE);
    expect(timeline.alarms).toMatchObject([{ start: NOW, evidence: { readings: [] } }]);
    timeline.feed([arrives(32, "ph")]);
    expect(kinds(timeline)).toEqual(["raised", "cleared"]);
  });

  test("a rule that names quantities watches each; one that the device never sent is not missed while it talks", () => {
    const timeline = new Timeline({
      rules: [aVersionedRule({ id: "silent", kind: "absence", on: { quantity: ["cd", "ph"] }, level: "blue" })],
    });
    for (let minute = 0; minute < 90; minute += 5) timeline.feed([arrives(minute)]);
    timeline.tick(NOW + 90 * MINUTE);
    expect(timeline.events).toEqual([]);
    timeline.feed([arrives(90, "ph")]);
    for (let minute = 91; minute < 140; minute += 5) timeline.feed([arrives(minute)]);
    timeline.tick(NOW + 140 * MINUTE);
    expect(timeline.alarms).toMatchObject([{ series: "mw-1/ph/total/rtd", start: NOW + 90 * MINUTE }]);
  });

  test("a back-fill of last month raises no silence, while it comes nor after", () => {
    const timeline = new Timeline({ rules });
    const old = readings([1, 1, 1], { time: NOW - 43_200 * MINUTE }).map((reading) => ({
      ...reading,
      origin: anOrigin({ receivedAt: NOW + MINUTE, backfill: true }),
    }));
    timeline.feed(old);
    for (let minute = 1; minute < 300; minute += 10) timeline.tick(NOW + minute * MINUTE);
    expect(timeline.events).toEqual([]);
  });

  test("the alarm ends when the device leaves the registry", () => {
    const timeline = new Timeline({ rules });
    timeline.tick(NOW + 60 * MINUTE);
    timeline.directory = {
      ...timeline.directory,
      snapshot: { ...timeline.directory.snapshot, devices: [aDevice({ id: "other", station: "elsewhere" })] },
    };
    timeline.rules(rules);
    expect(timeline.events.at(-1)).toMatchObject({ kind: "cleared", note: "rule-removed" });
  });
});
