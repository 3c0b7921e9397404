/** How verbs open the ledger beside a running server, and leave a trace of what they did. */
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { loadPepper } from "../core/secret.ts";
import { type Ledger, openLedger } from "../storage/sql-sqlite.ts";
import type { Call } from "./verb.ts";

export const ACTOR = "cli";

export async function withLedger<T>(call: Call, work: (ledger: Ledger, dataDir: string) => Promise<T>): Promise<T> {
  const { dataDir } = call.config();
  loadPepper(dataDir); // makes the folder on first use: a registry may be imported before the first start
  const ledger = await openLedger({ file: join(dataDir, "ledger.db"), clock: systemClock });
  try {
    return await work(ledger, dataDir);
  } finally {
    await ledger.close();
  }
}

export async function audit(ledger: Ledger, action: string, object: string, detail = ""): Promise<void> {
  await ledger.accounts.audit({ at: systemClock.now(), actor: ACTOR, via: "cli", action, object, detail });
}
