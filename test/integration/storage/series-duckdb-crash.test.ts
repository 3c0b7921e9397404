import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { TimeSeriesStore } from "../../../core/ports.ts";
import { openDuckdbSeries } from "../../../storage/series-duckdb.ts";
import { aBlock, aReading, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

const ROOT = pathToFileURL(join(import.meta.dirname, "../../.."));
const parts = { log: createLogger("silent"), metrics: new Metrics() };
const ROWS_A_BLOCK = 500;
const SERIES = 10;

/** Writes blocks from the stored position on, says so after each, sorts every few, and never stops by itself. */
const CHILD = `
  const { openDuckdbSeries } = await import("${ROOT}/storage/series-duckdb.ts");
  const { systemClock } = await import("${ROOT}/core/clock.ts");
  const { createLogger, Metrics } = await import("${ROOT}/core/observe.ts");
  const { decodeReadingBlock, ReadingBlockBuilder } = await import("${ROOT}/core/reading-block.ts");
  const store = await openDuckdbSeries({ folder: process.argv[1], clock: systemClock, log: createLogger("silent"),
    metrics: new Metrics(), hotRowsMax: 2000 });
  for (let n = await store.position("series"); ; n++) {
    const builder = new ReadingBlockBuilder();
    builder.message({ device: "d", boot: "", seq: -1, receivedAt: 0, backfill: false });
    for (let i = 0; i < ${ROWS_A_BLOCK}; i++) {
      const step = n * ${ROWS_A_BLOCK / SERIES} + Math.floor(i / ${SERIES});
      // Every fifth block is late by 300 steps of half a second, so that both ways of writing are cut short.
      const time = ${NOW} + (step - (n % 5 === 4 ? 300 : 0)) * 1000 + (n % 5 === 4 ? 500 : 0);
      builder.row("mw-" + (i % ${SERIES}) + "/cd/total/rtd", time, n, 0, 1, 78);
    }
    await store.write([decodeReadingBlock(builder.encode())], { reader: "series", offset: n + 1 });
    process.stdout.write(n + 1 + "\\n");
    if (n % 7 === 6) void store.maintain({ rawBefore: null, rollupBefore: null }).catch(() => undefined);
  }`;

describe("a DuckDB series file", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "series-crash-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("holds exactly the blocks below its position after every kill -9", async () => {
    let acknowledged = 0;
    for (let round = 0; round < 4; round++) {
      acknowledged = await writeUntilKilled(folder, 3 + round * 4);
      const store = await openDuckdbSeries({ folder, clock: new FakeClock(), ...parts });
      const position = (await store.position("series")) ?? 0;
      expect(position).toBeGreaterThanOrEqual(acknowledged);
      expect(position).toBeLessThanOrEqual(acknowledged + 1);
      await expectWhole(store, position);
      await store.close();
    }
    expect(acknowledged).toBeGreaterThan(20);
  });
});

/** Kills the child as soon as it has acknowledged `blocks` more; resolves with the last offset it acknowledged. */
async function writeUntilKilled(folder: string, blocks: number): Promise<number> {
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", CHILD, folder], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  let acknowledged = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    seen++;
    if (seen === 1) {
      const second = openDuckdbSeries({ folder, clock: new FakeClock(), ...parts });
      await expect(second).rejects.toMatchObject({ code: "SERIES_LOCKED" });
    }
    if (seen === blocks) child.kill("SIGKILL");
  }
  await gone;
  expect(seen).toBeGreaterThanOrEqual(blocks);
  return acknowledged;
}

async function expectWhole(store: TimeSeriesStore, position: number): Promise<void> {
  expect(await store.count()).toBe(position * ROWS_A_BLOCK);
  const expectedSum = ((position * (position - 1)) / 2) * (ROWS_A_BLOCK / SERIES);
  for (let i = 0; i < SERIES; i++) {
    const query = { series: `mw-${i}/cd/total/rtd`, from: 0, to: NOW * 2 };
    const buckets = await store.buckets(query, 3_600_000);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe((position * ROWS_A_BLOCK) / SERIES);
    expect(buckets.reduce((sum, { count, mean }) => sum + count * (mean ?? 0), 0)).toBeCloseTo(expectedSum, 3);
  }
}

describe("a backup of a DuckDB series file", () => {
  test("taken while writes go on holds the points below its position, and replaces an older backup", async () => {
    const folder = await mkdtemp(join(tmpdir(), "series-backup-"));
    const store = await openDuckdbSeries({ folder, clock: new FakeClock(), hotRowsMax: 700, ...parts });
    const write = (n: number) =>
      store.write([aBlock(Array.from({ length: 100 }, (_, i) => aReading({ time: NOW + n * 100 + i, value: n })))], {
        reader: "series",
        offset: n + 1,
      });
    for (let n = 0; n < 20; n++) await write(n);
    const copyFolder = join(folder, "it's a copy");
    await store.backup(copyFolder);
    const backup = store.backup(copyFolder);
    for (let n = 20; n < 40; n++) await write(n);
    await backup;
    await store.close();
    const copy = await openDuckdbSeries({ folder: copyFolder, clock: new FakeClock(), ...parts });
    const position = (await copy.position("series")) ?? 0;
    expect(position).toBeGreaterThanOrEqual(20);
    expect(await copy.count()).toBe(position * 100);
    expect((await copy.latest())[0]?.value).toBe(position - 1);
    await copy.close();
    await rm(folder, { recursive: true, force: true });
  });
});
