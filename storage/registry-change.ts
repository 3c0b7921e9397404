/** What every change of the registry begins with: a higher version and an audit entry, in the change's own transaction. */
import { appendAudit } from "./accounts-sql.ts";
import type { SqlTransaction } from "./sql-schema.ts";

/** Who changes the registry, when, and the version that the change makes. */
export interface Change {
  readonly by: string;
  readonly at: number;
  readonly version: number;
}

/** Raises the version and writes the audit entry. */
export async function beginChange(
  tx: SqlTransaction,
  deed: { by: string; at: number; action: string; object: string; text: string },
): Promise<Change> {
  const { by, at, action, object } = deed;
  const version = await raiseVersion(tx);
  await appendAudit(tx, { at, actor: by, via: "registry", action, object, detail: shortened(deed.text) });
  return { by, at, version };
}

/** Makes every reader of the registry look again. @returns the version that the change makes. */
export async function raiseVersion(tx: SqlTransaction): Promise<number> {
  const { value } = await tx
    .insertInto("counter")
    .values({ name: "registry", value: 1 })
    .onConflict((conflict) => conflict.column("name").doUpdateSet((e) => ({ value: e("counter.value", "+", 1) })))
    .returning("value")
    .executeTakeFirstOrThrow();
  return value;
}

const DETAIL_MAX = 2_000;

function shortened(text: string): string {
  return text.length <= DETAIL_MAX ? text : `${text.slice(0, DETAIL_MAX)} …`;
}

/** Keeps the number of bound values of one statement well below the engines' limits. */
const ROWS_A_STATEMENT = 500;

export function* slices<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) yield rows.slice(at, at + ROWS_A_STATEMENT);
}
