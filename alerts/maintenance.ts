/**
 * Sets and ends maintenance windows in a person's name. A window set over an alarm of pollution is allowed, for a probe
 * may have been out of the water; that it was set afterwards is written into its audit entry and stays with the window.
 */
import type { Clock } from "../core/clock.ts";
import { Refused } from "../core/errors.ts";
import {
  coversAlarm,
  endOf,
  type MaintenanceDesk,
  type MaintenanceStore,
  type MaintenanceWindow,
} from "../core/maintenance.ts";
import type { AlarmStore, AuditEntry, Directory } from "../core/ports.ts";
import { findQuantity } from "../core/quantity.ts";
import type { Deed } from "../core/regulation.ts";

export interface MaintenanceParts {
  readonly directory: () => Directory;
  readonly store: MaintenanceStore;
  readonly alarms: Pick<AlarmStore, "list">;
  readonly clock: Pick<Clock, "now">;
  readonly newId: () => string;
}

const ALARMS_A_PAGE = 200;

export function createMaintenanceDesk(parts: MaintenanceParts): MaintenanceDesk {
  const { directory, store, clock } = parts;
  return {
    list: (station) => store.windows(station),
    async add(station, ask, deed) {
      if (!directory().station(station)) {
        const mend = "`jingtu registry export` shows all";
        throw new Refused("STATION_UNKNOWN", { what: `there is no station ${station}`, mend }, 404);
      }
      const { quantities, ...rest } = ask;
      const known = quantities?.map(quantityId);
      const asked = { station, ...rest, ...(known ? { quantities: [...new Set(known)].sort() } : {}) };
      const retrospective = coversAlarm(asked, await alarmsOf(parts, station));
      const window = { id: parts.newId(), ...asked, by: deed.by, at: deed.at, retrospective };
      await store.add(window, auditOf("maintenance.set", window, deed, detailOf(window)));
      return window;
    },
    async end(id, { station, until = clock.now() }, deed) {
      const window = (await store.windows(station ?? undefined)).find((one) => one.id === id);
      if (!window) {
        const mend = "`jingtu maintenance list` shows all";
        throw new Refused("MAINTENANCE_UNKNOWN", { what: `there is no maintenance window ${id}`, mend }, 404);
      }
      const end = Math.max(until, window.from);
      if (end === endOf(window)) return window;
      if (end > endOf(window)) throw over(window);
      const detail = `until ${iso(end)} instead of ${iso(endOf(window))}`;
      await store.end(window, { ...deed, until: end }, auditOf("maintenance.end", window, deed, detail));
      return { ...window, endedAt: end, endedBy: deed.by };
    },
  };
}

function quantityId(name: string): string {
  const quantity = findQuantity(name);
  if (quantity) return quantity.id;
  throw new Refused("MAINTENANCE_QUANTITY", {
    what: `"${name}" is neither a quantity nor an HJ 212 code`,
    mend: "name quantities as readings do, or leave them out for all of the station",
  });
}

async function alarmsOf({ alarms }: MaintenanceParts, station: string) {
  const all = [];
  let cursor: string | undefined;
  do {
    const page = await alarms.list({ station, limit: ALARMS_A_PAGE, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...page.alarms);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return all;
}

function over(window: MaintenanceWindow): Refused {
  return new Refused(
    "MAINTENANCE_OVER",
    {
      what: `maintenance window ${window.id} ended at ${iso(endOf(window))} already`,
      mend: "name an earlier end (until) to shorten it; set another window to lengthen it",
    },
    409,
  );
}

function auditOf(action: string, { station }: MaintenanceWindow, deed: Deed, detail: string): AuditEntry {
  return { at: deed.at, actor: deed.by, via: deed.via, action, object: station, detail };
}

function detailOf({ id, quantities, from, to, reason, note, retrospective }: MaintenanceWindow): string {
  const span = `${iso(from)} to ${iso(to)}`;
  const mark = retrospective ? "; retrospective: true" : "";
  return `${id}: ${reason} of ${quantities?.join(" ") ?? "all quantities"}, ${span}${mark}; ${note}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
