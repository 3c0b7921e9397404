/**
 * One tape in many orders of arrival: shuffled, with repeats, cut anywhere, held back for days. Through ingest's parts
 * and the engine; what is compared is (rule, series, start, end, level) of the alarms that stand at the end.
 */
import { engineOf } from "../../alerts/detectors.ts";
import { loadPacks } from "../../alerts/packs/load.ts";
import type { Alarm } from "../../core/alarm.ts";
import { findQuantity } from "../../core/quantity.ts";
import { Replay } from "../../replay.ts";
import { ReplayIngest } from "../../replay-ingest.ts";
import { uniform } from "../../simulators/random.ts";
import { aDevice, aDirectory, aVersionedRule, NOW } from "./builders.ts";

const MINUTE = 60_000;
const ROWS = 240;
const UNITS = { cd: "mg/L", mn: "mg/L", ph: "pH" } as const;
type Quantity = keyof typeof UNITS;

const packs = loadPacks();

/** Limits of a pack and own numbers, delays in readings and in time, deadbands; more kinds may be added by name. */
const RULES = [
  {
    kind: "limit",
    id: "class-iii",
    on: { quantity: ["cd", "mn"] },
    pack: "gbt14848-2017",
    above: "III",
    deadband: "5 %",
  },
  {
    kind: "limit",
    id: "class-iv",
    on: { quantity: ["cd", "mn", "ph"] },
    pack: "gbt14848-2017",
    above: "IV",
    offDelay: "2 readings",
  },
  {
    kind: "level",
    id: "three",
    on: { quantity: "cd" },
    above: 0.004,
    onDelay: "3 readings",
    offDelay: "2 readings",
    deadband: "10 %",
  },
  { kind: "level", id: "for-20m", on: { quantity: "ph" }, below: 6.4, onDelay: "20m", offDelay: "15m" },
];

interface Sent {
  readonly quantity: Quantity;
  readonly time: number;
  readonly value: number;
  readonly cmp: number;
  readonly qualifier: "N" | "D";
}

export interface ShuffleReport {
  readonly orders: number;
  readonly readings: number;
  readonly alarms: number;
  /** Seeds whose alarms differ from those of the tape in order, with what differs. */
  readonly broken: readonly { readonly seed: number; readonly differences: readonly string[] }[];
}

/** @param orders how many ways. @param seed of the tape and of all orders. */
export function shuffleTape({ orders, seed = 1 }: { readonly orders: number; readonly seed?: number }): ShuffleReport {
  const tape = makeTape(seed);
  const inOrder = judgeTape(tape, null);
  const broken: { seed: number; differences: string[] }[] = [];
  for (let order = 1; order <= orders; order++) {
    const found = judgeTape(tape, `${seed}/${order}`);
    const differences = [
      ...inOrder.filter((each) => !found.includes(each)).map((each) => `- ${each}`),
      ...found.filter((each) => !inOrder.includes(each)).map((each) => `+ ${each}`),
    ];
    if (differences.length > 0 || found.length !== inOrder.length) broken.push({ seed: order, differences });
  }
  return { orders, readings: tape.length, alarms: inOrder.length, broken };
}

/** Values that wander about their limits, with spikes, non-detects, faults and holes. */
function makeTape(seed: number): Sent[] {
  const usual: Record<Quantity, number> = { cd: 0.004, mn: 0.12, ph: 6.4 };
  const swing: Record<Quantity, number> = { cd: 0.006, mn: 0.2, ph: 1 };
  return (Object.keys(UNITS) as Quantity[]).flatMap((quantity) =>
    Array.from({ length: ROWS }, (_, row): Sent | null => {
      const chance = uniform(seed, `${quantity}/what`, row);
      if (chance < 0.03) return null;
      const wave =
        Math.sin((row / 24) * Math.PI) * swing[quantity] * uniform(seed, `${quantity}/wave`, Math.floor(row / 24));
      const spike = chance > 0.97 ? 40 * swing[quantity] : 0;
      const value = usual[quantity] + wave + swing[quantity] * 0.4 * (uniform(seed, quantity, row) - 0.5) + spike;
      const isFault = chance > 0.95 && chance <= 0.96;
      const cmp = chance > 0.93 && chance <= 0.95 ? 1 : 0;
      return { quantity, time: NOW + row * 5 * MINUTE, value, cmp, qualifier: isFault ? "D" : "N" };
    }).filter((sent) => sent !== null),
  );
}

/** @param order names a way of arrival; null: in order, at once, once. */
function judgeTape(tape: readonly Sent[], order: string | null): string[] {
  const rules = RULES.map((rule) => aVersionedRule(rule));
  const directory = aDirectory({ rules, devices: [aDevice({ quantities: UNITS })] });
  const alarms = new Map<string, Alarm>();
  const onEvent = ({ alarm }: { readonly alarm: Alarm }): void => void alarms.set(alarm.id, alarm);
  const replay = new Replay({ directory, engine: engineOf(packs), begin: NOW, onEvent });
  const ingest = new ReplayIngest({ directory, replay, onFlag: () => undefined });
  const slots = Object.fromEntries(
    Object.entries(UNITS).map(([quantity, unit]) => [
      quantity,
      ingest.slot({
        station: "mw-1",
        quantity: findQuantity(quantity)?.id ?? "",
        unit,
        fraction: "total",
        aggregate: "rtd",
      }),
    ]),
  );
  for (const { sent, arrival, cut } of arrivals(tape, order)) {
    const slot = slots[sent.quantity];
    if (slot) ingest.add(slot, sent.time, arrival, sent.value, sent.cmp, sent.qualifier);
    if (cut) ingest.flush();
  }
  ingest.end(NOW + 30 * 86_400_000);
  return [...alarms.values()]
    .filter(({ supersededBy }) => supersededBy === null)
    .map(({ rule, series, start, end, level }) => [rule, series, start, end, level].join(" "))
    .sort();
}

interface Arrival {
  readonly sent: Sent;
  readonly arrival: number;
  /** The block ends after it. */
  readonly cut: boolean;
}

/** Four ways by turns: lightly disordered, an outage that is caught up, wholly shuffled, backwards; each with repeats. */
function arrivals(tape: readonly Sent[], order: string | null): Arrival[] {
  if (order === null) {
    return [...tape].sort((a, b) => a.time - b.time).map((sent) => ({ sent, arrival: sent.time, cut: false }));
  }
  const random = (name: string, index: number): number => uniform(7, `${order}/${name}`, index);
  const way = Math.floor(random("way", 0) * 4);
  const repeats = random("repeats", 0);
  const delayOf = (sent: Sent, index: number): number => {
    const chance = random("delay", index);
    if (way === 0) return chance < 0.7 ? 0 : chance * 40 * MINUTE;
    if (way === 1)
      return sent.time > NOW + 300 * MINUTE && sent.time < NOW + 900 * MINUTE ? 900 * MINUTE + chance * MINUTE : 0;
    if (way === 2) return chance * 20 * 86_400_000;
    return 2 * ROWS * 5 * MINUTE - 2 * (sent.time - NOW);
  };
  return tape
    .flatMap((sent, index) => {
      const first = sent.time + delayOf(sent, index);
      const copies = random("again", index) < repeats ? [first, first + random("later", index) * 86_400_000] : [first];
      return copies.map((arrival) => ({ sent, arrival }));
    })
    .sort((a, b) => a.arrival - b.arrival)
    .map((each, index) => ({ ...each, cut: random("cut", index) < 0.3 }));
}
