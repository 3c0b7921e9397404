/** A dry run tells every fault in one pass: of cells, of references and of quantities, each with its line. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { importRegistry, surveyRegistry } from "../../../storage/registry-file.ts";
import { openLedger } from "../../../storage/sql-sqlite.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

const HEADER = "type,id,tenant,site,station,kind,area,name,lat,lon,medium,interval,quantities,via";
const GOOD = [
  "tenant,t,,,,,,T,,,,,,",
  "site,park,t,,,farmland,x,Park,1,2,,,,",
  "station,mw,,park,,,,,,,groundwater,,,",
];

/** Faults as "what @ line". */
async function faultsOf(text: string, format: "csv" | "yaml" = "csv"): Promise<string[]> {
  const ledger = await openLedger({ file: join(temporaryFolder(), "ledger.db"), clock: new FakeClock() });
  onTestFinished(() => ledger.close());
  const surveyed = await surveyRegistry(Buffer.from(text), format);
  const parts = { registry: ledger.registry, pepper: Buffer.alloc(32, 7), dryRun: true, by: "ann" };
  const error = await importRegistry({ ...surveyed, ...parts }).then(
    () => new Error(""),
    (fault: unknown) => fault as Error,
  );
  expect(await ledger.registry.version()).toBe(0);
  return [...error.message.matchAll(/✖ (.*)\n {2}→ at line (\d+)/g)].map(
    ([, what = "", line = ""]) => `${what} @ ${line}`,
  );
}
const csv = (...rows: string[]): string => [HEADER, ...GOOD, ...rows].join("\n");

test("a bad interval, an unknown tenant, an unknown station and an unknown quantity: four faults in one run", async () => {
  const faults = await faultsOf(
    csv(
      "site,far,nobody,,,farmland,x,Far,1,2,,,,",
      "device,slow,,,mw,,,,,,,soon,ph=pH,",
      "device,lost,,,ghost,,,,,,,10m,zzz=mg/L;ph=pH,",
    ),
  );
  expect(faults).toHaveLength(4);
  expect(faults[0]).toMatch(/ @ 6$/);
  expect(faults.slice(1)).toEqual([
    'no tenant "nobody" @ 5',
    'no station "ghost" @ 7',
    'no quantity "zzz" is known @ 7',
  ]);
});

test("all four in one row", async () => {
  const faults = await faultsOf(csv("device,d,,,ghost,,,,,,,soon,zzz=mg/L,nobody"));
  expect(faults.map((fault) => fault.endsWith(" @ 5"))).toEqual([true, true, true, true]);
  expect(faults.join()).toMatch(/no station "ghost".*no quantity "zzz" is known.*no device "nobody"/);
});

test("what could not be read is not called missing", async () => {
  const unknownMedium = "station,deep,,park,,,,,,,lava,,,";
  const faults = await faultsOf(csv(unknownMedium, "device,d,,,deep,,,,,,,10m,zzz=mg/L;cd=furlong,"));
  expect(faults).toHaveLength(2);
  expect(faults[1]).toBe('no quantity "zzz" is known @ 6');
  expect(
    await faultsOf(csv("statoin,deep,,park,,,,,,,groundwater,,,", "device,d,,,deep,,,,,,,10m,ph=pH,")),
  ).toHaveLength(1);
  expect(await faultsOf("stations: 7\ndevices: [{ id: d, station: mw, quantities: { ph: pH } }]", "yaml")).toHaveLength(
    1,
  );
});

test("a file without faults has none", async () => {
  expect(await faultsOf(csv("device,d,,,mw,,,,,,,10m,ph=pH,"))).toEqual([]);
});
