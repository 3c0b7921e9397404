/** Laboratory results: from a file to the journal. Composes reading (ingest/lab), spreadsheets and the registry. */
import { CsvError, parse as parseCsv } from "csv-parse/sync";
import type { Clock } from "./core/clock.ts";
import { encodeRaw, type RawMessage } from "./core/envelope.ts";
import { Refused } from "./core/errors.ts";
import type { LabDesk, LabReport, LabRequest, LabResult } from "./core/lab.ts";
import type { Accounts, Directory, Journal, Registry } from "./core/ports.ts";
import { labDevices, labMessages } from "./ingest/lab/messages.ts";
import { type LabRow, readResults } from "./ingest/lab/read-results.ts";
import { readFirstSheet } from "./storage/sheets.ts";

const BYTES_MAX = 4 * 1024 * 1024;

export interface LabParts {
  /** As it is now, not as a follower last heard. */
  readonly directory: () => Promise<Directory>;
  readonly registry: Pick<Registry, "put">;
  readonly accounts: Pick<Accounts, "audit">;
  /** Durable when resolved. */
  readonly append: (messages: readonly RawMessage[]) => Promise<void>;
  readonly clock: Clock;
}

export function createLabDesk(parts: LabParts): LabDesk {
  return { import: (request) => importResults(parts, request) };
}

export function appendRaw(journal: Pick<Journal, "commit">): LabParts["append"] {
  return (messages) => journal.commit({ append: [{ stream: "raw", entries: messages.map(encodeRaw) }] });
}

/** Messages as one JSON value, for the control socket, and back. */
export function codeMessages(messages: readonly RawMessage[]): readonly object[] {
  return messages.map((message) => ({ ...message, payload: Buffer.from(message.payload).toString("base64") }));
}
export function uncodeMessages(coded: unknown): readonly RawMessage[] {
  return (coded as readonly (Omit<RawMessage, "payload"> & { readonly payload: string })[]).map((message) => ({
    ...message,
    payload: Buffer.from(message.payload, "base64"),
  }));
}

async function importResults(parts: LabParts, request: LabRequest): Promise<LabReport> {
  const { clock, registry } = parts;
  const { dryRun, partial, by, mayUse, zone = "" } = request;
  const directory = await parts.directory();
  const read = readResults(await rowsOf(request), { directory, mayUse, zone, now: clock.now() });
  const { results, faults } = read;
  if (dryRun || results.length === 0 || (faults.length > 0 && !partial)) return { ...read, imported: 0 };
  const devices = labDevices(results, directory);
  if (devices.length > 0) await registry.put({ devices }, by);
  const receivedAt = clock.now();
  await parts.append(labMessages(results, directory).map((message) => ({ ...message, receivedAt })));
  await auditSamples(parts, request, results);
  return { ...read, imported: results.length };
}

/** The journal is trimmed some day; who brought which result of which method stays in the audit. */
async function auditSamples(
  { accounts, clock }: LabParts,
  { by, via }: LabRequest,
  results: readonly LabResult[],
): Promise<void> {
  const samples = new Map<string, LabResult[]>();
  for (const result of results) {
    const key = JSON.stringify([result.station, result.sample, result.lab]);
    samples.set(key, [...(samples.get(key) ?? []), result]);
  }
  for (const sample of samples.values()) {
    const [first] = sample;
    if (!first) continue;
    const values = sample.map(
      ({ quantity, cmp, value, unit, method, detectionLimit, time }) =>
        `${quantity} ${cmp}${value} ${unit}${method ? ` ${method}` : ""}${detectionLimit === null ? "" : ` dl ${detectionLimit}`} ${new Date(time).toISOString()}`,
    );
    const object = `${first.station}${first.sample ? ` ${first.sample}` : ""}`;
    const detail = [first.lab, ...values].filter(Boolean).join("; ").slice(0, 2_000);
    await accounts.audit({ at: clock.now(), actor: by, via, action: "lab.import", object, detail });
  }
}

/** @throws Refused `BODY_TOO_LARGE`, `FILE_UNREADABLE`, `CSV_UNREADABLE`. */
async function rowsOf({ bytes, form }: LabRequest): Promise<LabRow[]> {
  if (bytes.byteLength > BYTES_MAX)
    throw new Refused("BODY_TOO_LARGE", { what: `more than ${BYTES_MAX} bytes`, mend: "split the file" }, 413);
  if (form === "xlsx") return (await readFirstSheet(bytes)).map((cells, at) => ({ cells, line: at + 1 }));
  try {
    const options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true } as const;
    const rows = parseCsv(Buffer.from(bytes), options) as unknown as { record: string[]; info: { lines: number } }[];
    return rows.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const mend = "save it as CSV in UTF-8, or as XLSX";
    throw new Refused("CSV_UNREADABLE", { what: error.message, where: "the file", mend });
  }
}
