import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conversion, findQuantity } from "../../../core/quantity.ts";
import { demoCity } from "../../../simulators/city.ts";
import { breakthrough, createPlant, scaledErfc } from "../../../simulators/plant.ts";

describe("erfc", () => {
  // Reference values: Abramowitz and Stegun, table 7.1, and erfc(-x) = 2 - erfc(x).
  test.each([
    [0, 1],
    [0.5, 0.4795001222],
    [1, 0.1572992071],
    [2, 0.0046777349],
    [-1, 1.8427007929],
  ])("erfc(%d) is %d", (x, expected) => {
    expect(Math.abs(scaledErfc(x, 0) - expected)).toBeLessThan(1.3e-7 * Math.max(1, expected));
  });
  test("does not overflow where exp alone would", () => {
    expect(scaledErfc(30, 800)).toBeGreaterThan(0);
    expect(Number.isFinite(scaledErfc(30, 800))).toBe(true);
  });
});

describe("plume", () => {
  const plume = { source: 60, distanceM: 40, velocityMS: 0.35, dispersivityM: 4, retardation: 1.1 };
  test("nothing before the release, the source concentration in the end, never falling", () => {
    expect(breakthrough(plume, 0)).toBe(0);
    expect(breakthrough(plume, 1e5)).toBeCloseTo(60, 3);
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 2_000, noNaN: true }),
        fc.double({ min: 0, max: 500, noNaN: true }),
        (at, later) => {
          expect(breakthrough(plume, at + later)).toBeGreaterThanOrEqual(breakthrough(plume, at) - 1e-9);
        },
      ),
    );
  });
  test("half of the source arrives about when the retarded water does", () => {
    const arrivalS = (plume.retardation * plume.distanceM) / plume.velocityMS;
    expect(breakthrough(plume, arrivalS) / plume.source).toBeGreaterThan(0.5);
    expect(breakthrough(plume, arrivalS) / plume.source).toBeLessThan(0.65);
  });
});

describe("plant", () => {
  const city = demoCity(600_000);
  test("the same seed gives the same value in any order, another seed another", () => {
    const behaviour = city.behaviours.get("smelter-park-well-1/cd");
    if (!behaviour) throw new Error("the city has this series");
    const of = (seed: number) => createPlant({ seed, scenario: "calm", releasedAt: 0 });
    const times = [5e12, 1e12, 3e12];
    const first = times.map((time) => of(1).value("a", behaviour, time));
    expect(
      [...times]
        .reverse()
        .map((time) => of(1).value("a", behaviour, time))
        .reverse(),
    ).toEqual(first);
    expect(times.map((time) => of(2).value("a", behaviour, time))).not.toEqual(first);
  });

  test("calm cadmium in groundwater stays below class III all year; the plume exceeds it within 3 minutes", () => {
    const releasedAt = 1.79e12;
    const behaviour = city.behaviours.get(`${city.plumeStation}/cd`);
    if (!behaviour) throw new Error("the plume station measures cadmium");
    const calm = createPlant({ seed: 1, scenario: "calm", releasedAt });
    const plume = createPlant({ seed: 1, scenario: "plume", releasedAt });
    const series = `${city.plumeStation}/cd`;
    for (let t = 0; t < 365; t++) expect(calm.value(series, behaviour, releasedAt - t * 86_400_000)).toBeLessThan(5);
    expect(plume.value(series, behaviour, releasedAt - 1)).toBeLessThan(5);
    expect(plume.value(series, behaviour, releasedAt + 150_000)).toBeGreaterThan(5);
  });
});

describe("demo city", () => {
  const { contents } = demoCity(600_000);
  test("is as large as promised, and every reference and unit holds", () => {
    expect(contents.sites.length).toBeGreaterThanOrEqual(12);
    expect(contents.devices.length).toBeGreaterThanOrEqual(60);
    expect(new Set(contents.sites.map((site) => site.area)).size).toBe(4);
    const kinds = new Set(contents.sites.map((site) => site.kind));
    for (const kind of [
      "industrial-park",
      "tailings-pond",
      "water-source",
      "waste-site",
      "livestock-farm",
      "irrigation",
      "farmland",
    ])
      expect(kinds).toContain(kind);
    for (const device of contents.devices) {
      const station = contents.stations.find(({ id }) => id === device.station);
      expect(contents.sites.some(({ id }) => id === station?.site)).toBe(true);
      for (const [quantity, unit] of Object.entries(device.quantities)) {
        expect(findQuantity(quantity)?.id).toBe(quantity);
        expect(
          station && conversion(quantity, station.medium, unit),
          `${device.id} ${quantity} in ${unit}`,
        ).not.toBeNull();
      }
    }
  });
});
