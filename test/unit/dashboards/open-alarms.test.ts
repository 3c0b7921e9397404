import { expect, test } from "vitest";
import type { Alarm } from "../../../core/alarm.ts";
import type { AlarmStore } from "../../../core/ports.ts";
import { OpenAlarms } from "../../../dashboards/open-alarms.ts";
import { anAlarm, NOW } from "../../support/builders.ts";

function aStore(alarms: readonly Alarm[]): AlarmStore {
  const no = (): never => {
    throw new Error("not asked for");
  };
  return {
    record: no,
    position: no,
    get: no,
    history: no,
    counts: no,
    close: no,
    list: async ({ cursor, limit }) => {
      const from = Number(cursor ?? 0);
      const page = alarms.slice(from, from + limit);
      return { alarms: page, cursor: from + limit < alarms.length ? String(from + limit) : null };
    },
  };
}
const idsAt = (open: OpenAlarms, station: string) => open.ofStation(station).map(({ id }) => id);

test("holds every open alarm, page after page", async () => {
  const open = new OpenAlarms(aStore(Array.from({ length: 450 }, (_, n) => anAlarm({ id: `a${n}` }))));
  await open.refresh();
  expect(open.ofStation("mw-1")).toHaveLength(450);
  expect(open.ofStation("mw-2")).toHaveLength(0);
});

test("a refill from a store that runs behind does not undo what the stream said", async () => {
  const open = new OpenAlarms(aStore([anAlarm({ id: "old" }), anAlarm({ id: "gone" })]));
  await open.refresh();
  open.apply(anAlarm({ id: "gone", state: "cleared", updatedAt: NOW + 1 }));
  open.apply(anAlarm({ id: "new", updatedAt: NOW + 1 }));
  open.apply(anAlarm({ id: "merged", supersededBy: "new", updatedAt: NOW + 1 }));
  expect(idsAt(open, "mw-1").sort()).toEqual(["new", "old"]);
  await open.refresh();
  expect(idsAt(open, "mw-1").sort()).toEqual(["new", "old"]);
});

test("newest picks the later version, and knows what the store does not know yet", () => {
  const open = new OpenAlarms(aStore([]));
  const acknowledged = anAlarm({ state: "acknowledged", updatedAt: NOW + 1 });
  open.apply(acknowledged);
  expect(open.newest(anAlarm(), "alarm-1")).toBe(acknowledged);
  expect(open.newest(null, "alarm-1")).toBe(acknowledged);
  const cleared = anAlarm({ state: "cleared", updatedAt: NOW + 2 });
  expect(open.newest(cleared, "alarm-1")).toBe(cleared);
  expect(open.newest(null, "other")).toBeNull();
});
