/** Child process of journal tests: opens the journal of a folder, says so on stdout, and holds it until it is killed. */
import { systemClock } from "../../core/clock.ts";
import { createLogger, Metrics } from "../../core/observe.ts";
import { openSqliteJournal } from "../../storage/journal-sqlite.ts";

await openSqliteJournal({
  folder: process.argv[2] ?? "",
  clock: systemClock,
  log: createLogger("silent"),
  metrics: new Metrics(),
  diskReserveBytes: 0,
});
process.stdout.write("open\n");
