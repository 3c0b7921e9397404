/** The demonstration city through normaliser, quality control and all shipped rules, as a replay runs them. */
import { engineOf } from "../../alerts/detectors.ts";
import { loadPacks } from "../../alerts/packs/load.ts";
import { loadRules, SHIPPED_RULES } from "../../alerts/rules.ts";
import type { Alarm } from "../../core/alarm.ts";
import { createDirectory } from "../../core/directory.ts";
import { Replay } from "../../replay.ts";
import { ReplayIngest } from "../../replay-ingest.ts";
import { demoCity } from "../../simulators/city.ts";
import { createPlant, type Scenario } from "../../simulators/plant.ts";
import { aSnapshot } from "./builders.ts";

const packs = loadPacks();
const rules = loadRules(SHIPPED_RULES, packs).map((rule) => ({ version: 1, rule, changedAt: 0, changedBy: "test" }));

export interface CityRun {
  readonly seed: number;
  readonly scenario?: Scenario;
  /** Data times in order, ms; of the plume's release the first. */
  readonly times: readonly number[];
  /** Registered interval of the devices, ms. */
  readonly intervalMs: number;
}

/** Alarms as they stand at the end, and how many readings have which flag. */
export function runCity({ seed, scenario = "calm", times, intervalMs }: CityRun): {
  readonly alarms: readonly Alarm[];
  readonly stations: number;
  readonly flags: Readonly<Record<number, number>>;
} {
  const city = demoCity(intervalMs);
  const directory = createDirectory(aSnapshot({ ...city.contents, rules }));
  const begin = times[0] ?? 0;
  const plant = createPlant({ seed, scenario, releasedAt: begin });
  const alarms = new Map<string, Alarm>();
  const replay = new Replay({
    directory,
    engine: engineOf(packs),
    begin,
    onEvent: ({ alarm }) => void alarms.set(alarm.id, alarm),
  });
  const flags = new Map<string, number>();
  const ingest = new ReplayIngest({
    directory,
    replay,
    onFlag: ({ series, time, flag }) => void flags.set(`${series}\n${time}`, flag),
  });
  const slots = city.contents.devices.flatMap(({ station, quantities }) =>
    Object.entries(quantities).map(([quantity, unit]) => ({
      slot: ingest.slot({ station, quantity, unit, fraction: "total", aggregate: "rtd" }),
      series: `${station}/${quantity}/total/rtd`,
      behaviour: city.behaviours.get(`${station}/${quantity}`) ?? { base: 0, digits: 0 },
    })),
  );
  for (const time of times)
    for (const { slot, series, behaviour } of slots)
      ingest.add(slot, time, time + 100, plant.value(series, behaviour, time), 0);
  ingest.end((times.at(-1) ?? 0) + 200);
  const counts: Record<number, number> = {};
  for (const flag of flags.values()) counts[flag] = (counts[flag] ?? 0) + 1;
  const stations = new Set(city.contents.devices.filter((d) => Object.keys(d.quantities).length).map((d) => d.station));
  return { alarms: [...alarms.values()], stations: stations.size, flags: counts };
}
