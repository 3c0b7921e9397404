/** Arrival at a water source: the band holds the truth, the earliest arrival decides, heads and timed fronts are used. */
import { describe, expect, test } from "vitest";
import { arrivalBand, transportOf } from "../../../../alerts/detect/arrival.ts";
import { VIOLATED } from "../../../../alerts/detect/condition.ts";
import { quantile, seedOf, strata, uniforms } from "../../../../alerts/detect/draws.ts";
import { arrivalDays, relativeConcentration } from "../../../../alerts/detect/ogata-banks.ts";
import { createPlume, plumeGroups } from "../../../../alerts/detect/plume.ts";
import { PlumeRule } from "../../../../core/rule-group.ts";
import { aMember, DAY, lastFigures, line, onlyGroup, type Row, run, T0 } from "../../../support/group-tape.ts";

const AQUIFER = { conductivity: [2, 20], gradient: [0.003, 0.008], porosity: [0.2, 0.3] };

function rule(more: object = {}): PlumeRule {
  return PlumeRule.parse({
    kind: "plume",
    id: "p",
    on: {},
    level: "red",
    above: 0.05,
    receptor: "intake",
    within: "365d",
    along: { src: 0, mid: 40, intake: 200 },
    aquifer: AQUIFER,
    ...more,
  });
}
const src = aMember({ id: "src", type: "source" }, "cr6");
const mid = aMember({ id: "mid", type: "downgradient" }, "cr6");
const wells = [src, mid];

describe("500 synthetic breakthroughs", () => {
  const DISTANCES = [60, 120, 250, 500] as const;
  const QUANTITIES = ["cl", "cr6", "as", "cd"] as const;

  /** One ground inside the stated ranges; where and when the front truly comes, and what the rule says of it. */
  function isHeld(number: number): boolean {
    const next = uniforms(seedOf(`breakthrough ${number}`));
    const noise = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const distance = DISTANCES[Math.floor(next() * 4)] ?? 60;
    const quantity = QUANTITIES[Math.floor(next() * 4)] ?? "cl";
    const asked = rule({ id: `p${number}`, along: { src: 0, intake: distance }, within: "36500d", above: 10 });
    const path = {
      quantity,
      distance,
      gradient: AQUIFER.gradient as [number, number],
      timed: null,
      fraction: 0.1,
      pulse: null,
    };
    const ground = transportOf(asked.aquifer, path, [next(), next(), next(), next(), next(), next()]);
    const onset = next() * 30; // the well is sampled every 30 days with a noise of 10 %
    const arrival = onset + arrivalDays(ground, 0.1 * Math.exp(0.1 * noise()));
    const rows: Row[] = [0, 30, 60].map((day) => [day, "src", (day >= onset ? 20 : 0.1) * Math.exp(0.1 * noise())]);
    const member = aMember({ id: "src", type: "source" }, quantity);
    const figures = lastFigures(run(() => createPlume(asked, [member]), [member], rows));
    const [p5, p95] = [figures["p5"], figures["p95"]].map((days) => 60 + (days ?? Number.NaN));
    return arrival >= (p5 ?? Number.NaN) && arrival <= (p95 ?? Number.NaN);
  }

  test("the stated P5 to P95 holds at least 85 % of the true arrivals, and is not simply wide", () => {
    const held = Array.from({ length: 500 }, (_, number) => isHeld(number)).filter(Boolean).length;
    console.info(`plume: ${held} of 500 true arrivals inside P5 to P95`);
    expect(held).toBeGreaterThanOrEqual(425);
    expect(held).toBeLessThan(485);
  });
});

describe("the earliest arrival decides", () => {
  const band = arrivalBand(
    rule().aquifer,
    { quantity: "cr6", distance: 200, gradient: [0.003, 0.008], timed: null, fraction: 0.1, pulse: null },
    `p intake ${src.key} ${T0}`,
    200,
  );
  const days = (factor: number) => ({ within: `${Math.round(band.p5 * factor)}d` });

  test("raised exactly when P5 is nearer than `within`", () => {
    const rows: Row[] = [[0, "src", 0.5]];
    expect(line(run(() => createPlume(rule(days(1.01)), wells), wells, rows))).toBe("!");
    expect(line(run(() => createPlume(rule(days(0.99)), wells), wells, rows))).toBe(".");
  });

  test("time passing brings it nearer: figures count from the newest reading, the score grows", () => {
    const told = run(() => createPlume(rule(days(1.5)), wells), wells, [
      [0, "src", 0.5],
      [10, "src", 0.5],
    ]);
    expect(told.map(({ judgement }) => judgement)).toEqual([VIOLATED, VIOLATED]);
    expect(told[0]?.figures["p50"]).toBeCloseTo(band.p50, 6);
    expect(told[1]?.figures).toMatchObject({ timed: 0, distance: 200, began: T0 });
    expect(told[1]?.figures["p5"]).toBeCloseTo(band.p5 - 10, 6);
    expect(told[1]?.score ?? 0).toBeGreaterThan(told[0]?.score ?? 0);
    expect(band.p5).toBeLessThan(band.p50);
    expect(band.p50).toBeLessThan(band.p95);
  });

  test("a source back within its limit ends it; unknown distance is not judged", () => {
    const wide = rule({ within: "20000d" });
    expect(
      line(
        run(() => createPlume(wide, wells), wells, [
          [0, "src", 0.5],
          [9, "src", 0.05],
        ]),
      ),
    ).toBe("!.");
    const placeless = rule({ along: undefined });
    expect(line(run(() => createPlume(placeless, wells), wells, [[0, "src", 0.5]]))).toBe("?");
  });
});

describe("gradient from heads", () => {
  const at = (id: string, lat: number, lon: number, quantity: string, type: "source" | "intake" | "basic" = "basic") =>
    aMember({ id, type, lat, lon }, quantity, { unit: "m" });
  const [source, intake] = [at("src", 30, 105, "cr6", "source"), at("intake", 30, 105.002, "cr6", "intake")];
  const heads = [at("h1", 30, 105, "gw_level"), at("h2", 30, 105.002, "gw_level"), at("h3", 30.002, 105, "gw_level")];
  const members = plumeGroups(headRule(), [source, intake, ...heads, mid])[0]?.members ?? [];

  function headRule(more: object = {}): PlumeRule {
    const wellheads = { h1: 100, h2: 100, h3: 100 };
    return rule({
      along: undefined,
      within: "36500d",
      wellheads,
      aquifer: { conductivity: 10, porosity: 0.25 },
      ...more,
    });
  }
  /** East is 192.6 m away: a fall of 0.963 m is a gradient of 0.005. */
  const rows = (fall: number): Row[] => [
    [0, "h1/gw_level", 5],
    [0, "h2/gw_level", 5 + fall],
    [0, "h3/gw_level", 5],
    [1, "src/cr6", 0.5],
  ];

  test("down the slope it arrives as with the same gradient in the rule, against it never", () => {
    const told = run(() => createPlume(headRule(), members), members, rows(0.963));
    expect(line(told)).toBe("?!");
    expect(told[1]?.figures["distance"]).toBeCloseTo(192.6, 0);
    const stated = { conductivity: 10, porosity: 0.25, gradient: [0.0035, 0.0065] };
    const same = run(() => createPlume(headRule({ aquifer: stated }), members), members, rows(0.963));
    expect((told[1]?.figures["p50"] ?? 0) / (same[1]?.figures["p50"] ?? 1)).toBeCloseTo(1, 2);
    expect(line(run(() => createPlume(headRule(), members), members, rows(-0.963)))).toBe("?.");
  });

  test("without three heads nothing is said", () => {
    expect(line(run(() => createPlume(headRule(), members), members, rows(0.963).slice(1)))).toBe("??");
  });
});

test("two wells that have seen the front time it: the band narrows around the truth", () => {
  const truth = { distance: 40, velocity: 1.6, dispersion: 6, retardation: 2 };
  const rows = Array.from({ length: 60 }, (_, day): Row[] => [
    [day * 3, "src", day * 3 < 10 ? 0.01 : 2],
    [day * 3, "mid", 0.01 + 2 * relativeConcentration(truth, day * 3 - 10)],
  ]).flat();
  const asked = rule({ within: "36500d" });
  const told = run(() => createPlume(asked, wells), wells, rows).at(-1)?.figures ?? {};
  const alone =
    run(
      () => createPlume(asked, wells),
      wells,
      rows.filter(([, name]) => name === "src"),
    ).at(-1)?.figures ?? {};
  const arrival = 10 + arrivalDays({ ...truth, distance: 200, dispersion: 20 }, 0.1) - 177;
  expect(told["timed"]).toBe(1);
  expect((told["p95"] ?? 0) - (told["p5"] ?? 0)).toBeLessThan(((alone["p95"] ?? 0) - (alone["p5"] ?? 0)) / 2);
  expect(told["p5"]).toBeLessThan(arrival);
  expect(told["p95"]).toBeGreaterThan(arrival);
});

test("draws: the same seed, one in each stratum, and quantiles on the outer side", () => {
  const drawn = () => strata(uniforms(seedOf("a rule")), 100);
  expect(drawn()).toEqual(drawn());
  expect([...drawn()].sort((a, b) => a - b).map((value) => Math.floor(value * 100))).toEqual([...Array(100).keys()]);
  const ranks = Float64Array.from({ length: 99 }, (_, at) => at + 1);
  expect(
    [quantile(ranks, 0.05), quantile(ranks, 0.5), quantile(ranks, 0.95)].map((value) => +value.toFixed(9)),
  ).toEqual([5, 50, 95]);
});

test("one group a quantity, told at the receptor though it measures nothing", () => {
  const group = onlyGroup(plumeGroups(rule(), [...wells, aMember({ id: "far", type: "background" }, "cr6")]));
  expect([group.station, group.members.map(({ station }) => station.id)]).toEqual(["intake", ["mid", "src"]]);
  expect(DAY).toBe(86_400_000);
});
