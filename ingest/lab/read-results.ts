/** A table of laboratory results → results and every fault with its row and column. Pure. */
import type { BothTexts } from "../../core/explanation.ts";
import type { LabFault, LabResult } from "../../core/lab.ts";
import type { Directory } from "../../core/ports.ts";
import { conversion } from "../../core/quantity.ts";
import { FRACTIONS } from "../../core/reading.ts";
import { FUTURE_MS_MAX } from "../../core/wire.ts";
import { readLimit, readQuantity, readTime, readValue, says } from "./cells.ts";
import { columnOf, LAB_COLUMNS, type LabColumn } from "./columns.ts";

export const LAB_ROWS_MAX = 10_000;
const TEXT_MAX = 80;
/** "lab-" and the station make the id of the device that the results come from. */
const STATION_MAX = 60;

/** A row of a file with its number there. */
export interface LabRow {
  readonly line: number;
  readonly cells: readonly string[];
}
export interface LabContext {
  readonly directory: Directory;
  readonly mayUse: (station: string) => boolean;
  readonly zone: string;
  readonly now: number;
}

type Cells = Readonly<Record<LabColumn, string>>;
type Say = (column: LabColumn | "", fault: BothTexts) => void;

export function readResults(
  rows: readonly LabRow[],
  context: LabContext,
): { readonly rows: number; readonly results: readonly LabResult[]; readonly faults: readonly LabFault[] } {
  const [header, ...body] = rows.filter(({ cells }) => cells.some((cell) => cell.trim() !== ""));
  const faults: LabFault[] = [];
  const columns = header ? headings(header, faults) : null;
  if (!header) faults.push({ row: 1, column: "", ...says("文件是空的", "the file is empty").fault });
  if (body.length > LAB_ROWS_MAX)
    faults.push({ row: 1, column: "", ...says(`多于 ${LAB_ROWS_MAX} 行`, `more than ${LAB_ROWS_MAX} rows`).fault });
  if (!columns || faults.length > 0) return { rows: body.length, results: [], faults };
  const results: LabResult[] = [];
  const rowOf = new Map<string, number>();
  for (const { line, cells } of body) {
    const named = Object.fromEntries(
      LAB_COLUMNS.map(({ name }) => [name, (cells[columns.indexOf(name)] ?? "").trim()]),
    ) as Cells;
    const say: Say = (column, fault) => void faults.push({ row: line, column, ...fault });
    const result = readRow(named, line, context, say);
    if (!result) continue;
    const key = [result.station, result.quantity, result.fraction, result.time].join("/");
    const before = rowOf.get(key);
    if (before === undefined) {
      rowOf.set(key, line);
      results.push(result);
    } else
      say(
        "",
        says(`与第 ${before} 行同点位、同项目、同时间`, `same station, quantity and time as row ${before}`).fault,
      );
  }
  return { rows: body.length, results, faults };
}

/** The column at each place; null when one that is needed is missing. */
function headings({ line, cells }: LabRow, faults: LabFault[]): readonly (LabColumn | undefined)[] {
  const columns = cells.map((cell) => columnOf(cell));
  for (const [at, cell] of cells.entries()) {
    const column = columns[at];
    if (cell.trim() === "") continue;
    if (column === undefined)
      faults.push({ row: line, column: cell, ...says(`没有列 "${cell}"`, `no column "${cell}" is known`).fault });
    else if (columns.indexOf(column) !== at)
      faults.push({ row: line, column: cell, ...says("该列出现两次", "the column stands twice").fault });
  }
  for (const { name, zh, needed } of LAB_COLUMNS) {
    if (needed && !columns.includes(name))
      faults.push({ row: line, column: name, ...says(`缺少列 ${zh}`, `column ${name} is missing`).fault });
  }
  return columns;
}

function readRow(cells: Cells, row: number, { directory, mayUse, zone, now }: LabContext, say: Say): LabResult | null {
  let isWhole = true;
  const fault: Say = (column, texts) => {
    isWhole = false;
    say(column, texts);
  };
  for (const { name, zh, needed } of LAB_COLUMNS) {
    if (needed && cells[name] === "") fault(name, says(`${zh} 未填`, `${name} is empty`).fault);
    else if (cells[name].length > TEXT_MAX)
      fault(name, says(`多于 ${TEXT_MAX} 个字符`, `more than ${TEXT_MAX} characters`).fault);
  }
  if (!isWhole) return null;
  const place = mayUse(cells.station) ? directory.station(cells.station) : undefined;
  if (!place) fault("station", says(`没有点位 "${cells.station}"`, `there is no station "${cells.station}"`).fault);
  if (cells.station.length > STATION_MAX) fault("station", says("点位编号过长", "the station's id is too long").fault);
  const when = readTime(cells.time, cells.zone || zone);
  if ("fault" in when) fault("time", when.fault);
  else if (when.time > now + FUTURE_MS_MAX)
    fault("time", says("采样时间在将来", "the sample lies in the future").fault);
  const detection = readLimit(cells.detection_limit);
  if ("fault" in detection) fault("detection_limit", detection.fault);
  const measured = readValue(cells.value, "limit" in detection ? detection.limit : null);
  if ("fault" in measured) fault("value", measured.fault);
  const fraction = cells.fraction || "total";
  if (!(FRACTIONS as readonly string[]).includes(fraction))
    fault(
      "fraction",
      says(`形态须为 ${FRACTIONS.join("、")} 之一`, `fraction is none of ${FRACTIONS.join(", ")}`).fault,
    );
  if (!place) return null;
  const { medium } = place.station;
  const named = readQuantity(cells.quantity, medium);
  if ("fault" in named) {
    fault("quantity", named.fault);
    return null;
  }
  if (!conversion(named.quantity, medium, cells.unit))
    fault(
      "unit",
      says(
        `${named.quantity} 在 ${medium} 中不能用单位 "${cells.unit}"`,
        `unit "${cells.unit}" does not fit ${named.quantity} in ${medium}`,
      ).fault,
    );
  if (!isWhole || "fault" in when || "fault" in measured || "fault" in detection) return null;
  const { unit, method, lab, sample, station } = cells;
  return {
    ...{ row, station, time: when.time, quantity: named.quantity, fraction },
    ...{ value: measured.value, cmp: measured.cmp, unit, method, detectionLimit: detection.limit, lab, sample },
  };
}
