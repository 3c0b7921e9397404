import { describe, expect, test } from "vitest";
import { type Logger, Metrics } from "../../../core/observe.ts";
import type { Directory } from "../../../core/ports.ts";
import { decodeReadingBlock } from "../../../core/reading-block.ts";
import { runIngest } from "../../../ingest/pipeline.ts";
import { aDirectory, aStation, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { aRaw, ingestAll, ingestDirectory, quarantineIn, readingsIn, silent, TOPIC } from "../../support/ingest.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

describe("the loop raw → readings", () => {
  test("turns a message into canonical, flagged readings of the station's series", async () => {
    const journal = new MemoryJournal();
    const payload = {
      v: 1,
      boot: "a1",
      seq: 7,
      ts: "2026-03-15T08:00:00+08:00",
      r: [
        { p: "cd", v: 0.5, u: "µg/L", cmp: "<", fraction: "dissolved" },
        { p: "w01001", v: 7.12, t: "2026-03-15T07:55:00+08:00" },
        { p: "no3n", v: 62.004, u: "mg/L as NO3" },
        { p: "ph", v: 15 },
        { p: "ec", v: null, q: "C" },
      ],
    };
    await journal.append("raw", aRaw(payload));
    await ingestAll({ journal });
    const origin = { device: "dev-1", boot: "a1", seq: 7, receivedAt: NOW, backfill: false };
    const common = { time: NOW, cmp: "", flag: 1, qualifier: "N", origin };
    expect(await readingsIn(journal)).toEqual([
      { ...common, series: "mw-1/cd/dissolved/rtd", value: 0.0005, cmp: "<" },
      { ...common, series: "mw-1/ph/total/rtd", value: 7.12, time: NOW - 300_000 },
      { ...common, series: "mw-1/no3n/total/rtd", value: 14.007 },
      { ...common, series: "mw-1/ph/total/rtd", value: 15, flag: 4 },
      { ...common, series: "mw-1/ec/total/rtd", value: Number.NaN, flag: 9, qualifier: "C" },
    ]);
    expect(await quarantineIn(journal)).toEqual([]);
  });

  test("appends one block for one batch and moves its position in the same commit", async () => {
    const journal = new MemoryJournal();
    for (let seq = 0; seq < 10; seq++)
      await journal.append("raw", aRaw({ boot: "b", seq, ts: NOW + seq, m: { ph: 7 } }));
    await ingestAll({ journal });
    expect(await journal.end("readings")).toBe(1);
    expect(await journal.position("ingest", "raw")).toBe(10);
    expect(await readingsIn(journal)).toHaveLength(10);
  });

  test("passes over state messages and still moves on", async () => {
    const journal = new MemoryJournal();
    await journal.append("raw", aRaw({ online: true }, { topic: TOPIC.replace("telemetry", "state") }));
    await ingestAll({ journal });
    expect(await journal.position("ingest", "raw")).toBe(1);
    expect(await journal.end("readings")).toBe(0);
    expect(await journal.end("quarantine")).toBe(0);
  });

  test("gives every unusable message its named reason, once for each reason, and uses the rest of it", async () => {
    const journal = new MemoryJournal();
    const r = [
      { p: "ph", v: 7 },
      { p: "unobtainium", v: 1 },
      { p: "unobtainium", v: 2 },
      { p: "cd", v: 1, u: "furlong" },
      { p: "ph", v: null },
    ];
    await journal.append("raw", aRaw({ v: 1, boot: "b", seq: 1, r }));
    await journal.append("raw", aRaw("{"));
    await journal.append("raw", aRaw({ m: { ph: 7 } }, { device: "stranger" }));
    await ingestAll({ journal });
    const quarantined = await quarantineIn(journal);
    expect(quarantined.map(({ code, readings }) => [code, readings])).toEqual([
      ["NULL_WITHOUT_QUALIFIER", 1],
      ["QUANTITY_UNKNOWN", 2],
      ["UNIT_UNKNOWN", 1],
      ["MALFORMED_JSON", 0],
      ["DEVICE_UNKNOWN", 0],
    ]);
    expect(quarantined[0]).toMatchObject({ at: NOW, receivedAt: NOW, device: "dev-1", topic: TOPIC });
    expect(JSON.parse(Buffer.from(quarantined[1]?.payload ?? "", "base64").toString())).toMatchObject({ r });
    expect(await readingsIn(journal)).toMatchObject([{ series: "mw-1/ph/total/rtd", value: 7 }]);
  });

  test("keeps the old value of a correction beside the new one", async () => {
    const journal = new MemoryJournal();
    const send = (seq: number, v: number | null, more: object) =>
      journal.append("raw", aRaw({ v: 1, boot: "b", seq, ts: NOW, r: [{ p: "cd", v, ...more }] }));
    await send(1, 0.5, { cmp: "<" });
    await send(2, null, { q: "M" });
    await send(3, 0.7, {});
    await ingestAll({ journal });
    const [entry] = await journal.read("readings", 0, 1);
    expect(decodeReadingBlock(entry?.bytes ?? new Uint8Array()).corrections).toEqual([
      { row: 1, oldValue: 0.5, oldCmp: "<" },
      { row: 2, oldValue: Number.NaN, oldCmp: "" },
    ]);
  });

  test("a fault of ours sends one message to quarantine, is logged once a minute, and stops nothing", async () => {
    const journal = new MemoryJournal();
    const errors: unknown[] = [];
    const directory = ingestDirectory();
    const broken: Directory = {
      ...directory,
      device: (id) => {
        if (id === "dev-1") return directory.device(id);
        throw new TypeError("no such thing");
      },
    };
    for (const device of ["cursed", "cursed", "dev-1"]) await journal.append("raw", aRaw({ m: { ph: 7 } }, { device }));
    await journal.append("raw", Buffer.from([99, 1, 2, 3]));
    const log = { ...silent, error: (fields: unknown) => void errors.push(fields) } as unknown as Logger;
    await ingestAll({ journal, directory: () => broken, log });
    expect((await quarantineIn(journal)).map(({ code, device, detail }) => [code, device, detail])).toEqual([
      ["INTERNAL_ERROR", "cursed", "TypeError: no such thing"],
      ["INTERNAL_ERROR", "cursed", "TypeError: no such thing"],
      ["INTERNAL_ERROR", "", "RangeError: raw envelope version 99 is unknown"],
    ]);
    expect(errors).toMatchObject([{ code: "INTERNAL_ERROR", deviceId: "cursed" }]);
    expect(await readingsIn(journal)).toHaveLength(1);
  });

  test("uses the newest copy of the registry", async () => {
    const journal = new MemoryJournal();
    let directory = aDirectory({ devices: [] });
    await journal.append("raw", aRaw({ boot: "b", seq: 1, m: { cd: 1 } }));
    const stop = new AbortController();
    const parts = {
      journal,
      directory: () => directory,
      refresh: async () => {},
      clock: new FakeClock(NOW),
      log: silent,
      metrics: new Metrics(),
    };
    const running = runIngest(parts, stop.signal);
    await journal.wait("quarantine", 0, stop.signal);
    directory = ingestDirectory();
    await journal.append("raw", aRaw({ boot: "b", seq: 2, m: { cd: 1 } }));
    await journal.wait("readings", 0, stop.signal);
    directory = aDirectory({ stations: [aStation({ id: "mw-1", medium: "soil" })] });
    await journal.append("raw", aRaw({ boot: "b", seq: 3, ts: NOW + 1, m: { cd: 1 } }));
    await journal.wait("quarantine", 1, stop.signal);
    stop.abort();
    await running;
    expect((await quarantineIn(journal)).map(({ code }) => code)).toEqual(["DEVICE_UNKNOWN", "UNIT_UNKNOWN"]);
  });

  test("a device that was registered just before its message is known: the registry is asked before each batch", async () => {
    const journal = new MemoryJournal();
    let directory = aDirectory({ devices: [] });
    await journal.append("raw", aRaw({ boot: "b", seq: 1, m: { ph: 7 } }));
    const stop = new AbortController();
    const refresh = async (): Promise<void> => {
      await Promise.resolve();
      directory = ingestDirectory();
    };
    const parts = { journal, clock: new FakeClock(NOW), log: silent, metrics: new Metrics() };
    const running = runIngest({ ...parts, directory: () => directory, refresh }, stop.signal);
    await Promise.race([journal.wait("readings", 0, stop.signal), journal.wait("quarantine", 0, stop.signal)]);
    stop.abort();
    await running;
    expect(await quarantineIn(journal)).toEqual([]);
    expect(await readingsIn(journal)).toHaveLength(1);
  });

  test("waits for more once it is through, and stops when told", async () => {
    const journal = new MemoryJournal();
    const stop = new AbortController();
    const directory = ingestDirectory();
    const parts = {
      journal,
      directory: () => directory,
      refresh: async () => {},
      clock: new FakeClock(NOW),
      log: silent,
      metrics: new Metrics(),
    };
    const running = runIngest(parts, stop.signal);
    for (let seq = 0; seq < 5; seq++) {
      await journal.append("raw", aRaw({ boot: "b", seq, m: { ph: 7 } }, { receivedAt: NOW + seq }));
      await journal.wait("readings", seq, stop.signal);
    }
    stop.abort();
    await running;
    expect(await readingsIn(journal)).toHaveLength(5);
  });

  test("begins anew from the readings when its saved state cannot be read", async () => {
    const journal = new MemoryJournal();
    await journal.append("raw", aRaw({ boot: "b", seq: 1, ts: NOW, m: { ph: 7 } }));
    await ingestAll({ journal });
    await journal.commit({ state: [{ reader: "ingest", offset: 1, bytes: Buffer.from("{not json") }] });
    await journal.append("raw", aRaw({ boot: "b", seq: 1, ts: NOW, m: { ph: 7 } }, { receivedAt: NOW + 5_000 }));
    await ingestAll({ journal });
    expect(await readingsIn(journal)).toHaveLength(1);
  });
});
