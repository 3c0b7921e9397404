import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conversion, convert, findQuantity, quantitySpec } from "../../../core/quantity.ts";
import { CATALOGUE } from "../../../core/quantity-catalogue.ts";
import { MEDIA, type Medium } from "../../../core/site.ts";

interface Row {
  quantity: string;
  medium: Medium;
  unit: string;
  value: number;
  canonical: number | null;
}

describe("units", () => {
  test.each`
    quantity      | medium              | unit              | value     | canonical
    ${"cd"}       | ${"groundwater"}    | ${"µg/L"}         | ${20.46}  | ${0.02046}
    ${"cd"}       | ${"groundwater"}    | ${"µg/L"}         | ${0.5}    | ${0.0005}
    ${"cd"}       | ${"groundwater"}    | ${"μg/L"}         | ${5}      | ${0.005}
    ${"cd"}       | ${"groundwater"}    | ${"ug/L"}         | ${5}      | ${0.005}
    ${"cd"}       | ${"groundwater"}    | ${"mg/L"}         | ${0.005}  | ${0.005}
    ${"cd"}       | ${"groundwater"}    | ${"ng/L"}         | ${7}      | ${0.000007}
    ${"cd"}       | ${"soil"}           | ${"µg/kg"}        | ${300}    | ${0.3}
    ${"cd"}       | ${"soil"}           | ${"g/kg"}         | ${0.0003} | ${0.3}
    ${"cd"}       | ${"soil"}           | ${"mg/L"}         | ${1}      | ${null}
    ${"cd"}       | ${"groundwater"}    | ${"mg/kg"}        | ${1}      | ${null}
    ${"cd"}       | ${"groundwater"}    | ${"ppm"}          | ${1}      | ${null}
    ${"cd"}       | ${"groundwater"}    | ${"MG/L"}         | ${1}      | ${null}
    ${"no3n"}     | ${"groundwater"}    | ${"mg/L as NO3"}  | ${62.004} | ${14.007}
    ${"no3n"}     | ${"groundwater"}    | ${"mg/L as NO3-"} | ${62.004} | ${14.007}
    ${"no3n"}     | ${"groundwater"}    | ${"mg{NO3}/L"}    | ${62.004} | ${14.007}
    ${"no3n"}     | ${"groundwater"}    | ${"mg/L as N"}    | ${20}     | ${20}
    ${"no3n"}     | ${"groundwater"}    | ${"mg/L as NO2"}  | ${20}     | ${null}
    ${"no2n"}     | ${"groundwater"}    | ${"mg/L as NO2-"} | ${46.005} | ${14.007}
    ${"nh3n"}     | ${"surface-water"}  | ${"mg/L as NH4"}  | ${18.039} | ${14.007}
    ${"temp"}     | ${"groundwater"}    | ${"K"}            | ${283.15} | ${10}
    ${"temp"}     | ${"groundwater"}    | ${"°F"}           | ${50}     | ${10}
    ${"ec"}       | ${"groundwater"}    | ${"mS/cm"}        | ${1.25}   | ${1250}
    ${"gw_level"} | ${"groundwater"}    | ${"ft"}           | ${10}     | ${3.048}
    ${"pb"}       | ${"groundwater"}    | ${"umol/L"}       | ${1}      | ${0.2072}
    ${"ph"}       | ${"soil"}           | ${"pH"}           | ${6.5}    | ${6.5}
    ${"flow"}     | ${"drinking-water"} | ${"m3/h"}         | ${3.6}    | ${1}
  `("$value $unit of $quantity in $medium is $canonical", ({ quantity, medium, unit, value, canonical }: Row) => {
    const found = conversion(quantity, medium, unit);
    expect(found && convert(value, found)).toBe(canonical);
  });

  test("keeps order", () => {
    const positive = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom("µg/L", "ng/L", "mg/L", "g/L"), positive, positive, (unit, a, b) => {
        const found = conversion("cd", "groundwater", unit);
        if (!found) throw new Error("the unit is known");
        const [low, high] = a < b ? [a, b] : [b, a];
        expect(convert(low, found)).toBeLessThanOrEqual(convert(high, found));
      }),
    );
  });

  test("the canonical unit of every quantity and medium converts to itself", () => {
    for (const row of CATALOGUE) {
      for (const medium of MEDIA) {
        const spec = quantitySpec(row.id, medium);
        if (!spec) continue;
        const found = conversion(row.id, medium, spec.unit);
        expect(found && convert(12.345, found), `${row.id} in ${medium}`).toBe(12.345);
      }
    }
  });
});

describe("dictionary", () => {
  test("ids and HJ 212 codes are unique and lead to the same row", () => {
    expect(new Set(CATALOGUE.map((row) => row.id)).size).toBe(CATALOGUE.length);
    const codes = CATALOGUE.flatMap((row) => (row.hj212 ? [row.hj212] : []));
    expect(new Set(codes).size).toBe(codes.length);
    expect(findQuantity("w20115")?.id).toBe("cd");
    expect(findQuantity("constructor")).toBeUndefined();
  });

  test("CAS numbers pass their check digit", () => {
    const numbers = CATALOGUE.flatMap(({ id, cas }) =>
      (cas?.split(/[^\d-]+/) ?? []).map((number) => ({ id, cas: number })),
    );
    for (const { cas, id } of numbers) {
      const digits = cas.replaceAll("-", "");
      const sum = [...digits.slice(0, -1)]
        .reverse()
        .reduce((total, digit, index) => total + Number(digit) * (index + 1), 0);
      expect(sum % 10, id).toBe(Number(digits.at(-1)));
    }
  });

  test("suspect spans lie inside fail spans", () => {
    for (const row of CATALOGUE) {
      for (const [, failLow = 0, failHigh = 0, suspectLow = 0, suspectHigh = 0] of Object.values(row.media)) {
        expect(failLow <= suspectLow && suspectHigh <= failHigh, row.id).toBe(true);
      }
    }
  });

  test("a displacement has no meaning in soil", () => {
    expect(quantitySpec("displacement_surface", "soil")).toBeUndefined();
    expect(quantitySpec("battery_v", "soil")?.unit).toBe("V");
  });
});
