/**
 * The registry file: what people write to say who is where and which device measures what; YAML, CSV or XLSX.
 * Every fault is reported at once with its place. Secrets come in, and never go out.
 */
import { stringify } from "yaml";
import { z } from "zod";
import { Refused } from "../core/errors.ts";
import type { RegistryContents } from "../core/ports.ts";
import { Device, formatDuration, Site, Station, Tenant } from "../core/site.ts";
import { faultText, invalidFile } from "./registry-faults.ts";
import { type FileFault, readYaml, type WrittenForm } from "./registry-forms.ts";
import { type IsUnread, salvage } from "./registry-salvage.ts";
import { readCsv, writeCsv } from "./registry-table.ts";

export { importRegistry } from "./registry-import.ts";

/** A device as written; without `secret` the import makes one for a device that has none yet. */
const FileDevice = Device.extend({ secret: z.string().min(1).max(256).optional() });

const ROWS = { tenants: Tenant, sites: Site, stations: Station, devices: FileDevice };
const RegistryFile = z.strictObject({
  tenants: z.array(Tenant).default([]),
  sites: z.array(Site).default([]),
  stations: z.array(Station).default([]),
  devices: z.array(FileDevice).default([]),
});
export type RegistryFile = z.infer<typeof RegistryFile>;

export type RegistryFormat = "yaml" | "csv" | "xlsx";

/** A file that fits its schema, and where things stand in it. */
export interface ReadRegistry {
  readonly file: RegistryFile;
  /** "devices/dev-1/quantities/cd" → "sheet \"devices\", row 4, column D (quantities)", or "line 7". */
  readonly placeOf: (where: string) => string;
}

/** A file with all its faults, and what of it can be judged against the registry all the same. */
export interface SurveyedRegistry extends ReadRegistry {
  readonly faults: readonly string[];
  readonly isUnread: IsUnread;
}

/** By file name. @throws Refused `REGISTRY_FILE_INVALID` for what is not known. */
export function registryFormat(fileName: string): RegistryFormat {
  const ending = fileName.slice(fileName.lastIndexOf(".") + 1).toLowerCase();
  if (ending === "yaml" || ending === "yml") return "yaml";
  if (ending === "csv" || ending === "xlsx") return ending;
  throw new Refused("REGISTRY_FILE_INVALID", {
    what: `"${fileName}" ends in none of .yaml, .csv, .xlsx`,
    mend: "write one of these and name the file so",
  });
}

/** @throws Refused `REGISTRY_FILE_INVALID` with every fault, its line and its path. */
export function parseRegistryFile(text: string, format: "yaml" | "csv"): RegistryFile {
  if (text.startsWith("PK\u0003\u0004")) refuseSpreadsheet(); // the first bytes of every .xlsx
  return faultless(surveyed(format === "yaml" ? readYaml(text) : readCsv(text))).file;
}

/** Any of the formats. @throws as `parseRegistryFile`. */
export async function readRegistry(bytes: Buffer, format: RegistryFormat): Promise<ReadRegistry> {
  return faultless(await surveyRegistry(bytes, format));
}

/** As `readRegistry`, but with the faults told instead of thrown. @throws Refused when the format is another. */
export async function surveyRegistry(bytes: Buffer, format: RegistryFormat): Promise<SurveyedRegistry> {
  // Loaded when needed: the libraries of spreadsheets are no light ones.
  if (format === "xlsx") return surveyed(await (await import("./registry-sheets.ts")).readSheets(bytes));
  const text = bytes.toString("utf8");
  if (text.startsWith("PK\u0003\u0004")) refuseSpreadsheet();
  return surveyed(format === "yaml" ? readYaml(text) : readCsv(text));
}

function surveyed(form: WrittenForm): SurveyedRegistry {
  const parsed = RegistryFile.safeParse(form.raw);
  const faults = [...form.faults, ...overlookedFaults(form)];
  for (const issue of parsed.error?.issues ?? []) faults.push(placed(issueText(issue), issue.path, form));
  faults.sort((a, b) => a.line - b.line);
  const { rows, isUnread } = salvage(form.raw, ROWS);
  return {
    file: parsed.success && faults.length === 0 ? parsed.data : RegistryFile.parse(rows),
    placeOf: (where) => placeIn(form, where),
    faults: faults.map(({ what, line, path, at }) => faultText(what, at ?? `line ${line}${path && `, ${path}`}`)),
    isUnread: (kind, id) => form.isPartial === true || isUnread(kind, id),
  };
}

/** @throws Refused `REGISTRY_FILE_INVALID` naming every fault. */
function faultless(read: SurveyedRegistry): ReadRegistry {
  if (read.faults.length > 0) throw invalidFile(read.faults);
  return read;
}

/** @param where "kind/id/field…", as registry-check.ts names places. */
function placeIn(form: WrittenForm, where: string): string {
  const [kind = "", id, ...fields] = where.split("/");
  const at = entriesOf(form.raw, kind).find(([, one]) => field(one, "id") === id)?.[0];
  if (at === undefined) return where;
  const path = [kind, at, ...fields];
  return form.placeOf?.(path) || `line ${form.lineOf(path)}, ${where}`;
}

/** YAML that `parseRegistryFile` reads back as the same contents. */
export function exportRegistry({ tenants, sites, stations, devices }: RegistryContents): string {
  // Whoever hands in what was read from a file hands in its secrets as well: they stay here.
  const written = (devices as RegistryFile["devices"]).map(({ secret: _secret, interval, ...device }) => {
    return { ...device, interval: writtenInterval(interval) };
  });
  return stringify({ tenants, sites, stations, devices: written }, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** In the format that is asked for; `readRegistry` reads each back as the same contents. */
export async function exportedRegistry(contents: RegistryContents, format: RegistryFormat): Promise<string | Buffer> {
  if (format === "yaml") return exportRegistry(contents);
  if (format === "csv") return writeCsv(contents);
  return (await import("./registry-sheets.ts")).writeSheets(contents);
}

function writtenInterval(ms: number): string | number {
  return Number.isSafeInteger(ms) ? formatDuration(ms) : ms;
}

function refuseSpreadsheet(): never {
  throw new Refused("REGISTRY_FILE_INVALID", {
    what: "this is a spreadsheet, though its name says otherwise",
    mend: "name it .xlsx",
  });
}

function placed(what: string, path: readonly PropertyKey[], form: WrittenForm): FileFault {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  const at = form.placeOf?.(path);
  return { what, line: form.lineOf(path), path: text.replace(/^\./, ""), ...(at ? { at } : {}) };
}

/** A union says only "invalid input"; what each branch wanted is more use. */
function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_union") return issue.message;
  const wanted = new Set(issue.errors.flat().map(({ message }) => message));
  return wanted.size > 0 ? [...wanted].join("; or ") : issue.message;
}

/** What the schema cannot see: an id given twice, and a key that objects swallow. */
function overlookedFaults(form: WrittenForm): FileFault[] {
  const faults: FileFault[] = [];
  for (const kind of ["tenants", "sites", "stations", "devices"]) {
    const seen = new Set<unknown>();
    for (const [at, one] of entriesOf(form.raw, kind)) {
      const id = field(one, "id");
      if (id !== undefined && seen.has(id))
        faults.push(placed(`the id "${id}" is given twice`, [kind, at, "id"], form));
      seen.add(id);
      const quantities = field(one, "quantities");
      if (typeof quantities === "object" && quantities !== null && Object.hasOwn(quantities, "__proto__")) {
        faults.push(placed('no quantity "__proto__" is known', [kind, at, "quantities"], form));
      }
    }
  }
  return faults;
}

function entriesOf(raw: unknown, kind: string): [number, unknown][] {
  const list = field(raw, kind);
  return Array.isArray(list) ? [...list.entries()] : [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
