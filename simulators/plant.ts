/**
 * The modelled ground: what a sensor at a station would read at a time. Diurnal and seasonal swing, sensor noise and
 * drift around a base value, and in scenario `plume` a contaminant front by Ogata and Banks (1961).
 */
import { normal, uniform } from "./random.ts";

const DAY_MS = 86_400_000;
const YEAR_MS = 365.25 * DAY_MS;

/** How one quantity behaves at one station, in the unit the device reports. */
export interface Behaviour {
  readonly base: number;
  /** Relative amplitude of the daily swing. */
  readonly diurnal?: number;
  /** Relative amplitude of the yearly swing. */
  readonly seasonal?: number;
  /** Relative standard deviation of the sensor noise. */
  readonly noise?: number;
  /** Relative change a year, from sensor drift. */
  readonly drift?: number;
  /** Digits after the point that the sensor reports. */
  readonly digits: number;
  /** Noise, swing and drift are absolute instead of relative (for levels and pH). */
  readonly absolute?: boolean;
  readonly plume?: Plume;
}

/** A continuous release of concentration `source` at `distanceM` upgradient, in flow of `velocityMS`. */
export interface Plume {
  readonly source: number;
  readonly distanceM: number;
  readonly velocityMS: number;
  /** Longitudinal dispersivity, m. */
  readonly dispersivityM: number;
  /** Retardation factor, 1 for a solute that does not sorb. */
  readonly retardation: number;
}

export type Scenario = "plume" | "calm";

export interface Plant {
  /** @param releasedAt start of the release, ms; ignored in scenario `calm`. */
  value(series: string, behaviour: Behaviour, time: number): number;
}

export function createPlant({
  seed,
  scenario,
  releasedAt,
}: {
  seed: number;
  scenario: Scenario;
  releasedAt: number;
}): Plant {
  return {
    value: (series, behaviour, time) => {
      const phase = uniform(seed, series, 0) * 2 * Math.PI;
      const swing =
        (behaviour.diurnal ?? 0) * Math.sin((2 * Math.PI * time) / DAY_MS + phase) +
        (behaviour.seasonal ?? 0) * Math.sin((2 * Math.PI * time) / YEAR_MS + phase);
      const noise = (behaviour.noise ?? 0) * Math.max(-3, Math.min(3, normal(seed, series, Math.round(time / 1_000))));
      const drift = ((behaviour.drift ?? 0) * (time - releasedAt)) / YEAR_MS;
      const change = swing + noise + drift;
      const background = behaviour.absolute ? behaviour.base + change : behaviour.base * (1 + change);
      const added =
        behaviour.plume && scenario === "plume" ? breakthrough(behaviour.plume, (time - releasedAt) / 1_000) : 0;
      return Number(
        Math.max(behaviour.absolute ? Number.NEGATIVE_INFINITY : 0, background + added).toFixed(behaviour.digits),
      );
    },
  };
}

/**
 * Concentration at the well `seconds` after the release began, in the unit of `source`: one-dimensional advection and
 * dispersion with linear sorption, continuous source (Ogata and Banks 1961, USGS Professional Paper 411-A).
 */
export function breakthrough(
  { source, distanceM, velocityMS, dispersivityM, retardation }: Plume,
  seconds: number,
): number {
  if (seconds <= 0) return 0;
  const dispersion = dispersivityM * velocityMS;
  const spread = 2 * Math.sqrt(dispersion * retardation * seconds);
  const ahead = (retardation * distanceM - velocityMS * seconds) / spread;
  const behind = (retardation * distanceM + velocityMS * seconds) / spread;
  return (source / 2) * (scaledErfc(ahead, 0) + scaledErfc(behind, (velocityMS * distanceM) / dispersion));
}

/**
 * exp(scale) × erfc(x) without overflow, relative error below 1.2e-7 (Chebyshev fit of Press et al., Numerical
 * Recipes, 2nd ed., section 6.2).
 */
export function scaledErfc(x: number, scale: number): number {
  const z = Math.abs(x);
  const t = 1 / (1 + 0.5 * z);
  const polynomial =
    -1.26551223 +
    t *
      (1.00002368 +
        t *
          (0.37409196 +
            t *
              (0.09678418 +
                t *
                  (-0.18628806 +
                    t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  const tail = t * Math.exp(scale - z * z + polynomial);
  return x >= 0 ? tail : 2 * Math.exp(scale) - tail;
}
