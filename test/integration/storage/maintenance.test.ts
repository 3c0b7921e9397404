/** Maintenance windows in the ledger: only added, audited, seen by every reader of the registry. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createMaintenanceDesk } from "../../../alerts/maintenance.ts";
import { createDirectory } from "../../../core/directory.ts";
import type { MaintenanceAsk } from "../../../core/maintenance.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { aDevice, anAlarm, anAlarmEvent, aSite, aStation, aTenant, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

const HOUR = 3_600_000;
const deed = { by: "li.wei", via: "cli", at: NOW + HOUR } as const;
const ask: MaintenanceAsk = { from: NOW, to: NOW + 4 * HOUR, reason: "calibration", note: "two points" };

async function ledgerIn(folder: string): Promise<Ledger> {
  const ledger = await openLedger({ file: join(folder, "ledger.db"), clock: new FakeClock(NOW) });
  onTestFinished(() => ledger.close());
  return ledger;
}

async function aDesk(folder: string) {
  const ledger = await ledgerIn(folder);
  const contents = { tenants: [aTenant()], sites: [aSite()], stations: [aStation()], devices: [aDevice()] };
  await ledger.registry.put(contents, "test");
  const directory = createDirectory(await ledger.registry.snapshot());
  let ids = 0;
  const desk = createMaintenanceDesk({
    ...{ directory: () => directory, store: ledger.maintenance, alarms: ledger.alarms },
    ...{ clock: new FakeClock(NOW + 2 * HOUR), newId: () => `w-${++ids}` },
  });
  return { ledger, desk };
}

test("set and ended: each raises the registry's version, leaves its record and its audit entry, and is there after opening anew", async () => {
  const folder = temporaryFolder();
  const { ledger, desk } = await aDesk(folder);
  const before = await ledger.registry.version();
  const set = await desk.add("mw-1", { ...ask, quantities: ["ph", "w21001", "ph"] }, deed);
  expect(set).toEqual({
    ...{ id: "w-1", station: "mw-1", ...ask, quantities: ["ph", "tn"] },
    ...{ by: "li.wei", at: NOW + HOUR, retrospective: false },
  });
  expect(await ledger.registry.version()).toBe(before + 1);
  expect((await ledger.registry.snapshot()).maintenance).toEqual([set]);
  const ended = await desk.end("w-1", { station: "mw-1" }, { ...deed, by: "ann" });
  expect(ended).toEqual({ ...set, endedAt: NOW + 2 * HOUR, endedBy: "ann" });
  expect(await desk.end("w-1", { station: null }, deed)).toEqual(ended);
  expect(await ledger.registry.version()).toBe(before + 2);
  await expect(desk.end("w-1", { station: null, until: NOW + 3 * HOUR }, deed)).rejects.toMatchObject({
    code: "MAINTENANCE_OVER",
  });
  const other = await ledgerIn(folder);
  expect(await other.maintenance.windows()).toEqual([ended]);
  expect(await other.maintenance.windows("mw-2")).toEqual([]);
  const [second, first] = await other.accounts.audits(2);
  expect(first).toMatchObject({
    ...{ actor: "li.wei", via: "cli", action: "maintenance.set", object: "mw-1" },
    detail: "w-1: calibration of ph tn, 2026-03-15T00:00:00.000Z to 2026-03-15T04:00:00.000Z; two points",
  });
  expect(second).toMatchObject({ actor: "ann", action: "maintenance.end", detail: expect.stringContaining("02:00") });
  expect(await other.accounts.verifyAudit()).toBeNull();
});

test("a window over an alarm of pollution says so in the window and in the audit", async () => {
  const { ledger, desk } = await aDesk(temporaryFolder());
  const alarm = anAlarm({ start: NOW + HOUR });
  await ledger.alarms.record([anAlarmEvent({ alarm })], { reader: "recorder", offset: 1 });
  expect(await desk.add("mw-1", ask, deed)).toMatchObject({ retrospective: true });
  expect(await desk.add("mw-1", { ...ask, quantities: ["ph"] }, deed)).toMatchObject({ retrospective: false });
  expect((await desk.list("mw-1")).map(({ retrospective }) => retrospective)).toEqual([true, false]);
  expect((await ledger.accounts.audits(2))[1]?.detail).toContain("retrospective: true");
});

test("withdrawn before it began it is empty; what is not there is refused by name", async () => {
  const { desk } = await aDesk(temporaryFolder());
  const { id } = await desk.add("mw-1", ask, deed);
  expect(await desk.end(id, { station: "mw-1", until: NOW - HOUR }, deed)).toMatchObject({ endedAt: NOW });
  await expect(desk.end(id, { station: "mw-2" }, deed)).rejects.toMatchObject({ code: "MAINTENANCE_UNKNOWN" });
  await expect(desk.add("mw-9", ask, deed)).rejects.toMatchObject({ code: "STATION_UNKNOWN" });
  const wrong = desk.add("mw-1", { ...ask, quantities: ["gold-dust"] }, deed);
  await expect(wrong).rejects.toMatchObject({ code: "MAINTENANCE_QUANTITY" });
});
