import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { Browser, QUEUE_BYTES_MAX } from "../../../dashboards/live-browser.ts";
import { type LiveValue, LiveValues } from "../../../dashboards/live-values.ts";
import { NOBODY } from "../../../dashboards/sessions.ts";
import { aBlock, anOrigin, aReading, NOW } from "../../support/builders.ts";

describe("LiveValues", () => {
  test("keeps the newest of each series by measurement, whatever order it came in", () => {
    const values = new LiveValues();
    values.take(aBlock([aReading({ time: NOW, value: 2 }), aReading({ time: NOW - 1, value: 1 })]));
    values.take(aBlock([aReading({ time: NOW - 2, value: 0 })]));
    expect(values.drain()).toEqual([["mw-1/cd/total/rtd", NOW, 2, "", 1, "N"]]);
    values.take(aBlock([aReading({ time: NOW - 60_000, value: 9 })]));
    expect(values.drain()).toEqual([]);
  });

  test("hands out each change once, a corrected value again", () => {
    const values = new LiveValues();
    values.take(aBlock([aReading({ value: 1 })]));
    values.drain();
    expect(values.drain()).toEqual([]);
    values.take(aBlock([aReading({ value: 7, cmp: "<" })]));
    expect(values.drain()).toEqual([["mw-1/cd/total/rtd", NOW, 7, "<", 1, "N"]]);
  });

  test("no value is null; freshness is the newest arrival", () => {
    const values = new LiveValues();
    const origin = anOrigin({ receivedAt: NOW + 5 });
    values.take(
      aBlock([aReading({ value: Number.NaN, qualifier: "D", origin }), aReading({ series: "mw-1/ph/total/rtd" })]),
    );
    expect(values.drain()[0]?.[2]).toBeNull();
    expect(values.receivedAt).toBe(NOW + 1_000);
    values.take(aBlock([aReading({ origin })]));
    expect(values.receivedAt).toBe(NOW + 1_000);
  });
});

/** A connection that takes nothing until it is told to. */
class Stuck extends Writable {
  readonly taken: string[] = [];
  #go: (() => void) | null = null;
  open = false;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(chunk.toString());
    if (this.open) done();
    else this.#go = done;
  }
  release(): void {
    this.open = true;
    this.#go?.();
  }
}
const aValue = (index: number, time = NOW): LiveValue => [`mw-${index}/cd/total/rtd`, time, 1, "", 1, "N"];

describe("Browser", () => {
  test("is closed when it does not read and its queue is full", () => {
    const out = new Stuck();
    const browser = new Browser(out, NOBODY, 0);
    const text = "x".repeat(60_000);
    let sent = 0;
    while (browser.send(text)) sent++;
    expect(sent).toBe(Math.floor(QUEUE_BYTES_MAX / text.length));
    expect(out.destroyed).toBe(true);
    expect(browser.send("more")).toBe(false);
  });

  test("readings wait as the newest of each series while the queue is long, and cost no memory", async () => {
    const out = new Stuck();
    const browser = new Browser(out, NOBODY, 0);
    browser.send("y".repeat(100_000));
    for (let round = 0; round < 1_000; round++) expect(browser.sendValues([aValue(1, NOW + round)])).toBe(true);
    expect(browser.queuedBytes).toBe(100_000);
    out.release();
    await browser.drained();
    browser.sendValues([]);
    expect(out.taken.at(-1)).toBe(`event: readings\ndata: ${JSON.stringify({ values: [aValue(1, NOW + 999)] })}\n\n`);
  });

  test("a great many series go out over several events, none left behind", () => {
    const out = new Stuck();
    out.open = true;
    const browser = new Browser(out, NOBODY, 0);
    browser.sendValues(Array.from({ length: 2_500 }, (_, index) => aValue(index)));
    for (let more = 0; more < 3; more++) browser.sendValues([]);
    const sizes = out.taken.map((text) => JSON.parse(text.split("data: ")[1] ?? "{}").values.length);
    expect(sizes).toEqual([1_000, 1_000, 500]);
  });
});
