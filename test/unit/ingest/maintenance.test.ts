/** Maintenance windows on the way in: the qualifier follows from device and windows, whatever the order of both. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  coversAlarm,
  GIVEN,
  givenBy,
  MaintenanceAsk,
  type MaintenanceWindow,
  windowsOf,
} from "../../../core/maintenance.ts";
import { Metrics } from "../../../core/observe.ts";
import type { Directory } from "../../../core/ports.ts";
import { QUALIFIERS } from "../../../core/reading.ts";
import { decodeReadingBlock } from "../../../core/reading-block.ts";
import { BatchMaker } from "../../../ingest/batch.ts";
import { Dedupe } from "../../../ingest/dedupe.ts";
import { runIngest } from "../../../ingest/pipeline.ts";
import { aDevice, aDirectory, anAlarm, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { aRaw, ingestAll, readingsIn, silent, stored } from "../../support/ingest.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

const MINUTE = 60_000;

function aWindow(overrides: Partial<MaintenanceWindow> = {}): MaintenanceWindow {
  return {
    ...{ id: "w-1", station: "mw-1", from: NOW + 2 * MINUTE, to: NOW + 6 * MINUTE, reason: "maintenance" },
    ...{ note: "probe cleaned", by: "ann", at: NOW, retrospective: false },
    ...overrides,
  };
}

function directoryWith(...maintenance: MaintenanceWindow[]): Directory {
  return aDirectory({ maintenance, devices: [aDevice({ quantities: { cd: "mg/L", ph: "pH" } })] });
}

const message = (seq: number, value: number | null, { at = seq, q = "N" } = {}) =>
  aRaw(
    { v: 1, boot: "b1", seq, r: [{ p: "ph", v: value, t: NOW + at * MINUTE, q }] },
    { receivedAt: NOW + seq * MINUTE + 500 },
  );
const values = [7, 7.01, 7.02, 9.9, 7.03, 7.02, 7.01, 7, 7.02];
const inOrder = values.map((value, index) => message(index, value));

/** What a store holds of minute after minute: value, qualifier, flag. */
async function storedBy(journal: MemoryJournal): Promise<string[]> {
  return Object.entries(stored(await readingsIn(journal)))
    .sort()
    .map(([, text]) => text);
}
async function run(messages: readonly Uint8Array[], ...maintenance: MaintenanceWindow[]): Promise<string[]> {
  const journal = new MemoryJournal();
  for (const one of messages) await journal.append("raw", one);
  const directory = directoryWith(...maintenance);
  await ingestAll({ journal, directory: () => directory });
  return storedBy(journal);
}

describe("what a window makes of a reading", () => {
  test("from inclusive, to exclusive, an early end at its instant; a withdrawn window says nothing", () => {
    const give = (one: MaintenanceWindow) =>
      [1, 2, 5, 6].map((at) => givenBy(windowsOf([one], "ph"), NOW + at * MINUTE, "N"));
    expect(give(aWindow())).toEqual([0, 1, 1, 0]);
    expect(give(aWindow({ reason: "calibration", endedAt: NOW + 5 * MINUTE }))).toEqual([0, 2, 0, 0]);
    expect(give(aWindow({ endedAt: NOW + 2 * MINUTE }))).toEqual([0, 0, 0, 0]);
    expect(give(aWindow({ quantities: ["cd"] }))).toEqual([0, 0, 0, 0]);
  });

  test("the device's own word of an unfit value stays; N and T, which raise alarms, do not", () => {
    const given = QUALIFIERS.filter((own) => givenBy([aWindow()], NOW + 3 * MINUTE, own) !== GIVEN.none);
    expect(given).toEqual(["N", "T"]);
  });

  test("of windows that overlap maintenance holds, in either order", () => {
    const both = [aWindow(), aWindow({ id: "w-2", reason: "calibration" })];
    expect(givenBy(both, NOW + 3 * MINUTE, "N")).toBe(GIVEN.maintenance);
    expect(givenBy(both.reverse(), NOW + 3 * MINUTE, "N")).toBe(GIVEN.maintenance);
  });

  test("a window over an alarm of pollution covers it; other stations, quantities, times and categories do not count", () => {
    const span = aWindow({ quantities: ["cd"] });
    const covers = (overrides: object) => coversAlarm(span, [anAlarm({ start: NOW + 3 * MINUTE, ...overrides })]);
    expect(covers({})).toBe(true);
    expect(covers({ start: NOW, end: null })).toBe(true);
    expect(covers({ quantity: "ph" })).toBe(false);
    expect(covers({ station: "mw-2" })).toBe(false);
    expect(covers({ category: "instrument" })).toBe(false);
    expect(covers({ start: NOW + 6 * MINUTE })).toBe(false);
    expect(covers({ start: NOW, end: NOW + MINUTE })).toBe(false);
  });

  test("an ask of more than 30 days, of no length, or without a word why is refused", () => {
    const ask = { from: NOW, to: NOW + 30 * 86_400_000, reason: "maintenance", note: "why" };
    expect(MaintenanceAsk.safeParse(ask).success).toBe(true);
    for (const wrong of [{ to: ask.to + 1 }, { to: NOW }, { note: " " }, { reason: "holiday" }, { quantities: [] }])
      expect(MaintenanceAsk.safeParse({ ...ask, ...wrong }).success).toBe(false);
  });
});

describe("in the pipeline", () => {
  test("a window set before: its readings are stored with M, and the spike in it accuses no neighbour", async () => {
    expect(await run(inOrder, aWindow())).toEqual([
      ...["7 N 1", "7.01 N 1", "7.02 M 1", "9.9 M 1", "7.03 M 1", "7.02 M 1", "7.01 N 1", "7 N 1", "7.02 N 1"],
    ]);
    expect((await run(inOrder))[3]).toBe("9.9 N 4");
  });

  test("a device's own qualifier inside the window stays, and a missing value stays missing", async () => {
    const own = [message(2, 7, { q: "F" }), message(3, null, { q: "D" }), message(4, 7, { q: "T" })];
    expect((await run(own, aWindow())).map((text) => text.split(" ")[1])).toEqual(["F", "D", "M"]);
  });

  test("set after the readings, over a restart: they come again as revisions in their own name; ended, they are as before", async () => {
    const journal = new MemoryJournal();
    const go = async (...windows: MaintenanceWindow[]) => {
      const directory = directoryWith(...windows);
      await ingestAll({ journal, directory: () => directory });
      return storedBy(journal);
    };
    for (const one of inOrder.slice(0, 7)) await journal.append("raw", one);
    await go();
    await journal.append("raw", inOrder[7] as Uint8Array);
    await go(aWindow());
    const [last] = (await journal.read("readings", 0, Number.MAX_SAFE_INTEGER)).slice(-1);
    const block = decodeReadingBlock(last?.bytes as Uint8Array);
    expect([block.count, block.revisedFrom, block.said.size]).toEqual([5, 1, 4]);
    expect(block.messages.map(({ seq }) => seq).sort()).toEqual([2, 3, 4, 5, 7]);
    await journal.append("raw", inOrder[8] as Uint8Array);
    expect(await go(aWindow())).toEqual(await run(inOrder, aWindow()));
    const shortened = aWindow({ endedAt: NOW + 4 * MINUTE });
    await journal.append("raw", message(9, 7));
    const all = [...inOrder, message(9, 7)];
    expect(await go(shortened)).toEqual(await run(all, shortened));
    await journal.append("raw", message(10, 7));
    expect(await go(aWindow({ endedAt: NOW + 2 * MINUTE }))).toEqual(await run([...all, message(10, 7)]));
  });

  test("a quiet ingest sees a window within a second", async () => {
    const journal = new MemoryJournal();
    for (const one of inOrder) await journal.append("raw", one);
    let directory = directoryWith();
    const clock = new FakeClock(NOW);
    const stop = new AbortController();
    const parts = {
      journal,
      directory: () => directory,
      refresh: async () => {},
      clock,
      log: silent,
      metrics: new Metrics(),
    };
    const running = runIngest(parts, stop.signal);
    const until = async (isSo: () => Promise<boolean>) => {
      while (!(await isSo())) await Promise.race([new Promise((resolve) => setImmediate(resolve)), running]);
    };
    await until(async () => (await journal.end("readings")) > 0 && clock.pending > 0);
    const before = await journal.end("readings");
    directory = directoryWith(aWindow());
    await clock.advance(1_000);
    await until(async () => (await journal.end("readings")) > before);
    stop.abort();
    await running;
    expect(await storedBy(journal)).toEqual(await run(inOrder, aWindow()));
  });

  test("a repeat is a repeat inside a window too, and a correction replaces what stands there", async () => {
    const corrected = message(20, 7.5, { at: 3 });
    const rows = await run([...inOrder, message(3, 9.9), corrected], aWindow());
    expect(rows[3]).toBe("7.5 M 1");
    expect(rows).toHaveLength(values.length);
  });
});

test("readings and changes of windows in any order, batch by batch: the same qualifiers and flags", () => {
  const shortened = aWindow({ endedAt: NOW + 4 * MINUTE });
  const other = aWindow({ id: "w-2", from: NOW + 5 * MINUTE, to: NOW + 8 * MINUTE, reason: "calibration" });
  const stages = [[], [aWindow()], [aWindow(), other], [shortened, other]];
  const collect = (order: readonly number[], changesAt: readonly number[]): Record<string, string> => {
    let stage = 0;
    let directory = directoryWith();
    const bugs: unknown[] = [];
    const maker = new BatchMaker({
      directory: () => directory,
      dedupe: new Dedupe(),
      onBug: (error) => bugs.push(error),
    });
    const points: Record<string, string> = {};
    const flush = (): void => {
      const { block } = maker.take();
      if (!block) return;
      const { count, time, value, flag, qualifier } = decodeReadingBlock(block);
      for (let row = 0; row < count; row++)
        points[time[row] as number] = `${value[row]} ${String.fromCharCode(qualifier[row] as number)} ${flag[row]}`;
    };
    const advance = (to: number): void => {
      while (stage < to) directory = directoryWith(...(stages[++stage] as MaintenanceWindow[]));
    };
    order.forEach((index, position) => {
      advance(changesAt.filter((at) => at <= position).length);
      maker.add(inOrder[index] as Uint8Array, NOW);
      if (position % 2 === 1) flush();
    });
    advance(3);
    flush();
    expect(bugs).toEqual([]);
    return points;
  };
  const everyIndex = values.map((_, index) => index);
  const expected = collect(everyIndex, [0, 0, 0]);
  expect(Object.values(expected).map((text) => text.split(" ")[1])).toEqual([..."NNMMNCCCN"]);
  const anyOrder = fc.shuffledSubarray(everyIndex, { minLength: values.length });
  const anyChanges = fc.array(fc.nat(values.length), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(anyOrder, anyChanges, (order, changes) => {
      expect(collect(order, changes)).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});
