/** Time ranges of the chart: presets that end now, or two times of one's own. */
import { parseShanghaiInput } from "./format.ts";

const HOUR_MS = 3_600_000;
export const PRESETS = { "1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS, "30d": 720 * HOUR_MS } as const;
export type Preset = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as readonly Preset[];

export interface Range {
  readonly preset: Preset | "custom";
  readonly from: number;
  readonly to: number;
  /** True while new readings belong to it. */
  readonly live: boolean;
}

export function presetRange(preset: Preset, now: number): Range {
  return { preset, from: now - PRESETS[preset], to: now, live: true };
}

/** From two `datetime-local` fields, Shanghai time; null when they are no range. */
export function customRange(fromText: string, toText: string): Range | null {
  const from = parseShanghaiInput(fromText);
  const to = parseShanghaiInput(toText);
  return from !== null && to !== null && from < to ? { preset: "custom", from, to, live: false } : null;
}

/** From the query of the page: `range=7d`, or `from` and `to` in ms. */
export function rangeFromQuery(query: Readonly<Record<string, string>>, now: number): Range {
  const preset = PRESET_NAMES.find((name) => name === query["range"]);
  const from = Number(query["from"]);
  const to = Number(query["to"]);
  const isCustom = query["range"] === "custom" && Number.isFinite(from) && Number.isFinite(to) && from < to;
  return isCustom ? { preset: "custom", from, to, live: false } : presetRange(preset ?? "24h", now);
}
