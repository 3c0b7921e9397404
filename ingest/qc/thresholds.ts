/** Which thresholds a series has: the station's own, else the defaults of its quantity, else the catalogue's spans. */
import type { Directory } from "../../core/ports.ts";
import type { QcThresholds } from "../../core/qc.ts";
import { quantitySpec } from "../../core/quantity.ts";
import { parseSeriesKey } from "../../core/reading.ts";
import type { ClimatologyMember } from "./climatology.ts";
import { QC_DEFAULTS } from "./defaults.ts";
import { type Span, type Spans, sorted } from "./gross-range.ts";

/** Every field filled in. */
export interface Level {
  readonly suspect: number;
  /** Infinity without one. */
  readonly fail: number;
  readonly share: number;
  /** 0 without a look at the noise. */
  readonly noise: number;
}
export interface SpikeLevel extends Level {
  readonly isDifferential: boolean;
}

/** As the assessor wants them; durations in ms. */
export interface Thresholds {
  readonly spans: Spans;
  readonly spike: SpikeLevel | null;
  readonly rate: Level | null;
  readonly flat: NonNullable<QcThresholds["flat"]> | null;
  readonly attenuated: NonNullable<QcThresholds["attenuated"]> | null;
  readonly climatology: readonly ClimatologyMember[] | null;
  readonly gapMs: number | null;
}

/** A field that is given wins, null switches its test off. Only real-time values have tests beside gross range and climatology. */
export function thresholdsOf(series: string, directory: Directory): Thresholds {
  const { station: id, quantity, aggregate } = parseSeriesKey(series);
  const station = directory.station(id)?.station;
  const spec = station ? quantitySpec(quantity, station.medium) : undefined;
  const own = station?.qc?.[quantity] ?? {};
  const usual = aggregate === "rtd" || aggregate === "avg" ? (QC_DEFAULTS[quantity] ?? {}) : {};
  const failSpan = given(own.fail, usual.fail, spec?.failSpan);
  const [spike, rate] = [given(own.spike, usual.spike), given(own.rate, usual.rate)];
  return {
    spans: { failSpan, suspectSpan: within(given(own.suspect, usual.suspect, spec?.suspectSpan), failSpan) },
    spike: spike && { ...levelOf(spike), isDifferential: spike.method === "differential" },
    rate: rate && levelOf(rate),
    flat: given(own.flat, usual.flat),
    attenuated: given(own.attenuated, usual.attenuated),
    climatology: seasonsOf(given(own.climatology, usual.climatology)),
    gapMs: given(own.gap, usual.gap),
  };
}

function levelOf({ suspect, fail, share, noise }: NonNullable<QcThresholds["spike"] | QcThresholds["rate"]>): Level {
  return { suspect, fail: fail ?? Number.POSITIVE_INFINITY, share: share ?? 0, noise: noise ?? 0 };
}

function given<T>(...choices: readonly (T | null | undefined)[]): T | null {
  return choices.find((choice) => choice !== undefined) ?? null;
}

/** A station may narrow the fail span below the catalogue's suspect span. */
function within(suspect: Span | null, fail: Span | null): Span | null {
  const [inner, outer] = [sorted(suspect), sorted(fail)];
  if (!inner || !outer) return inner;
  return [Math.max(inner[0], outer[0]), Math.min(inner[1], outer[1])];
}

/** Months from November to February are two members. */
function seasonsOf(seasons: QcThresholds["climatology"]): readonly ClimatologyMember[] | null {
  if (!seasons) return null;
  return seasons.flatMap(({ months: [from, to], suspect, fail }) => {
    const spans: Span[] =
      from <= to
        ? [[from, to]]
        : [
            [from, 12],
            [1, to],
          ];
    return spans.map((time) => ({ time, period: "month" as const, suspect, fail }));
  });
}
