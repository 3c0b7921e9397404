/**
 * Grading and limit rules read the same cells: for every row and level of every pack (those that may fire alarms and the others), the value at
 * the limit, one step below and one above passes a rule exactly when it grades at the level or better. And grades are
 * monotone: more of a pollutant never gets a better class.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LimitRow, Pack } from "../../../../alerts/packs/compile.ts";
import { gradeSample } from "../../../../alerts/packs/grade.ts";
import { labelsOf, ladderFor } from "../../../../alerts/packs/ladder.ts";
import { limitFor } from "../../../../alerts/packs/limits.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import type { LimitName } from "../../../../alerts/packs/pack.ts";
import { nextDown, nextUp, passesSide } from "../../../../alerts/packs/range.ts";
import type { Place } from "../../../../alerts/packs/select.ts";

const packs = loadPacks();
/** Tables that limit what passes or fails next to classes are not compared with classes. */
const LEVEL_RANK: Readonly<Partial<Record<LimitName, number>>> = {
  ...{ I: 0, II: 1, III: 2, IV: 3, V: 4, screening: 0, intervention: 1, limit: 0 },
};

/** A place that this row fits. */
function placeOf({ source: { when } }: LimitRow): Place {
  if (!when) return { ph: 6 };
  const { land, ph, crop, ...rest } = when;
  return { ...rest, land: land?.[0], crop: crop?.[0], ph: ph ? (ph.le ?? 9) : 6 };
}

function rankOf(pack: Pack, quantity: string, value: number, place: Place): number {
  const grade = gradeSample(pack, [{ quantity, value, cmp: "" }], place).byQuantity[quantity];
  const labels = ladderFor(pack, quantity, place)?.labels ?? labelsOf(pack);
  return labels.indexOf(grade?.class ?? "");
}

describe("a limit rule and the grade agree at every cell", () => {
  for (const pack of packs.list) {
    it(pack.id, () => {
      const left: string[] = [];
      for (const row of pack.rows) {
        for (const { level, span } of row.ladder) {
          const rank = LEVEL_RANK[level];
          const place = placeOf(row);
          const question = { quantity: row.quantity, medium: pack.media[0] ?? "soil", station: place, above: level };
          const limit = limitFor(pack, question);
          if (span === null) continue; // nothing is worse than class V
          if (!limit.found || rank === undefined || limit.row !== row.key) {
            left.push(`${row.key} ${level}`);
            continue;
          }
          for (const side of limit.bounds) {
            for (const value of [nextDown(side.value), side.value, nextUp(side.value)]) {
              const passes = limit.bounds.every((bound) => passesSide(value, bound));
              // The row's own operator decides at the limit.
              if (value === side.value) expect(passesSide(value, side)).toBe(side.passes.length === 2);
              const graded = rankOf(pack, row.quantity, value, place);
              const at = `${row.key} ${level} ${value}`;
              expect(`${at} ${graded <= rank}`).toBe(`${at} ${passes}`);
            }
          }
        }
      }
      expect(left).toEqual([]); // no cell slips through uncompared
    });
  }
});

describe("more of a pollutant never gets a better class", () => {
  const oneSided = packs.list.flatMap((pack) =>
    pack.rows
      .filter(({ ladder }) => ladder.length > 0 && ladder.every(({ span }) => !span?.low))
      .map((row) => ({ pack, row })),
  );

  it("for any two values of any row without a lower bound", () => {
    expect(oneSided.length).toBeGreaterThan(300);
    const cell = fc.constantFrom(...oneSided).chain((one) => {
      const tops = one.row.ladder.flatMap(({ span }) => span?.high?.value ?? []);
      const near = tops.flatMap((top) => [nextDown(top), top, nextUp(top), top * 1.5]);
      const value = fc.oneof(fc.constantFrom(0, ...near), fc.double({ min: 0, max: 1e6, noNaN: true }));
      return fc.tuple(fc.constant(one), value, value);
    });
    fc.assert(
      fc.property(cell, ([{ pack, row }, a, b]) => {
        const place = placeOf(row);
        const [less, more] = [Math.max(0, Math.min(a, b)), Math.max(0, Math.max(a, b))];
        expect(rankOf(pack, row.quantity, more, place)).toBeGreaterThanOrEqual(rankOf(pack, row.quantity, less, place));
      }),
      { numRuns: 2_000 },
    );
  });

  it("and adding a quantity to a sample never betters the whole grade", () => {
    const pack = packs.get("gbt14848-2017");
    if (!pack) throw new Error("no pack");
    const entry = fc.record({
      quantity: fc.constantFrom(...pack.byQuantity.keys()),
      value: fc.double({ min: 0, max: 1_000, noNaN: true }),
      cmp: fc.constantFrom("" as const, "<" as const),
    });
    const sample = fc.uniqueArray(entry, { minLength: 2, maxLength: 6, selector: ({ quantity }) => quantity });
    const labels = labelsOf(pack);
    fc.assert(
      fc.property(sample, (values) => {
        const part = gradeSample(pack, values.slice(1)).class;
        const whole = gradeSample(pack, values).class;
        expect(labels.indexOf(whole ?? "")).toBeGreaterThanOrEqual(labels.indexOf(part ?? ""));
      }),
    );
  });
});
