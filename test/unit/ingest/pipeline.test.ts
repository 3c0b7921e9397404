import { describe, expect, test } from "vitest";
import { NOW } from "../../support/builders.ts";
import { aRaw, ingestAll, quarantineIn, readingsIn, TOPIC } from "../../support/ingest.ts";
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
});
