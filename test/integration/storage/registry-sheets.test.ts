/** The registry as CSV and XLSX, by files that the program and a spreadsheet library wrote. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import writeWorkbook from "write-excel-file/node";
import type { RegistryContents } from "../../../core/ports.ts";
import { Device } from "../../../core/site.ts";
import { exportedRegistry, importRegistry, readRegistry } from "../../../storage/registry-file.ts";
import { openLedger } from "../../../storage/sql-sqlite.ts";
import { aDevice, aSite, aStation, aTenant } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

const CITY: RegistryContents = {
  tenants: [aTenant(), aTenant({ id: "512021", name: "=cmd|'/c calc'!A1" })],
  sites: [aSite({ lat: 30.123456789012, lon: -0.5 })],
  stations: [aStation({ targetClass: "III", ph: 6.5 }), aStation({ id: "0012", land: "paddy", medium: "soil" })],
  devices: [
    aDevice({ id: "gateway-1" }),
    Device.parse({
      ...{ id: "dev-2", station: "mw-1", interval: "1500ms", quantities: { cd: "mg/L" }, via: "gateway-1" },
      profile: { map: { '镉,"总"': { quantity: "cd", unit: "µg/L" } }, hj212: { mn: "A1;0".replace(";", "") } },
    }),
  ],
};

async function aRegistry() {
  const ledger = await openLedger({ file: join(temporaryFolder(), "ledger.db"), clock: new FakeClock() });
  onTestFinished(() => ledger.close());
  return ledger.registry;
}

test.each(["csv", "xlsx", "yaml"] as const)(
  "%s: what is exported reads back as the same, and imports",
  async (format) => {
    const bytes = Buffer.from(await exportedRegistry(CITY, format));
    const { file, placeOf } = await readRegistry(bytes, format);
    expect(file).toEqual(CITY);
    const registry = await aRegistry();
    const outcome = await importRegistry({
      registry,
      pepper: Buffer.alloc(32),
      file,
      placeOf,
      dryRun: false,
      by: "ann",
    });
    expect(outcome.added).toBe(7);
    const { tenants, sites, stations, devices } = await registry.snapshot();
    const again = Buffer.from(await exportedRegistry({ tenants, sites, stations, devices }, format));
    const second = await readRegistry(again, format);
    const unchanged = await importRegistry({
      ...{ registry, pepper: Buffer.alloc(32), file: second.file, dryRun: true, by: "ann" },
    });
    expect(unchanged).toMatchObject({ added: 0, changed: 0, unchanged: 7 });
  },
);

test("no cell of the CSV is a formula", async () => {
  const csv = String(await exportedRegistry(CITY, "csv"));
  expect(csv).toContain("'=cmd|");
  expect(csv).not.toMatch(/(^|,)"?=/m);
});

const text = (value: string) => ({ value, type: String });
const sheet = (name: string, rows: (string | number | null)[][]) => ({
  sheet: name,
  data: rows.map((cells) =>
    cells.map((value) => (value === null ? null : typeof value === "number" ? { value, type: Number } : text(value))),
  ),
});
const workbook = (...sheets: ReturnType<typeof sheet>[]): Promise<Buffer> => writeWorkbook(sheets).toBuffer();

test("every fault of a workbook is told at once with sheet, row and column, and nothing is imported", async () => {
  const bytes = await workbook(
    sheet("tenants", [
      ["id", "name"],
      ["t", "T"],
      ["t", "again"],
    ]),
    sheet("Sites", [
      ["id", "tenant", "kind", "area", "name", "lat", "lon"],
      ["park", "t", "farmland", 512021, "Park", "north", 105],
    ]),
    sheet("stations", [["id", "site", "medium"], [], ["mw", "park", "lava"]]),
    sheet("devices", [["id", "station", "quantities", "colour"]]),
    sheet("notes", [["id", "name"]]),
  );
  const error = await readRegistry(bytes, "xlsx").catch((fault: unknown) => fault as Error);
  const message = error instanceof Error ? error.message : "";
  for (const place of [
    'sheet "tenants", row 3, column A (id)',
    'sheet "Sites", row 2, column F (lat)',
    'sheet "stations", row 3, column C (medium)',
    'sheet "devices", row 1, column D (colour)',
    'sheet "notes", row 1',
  ])
    expect(message).toContain(place);
  expect(message).toMatch(/REGISTRY_FILE_INVALID: 5 fault/);
});

test("references and units that do not fit are told with their cell, too", async () => {
  const bytes = await workbook(
    sheet("tenants", [
      ["id", "name"],
      ["t", "T"],
    ]),
    sheet("sites", [
      ["id", "tenant", "kind", "area", "name", "lat", "lon"],
      ["park", "nobody", "farmland", 512021, "Park", 30.5, 105],
    ]),
    sheet("all", [
      ["type", "id", "site", "medium", "station", "quantities", "via"],
      ["station", "mw", "park", "groundwater", null, null, null],
      ["device", "d1", null, null, "mw", "cd=furlong", "ghost"],
    ]),
  );
  const { file, placeOf } = await readRegistry(bytes, "xlsx");
  expect(file.sites[0]).toMatchObject({ area: "512021", lat: 30.5 });
  const registry = await aRegistry();
  const parts = { registry, pepper: Buffer.alloc(32), file, placeOf, dryRun: true, by: "ann" };
  const error = await importRegistry(parts).catch((fault: unknown) => fault as Error);
  const message = error instanceof Error ? error.message : "";
  for (const place of [
    'sheet "sites", row 2, column B (tenant)',
    'sheet "all", row 3, column F (quantities)',
    'sheet "all", row 3, column G (via)',
  ])
    expect(message).toContain(place);
  expect(await registry.version()).toBe(0);
});

test("what is no workbook is named so", async () => {
  for (const bytes of [Buffer.from("type,id\n"), Buffer.from("PK\u0003\u0004 torn"), Buffer.alloc(0)])
    await expect(readRegistry(bytes, "xlsx")).rejects.toMatchObject({ code: "REGISTRY_FILE_INVALID" });
});

test("a sensor swap continues the station's series and is recorded", async () => {
  const registry = await aRegistry();
  const places = { tenants: [aTenant()], sites: [aSite()], stations: [aStation(), aStation({ id: "store" })] };
  await registry.put({ ...places, devices: [aDevice({ id: "old" })] }, "ann");
  await registry.put({ devices: [aDevice({ id: "old", station: "store" }), aDevice({ id: "new" })] }, "bob");
  const ledger = registry as Awaited<ReturnType<typeof openLedger>>["registry"];
  expect(await ledger.placements("mw-1")).toMatchObject([
    { device: "old", until: expect.any(Number), by: "ann" },
    { device: "new", until: null, by: "bob" },
  ]);
});
