import { describe, expect, test } from "vitest";
import { encodeRaw } from "../../../core/envelope.ts";
import { dayOf, dayStart, dayText, type FleetEntry } from "../../../core/fleet.ts";
import { BatchMaker } from "../../../ingest/batch.ts";
import { Dedupe } from "../../../ingest/dedupe.ts";
import { DeviceClock } from "../../../ingest/device-clock.ts";
import { FleetBook } from "../../../ingest/fleet.ts";
import { fetchCommand } from "../../../ingest/fleet-history.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TEN = 10 * MINUTE;
const PREFIX = "ews/1/tenant-1/site-1/mw-1/dev-1/";

/** The whole way: raw messages through ingest into the book. */
class Desk {
  readonly clock = new FakeClock(NOW);
  readonly #directory;
  readonly #maker: BatchMaker;
  readonly book: FleetBook;
  entry: FleetEntry | null = null;
  constructor(device = aDevice()) {
    const directory = aDirectory({ devices: [device] });
    this.#directory = () => directory;
    const onBug = (error: unknown): void => {
      throw error;
    };
    this.#maker = new BatchMaker({ directory: this.#directory, dedupe: new Dedupe(), onBug });
    this.book = new FleetBook({ directory: this.#directory, clock: this.clock });
  }
  put(channel: string, body: object, receivedAt: number): void {
    const payload = Buffer.from(JSON.stringify(body));
    this.#maker.add(encodeRaw({ receivedAt, device: "dev-1", topic: PREFIX + channel, payload }), receivedAt);
  }
  /** Cadmium and pH at `ts`. */
  send(seq: number, ts: number, options: { late?: number; boot?: string; backfill?: boolean; q?: string } = {}): void {
    const { late = 500, boot = "a41f", backfill = false, q = "N" } = options;
    const r = [
      { p: "cd", v: 0.001, q },
      { p: "ph", v: 7 },
    ];
    this.put("telemetry", { v: 1, boot, seq, ts, r, backfill }, ts + late);
  }
  fold() {
    const [fleet] = this.#maker.take().fleet;
    this.entry = fleet ? (JSON.parse(Buffer.from(fleet).toString()) as FleetEntry) : null;
    return this.entry ? this.book.add(this.entry) : [];
  }
  async view() {
    const view = await this.book.device("dev-1");
    if (!view) throw new Error("not registered");
    return view;
  }
}

test("nothing has come: nothing is claimed", async () => {
  const desk = new Desk();
  expect(desk.fold()).toEqual([]);
  expect(await desk.view()).toMatchObject({ lastTime: null, overdue: false, offsetMs: null, signs: null, seqGaps: [] });
  expect(await desk.book.device("somebody")).toBeNull();
});

test("messages 1042 to 1050 are missing, and no longer when they arrive late", async () => {
  const desk = new Desk();
  for (const seq of [1040, 1041, 1051]) desk.send(seq, NOW + (seq - 1040) * TEN);
  desk.fold();
  expect((await desk.view()).seqGaps).toMatchObject([{ boot: "a41f", from: 1042, to: 1050 }]);
  for (let seq = 1042; seq <= 1050; seq++) desk.send(seq, NOW + (seq - 1040) * TEN, { late: 3 * HOUR });
  desk.fold();
  expect(await desk.view()).toMatchObject({ seqGaps: [], timeGaps: [], arrivedLate: 9, messages: 12 });
});

test("a repeated message counts once, and its number is no gap", async () => {
  const desk = new Desk();
  desk.send(1, NOW);
  desk.send(1, NOW, { late: 2_000 });
  desk.send(2, NOW + TEN);
  desk.fold();
  desk.clock.jump(2 * TEN);
  expect(await desk.view()).toMatchObject({ seqGaps: [], days: [{ received: 4 }] });
});

test("a hole in the data is told with its ends, asked for once, and closed by what lies in it", async () => {
  const desk = new Desk(
    aDevice({ profile: { hj212: { mn: "M1", edition: "2017", crc: "hj212", zone: "Asia/Shanghai" } } }),
  );
  desk.send(1, NOW);
  expect(desk.fold()).toEqual([]);
  desk.send(2, NOW + 6 * TEN);
  const holes = desk.fold();
  expect(holes).toMatchObject([{ device: "dev-1", gap: { from: NOW, to: NOW + 6 * TEN } }]);
  const about = aDevice({ profile: { hj212: { mn: "M1", edition: "2017", crc: "hj212", zone: "Asia/Shanghai" } } });
  expect(fetchCommand(holes[0]!, about, NOW)).toMatchObject({
    op: "fetchHistory",
    args: { from: NOW + 1, to: NOW + 6 * TEN - 1, data: "minute" },
    id: fetchCommand(holes[0]!, about, NOW + HOUR).id,
  });
  desk.send(3, NOW + 7 * TEN);
  expect(desk.fold()).toEqual([]); // the same hole is not new again
  for (let step = 1; step < 6; step++) desk.send(3 + step, NOW + step * TEN, { late: 2 * HOUR });
  desk.fold();
  expect((await desk.view()).timeGaps).toEqual([]);
});

test("memory comes back as it was", async () => {
  const desk = new Desk();
  desk.send(1, NOW);
  desk.send(5, NOW + 6 * TEN);
  desk.fold();
  const before = await desk.view();
  const bytes = desk.book.snapshot();
  expect(desk.book.restore(Buffer.from("{"))).toBe(false);
  expect((await desk.view()).messages).toBe(0);
  expect(desk.book.restore(bytes)).toBe(true);
  expect(await desk.view()).toEqual(before);
});

describe("completeness", () => {
  const day = dayOf(NOW);
  test("is counted for each quantity up to what was due, valid ones apart", async () => {
    const desk = new Desk();
    const start = dayStart(day - 1);
    desk.send(0, start - TEN); // known the day before, so that the whole day is owed
    for (let step = 0; step < 72; step++) desk.send(step + 1, start + step * TEN, { q: step < 12 ? "M" : "N" });
    desk.fold();
    desk.clock.jump(dayStart(day) - NOW);
    const view = (await desk.view()).days.find(({ day: text }) => text === dayText(day - 1));
    // Two quantities at ten minutes: 288 due, half of the day sent; cadmium was under maintenance for two hours.
    expect(view).toEqual({ day: dayText(day - 1), expected: 288, received: 144, valid: 132, completeness: 0.5 });
  });

  test("late data counts on its own day", async () => {
    const desk = new Desk();
    const start = dayStart(day - 2);
    desk.send(0, start - TEN);
    desk.send(1, start + HOUR, { late: 30 * HOUR });
    desk.fold();
    const days = (await desk.view()).days.map(({ day: text, received }) => [text, received]);
    expect(days).toContainEqual([dayText(day - 2), 2]);
    expect(days).toContainEqual([dayText(day - 1), 0]);
  });

  test("one chatty quantity does not hide a silent one", async () => {
    const desk = new Desk();
    const start = dayStart(day - 1);
    desk.send(0, start - TEN);
    for (let minute = 0; minute < 1_440; minute++)
      desk.put(
        "telemetry",
        { v: 1, ts: start + minute * MINUTE, r: [{ p: "cd", v: minute }] },
        start + minute * MINUTE,
      );
    desk.fold();
    const view = (await desk.view()).days.find(({ day: text }) => text === dayText(day - 1));
    expect(view?.completeness).toBe(0.5);
  });
});

test("silence beyond three intervals is overdue, for each series", async () => {
  const desk = new Desk();
  desk.send(1, NOW);
  desk.put("telemetry", { v: 1, ts: NOW + 3 * TEN, r: [{ p: "ph", v: 7 }] }, NOW + 3 * TEN);
  desk.fold();
  desk.clock.jump(3 * TEN + 1);
  const { overdue, series } = await desk.view();
  expect(overdue).toBe(false);
  expect(series.map((one) => [one.series, one.overdue])).toEqual([
    ["mw-1/cd/total/rtd", true],
    ["mw-1/ph/total/rtd", false],
  ]);
});

test("averages are overdue by the pace that they have shown, whatever the device's interval, also after a restart", async () => {
  const desk = new Desk(aDevice({ interval: MINUTE }));
  const average = (hour: number): void => {
    const ts = NOW + hour * HOUR;
    desk.put("telemetry", { v: 1, ts, r: [{ p: "ph", v: 7, agg: "avg" }] }, ts);
    desk.fold();
  };
  average(0);
  desk.clock.jump(HOUR);
  expect((await desk.view()).series).toMatchObject([{ overdue: false }]);
  for (const hour of [1, 2, 5]) average(hour); // 3 and 4 are missing: the pace is an hour all the same
  desk.clock.jump(4 * HOUR + 3 * HOUR);
  desk.book.restore(desk.book.snapshot());
  const series = "mw-1/ph/total/avg";
  expect((await desk.view()).series).toMatchObject([{ series, intervalMs: HOUR, overdue: false }]);
  desk.clock.jump(1);
  expect((await desk.view()).series).toMatchObject([{ series, overdue: true }]);
});

test("a clock that loses two seconds a day shows as offset and drift; transport delay and back-fill do not", () => {
  const clock = new DeviceClock();
  for (let hour = 0; hour < 24; hour++) {
    const lag = (hour / 24) * 2_000;
    clock.note(lag + 40_000, NOW + hour * HOUR);
    clock.note(lag + 100, NOW + hour * HOUR + TEN);
  }
  expect(clock.offsetMs).toBeCloseTo(100 + (23 / 24) * 2_000);
  expect(clock.driftMsPerDay).toBeCloseTo(2_000);
  expect(
    new DeviceClock([
      [1, 5],
      [2, 5],
    ]).driftMsPerDay,
  ).toBeNull();
});

test("back-fill says nothing of the clock", async () => {
  const desk = new Desk();
  desk.send(1, NOW - HOUR, { late: HOUR, backfill: true });
  desk.fold();
  expect((await desk.view()).offsetMs).toBeNull();
  desk.send(2, NOW, { late: -3_000 });
  desk.fold();
  expect((await desk.view()).offsetMs).toBe(-3_000);
});

test("no answer of a batch is left out, however many there are", () => {
  const directory = aDirectory();
  const maker = new BatchMaker({ directory: () => directory, dedupe: new Dedupe(), onBug: () => {} });
  for (let n = 0; n < 2_500; n++) {
    const payload = Buffer.from(JSON.stringify({ id: `c${n}`, status: "done" }));
    maker.add(encodeRaw({ receivedAt: NOW, device: "dev-1", topic: `${PREFIX}cmd/ack`, payload }), NOW);
  }
  const tooLong = Buffer.from(JSON.stringify({ online: true, reason: "x".repeat(5_000) }));
  maker.add(encodeRaw({ receivedAt: NOW, device: "dev-1", topic: `${PREFIX}state`, payload: tooLong }), NOW);
  const { fleet, counts } = maker.take();
  const entries = fleet.map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as FleetEntry);
  expect(entries.map(({ signals }) => signals.length)).toEqual([1_000, 1_000, 500]);
  expect(counts.signalsRefused).toBe(1);
  expect(maker.take().fleet).toEqual([]);
});

test("answers to commands and states ride along, in order, other channels do not", () => {
  const desk = new Desk();
  desk.put("state", { online: true, cfg: 2 }, NOW);
  desk.put("cmd/ack", { id: "c1", status: "accepted" }, NOW + 1);
  desk.put("event", { door: "open" }, NOW + 2);
  desk.put("cmd/ack", { id: "c1", status: "done", detail: "x".repeat(5_000) }, NOW + 3);
  desk.fold();
  expect(desk.entry?.signals.map(({ channel, payload }) => [channel, payload])).toEqual([
    ["state", '{"online":true,"cfg":2}'],
    ["cmd/ack", '{"id":"c1","status":"accepted"}'],
    // Too long to be kept whole, and still an answer.
    ["cmd/ack", `{"id":"c1","status":"done","detail":"${"x".repeat(300)}"}`],
  ]);
});
