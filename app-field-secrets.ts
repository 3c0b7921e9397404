/** The gateway's copy of HJ 212 passwords and keys: unsealed in memory, renewed with the registry, whose version they raise. */
import { Misconfigured } from "./core/errors.ts";
import { type FieldSecret, type FieldSecrets, fieldSecretPurpose } from "./core/field-secret.ts";
import type { Logger } from "./core/observe.ts";
import { loadSealingKey, unseal } from "./core/sealed.ts";
import type { DeviceSecrets } from "./gateway/hj212-server.ts";

export interface FollowedSecrets {
  /** By device; another map when one has changed. */
  readonly current: () => ReadonlyMap<string, DeviceSecrets>;
  /** Reads them again. Never rejects: what cannot be read leaves the old ones. */
  readonly renew: () => Promise<void>;
}

/** @throws Misconfigured `FIELD_SECRETS_SEALED` when a secret does not open with the key file: it was lost or replaced. */
export async function followFieldSecrets(parts: {
  readonly secrets: Pick<FieldSecrets, "list">;
  readonly dataDir: string;
  readonly log: Logger;
}): Promise<FollowedSecrets> {
  const { secrets, dataDir, log } = parts;
  const sealed = await secrets.list();
  let known = fingerprint(sealed);
  let current = opened(sealed, dataDir);
  const renew = async (): Promise<void> => {
    try {
      const next = await secrets.list();
      if (fingerprint(next) === known) return;
      current = opened(next, dataDir);
      known = fingerprint(next);
    } catch (error) {
      log.error({ err: error }, "changed secrets of field devices could not be read; the old ones stay");
    }
  };
  return { current: () => current, renew };
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
