/** The gateway's copy of HJ 212 passwords and keys: unsealed in memory, renewed when the command line changes one. */
import type { Clock } from "./core/clock.ts";
import { Misconfigured } from "./core/errors.ts";
import { type FieldSecret, type FieldSecrets, fieldSecretPurpose } from "./core/field-secret.ts";
import type { Logger } from "./core/observe.ts";
import { loadSealingKey, unseal } from "./core/sealed.ts";
import type { Shutdown } from "./core/service.ts";
import type { DeviceSecrets } from "./gateway/hj212-server.ts";

const POLL_MS = 1_000;

/** @throws Misconfigured `FIELD_SECRETS_SEALED` when a secret does not open with the key file: it was lost or replaced. */
export async function followFieldSecrets(parts: {
  readonly secrets: Pick<FieldSecrets, "list">;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly shutdown: Shutdown;
}): Promise<() => ReadonlyMap<string, DeviceSecrets>> {
  const { secrets, dataDir, clock, log, shutdown } = parts;
  const sealed = await secrets.list();
  let known = fingerprint(sealed);
  let current = opened(sealed, dataDir);
  const renew = async (): Promise<void> => {
    const next = await secrets.list();
    if (fingerprint(next) === known) return;
    current = opened(next, dataDir);
    known = fingerprint(next);
  };
  const stop = clock.every(POLL_MS, () => {
    renew().catch((error: unknown) => {
      log.error({ err: error }, "changed secrets of field devices could not be read; the old ones stay");
    });
  });
  shutdown.onStop("field secrets", stop);
  return () => current;
}

function opened(secrets: readonly FieldSecret[], dataDir: string): ReadonlyMap<string, DeviceSecrets> {
  const byDevice = new Map<string, DeviceSecrets>();
  if (secrets.length === 0) return byDevice; // no key file is made for nobody
  const key = loadSealingKey(dataDir);
  for (const secret of secrets) {
    const plain = unseal(key, secret.sealed, fieldSecretPurpose(secret));
    if (plain === null)
      throw new Misconfigured("FIELD_SECRETS_SEALED", {
        what: `the ${secret.kind} of device ${secret.device} does not open with the key file`,
        where: `${dataDir}/hj212.key`,
        mend: "restore the key file from a backup, or give the secret again with `jingtu hj212`",
      });
    const own = secret.kind === "hj212-password" ? { password: plain } : { sm4: Buffer.from(plain, "hex") };
    byDevice.set(secret.device, { ...byDevice.get(secret.device), ...own });
  }
  return byDevice;
}

function fingerprint(secrets: readonly FieldSecret[]): string {
  return secrets.map(({ device, kind, sealed }) => `${device} ${kind} ${sealed}`).join("\n");
}
