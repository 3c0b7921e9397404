/** The levels of one quantity at one place, best first, and the level a value falls in. */
import type { Comparison } from "../../core/reading.ts";
import { WATER_CLASSES } from "../../core/site.ts";
import type { LimitRow, Pack, Rung } from "./compile.ts";
import { nextDown, nextUp, passes } from "./range.ts";
import { type Place, selectRow } from "./select.ts";

/** Levels of one quantity at one place, best first; `rank` is the index of the level a value falls in. */
export interface Ladder {
  readonly rungs: readonly Rung[];
  readonly labels: readonly string[];
  readonly unit: string;
  readonly decides: boolean;
  readonly enforceable: boolean;
  readonly assumed: readonly string[];
}

const SOIL_LABELS = ["below-screening", "above-screening", "above-intervention"];
const PASS_LABELS = ["pass", "fail"];
const CLASS_LABELS = { V: WATER_CLASSES, ">V": [...WATER_CLASSES, ">V"] };

export function labelsOf({ scheme, beyond }: Pack): readonly string[] {
  if (scheme === "classes") return CLASS_LABELS[beyond ?? "V"];
  return scheme === "soil-farmland" || scheme === "soil-development" ? SOIL_LABELS : PASS_LABELS;
}

export function ladderFor(pack: Pack, quantity: string, place: Place): Ladder | undefined {
  const rows = pack.byQuantity.get(quantity);
  if (!rows) return undefined;
  const labels = labelsOf(pack);
  if (labels === SOIL_LABELS) return soilLadder(rows, place);
  const classes = pack.scheme === "classes" ? selectRow(rows, "I", place) : undefined;
  const selection = classes ?? selectRow(rows, "limit", place);
  if (!selection) return undefined;
  const { row, assumed } = selection;
  return {
    rungs: row.ladder,
    labels: classes ? labels : PASS_LABELS,
    unit: row.unit,
    decides: (classes !== undefined || pack.scheme !== "classes") && row.source.kind !== "secondary",
    enforceable: row.ladder.every(({ enforceable }) => enforceable),
    assumed,
  };
}

/** Screening and intervention may stand in different rows of a soil standard, each with its own pH band and land. */
function soilLadder(rows: readonly LimitRow[], place: Place): Ladder | undefined {
  const screening = selectRow(rows, "screening", place);
  const intervention = selectRow(rows, "intervention", place);
  const rungs = [screening?.row.rungs.screening, intervention?.row.rungs.intervention].filter(
    (rung) => rung !== undefined,
  );
  const row = screening?.row ?? intervention?.row;
  if (!row) return undefined;
  return {
    rungs,
    labels: SOIL_LABELS,
    unit: row.unit,
    decides: true,
    enforceable: rungs.every(({ enforceable }) => enforceable),
    assumed: [...(screening?.assumed ?? []), ...(intervention?.assumed ?? [])],
  };
}

export interface Measured {
  readonly value: number;
  readonly cmp: Comparison;
}

/** First level that holds the value; one beyond the last when none does. */
export function rankAt({ rungs }: Ladder, value: number): number {
  const rank = rungs.findIndex(({ ranges }) => ranges.some((range) => passes(value, range)));
  return rank < 0 ? rungs.length : rank;
}

/**
 * The number that a censored value is graded by: a non-detect counts as its reporting limit, where low values are bad as
 * just below its number; ">" as just above.
 */
export function effectiveValue({ rungs }: Ladder, { value, cmp }: Measured): number {
  if (cmp === ">") return nextUp(value);
  return cmp === "<" && rungs[0]?.span?.low ? nextDown(value) : value;
}

/** "Not detected" as a limit is kept by a non-detect whose reporting limit is fine enough for the next class. */
export function rankOf(ladder: Ladder, measured: Measured): number {
  const rank = rankAt(ladder, effectiveValue(ladder, measured));
  const { rungs } = ladder;
  const keepsNotDetected =
    measured.cmp === "<" && rungs[0]?.ranges[0]?.notDetected && (rank === 1 || rungs.length === 1);
  return keepsNotDetected ? 0 : rank;
}
