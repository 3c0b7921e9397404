/** Conditions and delays as tables: values a minute apart, limit 10 unless said otherwise. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IN_DEADBAND, judge, KEPT, NOT_JUDGED, VIOLATED } from "../../../alerts/detect/condition.ts";
import { withDeadband } from "../../../alerts/detect/limit.ts";
import { FORM_MASK, formOf, marksOf, SUSPECT_BIT } from "../../../alerts/detect/marks.ts";
import { aVersionedRule } from "../../support/builders.ts";
import { outcomes, readings, Timeline } from "../../support/timeline.ts";

const ANSWERS = { [KEPT]: "kept", [VIOLATED]: "violated", [IN_DEADBAND]: "deadband", [NOT_JUDGED]: "unknown" };

describe("one reading against a bound of 10 with deadband 1", () => {
  test.each`
    passes  | value   | mark   | answer        | why
    ${"<="} | ${11}   | ${""}  | ${"violated"} | ${"above"}
    ${"<="} | ${10}   | ${""}  | ${"deadband"} | ${"at the limit passes, but is not yet clear"}
    ${"<"}  | ${10}   | ${""}  | ${"violated"} | ${"at a strict limit does not pass"}
    ${"<="} | ${9.5}  | ${""}  | ${"deadband"} | ${"below the limit, inside the deadband"}
    ${"<="} | ${9}    | ${""}  | ${"kept"}     | ${"at the far side of the deadband"}
    ${"<="} | ${5}    | ${"<"} | ${"kept"}     | ${"a non-detect well below"}
    ${"<="} | ${9.5}  | ${"<"} | ${"deadband"} | ${"a non-detect counts as its reporting limit"}
    ${"<="} | ${20}   | ${"<"} | ${"unknown"}  | ${"a reporting limit above the bound proves nothing"}
    ${"<="} | ${10}   | ${">"} | ${"violated"} | ${"truly above 10"}
    ${"<="} | ${5}    | ${">"} | ${"unknown"}  | ${"above 5 may be anything"}
    ${"<="} | ${10}   | ${"T"} | ${"unknown"}  | ${"at least 10 may be 10, which passes"}
    ${"<="} | ${10.1} | ${"T"} | ${"violated"} | ${"at least 10.1"}
    ${"<"}  | ${10}   | ${"T"} | ${"violated"} | ${"at least 10, where 10 does not pass"}
    ${">="} | ${9}    | ${""}  | ${"violated"} | ${"below a lower limit (dissolved oxygen)"}
    ${">="} | ${10}   | ${""}  | ${"deadband"} | ${"at a lower limit"}
    ${">"}  | ${10}   | ${""}  | ${"violated"} | ${"at a strict lower limit"}
    ${">="} | ${11}   | ${""}  | ${"kept"}     | ${"above the deadband of a lower limit"}
    ${">="} | ${9}    | ${"<"} | ${"violated"} | ${"truly below 9"}
    ${">="} | ${20}   | ${"<"} | ${"unknown"}  | ${"below 20 may be anything"}
    ${">="} | ${12}   | ${">"} | ${"kept"}     | ${"truly above 12"}
    ${">="} | ${5}    | ${"T"} | ${"unknown"}  | ${"at least 5 may be enough"}
    ${"<="} | ${99}   | ${"F"} | ${"unknown"}  | ${"a fault is no measurement"}
    ${"<="} | ${NaN}  | ${""}  | ${"unknown"}  | ${"no value"}
  `("$passes $value $mark is $answer: $why", ({ passes, value, mark, answer }) => {
    const cmp = mark === "<" ? 1 : mark === ">" ? 2 : 0;
    const qualifier = (/[A-Z]/.test(mark) ? mark : "N").charCodeAt(0);
    const form = formOf(value, marksOf(cmp, 1, qualifier, false)) & FORM_MASK;
    const answered = judge([withDeadband(10, passes, { value: 1 })], value, form);
    expect(ANSWERS[answered]).toBe(answer);
  });

  test("two sides: either violates, and what is unknown on one side stays unknown", () => {
    const ph = [withDeadband(6.5, ">=", { value: 0.1 }), withDeadband(8.5, "<=", { value: 0.1 })];
    const answers = [6.4, 6.5, 7, 8.45, 8.6].map((value) => ANSWERS[judge(ph, value, 0)]);
    expect(answers).toEqual(["violated", "deadband", "kept", "deadband", "violated"]);
    expect(ANSWERS[judge(ph, 7, 1)]).toBe("unknown"); // "<7" may be too acid
  });

  test("flags 3 and 4 are doubted, nothing else is", () => {
    const doubted = [1, 2, 3, 4, 9].map((flag) => (formOf(5, marksOf(0, flag, 78, false)) & SUSPECT_BIT) !== 0);
    expect(doubted).toEqual([false, false, true, true, false]);
  });
});

describe("values a minute apart become episodes (limit 10)", () => {
  test.each`
    why                                                | rule                                                 | values                               | spans
    ${"calm"}                                          | ${{}}                                                | ${[1, 9, 10]}                        | ${[]}
    ${"raised by the first, over with the first good"} | ${{}}                                                | ${[1, 11, 11, 9]}                    | ${[[1, 3]]}
    ${"still running"}                                 | ${{}}                                                | ${[1, 11]}                           | ${[[1, null]]}
    ${"a spike shorter than the on-delay"}             | ${{ onDelay: "2 readings" }}                         | ${[11, 1, 11, 1]}                    | ${[]}
    ${"start is the first of the run"}                 | ${{ onDelay: "3 readings" }}                         | ${[1, 11, 12, 13, 1]}                | ${[[1, 4]]}
    ${"end is the first of the off-run"}               | ${{ offDelay: "3 readings" }}                        | ${[11, 1, 11, 1, 1, 1]}              | ${[[0, 3]]}
    ${"on-delay in data time"}                         | ${{ onDelay: "2m" }}                                 | ${[11, 11, 1, 11, 11, 11]}           | ${[[3, null]]}
    ${"off-delay in data time"}                        | ${{ offDelay: "2m" }}                                | ${[11, 1, 1, 11, 1, 1, 1]}           | ${[[0, 4]]}
    ${"the deadband neither clears"}                   | ${{ deadband: "10 %" }}                              | ${[11, 9.5, 9.2, 9]}                 | ${[[0, 3]]}
    ${"nor lets an off-run go on"}                     | ${{ deadband: "10 %", offDelay: "2 readings" }}      | ${[11, 8, 9.5, 8, 8]}                | ${[[0, 3]]}
    ${"nor an on-run"}                                 | ${{ deadband: "10 %", onDelay: "2 readings" }}       | ${[11, 9.5, 11, 9.5]}                | ${[]}
    ${"a gap does not clear"}                          | ${{}}                                                | ${[11, undefined, undefined, 11, 1]} | ${[[0, 4]]}
    ${"a fault neither breaks nor lengthens a run"}    | ${{ onDelay: "2 readings", offDelay: "2 readings" }} | ${[11, "11F", 11, 1, null, 1]}       | ${[[0, 3]]}
    ${"a non-detect with a high limit neither"}        | ${{ offDelay: "2 readings" }}                        | ${[11, 1, "<20", 1]}                 | ${[[0, 1]]}
    ${"over range raises"}                             | ${{}}                                                | ${["20T", 1]}                        | ${[[0, 1]]}
  `("$why", ({ rule, values, spans }) => {
    const timeline = new Timeline({ rules: [aVersionedRule({ above: 10, ...rule })] });
    timeline.feed(readings(values));
    const found = outcomes(timeline.alarms).filter((alarm) => alarm.rule === "cd-high");
    expect(found.map(({ start, end }) => [start, end])).toEqual(spans);
  });

  test("never clears while values stay inside the deadband", () => {
    const inside = fc.double({ min: 9.01, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(inside, { minLength: 1, maxLength: 100 }), (values) => {
        const timeline = new Timeline({ rules: [aVersionedRule({ above: 10, deadband: "10 %" })] });
        timeline.feed(readings([11, ...values]));
        expect(outcomes(timeline.alarms)).toMatchObject([{ start: 0, end: null }]);
      }),
    );
  });
});

describe("what statistics doubt", () => {
  test.each`
    why                                                  | values            | level       | verified | kinds
    ${"a suspect value raises one level lower"}          | ${["11?"]}        | ${"yellow"} | ${false} | ${["raised"]}
    ${"a second suspect one does not confirm"}           | ${["11?", "11?"]} | ${"yellow"} | ${false} | ${["raised"]}
    ${"a good one confirms and lifts the level"}         | ${["11?", 11]}    | ${"orange"} | ${true}  | ${["raised", "updated"]}
    ${"a good one inside the deadband confirms nothing"} | ${["11?", 9.8]}   | ${"yellow"} | ${false} | ${["raised"]}
    ${"a good one first"}                                | ${[11, "11?"]}    | ${"orange"} | ${true}  | ${["raised"]}
  `("$why", ({ values, level, verified, kinds }) => {
    const timeline = new Timeline({ rules: [aVersionedRule({ above: 10, deadband: "5 %" })] });
    for (const reading of readings(values)) timeline.feed([reading]);
    expect(timeline.alarms).toMatchObject([{ level, verified }]);
    expect(timeline.events.map(({ kind }) => kind)).toEqual(kinds);
  });
});

describe("what the instrument itself declares unfit", () => {
  test.each(["F", "M", "S", "D", "C", "B"])("flag %s raises an instrument alarm, never a pollution alarm", (flag) => {
    const timeline = new Timeline({ rules: [aVersionedRule({ above: 10 })] });
    for (const reading of readings([1, `99${flag}`, 1])) timeline.feed([reading]);
    expect(timeline.events).toMatchObject([
      { kind: "raised", alarm: { rule: "instrument", category: "instrument", level: "blue", value: null, end: null } },
      { kind: "cleared", alarm: { rule: "instrument", state: "cleared" } },
    ]);
  });
});
