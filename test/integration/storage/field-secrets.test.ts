import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { followFieldSecrets } from "../../../app-field-secrets.ts";
import { followRegistry } from "../../../core/directory.ts";
import { Misconfigured } from "../../../core/errors.ts";
import { fieldSecretPurpose } from "../../../core/field-secret.ts";
import { createLogger } from "../../../core/observe.ts";
import { HJ212_KEY_FILE, loadSealingKey, seal } from "../../../core/sealed.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { fieldSecretsContract } from "../../contract/field-secrets.ts";
import * as build from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

async function ledgerIn(folder: string): Promise<Ledger> {
  const ledger = await openLedger({ file: join(folder, "ledger.db"), clock: new FakeClock() });
  onTestFinished(() => ledger.close());
  const devices = [build.aDevice(), build.aDevice({ id: "dev-2" })];
  await ledger.registry.put(
    { tenants: [build.aTenant()], sites: [build.aSite()], stations: [build.aStation()], devices },
    "ann",
  );
  return ledger;
}

fieldSecretsContract("SQLite", async () => (await ledgerIn(temporaryFolder())).fieldSecrets);

test("the gateway's copy: unsealed, renewed with the registry, the key file made at first use with mode 0600", async () => {
  const dataDir = temporaryFolder();
  const ledger = await ledgerIn(dataDir);
  const log = createLogger("silent");
  const { current, renew } = await followFieldSecrets({ secrets: ledger.fieldSecrets, dataDir, log });
  const { refresh } = await followRegistry(ledger.registry, { clock: new FakeClock(), log, before: renew });
  expect(current().size).toBe(0);
  expect(() => statSync(join(dataDir, HJ212_KEY_FILE))).toThrow("ENOENT");
  const key = loadSealingKey(dataDir);
  expect(statSync(join(dataDir, HJ212_KEY_FILE)).mode & 0o777).toBe(0o600);
  for (const [kind, plain] of [
    ["hj212-password", "123456"],
    ["hj212-sm4", "30".repeat(16)],
  ] as const) {
    const sealed = seal(key, plain, fieldSecretPurpose({ device: "dev-1", kind }));
    expect(sealed).not.toContain(plain);
    await ledger.fieldSecrets.put({ device: "dev-1", kind, sealed }, "ann");
  }
  await refresh();
  expect(current().get("dev-1")).toEqual({ password: "123456", sm4: Buffer.alloc(16, 0x30) });
  await ledger.fieldSecrets.drop("dev-1", "hj212-sm4", "ann");
  await refresh();
  expect(current().get("dev-1")).toEqual({ password: "123456" });
});

test("a new password lets a revoked device in, and is in force no later than that", async () => {
  const dataDir = temporaryFolder();
  const ledger = await ledgerIn(dataDir);
  const [log, key] = [createLogger("silent"), loadSealingKey(dataDir)];
  const give = async (plain: string): Promise<void> => {
    const sealed = seal(key, plain, "hj212-password/dev-1");
    await ledger.fieldSecrets.put({ device: "dev-1", kind: "hj212-password", sealed }, "ann");
  };
  await give("leaked");
  const { current, renew } = await followFieldSecrets({ secrets: ledger.fieldSecrets, dataDir, log });
  const { refresh, directory } = await followRegistry(ledger.registry, { clock: new FakeClock(), log, before: renew });
  await ledger.registry.revokeCredentials(["dev-1"], "ann");
  await refresh();
  expect(directory().revokedSince("dev-1")).toBeDefined();
  await give("better");
  const admitted = refresh();
  for (let turn = 0; directory().revokedSince("dev-1") !== undefined; turn++) {
    expect(turn).toBeLessThan(1_000);
    await Promise.race([admitted, new Promise((resolve) => setImmediate(resolve))]);
  }
  expect(current().get("dev-1")).toEqual({ password: "better" });
});

test("a lost key stops the start and says so; the password is in no message", async () => {
  const dataDir = temporaryFolder();
  const ledger = await ledgerIn(dataDir);
  const sealed = seal(
    loadSealingKey(dataDir),
    "123456",
    fieldSecretPurpose({ device: "dev-1", kind: "hj212-password" }),
  );
  await ledger.fieldSecrets.put({ device: "dev-1", kind: "hj212-password", sealed }, "ann");
  writeFileSync(join(dataDir, HJ212_KEY_FILE), "ab".repeat(32));
  const log = createLogger("silent");
  const parts = { secrets: ledger.fieldSecrets, dataDir, log };
  const started = followFieldSecrets(parts);
  await expect(started).rejects.toThrow(Misconfigured);
  await expect(followFieldSecrets(parts)).rejects.toThrow(/FIELD_SECRETS_SEALED[\s\S]*dev-1[\s\S]*hj212.key/);
  await started.catch((error: Error) => expect(error.message).not.toContain("123456"));
});
