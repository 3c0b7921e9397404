/**
 * Grades the samples of a CSV text, for `jingtu standards grade`. A fault of the header refuses the file, with every
 * fault at once; a fault of one sample becomes that sample's error and the others go on.
 */
import { chinaDate, chinaMidnight, isDate } from "../../core/china-day.ts";
import { type Fault, Refused } from "../../core/errors.ts";
import { type Conversion, conversion, convert, findQuantity, quantitySpec } from "../../core/quantity.ts";
import type { Comparison } from "../../core/reading.ts";
import type { Pack } from "./compile.ts";
import { type CsvRecord, readRecords } from "./csv.ts";
import { type Edition, editionsOf, packNamed } from "./editions.ts";
import { type Grade, gradeSample, type SampleValue } from "./grade.ts";
import { coversLand } from "./limits.ts";
import type { Packs } from "./load.ts";
import { CROPS, DEVELOPMENT_LANDS, FARM_LANDS } from "./pack.ts";
import type { Place } from "./select.ts";

export type GradedSample =
  | ({ readonly sample: string; readonly edition?: EditionView } & Grade)
  | { readonly sample: string; readonly error: { readonly code: string } & Fault };

/** Which edition judged and whether it was in force on the sample's date; told when a date or a family was given. */
export type EditionView = Omit<Edition, "found" | "pack"> & { readonly pack: string; readonly date: string };

export interface GradeCsvQuestion {
  readonly packs: Packs;
  /** A pack id, or a family (`gbt14848`): then each sample is judged by the edition of its date. */
  readonly packId: string;
  /** Date of samples that name none, ms since 1970 UTC; the newest edition judges them when left out. */
  readonly on?: number;
  /** Whole file; bytes must be UTF-8, with or without a byte order mark. At most `CSV_BYTES_MAX`. */
  readonly csv: string | Uint8Array;
  /** Named in errors. */
  readonly file?: string;
  /** Soil: `paddy`, `upland`, `orchard`, `rotation`, `class1`, `class2`. */
  readonly land?: string;
  /** Irrigation water: a crop of `CROPS`. */
  readonly crop?: string;
}

/**
 * Header and options are checked at the call, samples as the result is read.
 *
 * First column `sample`, others `quantity[unit]` such as `cd[µg/L]` or `ph[pH]`; cells are numbers, `<0.5`, `>1000` or
 * empty. A column `ph` chooses the band of a soil pack. A column `date` (2017-06-30) chooses the edition of a family.
 * @throws Refused `PACK_UNKNOWN`, `GRADE_OPTION_INVALID`, `LAND_NOT_COVERED`, `CSV_TOO_LARGE`, `CSV_NOT_UTF8`,
 *   `CSV_MALFORMED`, `GRADE_HEADER_INVALID`.
 */
export function gradeCsv(question: GradeCsvQuestion): Iterable<GradedSample> {
  const { packs, packId, csv, file = "the CSV", on } = question;
  const pack = packs.get(packId) ?? editionsOf(packs, packId).at(-1);
  if (!pack) {
    throw new Refused("PACK_UNKNOWN", {
      what: `there is no limit pack ${packId}`,
      mend: `use one of ${packs.list.map(({ id }) => id).join(", ")}, or a family such as gbt14848`,
    });
  }
  const place = readPlace(pack, question);
  const [header, ...records] = readRecords(csv, file);
  const names = header?.cells ?? [];
  const dateColumn = names.indexOf(DATE_COLUMN, 1);
  const columns = readHeader(pack, dateColumn < 0 ? names : names.toSpliced(dateColumn, 1), file);
  const editions = { packs, packId, pack, on, dateColumn };
  return gradeRecords(editions, columns, records, place);
}
const DATE_COLUMN = "date";

interface Editions {
  readonly packs: Packs;
  readonly packId: string;
  /** Judges what has no date. */
  readonly pack: Pack;
  readonly on: number | undefined;
  /** Index of the column of dates; below 0 without one. */
  readonly dateColumn: number;
}

/** A place from the texts of a command line. */
function readPlace(pack: Pack, { land, crop }: GradeCsvQuestion): Place {
  const knownLand = LANDS.find((name) => name === land);
  const knownCrop = CROPS.find((name) => name === crop);
  const faults: string[] = [];
  if (land !== undefined && !knownLand) faults.push(`land ${land} is none of ${LANDS.join(", ")}`);
  if (crop !== undefined && !knownCrop) faults.push(`crop ${crop} is none of ${CROPS.join(", ")}`);
  if (faults.length > 0) {
    throw new Refused("GRADE_OPTION_INVALID", { what: faults.join("; "), mend: "use one of the names given" });
  }
  if (knownLand && !coversLand(pack, knownLand)) {
    throw new Refused("LAND_NOT_COVERED", {
      what: `${pack.standard.number} does not apply to land ${knownLand}`,
      mend: "farmland is graded by gb15618-2018, class1 and class2 by gb36600-2018",
    });
  }
  return { ...(knownLand ? { land: knownLand } : {}), ...(knownCrop ? { crop: knownCrop } : {}) };
}
const LANDS = [...FARM_LANDS, "rotation", ...DEVELOPMENT_LANDS, "undefined"] as const;

interface Column {
  /** As written, for errors. */
  readonly name: string;
  readonly quantity: string;
  readonly toCanonical: Conversion;
  /** Physically possible, canonical unit. */
  readonly span: readonly [number, number];
}

function readHeader(pack: Pack, header: readonly string[], file: string): readonly Column[] {
  const faults: string[] = [];
  if (header[0] !== "sample") faults.push(`column 1 is ${JSON.stringify(header[0] ?? "")}; it must be "sample"`);
  if (header.length < 2) faults.push("there is no column with values");
  const seen = new Map<string, string>();
  const columns = header.slice(1).map((name, index) => {
    const column = readColumn(pack, name);
    if (typeof column === "string") return void faults.push(`column ${index + 2} ${JSON.stringify(name)}: ${column}`);
    const twin = seen.get(column.quantity);
    if (twin) faults.push(`column ${index + 2} ${JSON.stringify(name)}: ${column.quantity} also stands in ${twin}`);
    seen.set(column.quantity, name);
    return column;
  });
  if (faults.length > 0) {
    throw new Refused("GRADE_HEADER_INVALID", {
      what: `${faults.length} fault${faults.length === 1 ? "" : "s"} in the header\n  ${faults.join("\n  ")}`,
      where: `${file}, row 1`,
      mend: "write `sample`, then one `quantity[unit]` a column, such as cd[µg/L] or ph[pH]",
    });
  }
  return columns.filter((column) => column !== undefined);
}

const COLUMN_NAME = /^([^[\]]+)\[(.*)\]$/;

function readColumn(pack: Pack, name: string): Column | string {
  const [, idOrCode = "", unit = ""] = COLUMN_NAME.exec(name) ?? [];
  if (!idOrCode) return "not of the form quantity[unit]";
  const quantity = findQuantity(idOrCode.trim())?.id;
  if (!quantity) return `quantity ${idOrCode} is not in the dictionary`;
  const medium = pack.media[0] ?? "groundwater";
  const spec = quantitySpec(quantity, medium);
  if (!spec) return `${quantity} is not measured in ${medium}`;
  const toCanonical = conversion(quantity, medium, unit);
  if (!toCanonical) return `unit ${unit || "(none)"} does not fit ${quantity} in ${medium}; for example ${spec.unit}`;
  return { name, quantity, toCanonical, span: spec.failSpan ?? [0, Number.MAX_VALUE] };
}

function* gradeRecords(
  editions: Editions,
  columns: readonly Column[],
  records: readonly CsvRecord[],
  place: Place,
): Generator<GradedSample> {
  const { dateColumn } = editions;
  for (const { row, cells } of records) {
    const sample = cells[0] ?? "";
    const results = dateColumn < 0 ? cells : cells.toSpliced(dateColumn, 1);
    const values = readCells(columns, results, row);
    if (!Array.isArray(values)) {
      yield { sample, error: values as { readonly code: string } & Fault };
      continue;
    }
    const judge = judgeOf(editions, dateColumn < 0 ? "" : (cells[dateColumn] ?? ""), row);
    if ("error" in judge) yield { sample, ...judge };
    else yield { sample, ...judge.view, ...gradeSample(judge.pack, values, place) };
  }
}

/** The pack for a sample of this date; the view tells what was chosen and why. */
function judgeOf(
  { packs, packId, pack, on, dateColumn }: Editions,
  text: string,
  row: number,
):
  | { readonly pack: Pack; readonly view: { readonly edition?: EditionView } }
  | { readonly error: { code: string } & Fault } {
  if (text !== "" && !isDate(text)) {
    const where = `row ${row}, column ${DATE_COLUMN}`;
    const mend = "write the day of sampling as 2017-06-30";
    return { error: { code: "CELL_INVALID", what: `${JSON.stringify(text.slice(0, 60))} is not a date`, where, mend } };
  }
  const at = text === "" ? on : chinaMidnight(text);
  if (at === undefined && dateColumn >= 0 && pack.id !== packId) {
    const what = "the sample has no date, and the edition depends on it";
    return {
      error: { code: "DATE_MISSING", what, where: `row ${row}`, mend: "fill in column date, or give --on DATE" },
    };
  }
  const answer = at === undefined ? undefined : packNamed(packs, packId, at);
  if (!answer?.found || at === undefined) return { pack, view: {} };
  const { pack: chosen, inForce, reason, effective, until } = answer;
  const edition = { pack: chosen.id, date: chinaDate(at), inForce, reason, effective, until };
  return { pack: chosen, view: { edition } };
}

/** The values of one record, or why it cannot be graded. */
function readCells(
  columns: readonly Column[],
  cells: readonly string[],
  row: number,
): SampleValue[] | ({ readonly code: string } & Fault) {
  const where = `row ${row}`;
  if (!cells[0]) return { code: "SAMPLE_UNNAMED", what: "the sample has no name", where: `${where}, column sample` };
  if (cells.length !== columns.length + 1) {
    const what = `the row has ${cells.length} cells, the header ${columns.length + 1}`;
    return { code: "ROW_LENGTH", what, where, mend: "leave cells without a result empty, but keep their commas" };
  }
  const values: SampleValue[] = [];
  for (const [index, column] of columns.entries()) {
    const text = cells[index + 1] ?? "";
    if (text === "") continue;
    const value = readCell(column, text);
    if ("what" in value) return { code: "CELL_INVALID", where: `${where}, column ${column.name}`, ...value };
    values.push(value);
  }
  return values;
}

const CELL = /^([<>]?)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/;

function readCell({ quantity, toCanonical, span }: Column, text: string): SampleValue | Fault {
  const [, sign = "", digits] = CELL.exec(text) ?? [];
  if (digits === undefined) {
    const mend = "write a number with a decimal point, <0.5 for a non-detect with its reporting limit, or nothing";
    return { what: `${JSON.stringify(text.slice(0, 60))} is not a result`, mend };
  }
  const value = convert(Number(digits), toCanonical);
  const [low, high] = span;
  if (!(value >= low && value <= high)) {
    return { what: `${text} is physically impossible`, mend: `give a value from ${low} to ${high} (canonical unit)` };
  }
  if (sign === "<" && low >= 0 && value === 0) {
    return { what: `${text} names no reporting limit`, mend: "write the reporting limit after <" };
  }
  return { quantity, value, cmp: sign as Comparison };
}

/** One object a pack, for `jingtu standards list`. */
export function listStandards(packs: Packs): readonly StandardSummary[] {
  return packs.list.map(({ id, version, standard, media, scheme, rows, byQuantity, routine }) => {
    const confidence: Record<string, number> = {};
    for (const { source } of rows) confidence[source.confidence] = (confidence[source.confidence] ?? 0) + 1;
    const enforceable = rows.filter(
      ({ ladder }) => ladder.length > 0 && ladder.every((rung) => rung.enforceable),
    ).length;
    const counts = { rows: rows.length, quantities: byQuantity.size, routine: routine.length, enforceable };
    return { id, version, ...standard, media, scheme, ...counts, confidence };
  });
}

export interface StandardSummary {
  readonly id: string;
  readonly version: number;
  readonly number: string;
  readonly title: Pack["standard"]["title"];
  readonly edition: string;
  /** Date, or null where none is known. */
  readonly effective: string | null;
  readonly replaces: string | null;
  readonly media: Pack["media"];
  readonly scheme: Pack["scheme"];
  readonly rows: number;
  readonly quantities: number;
  readonly routine: number;
  /** Rows that may fire alarms. */
  readonly enforceable: number;
  /** Rows by confidence. */
  readonly confidence: Readonly<Record<string, number>>;
}
