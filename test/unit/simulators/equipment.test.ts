import { describe, expect, test } from "vitest";
import { decodeCayenne } from "../../../ingest/codecs/cayenne.ts";
import { Normaliser } from "../../../ingest/normalise.ts";
import { writeCayenne } from "../../../simulators/cayenne.ts";
import { demoCity } from "../../../simulators/city.ts";
import { equipmentOf, type FieldDevice } from "../../../simulators/equipment.ts";
import { createPlant } from "../../../simulators/plant.ts";
import { typicalValue } from "../../../simulators/typical.ts";
import { aDevice, aSite, aStation } from "../../support/builders.ts";

const stations = [aStation({ id: "mw-1", medium: "groundwater" })];
const namesOf = ({ channels }: FieldDevice): string[] => channels.map(({ name }) => name);

describe("what a registry describes", () => {
  test("the demonstration city: two loggers, an edge node with two devices, two network servers with three and one", () => {
    const { contents } = demoCity(600_000);
    const { loggers, edges, networks, ids } = equipmentOf(contents);
    expect(loggers.map(namesOf)).toEqual([
      ["w20115", "w20119", "w20120", "w20124", "w01001", "w01014", "wl001"],
      ["w21003", "w20115", "w01009", "w01001", "w01010"],
    ]);
    expect(edges.map(({ devices }) => devices.length)).toEqual([2]);
    expect(networks.map(({ account, devices }) => [account, devices.map(({ payload }) => payload)])).toEqual([
      ["lorawan-tts", ["object"]],
      ["lorawan-chirpstack", ["cayenne", "cayenne", "object"]],
    ]);
    // Nothing that a device measures is left unsaid, and 62 devices speak our own format.
    const all: readonly FieldDevice[] = [
      ...loggers,
      ...edges.flatMap(({ devices }) => devices),
      ...networks.flatMap(({ devices }) => devices),
    ];
    for (const { device, channels } of all)
      expect(channels.map(({ quantity }) => quantity)).toEqual(Object.keys(device.quantities));
    expect(contents.devices.filter(({ id }) => !ids.has(id))).toHaveLength(62);
    expect(contents.stations).toHaveLength(70);
  });

  test("a device whose account is not registered is left out, and so is what the protocol has no name for", () => {
    const behind = { sparkplug: { group: "g", edge: "e", device: "d" } };
    const lorawan = { lorawan: { devEui: "A84041FF00000001", payload: "cayenne" as const } };
    const devices = [
      aDevice({ id: "orphan", station: "mw-1", via: "nobody", profile: behind }),
      aDevice({ id: "probe", station: "mw-1", quantities: { ph: "pH" }, profile: lorawan }),
    ];
    const { edges, networks } = equipmentOf({ devices, stations });
    expect(edges).toEqual([]);
    expect(networks.flatMap(({ devices: own }) => own.map(namesOf))).toEqual([[]]);
  });
});

test.each`
  why                          | medium           | quantities             | name     | map                                                      | value     | wire
  ${"the registered unit"}     | ${"groundwater"} | ${{ ec: "µS/cm" }}     | ${"ec"}  | ${undefined}                                             | ${612}    | ${612}
  ${"the unit of the map"}     | ${"groundwater"} | ${{ ec: "µS/cm" }}     | ${"k"}   | ${{ k: { quantity: "ec", unit: "mS/cm" } }}              | ${612}    | ${0.612}
  ${"a factor of the map"}     | ${"groundwater"} | ${{ gw_level: "m" }}   | ${"raw"} | ${{ raw: { quantity: "gw_level", factor: 0.001 } }}      | ${6.4}    | ${6_400}
  ${"an offset between units"} | ${"soil"}        | ${{ soil_temp: "K" }}  | ${"t"}   | ${{ t: { quantity: "soil_temp", unit: "Cel" } }}         | ${290.65} | ${17.5}
  ${"an offset the other way"} | ${"soil"}        | ${{ soil_temp: "°C" }} | ${"t"}   | ${{ t: { quantity: "soil_temp", unit: "K" } }}           | ${17.5}   | ${290.65}
  ${"both"}                    | ${"groundwater"} | ${{ cd: "mg/L" }}      | ${"x"}   | ${{ x: { quantity: "cd", unit: "µg/L", factor: 0.01 } }} | ${0.0011} | ${110}
`("on the wire: $why", ({ medium, quantities, name, map, value, wire }) => {
  const profile = { sparkplug: { group: "g", edge: "e", device: "d" }, ...(map ? { map } : {}) };
  const device = aDevice({ id: "d", station: "s", quantities, profile });
  const station = aStation({ id: "s", medium });
  const { edges } = equipmentOf({ devices: [device], stations: [station] });
  const [channel] = edges[0]?.devices[0]?.channels ?? [];
  expect(channel).toMatchObject({ name });
  const sent = channel?.toWire(value) ?? Number.NaN;
  expect(sent).toBe(wire);
  // What ingest makes of it is what was measured, in the canonical unit.
  const ingest = new Normaliser({ device, station, site: aSite() });
  const reading = { cmp: "", qualifier: "N", time: 0, aggregate: "rtd", fraction: "total", unit: undefined } as const;
  const [quantity = "", unit] = Object.entries(quantities as Record<string, string>)[0] ?? [];
  const plain = new Normaliser({ device: { ...device, profile: undefined }, station, site: aSite() });
  const [there, here] = [
    ingest.row({ ...reading, quantity: name, value: sent }, 0),
    plain.row({ ...reading, quantity, value, unit }, 0),
  ];
  if ("code" in there || "code" in here) throw new Error("both are known");
  expect(there.value).toBeCloseTo(here.value, 9);
});

test("a Cayenne type's own unit beats the map's", () => {
  const profile = {
    lorawan: { devEui: "A84041FF00000001", payload: "cayenne" as const },
    map: { voltage_1: { quantity: "battery_v" } },
  };
  const device = aDevice({ id: "d", station: "mw-1", quantities: { battery_v: "mV" }, profile });
  const [channel] = equipmentOf({ devices: [device], stations }).networks[0]?.devices[0]?.channels ?? [];
  const sent = channel?.toWire(3_580) ?? Number.NaN;
  expect(sent).toBe(3.58);
  expect(decodeCayenne(writeCayenne({ voltage_1: sent }), device)).toMatchObject({
    readings: [{ quantity: "voltage_1", value: 3.58, unit: "V" }],
  });
});

test("usual values in any unit of the quantity; none where the city measures no such thing", () => {
  const plant = createPlant({ seed: 1, scenario: "calm", releasedAt: 0 });
  const of = (quantity: string, unit: string, medium: "groundwater" | "soil" = "groundwater") =>
    typicalValue(plant, { station: "s", quantity, medium, unit }, 1.79e12);
  const micro = of("cd", "µg/L");
  expect(micro).toBeGreaterThan(0.8);
  expect(micro).toBeLessThan(1.4);
  expect(of("cd", "mg/L")).toBeCloseTo((micro ?? 0) / 1_000, 12);
  expect(of("cd", "mg/kg", "soil")).toBeLessThan(0.2);
  expect(of("tce", "µg/L")).toBeNull();
  expect(of("cd", "furlong")).toBeNull();
});
