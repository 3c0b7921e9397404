/** Rounds and the four action rules of HJ 1209-2021 chapter 7; the frequency that follows. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type FindingContext,
  findingsOf,
  frequencyOf,
  isRise,
  jumpOver,
} from "../../../../alerts/regulation/findings.ts";
import { labRounds, monthlyRounds, type Result, type Round } from "../../../../alerts/regulation/rounds.ts";
import { addMonths, chinaMidnight } from "../../../../core/china-day.ts";
import { shared } from "../../../support/vectors.ts";

type Cell = number | string;
/** "<0.5" is a non-detect. */
function parsed(cell: Cell) {
  const cmp = typeof cell === "string" ? (cell.slice(0, 1) as "<" | ">") : ("" as const);
  return { value: typeof cell === "string" ? Number(cell.slice(1)) : cell, cmp };
}
/** One round a quarter with a value of each quantity. */
function series(quantities: Record<string, readonly (Cell | null)[]>): Round[] {
  const length = Math.max(...Object.values(quantities).map((values) => values.length));
  return Array.from({ length }, (_, index) => {
    const values = Object.entries(quantities).flatMap(([quantity, cells]) => {
      const cell = cells[index];
      return cell === null || cell === undefined ? [] : [[quantity, parsed(cell)] as const];
    });
    return { date: addMonths("2024-01-10", index * 3), values: new Map(values) };
  });
}
function context(changes: Partial<FindingContext> = {}): FindingContext {
  return {
    object: "groundwater",
    riseSteps: 4,
    limitOf: (quantity) =>
      quantity === "cd" ? { bounds: [{ value: 10, passes: "<=" }], unit: "mg/L", clause: "c" } : undefined,
    unitOf: () => "mg/L",
    background: {},
    exemptions: [],
    ...changes,
  };
}
const rulesOf = (cells: readonly Cell[], changes: Partial<FindingContext> = {}): string[] =>
  findingsOf(series({ cd: cells }), context(changes)).map((some) =>
    some.map(({ rule }) => rule.replace(/^(groundwater|soil)-/, "")).join(" "),
  );

test.each`
  why                                                | cells                                | expected
  ${"at the limit is not above it"}                  | ${[10, 10.000001]}                   | ${["", "above-limit"]}
  ${"a coarse non-detect is no finding"}             | ${["<20"]}                           | ${[""]}
  ${"beyond the range counts as above its number"}   | ${[">10"]}                           | ${["above-limit"]}
  ${"30 % over is not more than 30 %"}               | ${[1, 1.3]}                          | ${["", ""]}
  ${"30 % over in awkward binary"}                   | ${[0.95, 1.235]}                     | ${["", ""]}
  ${"31 % over is"}                                  | ${[1, 1.31]}                         | ${["", "jump"]}
  ${"after a non-detect its reporting limit counts"} | ${["<1", 1.3, "<1", 1.4]}            | ${["", "", "", "jump"]}
  ${"a non-detect now is no jump"}                   | ${[1, "<5"]}                         | ${["", ""]}
  ${"a previous zero says nothing"}                  | ${[0, 5]}                            | ${["", ""]}
  ${"four rises are five results"}                   | ${[1, 1.1, 1.2, 1.3, 1.4, 1.5]}      | ${["", "", "", "", "rise", "rise"]}
  ${"equality ends the run"}                         | ${[1, 1.1, 1.2, 1.2, 1.3, 1.4, 1.5]} | ${["", "", "", "", "", "", ""]}
  ${"a non-detect ends the run"}                     | ${[1, 1.1, "<1.2", 1.3, 1.4, 1.5]}   | ${["", "", "", "", "", ""]}
`("$why: $cells", ({ cells, expected }: { cells: Cell[]; expected: string[] }) => {
  expect(rulesOf(cells)).toEqual(expected);
});

describe("what changes a finding", () => {
  test("three rises suffice where the plan says so", () => {
    expect(rulesOf([1, 1.1, 1.2, 1.3], { riseSteps: 3 })).toEqual(["", "", "", "rise"]);
  });
  test("soil knows the limit only", () => {
    expect(rulesOf([1, 2, 3, 4, 5, 11], { object: "surface-soil" })).toEqual(["", "", "", "", "", "above-limit"]);
  });
  test("a recognised background is no exceedance, above it is", () => {
    expect(rulesOf([12, 12.1], { background: { cd: 12 } })).toEqual(["", "above-limit"]);
  });
  test("pH and other field parameters neither jump nor rise", () => {
    expect(findingsOf(series({ ph: [3, 4, 5.5, 7, 9] }), context()).flat()).toEqual([]);
  });
  test("an exempted finding is told with its reason", () => {
    const exemptions = [{ quantity: "cd", from: "2024-01-01", until: "2024-12-31", by: "li.wei", reason: "upstream" }];
    const [first] = findingsOf(series({ cd: [11] }), context({ exemptions })).flat();
    expect(first).toMatchObject({ rule: "groundwater-above-limit", exempt: "upstream (li.wei)", limit: 10 });
    const [later] = findingsOf(series({ cd: [null, null, null, null, 11] }), context({ exemptions })).flat();
    expect(later?.exempt).toBeUndefined();
  });
});

describe("the frequency", () => {
  const stateOf = (quantities: Record<string, readonly (Cell | null)[]>, changes: Partial<FindingContext> = {}) => {
    const rounds = series(quantities);
    return frequencyOf(rounds, findingsOf(rounds, context(changes)));
  };
  test.each`
    why                                               | cells             | doubled  | cleanRounds
    ${"nothing found"}                                | ${[1, 1]}         | ${false} | ${0}
    ${"found"}                                        | ${[1, 11]}        | ${true}  | ${0}
    ${"one clean round is not enough"}                | ${[11, 1]}        | ${true}  | ${1}
    ${"two in a row end it"}                          | ${[11, 1, 1]}     | ${false} | ${0}
    ${"a finding between them starts the count anew"} | ${[11, 1, 11, 1]} | ${true}  | ${1}
    ${"found again after the end"}                    | ${[11, 1, 1, 11]} | ${true}  | ${0}
  `("$why: $cells", ({ cells, doubled, cleanRounds }) => {
    expect(stateOf({ cd: cells })).toMatchObject({ doubled, cleanRounds });
  });
  test("it is doubled since the first finding of the episode", () => {
    expect(stateOf({ cd: [1, 11, 11] }).since).toBe("2024-04-10");
  });
  test("rounds that leave the pollutant out are not clean", () => {
    expect(stateOf({ cd: [11, null, null, null], pb: [1, 1, 1, 1] })).toMatchObject({ doubled: true, cleanRounds: 0 });
  });
  test("exempted findings do not double it", () => {
    const exemptions = [{ quantity: "cd", from: "2024-01-01", by: "li.wei", reason: "upstream" }];
    expect(stateOf({ cd: [11] }, { exemptions }).doubled).toBe(false);
  });
});

const at = (date: string, quantity: string, value: number, cmp: Result["cmp"] = ""): Result => {
  return { quantity, time: chinaMidnight(date) + 3_600_000, value, cmp };
};

describe("rounds", () => {
  test("samplings within a fortnight are one round, with the highest of parallel samples", () => {
    const rounds = labRounds([
      ...[at("2026-03-01", "cd", 1), at("2026-03-01", "cd", 3), at("2026-03-15", "pb", 2), at("2026-03-16", "cd", 9)],
    ]);
    expect(rounds.map(({ date, values }) => [date, Object.fromEntries(values)])).toEqual([
      ["2026-03-15", { cd: { value: 3, cmp: "" }, pb: { value: 2, cmp: "" } }],
      ["2026-03-16", { cd: { value: 9, cmp: "" } }],
    ]);
  });

  test("on-line data become means of months that are over; a month of non-detects is one", () => {
    const results = [
      at("2026-01-05", "cd", 1),
      at("2026-01-20", "cd", 3),
      at("2026-02-03", "cd", 5, "<"),
      at("2026-03-03", "cd", 99),
    ];
    expect(monthlyRounds(results, "2026-03-20").map(({ date, values }) => [date, values.get("cd")])).toEqual([
      ["2026-01-20", { value: 2, cmp: "" }],
      ["2026-02-03", { value: 5, cmp: "<" }],
    ]);
  });

  test("the order of arrival and repetitions change nothing", () => {
    const one = fc.record({
      quantity: fc.constantFrom("cd", "pb"),
      time: fc.integer({ min: chinaMidnight("2024-01-01"), max: chinaMidnight("2026-01-01") }),
      value: fc.integer({ min: 0, max: 20 }),
      cmp: fc.constantFrom("" as const, "<" as const, ">" as const),
    });
    const tape = fc
      .array(one, { maxLength: 40 })
      .chain((results) =>
        fc.tuple(
          fc.constant(results),
          fc.shuffledSubarray([...results, ...results.slice(0, 5)], { minLength: results.length }),
        ),
      );
    const told = (rounds: readonly Round[]) => rounds.map(({ date, values }) => [date, Object.fromEntries(values)]);
    fc.assert(
      fc.property(tape, ([results, shuffled]) => {
        const whole = [...shuffled, ...results];
        expect(told(labRounds(whole))).toEqual(told(labRounds(results)));
      }),
    );
  });
});

interface Vector {
  readonly kind: string;
  readonly input: { readonly y: readonly number[] };
  readonly expected: readonly { readonly consecutive_rises: number; readonly jump: number | null }[];
}
test.skipIf(!shared)("[shared] runs and jumps agree with the reference vectors", () => {
  const text = readFileSync(join(shared ?? "", "data/stats-vectors/vectors.json"), "utf8");
  const vectors = (JSON.parse(text) as { vectors: readonly Vector[] }).vectors.filter(
    ({ kind }) => kind === "hj1209-runs",
  );
  expect(vectors.length).toBeGreaterThan(0);
  for (const { input, expected } of vectors) {
    let rises = 0;
    for (const [index, value] of input.y.entries()) {
      const before = input.y[index - 1];
      const [was, is] = [
        { value: before ?? 0, cmp: "" as const },
        { value, cmp: "" as const },
      ];
      rises = before !== undefined && isRise(was, is) ? rises + 1 : 0;
      const reference = expected[index];
      expect(rises).toBe(reference?.consecutive_rises);
      const jump = before === undefined ? null : jumpOver(was, is);
      const jumped = reference?.jump !== null && reference !== undefined && reference.jump > 0.3;
      expect(jump === null).toBe(!jumped);
      if (jump !== null) expect(jump).toBeCloseTo(reference?.jump ?? 0, 4);
    }
  }
});
