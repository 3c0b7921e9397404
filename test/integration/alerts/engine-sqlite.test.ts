/** Engine, recorder and desk on a real journal and a real ledger: a reading becomes an alarm that a person acknowledges. */
import { randomUUID } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { createAlarmDesk } from "../../../alerts/desk.ts";
import { runAlerts } from "../../../alerts/engine.ts";
import { runRecorder } from "../../../alerts/record.ts";
import { systemClock } from "../../../core/clock.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import { openLedger } from "../../../storage/sql-sqlite.ts";
import { aBlockEncoded, aDirectory, anOrigin, aReading, aVersionedRule } from "../../support/builders.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { aJournal } from "../../support/journal-sqlite.ts";
import { noLimits } from "../../support/timeline.ts";

const clock = systemClock;
const log = createLogger("silent");

test("reading to acknowledged alarm, with a restart in between", async () => {
  const { journal } = await aJournal();
  const ledger = await openLedger({ file: `${temporaryFolder()}/ledger.db`, clock });
  onTestFinished(() => ledger.close());
  const { alarms } = ledger;
  const directory = aDirectory({ rules: [aVersionedRule({ above: 10 })] });
  const start = () => {
    const stop = new AbortController();
    const parts = { journal, directory: () => directory, bindLimit: noLimits, clock, log, metrics: new Metrics() };
    const loops = [runAlerts(parts, stop.signal), runRecorder({ journal, alarms, clock, log }, stop.signal)];
    return async () => {
      stop.abort();
      await Promise.all(loops);
    };
  };
  const send = (seq: number, value: number): Promise<void> => {
    const receivedAt = clock.now();
    const origin = anOrigin({ seq, receivedAt });
    return journal.append("readings", aBlockEncoded([aReading({ time: receivedAt - 100 + seq, value, origin })]));
  };
  const recorded = async (count: number): Promise<void> => {
    const signal = AbortSignal.timeout(20_000);
    while ((await alarms.position("recorder")) < count && !signal.aborted) await clock.sleep(5);
  };

  let stop = start();
  await send(1, 11);
  await recorded(1);
  await stop();
  stop = start();
  const { alarms: open } = await alarms.list({ state: ["active"], limit: 10 });
  expect(open).toMatchObject([{ rule: "cd-high", value: 11, end: null }]);
  const desk = createAlarmDesk({ journal, alarms, clock, newId: randomUUID });
  const request = { alarm: open[0]?.id ?? "", by: "officer", via: "web" } as const;
  expect(await desk.acknowledge(request)).toMatchObject({ state: "acknowledged", acknowledgedBy: "officer" });
  expect(await desk.acknowledge({ ...request, by: "second" })).toMatchObject({ acknowledgedBy: "officer" });
  await send(2, 1);
  await recorded(3);
  await stop();
  const history = await alarms.history(request.alarm);
  expect(history.map(({ kind }) => kind)).toEqual(["raised", "acknowledged", "cleared"]);
});
