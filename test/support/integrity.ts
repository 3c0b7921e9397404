/** A made-up station for the falsification signals: fine channels with a daily course and noise, judged day by day. */
import type { GroupMember } from "../../alerts/detect/group.ts";
import type { Evidence } from "../../alerts/detect/integrity/evidence.ts";
import { createIntegrity, type IntegrityDetector } from "../../alerts/detect/integrity/station.ts";
import { FORM } from "../../alerts/detect/marks.ts";
import { IntegrityRule } from "../../core/rule-integrity.ts";
import { Site, Station } from "../../core/site.ts";

export const PER_DAY = 96;
const INTERVAL_MS = 900_000;
/** Midnight in China. */
const START = Date.UTC(2026, 0, 1) - 8 * 3_600_000;

export function aMember(
  over: { station?: string; quantity?: string; fraction?: string; limit?: number } = {},
): GroupMember {
  const { station = "s1", quantity = "turbidity", fraction = "total", limit } = over;
  return {
    key: `${station}/${quantity}/${fraction}/rtd`,
    quantity,
    fraction,
    aggregate: "rtd",
    unit: "1",
    resolution: null,
    intervalMs: INTERVAL_MS,
    limit: limit === undefined ? null : { value: limit, passes: "<=" },
    station: Station.parse({ id: station, site: "site", medium: "surface-water", type: "basic", control: "city" }),
    site: Site.parse({
      id: "site",
      tenant: "t",
      kind: "water-source",
      area: "512021",
      name: { "zh-CN": "甲", en: "A" },
      lat: 30,
      lon: 105,
    }),
  };
}

export const anIntegrityRule = (over: object = {}) =>
  IntegrityRule.parse({ kind: "integrity", id: "r", on: {}, level: "blue", ...over });

/** Mulberry32: uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Daily course of 4 around 20, slow wandering, noise of 1.5; two decimals unless `q` says otherwise. */
export function honest(days: number, seed: number, q = 0.01): number[] {
  const random = seeded(seed);
  let slow = 0;
  return Array.from({ length: days * PER_DAY }, (_, k) => {
    slow = 0.995 * slow + 0.3 * (random() - 0.5);
    const value = 20 + 4 * Math.sin((2 * Math.PI * k) / PER_DAY) + slow + 1.5 * (random() + random() - 1);
    return Number((Math.round(value / q) * q).toFixed(4));
  });
}

export interface Judged {
  readonly day: number;
  readonly score: number;
  readonly pieces: readonly (readonly [number, Evidence])[];
}

/** NaN is a gap; a value in `declared` (by member) at that row is sent as maintenance. */
export function judgeDays(
  detector: IntegrityDetector,
  series: readonly (readonly number[])[],
  declared: (member: number, row: number) => boolean = () => false,
  from = 0,
): Judged[] {
  const found: Judged[] = [];
  const step = {
    time: 0,
    values: new Float64Array(series.length),
    forms: new Uint8Array(series.length),
    flags: new Uint8Array(series.length),
  };
  for (let row = from; row < (series[0]?.length ?? 0); row++) {
    step.time = START + row * INTERVAL_MS;
    series.forEach((values, m) => {
      const value = values[row] ?? Number.NaN;
      step.values[m] = value;
      step.forms[m] = Number.isNaN(value) || declared(m, row) ? FORM.unfit : FORM.plain;
      step.flags[m] = Number.isNaN(value) ? 9 : 1;
    });
    if (detector.step(step) === 3) continue;
    found.push({ day: Math.floor(row / PER_DAY) - 1, score: detector.score, pieces: [...detector.evidence()] });
  }
  return found;
}

export function newDetector(members: readonly GroupMember[], over: object = {}): IntegrityDetector {
  return createIntegrity(anIntegrityRule(over), members);
}
