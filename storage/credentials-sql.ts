/**
 * Device secrets (as HMAC) and claim codes. A secret that is over stays for a while: its use is then told from a guess,
 * and importing an old file cannot bring it back.
 */
import type { Clock } from "../core/clock.ts";
import type { Claims } from "../core/device-door.ts";
import { Refused } from "../core/errors.ts";
import type { DeviceCredential, RevokedDevice } from "../core/ports.ts";
import { appendAudit } from "./accounts-sql.ts";
import { beginChange, slices } from "./registry-change.ts";
import { type LedgerTables, type Sql, type SqlTransaction, writeTogether } from "./sql-schema.ts";

/** How long a secret that is over, or a code, is remembered. */
const REMEMBERED_MS = 90 * 86_400_000;

interface Deed {
  readonly by: string;
  readonly at: number;
}
type NewCredential = Pick<DeviceCredential, "device" | "hmac">;

export async function keptCredentials(tx: SqlTransaction): Promise<DeviceCredential[]> {
  const rows = await tx
    .selectFrom("credential")
    .select(["device", "hmac", "valid_until"])
    .orderBy("device")
    .orderBy("changed_at")
    .orderBy("hmac")
    .execute();
  return rows.map(({ device, hmac, valid_until: validUntil }) => {
    return validUntil === null ? { device, hmac } : { device, hmac, validUntil };
  });
}

export async function putCredentials(
  tx: SqlTransaction,
  credentials: readonly NewCredential[],
  deed: Deed & { readonly overlapMs: number },
): Promise<void> {
  if (credentials.length === 0) return;
  const devices = credentials.map(({ device }) => device);
  await refuseUnknownDevices(tx, devices);
  const { by, at, overlapMs } = deed;
  const end = at + Math.max(0, overlapMs);
  const text = `${devices.join(" ")}${overlapMs > 0 ? `; those before end at ${new Date(end).toISOString()}` : ""}`;
  await beginChange(tx, { by, at, action: "registry.credentials", object: "devices", text });
  // Two at most are open: one that was on its way out already ends now.
  await endCredentials(tx, devices, { at, hasEnd: true });
  await endCredentials(tx, devices, { at: end, hasEnd: false });
  await forgetRevocation(tx, devices);
  for (const some of slices(credentials)) {
    const rows = some.map(({ device, hmac }) => ({ device, hmac, valid_until: null, changed_at: at, changed_by: by }));
    await tx
      .insertInto("credential")
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(["device", "hmac"]).doUpdateSet({ valid_until: null, changed_at: at, changed_by: by }),
      )
      .execute();
  }
  await tx
    .deleteFrom("credential")
    .where("valid_until", "<", at - REMEMBERED_MS)
    .execute();
}

export async function revokeCredentials(tx: SqlTransaction, devices: readonly string[], deed: Deed): Promise<void> {
  if (devices.length === 0) return;
  await refuseUnknownDevices(tx, devices);
  const { by, at } = deed;
  await beginChange(tx, { by, at, action: "device.revoke", object: "devices", text: devices.join(" ") });
  await endCredentials(tx, devices, { at, hasEnd: true });
  await endCredentials(tx, devices, { at, hasEnd: false });
  await withdrawCodes(tx, devices, at);
  const rows = [...new Set(devices)].map((device) => ({ device, since_at: at, revoked_by: by }));
  for (const some of slices(rows)) {
    const revoked = tx.insertInto("revoked_device").values(some);
    await revoked.onConflict((conflict) => conflict.column("device").doNothing()).execute();
  }
}

export async function keptRevocations(tx: SqlTransaction): Promise<RevokedDevice[]> {
  const rows = await tx.selectFrom("revoked_device").select(["device", "since_at"]).orderBy("device").execute();
  return rows.map(({ device, since_at: since }) => ({ device, since }));
}

export async function admitDevices(tx: SqlTransaction, devices: readonly string[], deed: Deed): Promise<string[]> {
  await refuseUnknownDevices(tx, devices);
  const revoked = (await keptRevocations(tx)).map(({ device }) => device).filter((device) => devices.includes(device));
  if (revoked.length === 0) return [];
  const { by, at } = deed;
  await beginChange(tx, { by, at, action: "device.admit", object: "devices", text: revoked.join(" ") });
  await forgetRevocation(tx, revoked);
  return revoked;
}

export async function forgetRevocation(tx: SqlTransaction, devices: readonly string[]): Promise<void> {
  for (const some of slices(devices)) await tx.deleteFrom("revoked_device").where("device", "in", some).execute();
}

/** Ends at `at` what would end later: those with an end, or those without. */
async function endCredentials(
  tx: SqlTransaction,
  devices: readonly string[],
  { at, hasEnd }: { readonly at: number; readonly hasEnd: boolean },
): Promise<void> {
  for (const some of slices(devices)) {
    const open = tx.updateTable("credential").set({ valid_until: at }).where("device", "in", some);
    await (hasEnd ? open.where("valid_until", ">", at) : open.where("valid_until", "is", null)).execute();
  }
}

async function withdrawCodes(tx: SqlTransaction, devices: readonly string[], at: number): Promise<void> {
  for (const some of slices(devices)) {
    await tx
      .updateTable("claim_code")
      .set({ withdrawn_at: at })
      .where("device", "in", some)
      .where("used_at", "is", null)
      .where("withdrawn_at", "is", null)
      .execute();
  }
}

async function refuseUnknownDevices(tx: SqlTransaction, devices: readonly string[]): Promise<void> {
  const known = new Set((await tx.selectFrom("device").select("id").execute()).map((row) => row.id));
  const unknown = devices.filter((device) => !known.has(device));
  if (unknown.length === 0) return;
  throw new Refused("REGISTRY_INVALID", {
    what: `no such device: ${unknown.join(", ")}`,
    where: "registry, credentials",
    mend: "put the device first; nothing was changed",
  });
}

export function createClaims(db: Sql, clock: Clock): Claims {
  return {
    put: (codes, by) =>
      writeTogether(db, async (tx) => {
        if (codes.length === 0) return;
        const devices = codes.map(({ device }) => device);
        await refuseUnknownDevices(tx, devices);
        const at = clock.now();
        const object = "devices";
        const detail = devices.join(" ");
        await appendAudit(tx, { at, actor: by, via: "registry", action: "device.claim-code", object, detail });
        await withdrawCodes(tx, devices, at);
        await tx
          .deleteFrom("claim_code")
          .where("expires_at", "<", at - REMEMBERED_MS)
          .execute();
        for (const some of slices(codes)) {
          const rows = some.map(({ hmac, device, expiresAt }) => {
            return {
              ...{ hmac, device, expires_at: expiresAt, made_at: at, made_by: by },
              ...{ used_at: null, withdrawn_at: null },
            };
          });
          await tx.insertInto("claim_code").values(rows).execute();
        }
      }),
    redeem: async (shown) => {
      // A guess reads once; it must not take the lock of writers.
      const known = await db
        .selectFrom("claim_code")
        .select("device")
        .where("hmac", "=", shown.hmac)
        .executeTakeFirst();
      return known ? writeTogether(db, (tx) => redeem(tx, shown, clock.now())) : { kind: "unknown" };
    },
  };
}

async function redeem(
  tx: SqlTransaction,
  { hmac, credential, from }: Parameters<Claims["redeem"]>[0],
  at: number,
): ReturnType<Claims["redeem"]> {
  const code = await tx.selectFrom("claim_code").selectAll().where("hmac", "=", hmac).executeTakeFirst();
  if (!code) return { kind: "unknown" };
  const { device } = code;
  const refusal = refusalOf(code, at);
  if (refusal) {
    const entry = { at, actor: "installer", via: from, action: "device.claim-refused", object: device };
    await appendAudit(tx, { ...entry, detail: `the code is ${refusal}` });
    return { kind: refusal, device };
  }
  await tx.updateTable("claim_code").set({ used_at: at }).where("hmac", "=", hmac).execute();
  await putCredentials(tx, [{ device, hmac: credential }], { by: `claim from ${from}`, at, overlapMs: 0 });
  await appendAudit(tx, { at, actor: "installer", via: from, action: "device.claim", object: device, detail: "" });
  return { kind: "claimed", device };
}

function refusalOf(code: LedgerTables["claim_code"], now: number): "used" | "withdrawn" | "expired" | null {
  if (code.used_at !== null) return "used";
  if (code.withdrawn_at !== null) return "withdrawn";
  return code.expires_at <= now ? "expired" : null;
}
