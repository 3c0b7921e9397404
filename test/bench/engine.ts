/** Alarm engine without its journal: ns a reading in order, ns a reading of a late back-fill, bytes a series. */
import type { BindLimit } from "../../alerts/bind.ts";
import { Judge } from "../../alerts/judge.ts";
import { encodeShard, SHARDS } from "../../alerts/snapshot.ts";
import type { ReadingBlock } from "../../core/reading-block.ts";
import { decodeReadingBlock, ReadingBlockBuilder } from "../../core/reading-block.ts";
import { aDevice, aDirectory, aStation, aVersionedRule, NOW } from "../support/builders.ts";

export interface EngineFigures {
  readonly series: number;
  readonly rulesASeries: number;
  readonly readings: number;
  /** While windows still grow, and once they are full and slide. */
  readonly nsPerReadingGrowing: number;
  readonly nsPerReading: number;
  /** 144 readings of a day between the live ones of a week ago, oldest first, in blocks of 8 a series. */
  readonly nsPerLateReading: number;
  readonly bytesPerSeries: number;
  /** Longest and total time to write the snapshot of a shard and of all, ms; and its size. */
  readonly snapshotMsMax: number;
  readonly snapshotMsAll: number;
  readonly snapshotBytes: number;
}

const QUANTITIES = ["cd", "as", "pb", "mn", "hg"];
const noLimits: BindLimit = () => ({ reason: "pack-unknown" });

/** @param now monotonic clock in ms. */
export function benchEngine({
  series = 1_000,
  fillBlocks = 2_100,
  blocks = 1_000,
  now,
}: {
  readonly series?: number;
  /** Fills the windows: over 2,048 at 1,000 series. */
  readonly fillBlocks?: number;
  readonly blocks?: number;
  readonly now: () => number;
}): EngineFigures {
  const stations = Array.from({ length: Math.ceil(series / QUANTITIES.length) }, (_, index) => `s${index}`);
  const keys = stations.flatMap((id) => QUANTITIES.map((quantity) => `${id}/${quantity}/total/rtd`)).slice(0, series);
  const rules = [
    aVersionedRule({ id: "high", on: {}, above: 10, deadband: "5 %" }),
    aVersionedRule({ id: "low", on: {}, below: 0.1 }),
  ];
  const directory = aDirectory({
    rules,
    stations: stations.map((id) => aStation({ id })),
    devices: stations.map((id) => aDevice({ id: `d-${id}`, station: id })),
  });
  const judge = new Judge(directory, { bindLimit: noLimits });
  judge.resume(0, NOW);
  let offset = 0;
  const run = (block: ReadingBlock): void => void judge.block(block, ++offset, NOW);
  const live = Array.from({ length: 50 }, (_, index) => blockAt(keys, index, 1));
  let minute = 0;
  const inOrder = (count: number): number => {
    let spent = 0;
    for (const end = minute + count; minute < end; minute++) {
      const block = shifted(live[minute % live.length] as ReadingBlock, minute);
      const startedAt = now();
      run(block);
      spent += now() - startedAt;
    }
    return spent;
  };
  const filling = inOrder(fillBlocks);
  const spent = inOrder(blocks);
  const bytesPerSeries = [...judge.series.values()].reduce((sum, { window }) => sum + window.bytes, 0) / series;
  let lateSpent = 0;
  const late = 144;
  for (let index = 0; index < late; index += 8) {
    const block = blockAt(keys, minute - 1_000 + index + 0.5, 8);
    const startedAt = now();
    run(block);
    lateSpent += now() - startedAt;
  }
  const snapshot = benchSnapshot(judge, now);
  return {
    series,
    rulesASeries: rules.length,
    readings: blocks * series,
    nsPerReadingGrowing: round((filling * 1e6) / (fillBlocks * series)),
    nsPerReading: round((spent * 1e6) / (blocks * series)),
    nsPerLateReading: round((lateSpent * 1e6) / (late * series)),
    bytesPerSeries: round(bytesPerSeries),
    ...snapshot,
  };
}

function benchSnapshot(judge: Judge, now: () => number) {
  let [longest, all, bytes] = [0, 0, 0];
  for (let shard = 0; shard < SHARDS; shard++) {
    const startedAt = now();
    bytes += encodeShard(judge, shard, 0).byteLength;
    const ms = now() - startedAt;
    longest = Math.max(longest, ms);
    all += ms;
  }
  return { snapshotMsMax: round(longest), snapshotMsAll: round(all), snapshotBytes: bytes };
}

/** One message of five readings a station, `rows` times, ten minutes apart; one value in 500 is high for a while. */
function blockAt(keys: readonly string[], minute: number, rows: number): ReadingBlock {
  const builder = new ReadingBlockBuilder();
  for (let row = 0; row < rows; row++) {
    const time = NOW + (minute + row) * 600_000;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string;
      if (index % QUANTITIES.length === 0) {
        const device = `d-${key.slice(0, key.indexOf("/"))}`;
        builder.message({ device, boot: "b", seq: minute + row, receivedAt: time + 500, backfill: false });
      }
      const value = (index + Math.floor((minute + row) / 3)) % 500 === 0 ? 12 : 1 + ((index * 7 + row) % 13) / 10;
      builder.row(key, time, value, 0, 1, 78);
    }
  }
  return decodeReadingBlock(builder.encode());
}

/** The same block at another time; moving a block is no part of what is measured. */
function shifted(block: ReadingBlock, minute: number): ReadingBlock {
  const time = Float64Array.from(block.time, () => NOW + minute * 600_000);
  return { ...block, time };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
