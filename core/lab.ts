/** Laboratory results as a file: what an import is asked and what it answers. */
import type { BothTexts } from "./explanation.ts";
import type { Comparison } from "./reading.ts";
import type { Device } from "./site.ts";

/** Results of a station come from one device of this id; it has no schedule, so it is never silent nor overdue. */
export function labDevice(station: string): string {
  return `lab-${station}`;
}

export function isLab({ id, station }: Pick<Device, "id" | "station">): boolean {
  return id === labDevice(station);
}

export const LAB_FORMS = ["csv", "xlsx"] as const;
export type LabForm = (typeof LAB_FORMS)[number];

/** One fault of a file; `row` counts from 1 as spreadsheets do, `column` is the heading, "" for the row as a whole. */
export interface LabFault extends BothTexts {
  readonly row: number;
  readonly column: string;
}

/** One row that can be used, as it was understood. */
export interface LabResult {
  readonly row: number;
  readonly station: string;
  /** When the sample was taken, ms since 1970 UTC. */
  readonly time: number;
  readonly quantity: string;
  readonly fraction: string;
  /** In `unit`, as the laboratory gave it; of a non-detect its reporting limit. */
  readonly value: number;
  readonly cmp: Comparison;
  readonly unit: string;
  readonly method: string;
  readonly detectionLimit: number | null;
  readonly lab: string;
  readonly sample: string;
}

export interface LabRequest {
  readonly bytes: Uint8Array;
  readonly form: LabForm;
  /** Zone of times without one: "+08:00" or an IANA name; without it such times are faults. */
  readonly zone?: string;
  /** Only look. */
  readonly dryRun: boolean;
  /** Take the rows without fault although others have one. */
  readonly partial: boolean;
  readonly by: string;
  readonly via: string;
  /** False for a station that is not theirs: it does not exist for them. */
  readonly mayUse: (station: string) => boolean;
}

export interface LabReport {
  /** Rows with anything in them, without the heading. */
  readonly rows: number;
  readonly results: readonly LabResult[];
  readonly faults: readonly LabFault[];
  /** Rows that were handed to ingest, durably; 0 for a dry run, and where faults stopped the whole file. */
  readonly imported: number;
}

export interface LabDesk {
  import(request: LabRequest): Promise<LabReport>;
}
