/** Ogata–Banks against numbers computed elsewhere, at the ends of its range, and the arrival that follows from it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arrivalDays, erfc, erfcx, relativeConcentration } from "../../../../alerts/detect/ogata-banks.ts";
import { shared } from "../../../support/vectors.ts";

const PLAIN = { distance: 100, velocity: 1, dispersion: 10, retardation: 1 };

describe("erfc and erfcx", () => {
  test.each`
    x         | wanted
    ${-3}     | ${1.9999779095030015}
    ${0}      | ${1}
    ${0.5}    | ${0.4795001221869535}
    ${1.9999} | ${0.004679802092970608}
    ${2}      | ${0.004677734981047266}
    ${5}      | ${1.5374597944280351e-12}
    ${10}     | ${2.088487583762545e-45}
  `("erfc($x)", ({ x, wanted }) => {
    expect(Math.abs(erfc(x) / wanted - 1)).toBeLessThan(1e-13);
  });

  test("erfcx stays finite where exp(x²) does not", () => {
    expect(Math.abs(erfcx(100) / 0.005641613782989432 - 1)).toBeLessThan(1e-14);
    expect(erfcx(1e8)).toBeCloseTo(5.641895835477563e-9, 22);
    expect(erfcx(-27)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("C/C0", () => {
  test.each`
    what                  | transport                       | days   | wanted
    ${"at the front"}     | ${PLAIN}                        | ${100} | ${0.5852888591629862}
    ${"retarded"}         | ${{ ...PLAIN, retardation: 5 }} | ${300} | ${0.16661339420950094}
    ${"decaying"}         | ${{ ...PLAIN, decay: 0.01 }}    | ${150} | ${0.37981896307192536}
    ${"long after"}       | ${{ ...PLAIN, decay: 0.01 }}    | ${1e5} | ${0.4000843884103186}
    ${"before the start"} | ${PLAIN}                        | ${0}   | ${0}
  `("$what", ({ transport, days, wanted }) => {
    expect(relativeConcentration(transport, days)).toBeCloseTo(wanted, 13);
  });

  test("a pulse is what came minus what came since it ended", () => {
    const pulse = { distance: 50, velocity: 0.5, dispersion: 2, retardation: 1, pulse: 20 };
    expect(relativeConcentration(pulse, 120)).toBeCloseTo(0.16808459340542403, 13);
  });

  test("v'L/D' of 5000 neither overflows nor loses the front", () => {
    const sharp = { distance: 1000, velocity: 1, dispersion: 0.2, retardation: 1 };
    expect(relativeConcentration(sharp, 1000)).toBeCloseTo(0.5 + 0.5 * erfcx(1000 / Math.sqrt(200)), 12);
    expect(relativeConcentration(sharp, 900)).toBeLessThan(1e-6);
    expect(relativeConcentration(sharp, 1100)).toBeGreaterThan(1 - 1e-6);
  });

  test("lies in 0 to 1 and only rises while the source lasts", () => {
    const some = fc.record({
      distance: fc.double({ min: 1, max: 5_000, noNaN: true }),
      velocity: fc.double({ min: 1e-4, max: 20, noNaN: true }),
      dispersion: fc.double({ min: 1e-3, max: 500, noNaN: true }),
      retardation: fc.double({ min: 1, max: 1e4, noNaN: true }),
      decay: fc.constantFrom(0, 1e-4, 0.05),
    });
    fc.assert(
      fc.property(some, fc.double({ min: 0.01, max: 15, noNaN: true }), (transport, share) => {
        const days = (share * transport.distance * transport.retardation) / transport.velocity;
        const [now, later] = [days, days * 1.1].map((each) => relativeConcentration(transport, each));
        expect(now).toBeGreaterThanOrEqual(0);
        expect(later).toBeLessThanOrEqual(1);
        expect((later ?? 0) - (now ?? 0)).toBeGreaterThan(-1e-12);
      }),
    );
  });
});

describe("arrival", () => {
  test("the fraction is there at the arrival and not before", () => {
    const days = arrivalDays(PLAIN, 0.1);
    expect(relativeConcentration(PLAIN, days)).toBeCloseTo(0.1, 4);
    expect(relativeConcentration(PLAIN, days * 0.999)).toBeLessThan(0.1);
  });
  test("a pulse is met on its rising limb", () => {
    const pulse = { ...PLAIN, pulse: 30 };
    const days = arrivalDays(pulse, 0.1);
    expect(relativeConcentration(pulse, days)).toBeCloseTo(0.1, 4);
    expect(days).toBeCloseTo(arrivalDays(PLAIN, 0.1), 1);
  });
  test("never: decayed on the way, a pulse too short, no flow", () => {
    expect(arrivalDays({ ...PLAIN, decay: 0.1 }, 0.1)).toBe(Number.POSITIVE_INFINITY);
    expect(arrivalDays({ ...PLAIN, pulse: 0.1 }, 0.1)).toBe(Number.POSITIVE_INFINITY);
    expect(arrivalDays({ ...PLAIN, velocity: 0 }, 0.1)).toBe(Number.POSITIVE_INFINITY);
  });
});

interface Vector {
  readonly kind: string;
  readonly name: string;
  readonly input: Readonly<
    Record<"K_m_per_day" | "i" | "n_e" | "x_m" | "alpha_L_m" | "R" | "Dm_m2_per_day", number>
  > & {
    readonly t_days: readonly number[];
  };
  readonly expected: {
    readonly v_m_per_day: number;
    readonly D_m2_per_day: number;
    readonly c_over_c0: readonly number[];
  };
}

describe.skipIf(shared === undefined)("[shared] vectors of kind ogata-banks", () => {
  test("every concentration to 1e-9 of its own size", () => {
    const text =
      shared === undefined ? '{"vectors":[]}' : readFileSync(join(shared, "data/stats-vectors/vectors.json"), "utf8");
    const vectors = (JSON.parse(text) as { readonly vectors: Vector[] }).vectors.filter(
      ({ kind }) => kind === "ogata-banks",
    );
    expect(vectors.length).toBeGreaterThan(10);
    for (const { name, input, expected } of vectors) {
      const velocity = (input.K_m_per_day * input.i) / input.n_e;
      const dispersion = input.alpha_L_m * velocity + input.Dm_m2_per_day;
      expect(velocity / expected.v_m_per_day, name).toBeCloseTo(1, 12);
      expect(dispersion / expected.D_m2_per_day, name).toBeCloseTo(1, 12);
      const transport = { distance: input.x_m, velocity, dispersion, retardation: input.R };
      for (const [at, days] of input.t_days.entries()) {
        expect(relativeConcentration(transport, days) / (expected.c_over_c0[at] ?? 0), `${name} ${days}`).toBeCloseTo(
          1,
          9,
        );
      }
    }
  });
});
