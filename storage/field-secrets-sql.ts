/**
 * Sealed secrets of field devices, written once over Kysely. This file sees them sealed only. A change raises the
 * registry's version in its own transaction, so that whoever follows the registry has the secret no later than the rest.
 */
import type { Clock } from "../core/clock.ts";
import { Refused } from "../core/errors.ts";
import type { FieldSecrets } from "../core/field-secret.ts";
import { forgetRevocation } from "./credentials-sql.ts";
import { beginChange } from "./registry-change.ts";
import { type Sql, type SqlTransaction, writeTogether } from "./sql-schema.ts";

export function createFieldSecrets(db: Sql, clock: Clock): FieldSecrets {
  const change = (tx: SqlTransaction, action: string, device: string, by: string): Promise<unknown> =>
    beginChange(tx, { by, at: clock.now(), action, object: device, text: "" });
  return {
    put: ({ device, kind, sealed }, by) =>
      writeTogether(db, async (tx) => {
        const known = await tx.selectFrom("device").select("id").where("id", "=", device).executeTakeFirst();
        if (!known)
          throw new Refused("DEVICE_UNKNOWN", {
            what: `there is no device ${device}`,
            mend: "`jingtu registry export` lists the devices; import it first",
          });
        const columns = { sealed, changed_at: clock.now(), changed_by: by };
        await tx
          .insertInto("field_secret")
          .values({ device, kind, ...columns })
          .onConflict((conflict) => conflict.columns(["device", "kind"]).doUpdateSet(columns))
          .execute();
        await change(tx, `${kind}.set`, device, by);
        await forgetRevocation(tx, [device]);
      }),
    drop: (device, kind, by) =>
      writeTogether(db, async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom("field_secret")
          .where("device", "=", device)
          .where("kind", "=", kind)
          .executeTakeFirstOrThrow();
        if (Number(numDeletedRows) === 0) return false;
        await change(tx, `${kind}.remove`, device, by);
        return true;
      }),
    list: () =>
      db.selectFrom("field_secret").select(["device", "kind", "sealed"]).orderBy("device").orderBy("kind").execute(),
  };
}
