/** Sealed secrets of field devices, written once over Kysely. This file sees them sealed only. */
import type { Clock } from "../core/clock.ts";
import { Refused } from "../core/errors.ts";
import type { FieldSecrets } from "../core/field-secret.ts";
import { type Sql, writeTogether } from "./sql-schema.ts";

export function createFieldSecrets(db: Sql, clock: Clock): FieldSecrets {
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
      }),
    drop: (device, kind) =>
      writeTogether(db, async (tx) => {
        const { numDeletedRows } = await tx
          .deleteFrom("field_secret")
          .where("device", "=", device)
          .where("kind", "=", kind)
          .executeTakeFirstOrThrow();
        return Number(numDeletedRows) > 0;
      }),
    list: () =>
      db.selectFrom("field_secret").select(["device", "kind", "sealed"]).orderBy("device").orderBy("kind").execute(),
  };
}
