/**
 * Every cell of every pack at its limit, one step below and one step above. What is expected is worked out here from the
 * data files alone, by other means than the grader's: a table read from top to bottom.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { gradeSample } from "../../../../alerts/packs/grade.ts";
import { loadPacks } from "../../../../alerts/packs/load.ts";
import { conversion, convert } from "../../../../core/quantity.ts";
import type { Medium } from "../../../../core/site.ts";

interface Side {
  le?: number;
  ge?: number;
  lt?: number;
  gt?: number;
}
interface Row {
  quantity: string;
  unit: string;
  when?: {
    land?: string[];
    ph?: { gt?: number; le?: number };
    crop?: string[];
    waterBody?: "river" | "lake";
    [name: string]: unknown;
  };
  bounds: Record<string, Side | Side[]>;
  confidence: string;
}
interface File {
  id: string;
  media: Medium[];
  scheme: string;
  beyond?: string;
  rows: Row[];
}

const FOLDER = new URL("../../../../alerts/packs/data/", import.meta.url);
const files = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as File);
const packs = loadPacks();
const CLASSES = ["I", "II", "III", "IV", "V"];

const cells = new BigInt64Array(1);
const numbers = new Float64Array(cells.buffer);
/** The neighbour of a positive number, `step` representable numbers away. */
function ulp(value: number, step: 1n | -1n): number {
  if (value === 0) return step > 0n ? Number.MIN_VALUE : -Number.MIN_VALUE;
  numbers[0] = value;
  cells[0] = (cells[0] ?? 0n) + step;
  return numbers[0];
}

function canonical(file: File, row: Row, value: number): number {
  const toCanonical = conversion(row.quantity, file.media[0] ?? "groundwater", row.unit);
  if (!toCanonical) throw new Error(`${file.id} ${row.quantity} ${row.unit}`);
  return convert(value, toCanonical);
}

/** A place that only this row of its quantity and level fits. */
function placeOf({ when = {} }: Row) {
  const { land, ph, crop, ...rest } = when;
  return {
    land: land?.[0] ?? undefined,
    ph: ph ? (ph.le ?? 9) : 6,
    crop: crop?.[0] ?? undefined,
    ...rest,
  } as Parameters<typeof gradeSample>[2];
}

function classOf(file: File, row: Row, value: number): string | undefined {
  const pack = packs.get(file.id);
  if (!pack) throw new Error(`no pack ${file.id}`);
  const grade = gradeSample(pack, [{ quantity: row.quantity, value, cmp: "" }], placeOf(row));
  return grade.byQuantity[row.quantity]?.class;
}

/** [value, expected class] at, below and above every limit of a row of a class standard. */
function classCases(file: File, row: Row): [number, string][] {
  const sides = CLASSES.map((name) => row.bounds[name] as Side);
  const lower = sides[0]?.ge !== undefined;
  const limits = sides.map((side) => (lower ? side.ge : side.le));
  const beyond = row.bounds["IV"] && (row.bounds["IV"] as Side).gt !== undefined ? "IV" : (file.beyond ?? "");
  const steps = limits.flatMap((limit) => {
    if (limit === undefined) return [];
    const bound = canonical(file, row, limit);
    return bound === 0 ? [0, ulp(0, 1n)] : [ulp(bound, -1n), bound, ulp(bound, 1n)];
  });
  return steps.map((value) => {
    const better = CLASSES.find((_, index) => {
      const limit = limits[index];
      if (limit === undefined) return false;
      const bound = canonical(file, row, limit);
      return lower ? value >= bound : value <= bound;
    });
    return [value, better ?? beyond];
  });
}

const isBand = (bound: unknown): boolean =>
  Array.isArray(bound) || ((bound as Side).ge !== undefined && (bound as Side).le !== undefined);
let checked = 0;

describe("water classes", () => {
  for (const file of files.filter(({ scheme }) => scheme === "classes")) {
    const rows = file.rows.filter((row) => row.bounds["I"] && !isBand(row.bounds["I"]));
    it(`${file.id}: ${rows.length} rows`, () => {
      for (const row of rows) {
        for (const [value, expected] of classCases(file, row)) {
          expect(`${row.quantity} ${value} ${classOf(file, row, value)}`).toBe(`${row.quantity} ${value} ${expected}`);
          checked += 1;
        }
      }
      expect(checked).toBeGreaterThan(rows.length * 5);
    });
  }
});

describe("limits that pass or fail", () => {
  for (const file of files) {
    const rows = file.rows.filter((row) => row.bounds["limit"]);
    if (rows.length === 0) continue;
    it(`${file.id}: ${rows.length} rows`, () => {
      for (const row of rows) {
        const { le, ge } = row.bounds["limit"] as Side;
        const cases: [number, string][] = [];
        if (le !== undefined) {
          const bound = canonical(file, row, le);
          cases.push([bound, "pass"], [ulp(bound, 1n), "fail"]);
          if (bound > 0) cases.push([ulp(bound, -1n), "pass"]);
        }
        if (ge !== undefined) {
          const bound = canonical(file, row, ge);
          cases.push([ulp(bound, -1n), "fail"], [bound, "pass"], [ulp(bound, 1n), "pass"]);
        }
        for (const [value, expected] of cases) {
          expect(`${row.quantity} ${value} ${classOf(file, row, value)}`).toBe(`${row.quantity} ${value} ${expected}`);
        }
      }
    });
  }
});

describe("soil values", () => {
  for (const file of files.filter(({ scheme }) => scheme.startsWith("soil"))) {
    const lands = file.scheme === "soil-farmland" ? ["paddy", "upland", "orchard"] : ["class1", "class2"];
    const quantities = [...new Set(file.rows.map(({ quantity }) => quantity))];
    it(`${file.id}: ${quantities.length} quantities on ${lands.join(", ")}, both sides of every pH edge`, () => {
      for (const quantity of quantities) {
        for (const land of lands) {
          for (const ph of [4, 5.5, 5.51, 6.5, 6.51, 7.5, 7.51, 9]) checkSoil(file, quantity, land, ph);
        }
      }
    });
  }
});

function checkSoil(file: File, quantity: string, land: string, ph: number): void {
  const limit = (level: string): number | undefined => {
    const fits = file.rows.filter(({ quantity: own, when, bounds }) => {
      const band = when?.ph;
      const inBand = !band || (ph > (band.gt ?? -1) && ph <= (band.le ?? 99));
      return own === quantity && bounds[level] && (!when?.land || when.land.includes(land)) && inBand;
    });
    expect(fits.length, `${quantity} ${level} ${land} ${ph}`).toBeLessThanOrEqual(1);
    return (fits[0]?.bounds[level] as Side | undefined)?.le;
  };
  const [screening, intervention] = [limit("screening"), limit("intervention")];
  for (const bound of [screening, intervention]) {
    if (bound === undefined) continue;
    for (const value of [ulp(bound, -1n), bound, ulp(bound, 1n)]) {
      const above = intervention !== undefined && value > intervention;
      const expected = above ? "above-intervention" : value > (screening ?? 0) ? "above-screening" : "below-screening";
      const row: Row = { quantity, unit: "mg/kg", when: { land: [land], ph: { le: ph } }, bounds: {}, confidence: "" };
      const at = `${quantity} ${land} pH ${ph} ${value}`;
      expect(`${at} ${classOf(file, row, value)}`).toBe(`${at} ${expected}`);
    }
  }
}

describe("a limit in the unit of the standard", () => {
  it("passes exactly at the limit for every row, whatever the conversion", () => {
    for (const file of files) {
      const pack = packs.get(file.id);
      if (!pack) throw new Error(file.id);
      for (const row of file.rows) {
        for (const [level, bound] of Object.entries(row.bounds)) {
          const { le } = bound as Side;
          if (le === undefined) continue;
          const sample = [{ quantity: row.quantity, value: le, cmp: "" as const, unit: row.unit }];
          const own = gradeSample(pack, sample, placeOf(row)).byQuantity[row.quantity]?.class;
          expect(`${file.id} ${row.quantity} ${level} ${own}`).toBe(
            `${file.id} ${row.quantity} ${level} ${classOf(file, row, canonical(file, row, le))}`,
          );
        }
      }
    }
  });
});
