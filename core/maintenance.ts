/**
 * Maintenance windows: a person says that sensors of a station are being serviced or calibrated over a span of data time.
 *
 * Readings in a window get qualifier M or C (HJ 212: maintenance, calibration), so that they raise no pollution alarm. They
 * stay stored and listed, and who set the window when and why stays too: a window is never changed or deleted, only ended.
 */
import { z } from "zod";
import type { Alarm } from "./alarm.ts";
import type { AuditEntry } from "./ports.ts";
import { isInstrumentQualifier } from "./reading.ts";
import type { Deed } from "./regulation.ts";
import { Id } from "./site.ts";

export const MAINTENANCE_REASONS = ["maintenance", "calibration"] as const;
export type MaintenanceReason = (typeof MAINTENANCE_REASONS)[number];
export const MAINTENANCE_MS_MAX = 30 * 86_400_000;

const Note = z.string().trim().min(1, "say why").max(1_000);
const DataTime = z.number().int().min(-8.64e15).max(8.64e15);

/** What a person asks for; data times, ms since 1970 UTC. */
export const MaintenanceAsk = z
  .strictObject({
    quantities: z
      .array(z.string().regex(/^[a-z0-9_]{1,40}$/, "a quantity id"))
      .min(1)
      .max(200)
      .optional()
      .describe("all when left out"),
    from: DataTime,
    to: DataTime,
    reason: z.enum(MAINTENANCE_REASONS),
    note: Note,
  })
  .refine(({ from, to }) => to > from && to - from <= MAINTENANCE_MS_MAX, {
    path: ["to"],
    message: "`to` must be after `from`, by at most 30 days",
  });
export type MaintenanceAsk = z.infer<typeof MaintenanceAsk>;

export const MaintenanceWindow = z.object({
  id: Id,
  station: Id,
  /** Absent for all of the station. */
  quantities: z.array(z.string()).optional(),
  /** Data time, ms: the first in the window, and the first after it. */
  from: z.number(),
  to: z.number(),
  reason: z.enum(MAINTENANCE_REASONS),
  note: z.string(),
  by: z.string(),
  /** Wall clock, ms. */
  at: z.number(),
  /** When it was set an alarm of pollution stood in it: it may cover up. */
  retrospective: z.boolean(),
  /** Data time, ms, at which it ends earlier than `to`; `from` for a window that was withdrawn. */
  endedAt: z.number().optional(),
  endedBy: z.string().optional(),
});
export type MaintenanceWindow = z.infer<typeof MaintenanceWindow>;

/** First data time after the window. */
export function endOf({ to, endedAt }: Pick<MaintenanceWindow, "to" | "endedAt">): number {
  return endedAt === undefined ? to : Math.min(to, endedAt);
}

/** Windows of one station. */
export interface MaintenanceStore {
  /** Of a station, or of all, oldest first; those that are over too. */
  windows(station?: string): Promise<readonly MaintenanceWindow[]>;
  add(window: MaintenanceWindow, audit: AuditEntry): Promise<void>;
  /** @param until data time, ms. */
  end(window: MaintenanceWindow, ending: Deed & { readonly until: number }, audit: AuditEntry): Promise<void>;
}

/** What the interface and the command line ask; alerts/maintenance.ts answers. */
export interface MaintenanceDesk {
  list(station?: string): Promise<readonly MaintenanceWindow[]>;
  /** @throws Refused `STATION_UNKNOWN`, `MAINTENANCE_QUANTITY`. */
  add(station: string, ask: MaintenanceAsk, deed: Deed): Promise<MaintenanceWindow>;
  /**
   * Ends a window early; the same end again is no change.
   *
   * @param station where it must be; null for wherever it is.
   * @param until data time, ms; now when left out.
   * @throws Refused `MAINTENANCE_UNKNOWN`, `MAINTENANCE_OVER`.
   */
  end(
    id: string,
    ending: { readonly station: string | null; readonly until?: number | undefined },
    deed: Deed,
  ): Promise<MaintenanceWindow>;
}

/** 0 for none, else what a window makes of a fit reading. */
export const GIVEN = { none: 0, maintenance: 1, calibration: 2 } as const;
export type Given = (typeof GIVEN)[keyof typeof GIVEN];
const LETTERS = ["N", "M", "C"] as const;

/** Letter of what a window gave; `own` when it gave none. */
export function effectiveQualifier(own: string, given: Given): string {
  return given === GIVEN.none ? own : (LETTERS[given] as string);
}

const NO_WINDOWS: readonly MaintenanceWindow[] = [];

/** Those that say something of a quantity; empty windows left out. */
export function windowsOf(
  windows: readonly MaintenanceWindow[] | undefined,
  quantity: string,
): readonly MaintenanceWindow[] {
  if (windows === undefined) return NO_WINDOWS;
  return windows.filter((one) => endOf(one) > one.from && (one.quantities?.includes(quantity) ?? true));
}

/**
 * What these windows make of a reading. A device that says itself that the value is unfit is left its word; where several
 * windows overlap, maintenance comes before calibration: the order in which they were set does not matter.
 */
export function givenBy(windows: readonly MaintenanceWindow[], time: number, own: string): Given {
  let given: Given = GIVEN.none;
  if (windows.length === 0 || isInstrumentQualifier(own)) return given;
  for (const one of windows) {
    if (time < one.from || time >= endOf(one)) continue;
    if (one.reason === "maintenance") return GIVEN.maintenance;
    given = GIVEN.calibration;
  }
  return given;
}

/** Does an alarm of pollution stand in the span and quantities of the window? */
export function coversAlarm(
  { station, quantities, from, to }: Pick<MaintenanceWindow, "station" | "quantities" | "from" | "to">,
  alarms: readonly Pick<Alarm, "station" | "category" | "quantity" | "start" | "end">[],
): boolean {
  return alarms.some(
    (alarm) =>
      alarm.station === station &&
      alarm.category === "pollution" &&
      (quantities?.includes(alarm.quantity) ?? true) &&
      alarm.start < to &&
      (alarm.end ?? Number.POSITIVE_INFINITY) >= from,
  );
}
