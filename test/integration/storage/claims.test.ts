import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { aDevice, aSite, aStation, aTenant, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

async function opened(): Promise<{ readonly ledger: Ledger; readonly clock: FakeClock }> {
  const clock = new FakeClock(NOW);
  const ledger = await openLedger({ file: join(temporaryFolder(), "ledger.db"), clock });
  onTestFinished(() => ledger.close());
  await ledger.registry.put(
    { tenants: [aTenant()], sites: [aSite()], stations: [aStation()], devices: [aDevice()] },
    "ann",
  );
  await ledger.registry.putCredentials([{ device: "dev-1", hmac: "aa" }], "ann");
  return { ledger, clock };
}
const open = (hmac: string) => ({ hmac, device: "dev-1", expiresAt: NOW + 1_000 });
const shown = (hmac: string, credential = "bb") => ({ hmac, credential, from: "192.0.2.7" });

test("a code works once: the device has the new secret only, the replay is told and audited", async () => {
  const { ledger, clock } = await opened();
  await ledger.claims.put([open("c1")], "ann");
  const both = await Promise.all([ledger.claims.redeem(shown("c1")), ledger.claims.redeem(shown("c1", "cc"))]);
  expect(both.map(({ kind }) => kind).sort()).toEqual(["claimed", "used"]);
  const { credentials } = await ledger.registry.snapshot();
  expect(credentials.filter(({ validUntil }) => (validUntil ?? Number.POSITIVE_INFINITY) > clock.now())).toHaveLength(
    1,
  );
  expect(credentials.find(({ hmac }) => hmac === "aa")?.validUntil).toBe(NOW);
  const actions = (await ledger.accounts.audits(3)).map(({ action, object, via }) => `${action} ${object} ${via}`);
  expect(actions).toContain("device.claim dev-1 192.0.2.7");
  expect(actions).toContain("device.claim-refused dev-1 192.0.2.7");
  expect(await ledger.accounts.verifyAudit()).toBeNull();
});

test("a code that nobody made, an expired one, one replaced by a newer and one of a revoked device open nothing", async () => {
  const { ledger, clock } = await opened();
  await ledger.claims.put([open("c1")], "ann");
  await ledger.claims.put([open("c2")], "ann");
  expect(await ledger.claims.redeem(shown("nobody"))).toEqual({ kind: "unknown" });
  expect(await ledger.claims.redeem(shown("c1"))).toEqual({ kind: "withdrawn", device: "dev-1" });
  clock.advance(1_000);
  expect(await ledger.claims.redeem(shown("c2"))).toEqual({ kind: "expired", device: "dev-1" });
  await ledger.claims.put([{ ...open("c3"), expiresAt: clock.now() + 1_000 }], "ann");
  await ledger.registry.revokeCredentials(["dev-1"], "ann");
  expect(await ledger.claims.redeem(shown("c3"))).toEqual({ kind: "withdrawn", device: "dev-1" });
  expect((await ledger.registry.snapshot()).credentials.map(({ hmac }) => hmac)).toEqual(["aa"]);
});

test("refuses a code for no device", async () => {
  const { ledger } = await opened();
  await expect(ledger.claims.put([{ ...open("c1"), device: "dev-9" }], "ann")).rejects.toMatchObject({
    code: "REGISTRY_INVALID",
  });
});
