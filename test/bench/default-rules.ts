/** The engine with every shipped rule that is on and stations of seven channels: ns a reading in order, memory of many series. */
import { engineOf } from "../../alerts/detectors.ts";
import { Judge } from "../../alerts/judge.ts";
import { loadPacks } from "../../alerts/packs/load.ts";
import { loadRules, SHIPPED_RULES } from "../../alerts/rules.ts";
import { decodeReadingBlock, type ReadingBlock, ReadingBlockBuilder } from "../../core/reading-block.ts";
import { aDevice, aDirectory, aStation, NOW } from "../support/builders.ts";

export interface DefaultRulesFigures {
  readonly series: number;
  readonly rules: number;
  readonly groups: number;
  readonly readings: number;
  readonly nsPerReading: number;
  /** Of the whole process, after all series have reported. */
  readonly rssMegabytes: number;
}

/** Canonical values of a calm station. */
const CHANNELS = {
  ph: { unit: "pH", base: 7.2 },
  ec: { unit: "uS/cm", base: 500 },
  do: { unit: "mg/L", base: 8 },
  turbidity: { unit: "NTU", base: 3 },
  temp: { unit: "°C", base: 18 },
  cd: { unit: "mg/L", base: 0.0002 },
  pb: { unit: "mg/L", base: 0.0005 },
} as const;
const MINUTE = 60_000;
/** Blocks that are used in turn; one of many series is large, so then fewer. */
const SHAPES_MAX = 40;

/** @param now monotonic clock in ms. @param rss resident memory in bytes. */
export function benchDefaultRules({
  stations = 200,
  warmUp = 1_500,
  minutes = 3_000,
  now,
  rss,
}: {
  readonly stations?: number;
  /** Minutes before the measured ones: windows grow full and slide. */
  readonly warmUp?: number;
  readonly minutes?: number;
  readonly now: () => number;
  readonly rss: () => number;
}): DefaultRulesFigures {
  const packs = loadPacks();
  const rules = loadRules(SHIPPED_RULES, packs).filter(({ enabled }) => enabled);
  const ids = Array.from({ length: stations }, (_, index) => `s${index}`);
  const quantities = Object.fromEntries(Object.entries(CHANNELS).map(([id, { unit }]) => [id, unit]));
  const directory = aDirectory({
    rules: rules.map((rule) => ({ version: 1, rule, changedAt: 0, changedBy: "bench" })),
    stations: ids.map((id) => aStation({ id })),
    devices: ids.map((id) => aDevice({ id: `d-${id}`, station: id, interval: MINUTE, quantities })),
  });
  const judge = new Judge(directory, engineOf(packs));
  judge.resume(0, NOW);
  const shapeCount = stations > 2_000 ? 3 : SHAPES_MAX;
  const shapes = Array.from({ length: shapeCount }, (_, minute) => blockAt(ids, minute));
  const total = warmUp + minutes;
  let spent = 0;
  for (let minute = 0; minute < total; minute++) {
    const shape = shapes[minute % shapeCount] as ReadingBlock;
    const at = NOW + minute * MINUTE;
    const messages = shape.messages.map((origin) => ({ ...origin, seq: minute, receivedAt: at + 500 }));
    const block = { ...shape, messages, time: Float64Array.from(shape.time, () => at) };
    const startedAt = now();
    judge.block(block, minute + 1, at + 600);
    if (minute >= warmUp) spent += now() - startedAt;
  }
  const readings = minutes * stations * Object.keys(CHANNELS).length;
  return {
    series: judge.series.size,
    rules: rules.length,
    groups: judge.groups.groups.size,
    readings,
    nsPerReading: Math.round((spent * 1e6) / readings),
    rssMegabytes: Math.round(rss() / 1e6),
  };
}

function blockAt(stations: readonly string[], minute: number): ReadingBlock {
  const builder = new ReadingBlockBuilder();
  for (const [place, station] of stations.entries()) {
    builder.message({ device: `d-${station}`, boot: "b", seq: minute, receivedAt: NOW, backfill: false });
    for (const [channel, [quantity, { base }]] of Object.entries(CHANNELS).entries()) {
      const value = base * (1 + 0.01 * Math.sin(minute * ((place + channel) % 97) + place));
      builder.row(`${station}/${quantity}/total/rtd`, NOW, value, 0, 1, 78);
    }
  }
  return decodeReadingBlock(builder.encode());
}
