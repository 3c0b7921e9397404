import { describe, expect, test } from "vitest";
import { encodeRaw } from "../../../core/envelope.ts";
import { Metrics } from "../../../core/observe.ts";
import type { Directory, Journal, JournalChange } from "../../../core/ports.ts";
import type { EdgeNotice } from "../../../core/sparkplug-edges.ts";
import { type OutgoingMetric, writeSparkplug } from "../../../core/sparkplug-write.ts";
import { runIngest } from "../../../ingest/pipeline.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { quarantineIn, readingsIn, silent } from "../../support/ingest.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

/** Account `edge-1` carries `well-1`; `well-2` stands behind the same edge node and belongs to nobody. */
function sparkplugDirectory(): Directory {
  const map = { pH: { quantity: "ph", unit: "pH" }, Cd: { quantity: "cd", unit: "µg/L" } };
  return aDirectory({
    devices: [
      aDevice({ id: "edge-1", profile: { sparkplug: { group: "park", edge: "e" } } }),
      aDevice({ id: "well-1", via: "edge-1", profile: { map, sparkplug: { group: "park", edge: "e", device: "w1" } } }),
      aDevice({ id: "rival" }),
      aDevice({ id: "well-3", via: "edge-1", profile: { map, sparkplug: { group: "park", edge: "e", device: "w3" } } }),
    ],
  });
}

function raw(
  type: string,
  seq: number,
  metrics: readonly OutgoingMetric[],
  over: { account?: string; at?: number; device?: string } = {},
) {
  const { account = "edge-1", at = NOW + seq * 1_000, device = "w1" } = over;
  return encodeRaw({
    receivedAt: at,
    device: account,
    topic: `spBv1.0/park/${type}/e${type.startsWith("D") ? `/${device}` : ""}`,
    payload: writeSparkplug({ time: at, seq, metrics }),
  });
}
const nbirth = (over = {}) => raw("NBIRTH", 0, [{ name: "bdSeq", type: "UInt64", value: 0 }], over);
const dbirth = (seq = 1, over = {}) =>
  raw(
    "DBIRTH",
    seq,
    [
      { name: "pH", alias: 1, type: "Double", value: 7, time: NOW },
      { name: "Cd", alias: 2, type: "Double", value: 1, time: NOW },
    ],
    over,
  );
const data = (
  seq: number,
  value: number,
  over: Partial<OutgoingMetric> & { at?: number; account?: string; device?: string } = {},
) => {
  const { at, account, device, ...metric } = over;
  const where = { ...(at === undefined ? {} : { at }), ...(account ? { account } : {}), ...(device ? { device } : {}) };
  return raw(
    "DDATA",
    seq,
    [{ alias: 1, type: "Double", isTyped: false, value, time: NOW + seq * 1_000, ...metric }],
    where,
  );
};

async function ingest(journal: Journal, directory = sparkplugDirectory()): Promise<EdgeNotice[]> {
  const notices: EdgeNotice[] = [];
  const stop = new AbortController();
  const running = runIngest(
    {
      journal,
      directory: () => directory,
      refresh: async () => {},
      clock: new FakeClock(NOW),
      log: silent,
      metrics: new Metrics(),
      edges: { noticeEdges: async (more) => void notices.push(...more) },
    },
    stop.signal,
  );
  while ((await journal.position("ingest", "raw")) < (await journal.end("raw"))) {
    await Promise.race([new Promise((resolve) => setImmediate(resolve)), running]);
  }
  stop.abort();
  await running;
  return notices;
}
async function journalOf(...entries: Uint8Array[]): Promise<MemoryJournal> {
  const journal = new MemoryJournal();
  await journal.commit({ append: [{ stream: "raw", entries }] });
  return journal;
}
const rows = async (journal: Journal) =>
  (await readingsIn(journal)).map(({ series, time, value, origin }) => [
    series,
    time - NOW,
    value,
    origin.device,
    origin.backfill,
  ]);
const codes = async (journal: Journal) => (await quarantineIn(journal)).map(({ code }) => code);

test("births and data by alias become rows of the device's series, in canonical units", async () => {
  const journal = await journalOf(nbirth(), dbirth(), data(2, 7.5), data(3, 4, { alias: 2 }));
  const notices = await ingest(journal);
  expect(await rows(journal)).toEqual([
    ["mw-1/ph/total/rtd", 0, 7, "well-1", false],
    ["mw-1/cd/total/rtd", 0, 0.001, "well-1", false],
    ["mw-1/ph/total/rtd", 2_000, 7.5, "well-1", false],
    ["mw-1/cd/total/rtd", 3_000, 0.004, "well-1", false],
  ]);
  expect(notices.map(({ kind, device }) => [kind, device])).toEqual([
    ["birth", null],
    ["birth", "w1"],
  ]);
  expect(await codes(journal)).toEqual([]);
});

test("history of a message is back-fill, what is live in it is not", async () => {
  const both = raw("DDATA", 2, [
    { alias: 1, type: "Double", isTyped: false, value: 6.99, time: NOW - 5_000, isHistorical: true },
    { alias: 1, type: "Double", isTyped: false, value: 7.01, time: NOW + 5_000 },
  ]);
  const journal = await journalOf(nbirth(), dbirth(), both);
  await ingest(journal);
  expect((await rows(journal)).slice(2)).toEqual([
    ["mw-1/ph/total/rtd", 5_000, 7.01, "well-1", false],
    ["mw-1/ph/total/rtd", -5_000, 6.99, "well-1", true],
  ]);
});

test("a device that nobody registered is quarantined and does not disturb its neighbour's numbers", async () => {
  const journal = await journalOf(nbirth(), dbirth(), data(2, 1, { device: "w2" }), data(3, 7.5));
  expect((await ingest(journal)).filter(({ kind }) => kind === "gap")).toEqual([]);
  expect(await codes(journal)).toEqual(["SENDER_UNKNOWN"]);
  expect(await rows(journal)).toHaveLength(3);
});

test("a neighbour behind the same edge node, with credentials of its own, changes what nobody's aliases mean", async () => {
  const swapped = [
    { name: "pH", alias: 2, type: "Double", value: 7, time: NOW },
    { name: "Cd", alias: 1, type: "Double", value: 1, time: NOW },
  ] as const;
  const from = { account: "well-3" };
  const journal = await journalOf(
    nbirth(),
    dbirth(),
    raw("DBIRTH", 2, swapped, from),
    raw("NDEATH", 0, [{ name: "bdSeq", type: "UInt64", value: 0 }], from),
    raw("DBIRTH", 3, swapped, { ...from, device: "w3" }),
    data(2, 7.2),
  );
  const notices = await ingest(journal);
  const readings = await readingsIn(journal);
  expect(readings.at(-1)).toMatchObject({ series: "mw-1/ph/total/rtd", value: 7.2 });
  expect(JSON.stringify(await quarantineIn(journal))).toContain("SENDER_NOT_CARRIED");
  expect(JSON.stringify(notices)).not.toContain("death");
});

test("an account that does not carry the edge node can neither file readings nor kill or bear it", async () => {
  const death = raw("NDEATH", 0, [{ name: "bdSeq", type: "UInt64", value: 0 }], { account: "rival", at: NOW + 2_000 });
  const journal = await journalOf(
    nbirth(),
    dbirth(),
    death,
    nbirth({ account: "rival" }),
    data(2, 9, { account: "rival" }),
    data(2, 7.5),
  );
  const notices = await ingest(journal);
  expect(notices.map(({ kind }) => kind)).toEqual(["birth", "birth"]);
  expect(new Set(await codes(journal))).toEqual(new Set(["SENDER_NOT_CARRIED"]));
  expect((await rows(journal)).slice(2)).toEqual([["mw-1/ph/total/rtd", 2_000, 7.5, "well-1", false]]);
});

/** Keeps no more of saved states than a crash before the next snapshot would. */
class Forgetful extends MemoryJournal {
  keepsStates = true;
  override commit({ state, ...change }: JournalChange): Promise<void> {
    return super.commit({ ...change, ...(state && this.keepsStates ? { state } : {}) });
  }
}

describe("a restart between birth and data", () => {
  test.each([
    ["with a snapshot", true],
    ["before the first snapshot", false],
  ])("loses nothing and asks for nothing, %s", async (_what, keepsStates) => {
    const journal = new Forgetful();
    journal.keepsStates = keepsStates;
    const parts = [nbirth(), dbirth(), data(2, 7.1), data(3, 7.2), data(4, 7.3)];
    const told: EdgeNotice[] = [];
    for (const part of parts) {
      await journal.append("raw", part);
      told.push(...(await ingest(journal)));
    }
    expect((await rows(journal)).map(([, , value]) => value)).toEqual([7, 0.001, 7.1, 7.2, 7.3]);
    expect(await codes(journal)).toEqual([]);
    expect(told.map(({ kind }) => kind)).toEqual(["birth", "birth"]);
  });

  test("goes on from a snapshot when the births have been trimmed", async () => {
    const clock = new FakeClock(NOW);
    const journal = await journalOf(nbirth(), dbirth());
    const stop = new AbortController();
    const directory = sparkplugDirectory();
    const running = runIngest(
      { journal, directory: () => directory, refresh: async () => {}, clock, log: silent, metrics: new Metrics() },
      stop.signal,
    );
    while ((await journal.position("ingest", "raw")) < 2) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(31_000); // a snapshot is due with the next batch
    await journal.append("raw", data(2, 7.1));
    while ((await journal.position("ingest", "raw")) < 3) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await running;
    await journal.trim("raw", 3);
    expect((await journal.stats()).streams.raw.start).toBe(3);
    await journal.append("raw", data(3, 7.2));
    expect(await ingest(journal)).toEqual([]);
    expect((await rows(journal)).map(([, , value]) => value)).toEqual([7, 0.001, 7.1, 7.2]);
  });
});

test("data without birth waits in quarantine and can be replayed after the birth", async () => {
  const early = data(2, 6.5, { at: NOW });
  const journal = await journalOf(early, nbirth({ at: NOW + 60_000 }), dbirth(1, { at: NOW + 60_001 }), early);
  const notices = await ingest(journal);
  expect(notices.map(({ kind }) => kind)).toEqual(["rebirth-wanted", "birth", "birth"]);
  expect(await codes(journal)).toEqual(["BIRTH_MISSING"]);
  expect((await rows(journal)).map(([, , value]) => value)).toEqual([7, 0.001, 6.5]);
});
