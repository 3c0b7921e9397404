import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { secretMatches } from "../../../core/secret.ts";
import { exportRegistry, importRegistry, parseRegistryFile } from "../../../storage/registry-file.ts";
import type { ImportOutcome } from "../../../storage/registry-import.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

const pepper = Buffer.alloc(32, 7);
const CITY = `
tenants: [{ id: t, name: T }]
sites: [{ id: park, tenant: t, kind: farmland, area: x, name: Park, lat: 1, lon: 2 }]
stations: [{ id: mw, site: park, medium: groundwater }]
devices:
  - { id: own, station: mw, quantities: { cd: mg/L }, secret: brought-along-secret }
  - { id: made, station: mw, quantities: { ph: pH } }`;

async function opened(): Promise<Ledger> {
  const ledger = await openLedger({ file: join(temporaryFolder(), "ledger.db"), clock: new FakeClock() });
  onTestFinished(() => ledger.close());
  return ledger;
}

function bring({ registry }: Ledger, text: string, dryRun = false): Promise<ImportOutcome> {
  return importRegistry({ registry, pepper, file: parseRegistryFile(text, "yaml"), dryRun, by: "ann" });
}

test("adds everything and makes the secrets that are missing", async () => {
  const ledger = await opened();
  const outcome = await bring(ledger, CITY);
  const places = ["tenants/t", "sites/park", "stations/mw", "devices/own", "devices/made"];
  expect(outcome.changes).toEqual(places.map((place) => `add ${place}`));
  expect(outcome).toMatchObject({ added: 5, changed: 0, unchanged: 0, weak: [], secrets: [{ device: "made" }] });
  const hmacs = new Map((await ledger.registry.snapshot()).credentials.map(({ device, hmac }) => [device, hmac]));
  expect(secretMatches(pepper, "brought-along-secret", hmacs.get("own"))).toBe(true);
  expect(secretMatches(pepper, outcome.secrets[0]?.secret ?? "", hmacs.get("made"))).toBe(true);
  expect(JSON.stringify(await ledger.registry.snapshot())).not.toContain("brought-along");
});

test("a second import changes nothing, not even the version", async () => {
  const ledger = await opened();
  await bring(ledger, CITY);
  const before = await ledger.registry.snapshot();
  expect(await bring(ledger, CITY)).toEqual({
    ...{ added: 0, changed: 0, unchanged: 5, changes: [], secrets: [], credentials: [], weak: [], ended: [] },
  });
  expect(await bring(ledger, exportRegistry(before))).toMatchObject({ unchanged: 5, secrets: [], credentials: [] });
  expect(await ledger.registry.snapshot()).toEqual(before);
});

test("names what changed and replaces a secret that the file brings", async () => {
  const ledger = await opened();
  await bring(ledger, CITY);
  const outcome = await bring(ledger, CITY.replace("lat: 1", "lat: 3").replace("brought-along-secret", "short"));
  expect(outcome).toMatchObject({ added: 0, changed: 1, unchanged: 4, changes: ["change sites/park"] });
  expect(outcome).toMatchObject({ credentials: ["own"], weak: ["own"] });
  const credential = (await ledger.registry.snapshot()).credentials.find(
    ({ device, validUntil }) => device === "own" && validUntil === undefined,
  );
  expect(secretMatches(pepper, "short", credential?.hmac)).toBe(true);
});

test("a dry run tells the same and writes nothing", async () => {
  const ledger = await opened();
  expect(await bring(ledger, CITY, true)).toMatchObject({
    ...{ added: 5, secrets: [], credentials: ["own", "made"] },
  });
  expect(await ledger.registry.version()).toBe(0);
});

test.each([true, false])("refuses dangling references (dry run %s)", async (dryRun) => {
  const ledger = await opened();
  const text = CITY.replace("station: mw,", "station: nowhere,").replace("ph: pH", "ph: mg/L");
  await expect(bring(ledger, text, dryRun)).rejects.toMatchObject({
    code: "REGISTRY_INVALID",
    message: expect.stringMatching(/no station "nowhere"[\s\S]*devices\/made\/quantities\/ph/),
  });
  expect(await ledger.registry.version()).toBe(0);
});

test("a file written before a rotation or a revocation brings no old secret back", async () => {
  const ledger = await opened();
  await bring(ledger, CITY);
  await ledger.registry.revokeCredentials(["own"], "ann");
  const before = await ledger.registry.version();
  expect(await bring(ledger, CITY)).toMatchObject({ secrets: [], credentials: [], ended: ["own"] });
  expect(await ledger.registry.version()).toBe(before);
});
