import { describe, expect, test } from "vitest";
import { type DeviceProfile, Hj212Profile } from "../../../core/device-profile.ts";
import { encodeRaw } from "../../../core/envelope.ts";
import type { FleetEntry } from "../../../core/fleet.ts";
import { encodeFrame } from "../../../core/hj212-frame.ts";
import { hj212Time } from "../../../core/hj212-time.ts";
import { BatchMaker } from "../../../ingest/batch.ts";
import { Dedupe } from "../../../ingest/dedupe.ts";
import { FleetBook } from "../../../ingest/fleet.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A data logger that reports every minute; each `send` is a batch of its own. */
class Logger {
  readonly #maker: BatchMaker;
  readonly #book: FleetBook;
  constructor(profile: Partial<DeviceProfile["hj212"]> = {}) {
    const hj212 = { ...Hj212Profile.parse({ mn: "A1" }), ...profile };
    const quantities = { cd: "mg/L", ph: "1" };
    const directory = aDirectory({ devices: [aDevice({ interval: MINUTE, quantities, profile: { hj212 } })] });
    const onBug = (error: unknown): void => {
      throw error;
    };
    this.#maker = new BatchMaker({ directory: () => directory, dedupe: new Dedupe(), onBug });
    this.#book = new FleetBook({ directory: () => directory, clock: new FakeClock(NOW) });
  }
  send(cn: string, time: number, { at = time, values = "w01001-Rtd=1" } = {}): void {
    const text = `QN=20260315080001000;ST=32;CN=${cn};PW=123456;MN=A1;Flag=5;CP=&&DataTime=${stamp(time)};${values}&&`;
    const topic = "ews/1/tenant-1/site-1/mw-1/dev-1/hj212";
    this.#maker.add(encodeRaw({ receivedAt: at, device: "dev-1", topic, payload: encodeFrame(text) }), at);
    const { fleet, codes } = this.#maker.take();
    expect([...codes]).toEqual([]);
    for (const bytes of fleet) this.#book.add(JSON.parse(Buffer.from(bytes).toString()) as FleetEntry);
  }
  /** In minutes after NOW. */
  async holes(): Promise<readonly (readonly [from: number, to: number])[]> {
    const gaps = (await this.#book.device("dev-1"))?.timeGaps ?? [];
    return gaps.map(({ from, to }) => [(from - NOW) / MINUTE, (to - NOW) / MINUTE] as const);
  }
  /** Real-time values for three minutes, three hours of silence, and on. */
  outage(): void {
    for (const minute of [0, 1, 2, 182, 183]) this.send("2011", NOW + minute * MINUTE);
  }
}

function stamp(time: number): string {
  return hj212Time(time, "Asia/Shanghai");
}
const slow = (sampled: number): { values: string } => ({
  values: `w01001-Rtd=1;w20115-Rtd=2,w20115-SampleTime=${stamp(sampled)}`,
});

describe("a sample drawn before an outage and reported after it", () => {
  test("does not hide the hole, and is none where nothing is known yet", async () => {
    const logger = new Logger();
    logger.send("2011", NOW, slow(NOW - 4 * HOUR));
    expect(await logger.holes()).toEqual([]);
    logger.send("2011", NOW + MINUTE, slow(NOW - 4 * HOUR));
    logger.send("2011", NOW + 181 * MINUTE, slow(NOW - 4 * HOUR));
    expect(await logger.holes()).toEqual([[1, 181]]);
  });

  test("covers its own moment when it was drawn within the hole, whichever value comes first", async () => {
    const logger = new Logger();
    logger.send("2011", NOW);
    const values = `w20115-Rtd=2,w20115-SampleTime=${stamp(NOW + 60 * MINUTE)};w01001-Rtd=1`;
    logger.send("2011", NOW + 180 * MINUTE, { values });
    expect(await logger.holes()).toEqual([
      [0, 60],
      [60, 180],
    ]);
  });
});

describe("averages fill a hole of real-time values", () => {
  const average = { values: "w01001-Avg=1", at: NOW + 184 * MINUTE };

  test("ten-minute averages (2051) leave nothing of it", async () => {
    const logger = new Logger();
    logger.outage();
    expect(await logger.holes()).toEqual([[2, 182]]);
    for (let minute = 0; minute < 180; minute += 10) logger.send("2051", NOW + minute * MINUTE, average);
    expect(await logger.holes()).toEqual([]);
  });

  test("and a missing one leaves its own ten minutes", async () => {
    const logger = new Logger();
    logger.outage();
    for (let minute = 0; minute < 180; minute += 10)
      if (minute !== 60) logger.send("2051", NOW + minute * MINUTE, average);
    expect(await logger.holes()).toEqual([[60, 70]]);
  });

  test.each`
    cn        | span    | history
    ${"2061"} | ${HOUR} | ${"hour"}
    ${"2031"} | ${DAY}  | ${"day"}
  `("$cn fills it as history, or where the profile asks for it, and not by the way", async ({ cn, span, history }) => {
    const start = NOW - (NOW % HOUR);
    const day = { values: "w01001-Avg=1" };
    for (const [profile, late, isFilled] of [
      [{}, 4 * DAY, true],
      [{ history }, 1, true],
      [{}, 1, false],
    ] as const) {
      const logger = new Logger(profile);
      logger.outage();
      for (let time = start - DAY; time < NOW + 4 * HOUR; time += span as number)
        if (time + span > NOW) logger.send(cn as string, time, { ...day, at: time + span + late });
      expect((await logger.holes()).length === 0).toBe(isFilled);
    }
  });
});
