/** A process that opens the ledger in the file of its first argument, puts the tenant of its second, and ends. */
import { systemClock } from "../../core/clock.ts";
import { openLedger } from "../../storage/sql-sqlite.ts";

const [file = "", tenant = ""] = process.argv.slice(2);
const ledger = await openLedger({ file, clock: systemClock });
await ledger.registry.put({ tenants: [{ id: tenant, name: "T" }] }, "process");
await ledger.close();
