import { describe, expect, test } from "vitest";
import type { DecodedReading } from "../../../ingest/codecs/codec.ts";
import { Normaliser } from "../../../ingest/normalise.ts";
import { aDevice, aDeviceContext, aStation, NOW } from "../../support/builders.ts";

const quantities = { cd: "mg/L", ph: "pH", w21007: "mg/L", ec: " ", temp: "°F", pm25: "µg/m3" };
const inWater = new Normaliser(aDeviceContext({ device: aDevice({ quantities }) }));
const inSoil = new Normaliser(
  aDeviceContext({
    device: aDevice({ quantities: { cd: "mg/kg", turbidity: "NTU" } }),
    station: aStation({ medium: "soil" }),
  }),
);

function sent(overrides: Partial<DecodedReading>): DecodedReading {
  return {
    quantity: "cd",
    value: 1,
    unit: undefined,
    cmp: "",
    qualifier: "N",
    time: NOW,
    aggregate: "rtd",
    fraction: "total",
    ...overrides,
  };
}

describe("readings become rows", () => {
  test.each`
    what                            | reading                                                     | row
    ${"the registry's unit"}        | ${{ value: 0.5 }}                                           | ${{ series: "mw-1/cd/total/rtd", value: 0.5 }}
    ${"µg/L with the micro sign"}   | ${{ value: 0.5, unit: "µg/L" }}                             | ${{ value: 0.0005 }}
    ${"µg/L with the Greek letter"} | ${{ value: 0.5, unit: "μg/L" }}                             | ${{ value: 0.0005 }}
    ${"amount of substance"}        | ${{ value: 1, unit: "mmol/L" }}                             | ${{ value: 112.414 }}
    ${"an HJ 212 code"}             | ${{ quantity: "w20115" }}                                   | ${{ series: "mw-1/cd/total/rtd" }}
    ${"registered by its code"}     | ${{ quantity: "no3n", value: 10 }}                          | ${{ series: "mw-1/no3n/total/rtd", value: 10 }}
    ${"nitrate as NO3"}             | ${{ quantity: "no3n", value: 62.004, unit: "mg/L as NO3" }} | ${{ value: 14.007 }}
    ${"a unit with an offset"}      | ${{ quantity: "temp", value: 59 }}                          | ${{ value: 15 }}
    ${"fraction and aggregate"}     | ${{ fraction: "dissolved", aggregate: "avg" }}              | ${{ series: "mw-1/cd/dissolved/avg" }}
    ${"no time: arrival"}           | ${{ time: null }}                                           | ${{ time: NOW + 1_000 }}
    ${"long ago"}                   | ${{ time: Date.UTC(1949, 0, 1) }}                           | ${{ time: Date.UTC(1949, 0, 1) }}
    ${"10 min ahead"}               | ${{ time: NOW + 601_000 }}                                  | ${{ time: NOW + 601_000 }}
    ${"null in maintenance"}        | ${{ value: null, qualifier: "M" }}                          | ${{ value: Number.NaN }}
    ${"a value in calibration"}     | ${{ quantity: "ph", value: 15, qualifier: "C" }}            | ${{ value: 15 }}
    ${"impossible, and kept"}       | ${{ quantity: "ph", value: -1 }}                            | ${{ value: -1 }}
    ${"implausible, and kept"}      | ${{ quantity: "ph", value: 13 }}                            | ${{ value: 13 }}
  `("$what", ({ reading, row }: { reading: Partial<DecodedReading>; row: object }) => {
    // Twice: looked up, then remembered.
    for (let time = 0; time < 2; time++) expect(inWater.row(sent(reading), NOW + 1_000)).toMatchObject(row);
  });

  test.each`
    why                                   | reading                          | expected
    ${"no such quantity"}                 | ${{ quantity: "unobtainium" }}   | ${"QUANTITY_UNKNOWN"}
    ${"a key of every object"}            | ${{ quantity: "constructor" }}   | ${"QUANTITY_UNKNOWN"}
    ${"not this device's"}                | ${{ quantity: "pb" }}            | ${"QUANTITY_NOT_ALLOWED"}
    ${"a unit of something else"}         | ${{ unit: "m" }}                 | ${"UNIT_UNKNOWN"}
    ${"a unit in capitals"}               | ${{ unit: "MG/L" }}              | ${"UNIT_UNKNOWN"}
    ${"a species that cadmium has not"}   | ${{ unit: "mg/L as NO3" }}       | ${"UNIT_UNKNOWN"}
    ${"a key of every object as unit"}    | ${{ unit: "constructor" }}       | ${"UNIT_UNKNOWN"}
    ${"blank in message"}                 | ${{ unit: "  " }}                | ${"UNIT_MISSING"}
    ${"blank in registry"}                | ${{ quantity: "ec" }}            | ${"UNIT_MISSING"}
    ${"over 10 min ahead"}                | ${{ time: NOW + 601_001 }}       | ${"FUTURE_TIME"}
    ${"as far ahead as a date can be"}    | ${{ time: 8.64e15 }}             | ${"FUTURE_TIME"}
    ${"null as a normal value"}           | ${{ value: null }}               | ${"NULL_WITHOUT_QUALIFIER"}
    ${"beyond a double after conversion"} | ${{ value: 1e308, unit: "g/L" }} | ${"VALUE_NOT_FINITE"}
  `("$why: $expected", ({ reading, expected }: { reading: Partial<DecodedReading>; expected: string }) => {
    for (let time = 0; time < 2; time++)
      expect(inWater.row(sent(reading), NOW + 1_000)).toMatchObject({ code: expected });
  });

  test("the medium decides about unit and sense", () => {
    expect(inSoil.row(sent({ value: 300, unit: "µg/kg" }), NOW)).toMatchObject({ value: 0.3 });
    expect(inSoil.row(sent({ unit: "mg/L" }), NOW)).toMatchObject({ code: "UNIT_UNKNOWN" });
    expect(inSoil.row(sent({ quantity: "turbidity" }), NOW)).toMatchObject({ code: "QUANTITY_NOT_ALLOWED" });
  });

  test("units from the network do not fill the memory", () => {
    const normaliser = new Normaliser(aDeviceContext());
    for (let n = 0; n < 5_000; n++)
      normaliser.row(sent({ unit: `${" ".repeat(n % 40)}mg/L${" ".repeat(n / 40)}` }), NOW);
    expect(normaliser.row(sent({ value: 2 }), NOW)).toMatchObject({ value: 2 });
  });
});
