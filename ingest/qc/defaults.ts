/**
 * Default thresholds by quantity, in its canonical unit; fail and suspect spans come from the catalogue where none stand
 * here. Start values of engineering judgement for in-situ sensors in water, all replaceable by a station's `qc`. A quantity
 * without a row gets the gross-range test only: no threshold is better than one nobody can stand behind.
 *
 * Spikes of conductivity and turbidity are judged against the larger neighbour and, like steps of a level, against the
 * median step of the readings before: salt in winter, a flood or a pump make a river or well restless by itself.
 * Flat limits lie above the longest honest runs measured in public series (pH 8.5 h at 15 min, temperature 14.8 h at
 * 0.1 °C, conductivity 20.6 h at 1 µS/cm); assess.ts multiplies them by four where the series' own day spans few steps.
 */
import type { QcThresholds } from "../../core/qc.ts";

const HOUR = 3_600_000;

const LEVEL: QcThresholds = {
  spike: { method: "differential", suspect: 0.1, fail: 0.5 },
  rate: { suspect: 0.01, noise: 20 },
  flat: { suspect: 24 * HOUR, fail: 72 * HOUR, tolerance: 0 },
};

export const QC_DEFAULTS: Readonly<Record<string, QcThresholds>> = {
  ph: {
    spike: { method: "differential", suspect: 0.5, fail: 1 },
    rate: { suspect: 0.2 },
    flat: { suspect: 12 * HOUR, fail: 24 * HOUR, tolerance: 0 },
  },
  ec: {
    spike: { method: "differential", suspect: 5, share: 0.25, noise: 10 },
    rate: { suspect: 1, share: 0.05 },
    flat: { suspect: 6 * HOUR, fail: 24 * HOUR, tolerance: 0 },
  },
  turbidity: {
    spike: { method: "differential", suspect: 20, share: 10, noise: 10 },
    flat: { suspect: 12 * HOUR, fail: 24 * HOUR, tolerance: 0 },
  },
  temp: {
    // A sensor good to some tenths of a degree reads below zero in freezing water.
    suspect: [-1, 40],
    spike: { method: "differential", suspect: 1, fail: 3 },
    rate: { suspect: 0.5 },
    flat: { suspect: 12 * HOUR, fail: 48 * HOUR, tolerance: 0 },
  },
  do: {
    spike: { method: "differential", suspect: 1, fail: 3 },
    rate: { suspect: 0.5 },
    flat: { suspect: 6 * HOUR, fail: 24 * HOUR, tolerance: 0 },
  },
  orp: {
    spike: { method: "differential", suspect: 50, fail: 150 },
    rate: { suspect: 20 },
    flat: { suspect: 6 * HOUR, fail: 24 * HOUR, tolerance: 0 },
  },
  gw_level: LEVEL,
  pool_level: LEVEL,
};
