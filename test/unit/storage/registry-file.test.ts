import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RegistryContents } from "../../../core/ports.ts";
import { Device, Site, Station, Tenant } from "../../../core/site.ts";
import { exportRegistry, parseRegistryFile, registryFormat } from "../../../storage/registry-file.ts";
import { aDevice, aSite, aStation, aTenant } from "../../support/builders.ts";

const YAML = `
tenants:
  - { id: smelter, name: { zh-CN: 冶炼厂, en: Smelter } }
sites:
  - { id: park, tenant: smelter, kind: industrial-park, area: 512021, name: Park, lat: 30.1, lon: 105.3 }
stations:
  - { id: mw-1, site: park, medium: groundwater, type: downgradient, targetClass: III }
  - { id: soil-1, site: park, medium: soil, land: class2, ph: 6.5, lat: 30.1, lon: 105.31 }
devices:
  - { id: 007, station: mw-1, interval: 10m, quantities: { cd: µg/L, ph: pH }, secret: 1234567890123456 }
  - { id: d-2, station: soil-1, interval: 60000, quantities: { cd: mg/kg, moisture: 1 } }
`;

const CSV = `type,id,tenant,site,station,kind,area,name,name_zh,name_en,lat,lon,medium,station_type,land,targetClass,ph,interval,quantities,secret
tenant,smelter,,,,,,,冶炼厂,Smelter,,,,,,,,,,
site,park,smelter,,,industrial-park,512021,Park,,,30.1,105.3,,,,,,,,
station,mw-1,,park,,,,,,,,,groundwater,downgradient,,III,,,,

station,soil-1,,park,,,,,,,30.1,105.31,soil,,class2,,6.5,,,
device,007,,,mw-1,,,,,,,,,,,,,10m,cd=µg/L; ph=pH,1234567890123456
device,d-2,,,soil-1,,,,,,,,,,,,,60000,"cd=mg/kg;moisture=1",
`;

const CITY = {
  tenants: [{ id: "smelter", name: { "zh-CN": "冶炼厂", en: "Smelter" } }],
  sites: [
    { id: "park", tenant: "smelter", kind: "industrial-park", area: "512021", name: "Park", lat: 30.1, lon: 105.3 },
  ],
  stations: [
    { id: "mw-1", site: "park", medium: "groundwater", type: "downgradient", control: "city", targetClass: "III" },
    {
      ...{ id: "soil-1", site: "park", medium: "soil", type: "basic", control: "city", land: "class2", ph: 6.5 },
      ...{ lat: 30.1, lon: 105.31 },
    },
  ],
  devices: [
    {
      ...{ id: "007", station: "mw-1", interval: 600_000, quantities: { cd: "µg/L", ph: "pH" } },
      secret: "1234567890123456",
    },
    { id: "d-2", station: "soil-1", interval: 60_000, quantities: { cd: "mg/kg", moisture: "1" } },
  ],
};

describe("a registry file", () => {
  test("is read as YAML, numbers where text is meant included", () => {
    expect(parseRegistryFile(YAML, "yaml")).toEqual(CITY);
  });

  test("is read as CSV and means the same", () => {
    expect(parseRegistryFile(CSV, "csv")).toEqual(CITY);
    expect(parseRegistryFile(`\uFEFF${CSV.replaceAll("\n", "\r\n")}`, "csv")).toEqual(CITY);
  });

  test("may name only some kinds, or none", () => {
    expect(parseRegistryFile("tenants: [{ id: t, name: T }]", "yaml").sites).toEqual([]);
    expect(parseRegistryFile("", "yaml").devices).toEqual([]);
    expect(parseRegistryFile("type,id\n", "csv").devices).toEqual([]);
  });
});

function faultsOf(text: string, format: "yaml" | "csv"): string {
  try {
    parseRegistryFile(text, format);
  } catch (error) {
    expect((error as { code?: string }).code).toBe("REGISTRY_FILE_INVALID");
    return (error as Error).message;
  }
  throw new Error("the file was taken");
}

describe("faults of a YAML file", () => {
  test("are all reported at once, with line and path", () => {
    const text = [
      "tenants:",
      "  - { id: a b, name: T }",
      "sites:",
      "  - id: alerts",
      "    tenant: t",
      "    kind: volcano",
      "    area: x",
      "    name: 1",
      "    lat: 91",
      "    lon: east",
      "devices:",
      "  - { id: d, station: s, quantities: { Cd: mg/L }, colour: red }",
    ].join("\n");
    const message = faultsOf(text, "yaml");
    expect(message).toMatch(/^REGISTRY_FILE_INVALID: 7 fault\(s\)/);
    for (const place of [
      "line 2, tenants[0].id",
      "line 4, sites[0].id",
      "line 6, sites[0].kind",
      "line 9, sites[0].lat",
    ]) {
      expect(message).toContain(`→ at ${place}`);
    }
    expect(message).toContain("line 10, sites[0].lon");
    expect(message).toContain("line 12, devices[0].quantities.Cd");
    expect(message).toMatch(/colour"?\n {2}→ at line 12, devices\[0\]/);
  });

  const device = (more: string) => `devices:\n  - { id: d, station: s, quantities: { cd: mg/L }${more} }`;
  test.each<[string, string, string]>([
    ["broken syntax", "tenants:\n  - { id: a", "line 2"],
    ["a key written twice", "tenants: []\ntenants: []", "line 2"],
    ["a list where an object belongs", "- 1", "expected object"],
    ["an unknown kind", "rivers: []", "rivers"],
    ["a bad interval, saying what is wanted", device(", interval: soon"), "30s"],
    ["an empty secret", device(", secret: ''"), "devices[0].secret"],
    ["__proto__ as a quantity", "devices:\n  - { id: d, station: s, quantities: { __proto__: mg/L } }", "__proto__"],
    [
      "one id twice",
      "tenants:\n  - { id: a, name: A }\n  - { id: a, name: B }",
      'id "a" is given twice\n  → at line 3',
    ],
    ["aliases that grow without bound", bomb(), "lias"],
    ["a spreadsheet by its bytes", "PK\u0003\u0004....", "name it .xlsx"],
  ])("%s", (_what, text, expected) => {
    expect(faultsOf(text, "yaml")).toContain(expected);
  });
});

function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, n) => `l${n + 1}: &l${n + 1} [${Array(9).fill(`*l${n}`).join(", ")}]`);
  return `l0: &l0 [x]\n${levels.join("\n")}\ntenants: *l9`;
}

describe("faults of a CSV file", () => {
  test.each<[string, string, readonly string[]]>([
    ["no type column", "id,name\na,b", ['column "type"']],
    ["an unknown column", "type,id,colour\ntenant,a,red", ['"colour"', "line 1"]],
    ["an unknown type", "type,id\nriver,a", ['"river"', "line 2"]],
    ["a cell too many", "type,id,name\ntenant,a,A,x", ["4 cells", "line 2"]],
    ["a field of another type", "type,id,name,medium\ntenant,a,A,soil", ["medium", "line 2"]],
    [
      "a number that is none",
      "type,id,tenant,kind,area,name,lat,lon\nsite,a,t,farmland,x,A,north,1",
      ["line 2, sites[0].lat"],
    ],
    ["quantities without a unit", "type,id,station,quantities\ndevice,d,s,cd", ["cd=mg/L;ph=pH", "line 2"]],
    ["a quantity twice", "type,id,station,quantities\ndevice,d,s,cd=mg/L;cd=g/L", ['"cd" twice']],
    ["__proto__ as a quantity", "type,id,station,quantities\ndevice,d,s,__proto__=mg/L", ["__proto__"]],
    ["two names", "type,id,name,name_en\ntenant,a,A,B", ["either name"]],
    ["an open quote", 'type,id,name\ntenant,a,"A', ["uote"]],
    ["faults of several rows", "type,id,name\ntenant,a b,A\nriver,x,X\ntenant,c,", ["line 2", "line 3", "line 4"]],
  ])("%s", (_what, text, expected) => {
    const message = faultsOf(text, "csv");
    for (const part of expected) expect(message).toContain(part);
  });
});

test.each([
  ["city.yaml", "yaml"],
  ["CITY.YML", "yaml"],
  ["a.b.csv", "csv"],
  ["city.xlsx", "xlsx"],
])("%s is read as %s", (name, format) => {
  expect(registryFormat(name)).toBe(format);
});
test.each(["city.xls", "city.json", "city"])("%s is refused by name", (name) => {
  expect(() => registryFormat(name)).toThrow("REGISTRY_FILE_INVALID");
});

describe("an exported registry", () => {
  const id = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/).map((text) => text || "x");
  const text = fc.string({ minLength: 1, maxLength: 30, unit: "grapheme" });
  const name = fc.oneof(text, fc.record({ "zh-CN": text, en: text }));
  const number = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((value) => value + 0);
  const unique = <T extends { id: string }>(one: fc.Arbitrary<T>) =>
    fc.uniqueArray(one, { maxLength: 5, selector: (item) => item.id });
  const some = <T>(values: readonly T[]) => fc.constantFrom(...values);
  const contents: fc.Arbitrary<RegistryContents> = fc.record({
    tenants: unique(fc.record({ id, name })),
    sites: unique(
      fc.record({
        ...{ id: id.filter((one) => Site.shape.id.safeParse(one).success), tenant: id, name, area: text },
        ...{ kind: some(Site.shape.kind.options), lat: number(-90, 90), lon: number(-180, 180) },
      }),
    ).filter((sites) => sites.every((site) => Site.safeParse(site).success)),
    stations: unique(
      fc.record(
        {
          ...{ id, site: id, medium: some(Station.shape.medium.options), name, ph: number(0, 14) },
          type: some(Station.shape.type.def.innerType.options),
          control: some(Station.shape.control.def.innerType.options),
        },
        { requiredKeys: ["id", "site", "medium", "type", "control"] },
      ),
    ) as fc.Arbitrary<Station[]>,
    devices: unique(
      fc.record({
        ...{ id, station: id, interval: fc.oneof(fc.integer({ min: 1, max: 1e12 }), number(1e-9, 1e25)) },
        quantities: fc.dictionary(fc.stringMatching(/^[a-z0-9]{1,10}$/), text, { maxKeys: 4 }),
      }),
    ),
  });

  test("reads back as the same contents", () => {
    fc.assert(
      fc.property(contents, (before) => {
        expect(parseRegistryFile(exportRegistry(before), "yaml")).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });

  test("never holds a secret", () => {
    const device = { ...aDevice(), secret: "do-not-tell" };
    const all = { tenants: [aTenant()], sites: [aSite()], stations: [aStation()], devices: [device] };
    expect(exportRegistry(all)).not.toContain("do-not-tell");
    expect(Device.safeParse(parseRegistryFile(exportRegistry(all), "yaml").devices[0]).success).toBe(true);
    expect(Tenant.safeParse(aTenant()).success).toBe(true);
  });
});
