/** Plans, zones and words of persons in the ledger: versioned, audited, there again after opening anew. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { PlanFile } from "../../../core/plan.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

async function ledgerIn(folder: string): Promise<Ledger> {
  const ledger = await openLedger({ file: join(folder, "ledger.db"), clock: new FakeClock(5) });
  onTestFinished(() => ledger.close());
  return ledger;
}
function aFile(months: number): PlanFile {
  return PlanFile.parse({
    plans: [
      {
        ...{ id: "p", site: "s", from: "2026-01-01", units: [{ id: "u", class: 2, concerns: ["cd"] }] },
        points: [{ id: "w", station: "mw-1", unit: "u", object: "groundwater", everyMonths: months }],
      },
    ],
    zones: [{ id: "z", site: "s", name: "Z", state: "planned", since: "2026-01-01", stations: ["mw-1"] }],
  });
}

test("a changed plan becomes its next version, an equal one stays, and each import leaves a trace", async () => {
  const folder = temporaryFolder();
  const { regulation, accounts } = await ledgerIn(folder);
  expect(await regulation.putPlans(aFile(6), "cli")).toBe(2);
  expect(await regulation.putPlans(aFile(6), "cli")).toBe(0);
  expect(await regulation.putPlans(aFile(3), "ann")).toBe(1);
  const other = await ledgerIn(folder);
  expect(await other.regulation.plans()).toMatchObject([
    { version: 2, changedBy: "ann", changedAt: 5, body: { id: "p", points: [{ everyMonths: 3 }] } },
  ]);
  expect(await other.regulation.zones()).toMatchObject([{ version: 1, body: { id: "z" } }]);
  expect((await accounts.audits(9)).map(({ action, detail }) => `${action} ${detail}`)).toEqual([
    ...["plan.import plan p", "plan.import plan p; zone z"],
  ]);
});

test("words of persons are only added, in their order, each with its audit entry", async () => {
  const { regulation, accounts } = await ledgerIn(temporaryFolder());
  const audit = { at: 7, actor: "li.wei", via: "cli", action: "farmland.confirm", object: "f-1", detail: "d" };
  const deed = { by: "li.wei", via: "cli", at: 7 } as const;
  const word = { station: "f-1", reason: "r", suggested: null, ...deed } as const;
  await regulation.confirm({ ...word, category: "safe-use" }, audit);
  await regulation.confirm({ ...word, category: "strict-control", suggested: "safe-use" }, audit);
  await regulation.addCrop("f-1", { on: "2026-01-01", samples: 5, exceeded: 2 }, deed, audit);
  expect(await regulation.confirmations()).toEqual([
    { ...word, category: "safe-use" },
    { ...word, category: "strict-control", suggested: "safe-use" },
  ]);
  expect(await regulation.crops()).toEqual([{ on: "2026-01-01", samples: 5, exceeded: 2, station: "f-1", ...deed }]);
  expect(await accounts.audits(9)).toHaveLength(3);
  expect(await accounts.verifyAudit()).toBeNull();
});
