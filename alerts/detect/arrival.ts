/**
 * When a front reaches a place, as a band: Monte Carlo over what is not known of the ground, through Ogata–Banks.
 *
 * v = K·i/n, R = 1 + ρ·Kd/n, D = α·v + Dm; the stated ranges are drawn independently: K and Kd log-uniform, the others
 * uniform. Once the front was timed between two wells, its own velocity replaces K, i, n and Kd.
 */
import type { Aquifer } from "../../core/rule-group.ts";
import { logUniformIn, quantile, seedOf, strata, uniformIn, uniforms } from "./draws.ts";
import { arrivalDays, type Transport } from "./ogata-banks.ts";

export type Range = readonly [number, number];

/**
 * Distribution coefficients, L/kg: orders of magnitude for sand and gravel, pH 5 to 8. What is not listed is taken to
 * move with the water, which gives the earliest arrival.
 */
export const KD_RANGES: Readonly<Record<string, Range>> = {
  cr6: [0, 5],
  as: [1, 50],
  cd: [1, 100],
  hg: [10, 1_000],
  pb: [10, 10_000],
};
const WITH_THE_WATER: Range = [0, 0];

export function kdRange(aquifer: Pick<Aquifer, "kd">, quantity: string): Range {
  return aquifer.kd[quantity] ?? KD_RANGES[quantity] ?? WITH_THE_WATER;
}

export interface Path {
  readonly quantity: string;
  /** Metres. */
  readonly distance: number;
  /** Hydraulic gradient along the path, 1. */
  readonly gradient: Range;
  /** Velocity of this front as timed between wells, m/d; null: from the ground. */
  readonly timed: Range | null;
  readonly fraction: number;
  /** Days; null: the source does not end. */
  readonly pulse: number | null;
}

/** Days after the source began; Infinity where more than that share of the draws never arrives. */
export interface Band {
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
}

const DAY_MS = 86_400_000;
/** kg/m³ × L/kg = 0.001 of a plain number. */
const LITRE = 1e-3;

/** Six numbers on [0, 1), one a parameter, become one possible ground. */
export function transportOf(aquifer: Aquifer, path: Path, shares: ArrayLike<number>): Transport {
  const share = (at: number): number => shares[at] ?? 0.5;
  const ratio = uniformIn(aquifer.dispersivity, share(5));
  const alpha = ratio * path.distance;
  const endings = {
    ...(aquifer.halfLife === undefined ? {} : { decay: (Math.LN2 * DAY_MS) / aquifer.halfLife }),
    ...(path.pulse === null ? {} : { pulse: path.pulse }),
  };
  if (path.timed) {
    const velocity = logUniformIn(path.timed, share(0)) * halfRiseDays(ratio);
    const dispersion = alpha * velocity + aquifer.diffusion;
    return { distance: path.distance, velocity, dispersion, retardation: 1, ...endings };
  }
  const porosity = uniformIn(aquifer.porosity, share(2));
  const velocity = (logUniformIn(aquifer.conductivity, share(0)) * uniformIn(path.gradient, share(1))) / porosity;
  const kd = logUniformIn(kdRange(aquifer, path.quantity), share(4));
  const retardation = 1 + (uniformIn(aquifer.density, share(3)) * LITRE * kd) / porosity;
  return {
    distance: path.distance,
    velocity,
    dispersion: alpha * velocity + aquifer.diffusion,
    retardation,
    ...endings,
  };
}

/**
 * When half of a front has come after one metre at one metre a day: less than a day, the more the front is dispersed. So
 * a velocity from half rises is too fast by this factor, since dispersivity grows with distance.
 */
function halfRiseDays(ratio: number): number {
  return arrivalDays({ distance: 1, velocity: 1, dispersion: ratio, retardation: 1 }, 0.5);
}

/** @param seed any text; the same text gives the same band. */
export function arrivalBand(aquifer: Aquifer, path: Path, seed: string, draws: number): Band {
  const next = uniforms(seedOf(seed));
  const parameters = Array.from({ length: 6 }, () => strata(next, draws));
  const shares = new Float64Array(parameters.length);
  const days = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    for (const [at, parameter] of parameters.entries()) shares[at] = parameter[draw] ?? 0.5;
    days[draw] = arrivalDays(transportOf(aquifer, path, shares), path.fraction);
  }
  days.sort();
  return { p5: quantile(days, 0.05), p50: quantile(days, 0.5), p95: quantile(days, 0.95) };
}
