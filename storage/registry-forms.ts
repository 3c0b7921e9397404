/**
 * The written form YAML of the registry as plain objects that registry-file.ts then checks, with the line on which each
 * thing stands. Tables (CSV, XLSX): registry-table.ts.
 */
import { type Document, isPair, isScalar, LineCounter, type Pair, parseDocument, visit } from "yaml";

export interface FileFault {
  readonly what: string;
  /** From 1. */
  readonly line: number;
  readonly path: string;
  /** Where it stands, in the words of the form; "line 7" when left out. */
  readonly at?: string;
}

export interface WrittenForm {
  readonly raw: unknown;
  /** Faults of the form itself. */
  readonly faults: readonly FileFault[];
  /** Rows are there that could not be read at all. */
  readonly isPartial?: boolean;
  lineOf(path: readonly PropertyKey[]): number;
  /** Of a form that has more to say than a line: sheet, row and column. */
  placeOf?(path: readonly PropertyKey[]): string;
}

/** Fields that are text even where a number was written without quotes, such as the area 512021. */
const TEXT_FIELDS = ["id", "tenant", "site", "station", "area", "secret", "name", "zh-CN", "en"];

export function readYaml(text: string): WrittenForm {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const broken = (what: string, line = 1): FileFault => ({ what, line, path: "" });
  const faults = document.errors.map((error) => broken(error.message, lines.linePos(error.pos[0]).line));
  if (faults.length > 0) return { raw: {}, faults, isPartial: true, lineOf: () => 1 };
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: readonly number[] } | undefined;
      const start = node?.range?.[0];
      if (start !== undefined) return lines.linePos(start).line;
    }
    return 1;
  };
  keepText(document);
  try {
    return { raw: document.toJS() ?? {}, faults: [], lineOf };
  } catch (error) {
    // More aliases than the library expands: a file that would grow beyond all bounds.
    return { raw: {}, faults: [broken((error as Error).message)], isPartial: true, lineOf };
  }
}

function keepText(document: Document): void {
  visit(document, {
    Pair(_key, pair, path) {
      const value = pair.value;
      if (!isScalar(value) || typeof value.value !== "number") return;
      const isUnit = path.some((outer) => isPair(outer) && keyOf(outer) === "quantities");
      if (isUnit || TEXT_FIELDS.includes(keyOf(pair))) value.value = value.source ?? String(value.value);
    },
  });
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : "";
}
