/** What every adapter of the port AlarmStore must keep. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Alarm, AlarmEvent } from "../../core/alarm.ts";
import type { AlarmFilter, AlarmStore } from "../../core/ports.ts";
import { anAlarm, anAlarmEvent, NOW } from "../support/builders.ts";

const READER = "recorder";

/** @param open an empty store; the suite closes it. */
export function alarmsContract(name: string, open: () => Promise<AlarmStore>): void {
  const opened = async (alarms: readonly Alarm[] = []): Promise<AlarmStore> => {
    const store = await open();
    onTestFinished(() => store.close());
    await store.record(
      alarms.map((alarm) => anAlarmEvent({ alarm })),
      { reader: READER, offset: alarms.length },
    );
    return store;
  };

  describe(`${name} keeps the alarm store contract`, () => {
    test("is empty at position 0", async () => {
      const store = await opened();
      expect(await store.position("nobody")).toBe(0);
      expect(await store.list({ limit: 10 })).toEqual({ alarms: [], cursor: null });
      expect(await store.get("alarm-1")).toBeNull();
      expect(await store.history("alarm-1")).toEqual([]);
      expect(await store.counts()).toEqual({ active: 0, acknowledged: 0, cleared: 0 });
    });

    test("gives back the newest state and the whole history in order", async () => {
      const store = await opened();
      const events = story();
      await store.record(events.slice(0, 2), { reader: READER, offset: 2 });
      await store.record(events.slice(2), { reader: READER, offset: 3 });
      expect(await store.position(READER)).toBe(3);
      expect(await store.get("alarm-1")).toEqual(events[2]?.alarm);
      expect(await store.history("alarm-1")).toEqual(events);
    });

    test("the same events twice equal once, even after newer ones", async () => {
      const store = await opened();
      const events = story();
      await store.record([...events, ...events.slice(0, 2)], { reader: READER, offset: 3 });
      await store.record(events.slice(0, 1), { reader: READER, offset: 3 });
      expect(await store.get("alarm-1")).toEqual(events[2]?.alarm);
      expect(await store.history("alarm-1")).toEqual(events);
      expect(await store.counts()).toEqual({ active: 0, acknowledged: 0, cleared: 1 });
    });

    test("keeps no position when the events of the same call cannot be kept", async () => {
      const store = await opened();
      const unfit = { ...anAlarmEvent({ id: "bad" }), kind: null as unknown as AlarmEvent["kind"] };
      await expect(store.record([anAlarmEvent(), unfit], { reader: READER, offset: 2 })).rejects.toThrow();
      expect(await store.position(READER)).toBe(0);
      expect(await store.get("alarm-1")).toBeNull();
    });

    test("pages through everything once, newest first, ids breaking ties", async () => {
      const alarms = Array.from({ length: 25 }, (_, n) =>
        anAlarm({
          id: `a-${String(n).padStart(2, "0")}`,
          state: (["active", "acknowledged", "cleared"] as const)[n % 3] ?? "active",
          level: n % 2 === 0 ? "red" : "blue",
          updatedAt: NOW + Math.floor(n / 4) * 1_000,
        }),
      );
      const store = await opened(alarms);
      const expected = [...alarms].sort((a, b) => b.updatedAt - a.updatedAt || (a.id < b.id ? -1 : 1));
      for (const limit of [1, 4, 24, 25, 26]) {
        expect((await allPages(store, { limit })).map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
        const byLevel = await allPages(store, { limit, level: ["blue", "red"] });
        expect(byLevel.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
      }
    });

    test.each<[string, Omit<AlarmFilter, "limit">, readonly string[]]>([
      ["state", { state: ["active", "acknowledged"] }, ["red", "foreign", "acked"]],
      ["no state", { state: [] }, []],
      ["level", { level: ["red"] }, ["red"]],
      ["levels", { level: ["red", "blue"] }, ["red", "foreign"]],
      ["tenant", { tenant: "tenant-2" }, ["foreign"]],
      ["site", { site: "site-2" }, ["foreign"]],
      ["station", { station: "mw-1" }, ["red", "acked"]],
      [
        "all of them",
        { tenant: "tenant-1", site: "site-1", station: "mw-2", state: ["cleared"], level: ["orange"] },
        ["over"],
      ],
    ])("filters by %s", async (_by, filter, ids) => {
      const store = await opened([
        anAlarm({ id: "over", state: "cleared", station: "mw-2" }),
        anAlarm({ id: "acked", state: "acknowledged", updatedAt: NOW + 1 }),
        anAlarm({ id: "foreign", level: "blue", tenant: "tenant-2", site: "site-2", station: "x", updatedAt: NOW + 2 }),
        anAlarm({ id: "red", level: "red", updatedAt: NOW + 3 }),
      ]);
      expect((await store.list({ ...filter, limit: 10 })).alarms.map(({ id }) => id)).toEqual(ids);
    });

    test("leaves out what was retracted or superseded unless asked by id", async () => {
      const store = await opened([anAlarm(), anAlarm({ id: "gone", supersededBy: "alarm-1" })]);
      expect((await store.list({ limit: 10 })).alarms.map(({ id }) => id)).toEqual(["alarm-1"]);
      expect(await store.counts()).toEqual({ active: 1, acknowledged: 0, cleared: 0 });
      expect((await store.get("gone"))?.supersededBy).toBe("alarm-1");
    });

    test("leaves out alarms of suspected data when asked to, page by page and in counts", async () => {
      const store = await opened([
        anAlarm({ id: "1", updatedAt: NOW + 3 }),
        anAlarm({ id: "2", category: "integrity", updatedAt: NOW + 2 }),
        anAlarm({ id: "3", updatedAt: NOW + 1 }),
      ]);
      const ids = async (filter: object) => (await store.list({ limit: 2, ...filter })).alarms.map(({ id }) => id);
      expect(await ids({})).toEqual(["1", "2"]);
      expect(await ids({ withoutIntegrity: true })).toEqual(["1", "3"]);
      expect(await store.counts()).toMatchObject({ active: 3 });
      expect(await store.counts({ tenant: "tenant-1", withoutIntegrity: true })).toMatchObject({ active: 2 });
    });

    test("counts by state, of one tenant or all", async () => {
      const store = await opened([
        anAlarm({ id: "1" }),
        anAlarm({ id: "2", state: "cleared" }),
        anAlarm({ id: "3", tenant: "tenant-2" }),
      ]);
      expect(await store.counts()).toEqual({ active: 2, acknowledged: 0, cleared: 1 });
      expect(await store.counts({ tenant: "tenant-1" })).toEqual({ active: 1, acknowledged: 0, cleared: 1 });
      expect(await store.counts({ tenant: "nobody" })).toEqual({ active: 0, acknowledged: 0, cleared: 0 });
    });

    test.each(["", "x", "bnVsbA", "WzEsMl0"])("refuses the cursor %j", async (cursor) => {
      const store = await opened();
      await expect(store.list({ cursor, limit: 1 })).rejects.toMatchObject({ code: "CURSOR_INVALID" });
    });
  });
}

/** Raised, acknowledged, cleared. */
function story(): AlarmEvent[] {
  const raised = anAlarm();
  const acked = anAlarm({ state: "acknowledged", acknowledgedBy: "ann", updatedAt: NOW + 1_000 });
  const cleared = anAlarm({ ...acked, state: "cleared", end: NOW + 2_000, updatedAt: NOW + 2_000 });
  return [
    anAlarmEvent({ alarm: raised }),
    anAlarmEvent({ alarm: acked, kind: "acknowledged", by: "ann", via: "web", note: "seen" }),
    anAlarmEvent({ alarm: cleared, kind: "cleared" }),
  ];
}

async function allPages(store: AlarmStore, filter: AlarmFilter): Promise<Alarm[]> {
  const alarms: Alarm[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<AlarmStore["list"]>> = await store.list(cursor ? { ...filter, cursor } : filter);
    expect(page.alarms.length).toBeLessThanOrEqual(filter.limit);
    alarms.push(...page.alarms);
    cursor = page.cursor;
  } while (cursor);
  return alarms;
}
