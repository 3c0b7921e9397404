/** Distribution functions against printed tables, and Kendall's statistics against the exact tables and brute force. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  exactTail,
  hamedRaoFactor,
  mannKendall,
  seasonalKendall,
  theilSen,
} from "../../../../alerts/detect/kendall.ts";
import {
  betaI,
  chiSquareTail,
  lnGamma,
  normalQuantile,
  normalTail,
  tQuantile,
  tTail,
} from "../../../../alerts/detect/statistics.ts";

describe("distribution functions as printed", () => {
  test.each`
    name                         | found                                   | printed
    ${"normal tail at 1.96"}     | ${normalTail(1.96)}                     | ${0.024997895148220435}
    ${"normal tail at -1"}       | ${normalTail(-1)}                       | ${0.8413447460685429}
    ${"normal tail at 6"}        | ${normalTail(6)}                        | ${9.865876450376981e-10}
    ${"normal quantile 97.5 %"}  | ${normalQuantile(0.975)}                | ${1.959963984540054}
    ${"normal quantile 0.001 %"} | ${normalQuantile(1e-5)}                 | ${-4.264890793922825}
    ${"t quantile 95 %, 11"}     | ${tQuantile(0.95, 11)}                  | ${1.7958848187036691}
    ${"t quantile 99.5 %, 1"}    | ${tQuantile(0.995, 1)}                  | ${63.65674116287151}
    ${"t tail at 2.228, 10"}     | ${tTail(2.2281388519649385, 10)}        | ${0.025}
    ${"chi-square 3.841, 1"}     | ${chiSquareTail(3.841458820694124, 1)}  | ${0.05}
    ${"chi-square 19.675, 11"}   | ${chiSquareTail(19.67513757268249, 11)} | ${0.05}
    ${"beta I 0.5 of 2 and 3"}   | ${betaI(2, 3, 0.5)}                     | ${0.6875}
    ${"ln gamma 10"}             | ${lnGamma(10)}                          | ${Math.log(362880)}
  `("$name", ({ found, printed }) => {
    expect(Math.abs(found / printed - 1)).toBeLessThan(1e-10);
  });

  test("quantiles undo the tails", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }), fc.integer({ min: 1, max: 60 }), (p, df) => {
        expect(1 - normalTail(normalQuantile(p))).toBeCloseTo(p, 12);
        expect(1 - tTail(tQuantile(p, df), df)).toBeCloseTo(p, 12);
      }),
    );
  });
});

describe("Kendall", () => {
  test.each`
    n     | s     | p
    ${4}  | ${6}  | ${0.0417}
    ${5}  | ${8}  | ${0.0417}
    ${6}  | ${11} | ${0.0278}
    ${8}  | ${16} | ${0.0305}
    ${10} | ${21} | ${0.0361}
  `("exact table (Gilbert A18): $n results, S at least $s has p $p", ({ n, s, p }) => {
    expect(exactTail(n, s)).toBeCloseTo(p, 3);
  });

  test("the exact tail counts permutations", () => {
    const permutations = (rest: number[]): number[][] =>
      rest.length < 2
        ? [rest]
        : rest.flatMap((x, index) => permutations(rest.toSpliced(index, 1)).map((tail) => [x, ...tail]));
    const all = permutations([1, 2, 3, 4, 5]).map((y) => mannKendall([1, 2, 3, 4, 5], y).s);
    for (let s = -10; s <= 10; s += 2) {
      expect(exactTail(5, s)).toBeCloseTo(all.filter((each) => each >= s).length / all.length, 12);
    }
  });

  const sample = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 4, maxLength: 25 });
  test("a monotone change of scale leaves the test as it is, a mirror turns it round", () => {
    fc.assert(
      fc.property(sample, (y) => {
        const t = y.map((_, index) => index);
        const test = mannKendall(t, y);
        expect(
          mannKendall(
            t.map((x) => 3 * x + 5),
            y.map((v) => Math.log(v) * 7 - 2),
          ),
        ).toEqual(test);
        const mirrored = mannKendall(
          t,
          y.map((v) => -v),
        );
        expect(mirrored.s + test.s).toBe(0);
        expect(mirrored.pFalling).toBeCloseTo(test.pRising, 12);
      }),
    );
  });

  test("rows in any order give the same test and slope", () => {
    const rows = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 0, max: 9 })), {
      minLength: 4,
      maxLength: 20,
      selector: ([time]) => time,
    });
    fc.assert(
      fc.property(rows, (pairs) => {
        const sorted = [...pairs].sort(([a], [b]) => a - b);
        const of = (list: [number, number][]) => {
          const [t, y] = [list.map(([time]) => time), list.map(([, value]) => value)];
          const { s, varS } = mannKendall(t, y);
          return { s, varS, ...theilSen(t, y, varS) };
        };
        expect(of(pairs)).toEqual(of(sorted));
      }),
    );
  });

  test("ties in time and value use the full variance", () => {
    // 4 rows in two tied pairs of time and of value: 8 − 2·9·… by hand: (4·3·13 − 36 − 36)/18 + 0 + 4·4/(2·4·3)
    expect(mannKendall([1, 1, 2, 2], [5, 6, 6, 5]).varS).toBeCloseTo((156 - 36 - 36) / 18 + 16 / 24, 12);
    // One pair tied in value: (5·4·15 − 2·9)/18, and one less for continuity.
    expect(mannKendall([1, 2, 3, 4, 5], [1, 2, 3, 4, 4]).z).toBeCloseTo((9 - 1) / Math.sqrt(282 / 18), 12);
    expect(mannKendall([1, 2, 3], [7, 7, 7])).toMatchObject({ s: 0, z: 0, pRising: 0.5 });
  });

  test("a yearly cycle alone is no trend to the seasonal test", () => {
    const months = Array.from({ length: 36 }, (_, index) => index);
    const cycle = months.map((month) => Math.round(10 * Math.sin((month % 12) * 0.5)));
    const season = months.map((month) => month % 12);
    expect(seasonalKendall(season, months, cycle)).toMatchObject({ s: 0, slope: 0 });
    const rising = cycle.map((value, index) => value + Math.floor(index / 12) * 0.5);
    expect(seasonalKendall(season, months, rising)).toMatchObject({ s: 36, tau: 1, slope: 0.5 / 12 });
  });

  test("autocorrelation widens the variance, its absence does not", () => {
    const times = Array.from({ length: 40 }, (_, index) => index);
    const slowWaves = times.map((index) => Math.sin(index / 4));
    const noise = times.map((index) => (index * 7919) % 41);
    expect(hamedRaoFactor(times, slowWaves, 0)).toBeGreaterThan(2);
    expect(hamedRaoFactor(times, noise, 0)).toBeLessThan(1.3);
  });
});
