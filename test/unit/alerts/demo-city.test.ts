/** The shipped rules over the demonstration city: silent on calm data, a cadmium alarm at the leak's well in 3 minutes. */
import { expect, test } from "vitest";
import { engineOf } from "../../../alerts/detectors.ts";
import { Judge } from "../../../alerts/judge.ts";
import { loadPacks } from "../../../alerts/packs/load.ts";
import { loadRules, SHIPPED_RULES } from "../../../alerts/rules.ts";
import { createDirectory } from "../../../core/directory.ts";
import { conversion, convert } from "../../../core/quantity.ts";
import type { Reading } from "../../../core/reading.ts";
import { demoCity } from "../../../simulators/city.ts";
import { createPlant, type Scenario } from "../../../simulators/plant.ts";
import { aBlock, anOrigin, aReading, aSnapshot, NOW } from "../../support/builders.ts";
import { lastTold } from "../../support/timeline.ts";

const packs = loadPacks();
const city = demoCity(5_000);
const rules = loadRules(SHIPPED_RULES, packs).map((rule) => ({ version: 1, rule, changedAt: 0, changedBy: "test" }));
const directory = createDirectory(aSnapshot({ ...city.contents, rules }));

/** Readings of every series at the given times, through the judge. */
function alarmsOf(scenario: Scenario, times: readonly number[]) {
  const plant = createPlant({ seed: 1, scenario, releasedAt: NOW });
  const judge = new Judge(directory, engineOf(packs));
  const events = [...judge.resume(0, NOW)];
  for (const [index, time] of times.entries()) {
    const block: Reading[] = city.contents.devices.flatMap((device) => {
      const medium = directory.station(device.station)?.station.medium ?? "groundwater";
      const origin = anOrigin({ device: device.id, seq: index, receivedAt: time + 100 });
      return Object.entries(device.quantities).map(([quantity, unit]) => {
        const behaviour = city.behaviours.get(`${device.station}/${quantity}`) ?? { base: 0, digits: 0 };
        const change = conversion(quantity, medium, unit);
        if (!change) throw new Error(`${quantity} in ${unit}`);
        const series = `${device.station}/${quantity}/total/rtd`;
        return aReading({ series, time, value: convert(plant.value(series, behaviour, time), change), origin });
      });
    });
    events.push(...judge.block(aBlock(block), index + 1, time + 200));
    events.push(...judge.tick(index + 1, time + 300));
  }
  return lastTold(events);
}

const every = (ms: number, count: number): number[] => Array.from({ length: count }, (_, index) => NOW + index * ms);

test("calm: no alarm over a year of days, nor over ten minutes at full pace", () => {
  expect(alarmsOf("calm", every(86_400_000 + 3_600_000, 365)).filter(({ category }) => category !== "absence")).toEqual(
    [],
  );
  expect(alarmsOf("calm", every(5_000, 120))).toEqual([]);
});

test("plume: a cadmium alarm at the well of the leak within three minutes, nowhere else", () => {
  const alarms = alarmsOf("plume", every(5_000, 36));
  expect(alarms.map(({ series }) => series)).toEqual(alarms.map(() => `${city.plumeStation}/cd/total/rtd`));
  expect(alarms.map(({ rule, level }) => `${rule} ${level}`)).toEqual([
    "gw-toxic-class-iii yellow",
    "gw-toxic-class-v orange",
  ]);
});
