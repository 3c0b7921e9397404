import { describe, expect, test } from "vitest";
import { decodeRaw } from "../../../core/envelope.ts";
import { encodeFrame } from "../../../core/hj212-frame.ts";
import { Metrics } from "../../../core/observe.ts";
import { runIngest } from "../../../ingest/pipeline.ts";
import { listQuarantine, replayQuarantine, showQuarantine } from "../../../ingest/quarantine.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { aRaw, ingestAll, quarantineIn, readingsIn, silent, TOPIC } from "../../support/ingest.ts";
import { HastyClock } from "../../support/ingest-journals.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

const withLead = aDirectory({ devices: [aDevice({ quantities: { cd: "mg/L", ph: "pH", pb: "mg/L" } })] });
/** A message of which cadmium can be used and lead cannot. */
const partly = (seq: number) => ({
  v: 1,
  boot: "b1",
  seq,
  r: [
    { p: "cd", v: seq, t: NOW + seq },
    { p: "pb", v: 5 },
  ],
});

async function journalWith(...payloads: unknown[]): Promise<MemoryJournal> {
  const journal = new MemoryJournal();
  for (const [n, payload] of payloads.entries()) await journal.append("raw", aRaw(payload, { receivedAt: NOW + n }));
  await ingestAll({ journal });
  return journal;
}

describe("listing", () => {
  test("newest first, bounded, and by code", async () => {
    const journal = await journalWith("{", partly(1), "[]", "{", partly(2));
    const codes = async (options: { limit: number; code?: string }) =>
      (await listQuarantine(journal, options)).map(({ offset, code }) => `${offset} ${code}`);
    expect(await codes({ limit: 3 })).toEqual(["4 QUANTITY_NOT_ALLOWED", "3 MALFORMED_JSON", "2 WRONG_SHAPE"]);
    expect(await codes({ limit: 9, code: "MALFORMED_JSON" })).toEqual(["3 MALFORMED_JSON", "0 MALFORMED_JSON"]);
    expect(await codes({ limit: 9, code: "NONE" })).toEqual([]);
    const [entry] = await listQuarantine(journal, { limit: 1, code: "WRONG_SHAPE" });
    expect(entry).toEqual({
      offset: 2,
      at: NOW,
      receivedAt: NOW + 2,
      device: "dev-1",
      topic: TOPIC,
      code: "WRONG_SHAPE",
      detail: "expected an object, got a list",
      readings: 0,
      payloadBytes: 2,
    });
  });

  test("goes back over thousands of entries, and over what was trimmed", async () => {
    const journal = await journalWith("[]", ...Array.from({ length: 2_500 }, () => "{"));
    expect(await listQuarantine(journal, { limit: 5, code: "WRONG_SHAPE" })).toMatchObject([{ offset: 0 }]);
    await journal.trim("quarantine", 2_400);
    const left = await listQuarantine(journal, { limit: 1_000 });
    expect([left.length, left[0]?.offset, left.at(-1)?.offset]).toEqual([101, 2_500, 2_400]);
  });

  test("shows one with its bytes, or says that there is none", async () => {
    const journal = await journalWith("{");
    expect(Buffer.from((await showQuarantine(journal, 0)).payload, "base64").toString()).toBe("{");
    for (const offset of [1, -1, 0.5, Number.NaN]) {
      await expect(showQuarantine(journal, offset)).rejects.toMatchObject({ code: "QUARANTINE_NOT_FOUND" });
    }
  });
});

describe("passwords of HJ 212", () => {
  const topicOf = TOPIC.replace(/telemetry$/, "hj212");
  const kept = async (segment: string, topic = topicOf) => {
    const journal = new MemoryJournal();
    const payload = Buffer.from(encodeFrame(segment)).toString("latin1");
    await journal.append("raw", aRaw(payload, { topic }));
    await ingestAll({ journal });
    return { journal, payload };
  };

  test.each`
    why                       | segment                                                            | topic
    ${"a frame"}              | ${"QN=1;CN=2061;PW=s3cret;MN=A;Flag=5;CP=&&w01001-Avg=1&&"}        | ${topicOf}
    ${"one with a misprint"}  | ${"QN=1,PW=s3cret;CN=2061;MN=A;Flag=5;CP=&&DataTime=1&&"}          | ${topicOf}
    ${"a new password"}       | ${"QN=1;CN=2061;PW=;MN=A;Flag=5;CP=&&NewPW=s3cret,w01001-Avg=1&&"} | ${topicOf}
    ${"one in another place"} | ${"QN=1;CN=2061;PW=s3cret;MN=A;Flag=5;CP=&&&&"}                    | ${TOPIC}
  `("of $why are shown nowhere, and the bytes are replayed as they were", async ({ segment, topic }) => {
    const { journal, payload } = await kept(segment, topic);
    const [listed] = await listQuarantine(journal, { limit: 1 });
    const shown = await showQuarantine(journal, 0);
    const text = Buffer.from(shown.payload, "base64").toString("latin1");
    for (const printed of [JSON.stringify(listed), JSON.stringify(shown), text])
      expect(printed).not.toContain("s3cret");
    expect(text).toContain("PW=***");
    await replayQuarantine(journal, [0]);
    const [, again] = await journal.read("raw", 0, 1_000_000);
    expect(Buffer.from(decodeRaw(again?.bytes ?? new Uint8Array()).payload).toString("latin1")).toBe(payload);
  });

  test("what is no frame is shown as it is", async () => {
    const journal = await journalWith('{"data":"AAPW=","x":1');
    expect(Buffer.from((await showQuarantine(journal, 0)).payload, "base64").toString()).toBe('{"data":"AAPW=","x":1');
  });
});

describe("replaying", () => {
  test("uses the message once the registry knows the device, with its first arrival time", async () => {
    const journal = new MemoryJournal();
    await journal.append("raw", aRaw({ seq: 1, m: { cd: 1 } }, { receivedAt: NOW - 86_400_000 }));
    await ingestAll({ journal, directory: () => aDirectory({ devices: [] }) });
    expect(await quarantineIn(journal)).toMatchObject([{ code: "DEVICE_UNKNOWN" }]);
    expect(await replayQuarantine(journal, [0])).toBe(1);
    await ingestAll({ journal });
    expect(await readingsIn(journal)).toMatchObject([{ time: NOW - 86_400_000, value: 1 }]);
    expect(await quarantineIn(journal)).toHaveLength(1);
  });

  test.each(["after a restart", "after a restart with a saved state", "after a restart that forgot its state"])(
    "adds only the readings that were refused before: %s",
    async (when) => {
      const journal = new MemoryJournal();
      for (let seq = 1; seq <= 3; seq++) await journal.append("raw", aRaw(partly(seq), { receivedAt: NOW + seq }));
      const clock = when.endsWith("saved state") ? { clock: new HastyClock(NOW) } : {};
      await ingestAll({ journal, ...clock });
      expect(await journal.loadState("ingest")).toEqual(when.endsWith("saved state") ? expect.anything() : null);
      if (when.endsWith("forgot its state")) {
        await journal.commit({ state: [{ reader: "ingest", offset: 3, bytes: Buffer.from("?") }] });
      }
      await replayQuarantine(journal, [1]);
      await ingestAll({ journal, directory: () => withLead });
      // Sent again by the device as well: a repeat now, and nothing more.
      await journal.append("raw", aRaw(partly(2), { receivedAt: NOW + 60_000 }));
      await ingestAll({ journal, directory: () => withLead });
      const rows = (await readingsIn(journal)).map(
        ({ series, value, origin }) => `${series} ${value} ${origin.receivedAt - NOW}`,
      );
      expect(rows).toEqual([
        "mw-1/cd/total/rtd 1 1",
        "mw-1/cd/total/rtd 2 2",
        "mw-1/cd/total/rtd 3 3",
        "mw-1/pb/total/rtd 5 2",
      ]);
    },
  );

  test("works while ingest goes on, once the registry allows it", async () => {
    const journal = new MemoryJournal();
    let directory = aDirectory();
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
    await journal.append("raw", aRaw(partly(1)));
    await journal.wait("quarantine", 0, stop.signal);
    directory = withLead;
    await replayQuarantine(journal, [0]);
    await journal.wait("readings", 1, stop.signal);
    stop.abort();
    await running;
    expect((await readingsIn(journal)).map(({ series }) => series)).toEqual(["mw-1/cd/total/rtd", "mw-1/pb/total/rtd"]);
  });

  test("twice, or by several entries of one message, sends and changes nothing more", async () => {
    const two = {
      v: 1,
      boot: "b1",
      seq: 1,
      r: [
        { p: "pb", v: 5 },
        { p: "cd", v: 1, u: "furlong" },
      ],
    };
    const journal = await journalWith(two);
    expect(await replayQuarantine(journal, [0, 1])).toBe(1);
    expect(await replayQuarantine(journal, [1])).toBe(1);
    await ingestAll({ journal, directory: () => withLead });
    expect(await readingsIn(journal)).toHaveLength(1);
  });

  test("of an entry without bytes names what to do instead", async () => {
    const many = Array.from({ length: 400 }, (_, n) => ({ p: "pb", v: n, t: NOW - n * 1_000, u: "mg/L", q: "N" }));
    const journal = await journalWith({ v: 1, boot: "b1", seq: 1, r: [...many, { p: "cd", v: 1, u: "furlong" }] });
    expect((await quarantineIn(journal)).map(({ code, payload }) => [code, payload === ""])).toEqual([
      ["QUANTITY_NOT_ALLOWED", false],
      ["UNIT_UNKNOWN", true],
    ]);
    await expect(replayQuarantine(journal, [1])).rejects.toMatchObject({ code: "QUARANTINE_WITHOUT_BYTES" });
    await expect(replayQuarantine(journal, [0, 7])).rejects.toMatchObject({ code: "QUARANTINE_NOT_FOUND" });
    expect(await journal.end("raw")).toBe(1);
  });
});
