import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SEQ_NONE, SERIES_ENTRIES_MAX, type Sender, SeriesWindow } from "../../../ingest/series-window.ts";

const SECOND = 1_000;
const budget = (total = 1_000_000) => ({ total, left: total });
const sender = (seq: number, receivedSeconds = 0, bootId = 1): Sender => ({ bootId, seq, receivedSeconds });

describe("who wins at the same series and time", () => {
  test.each`
    why                                     | first                  | second                 | verdict
    ${"higher seq of the same boot"}        | ${sender(5, 9)}        | ${sender(6, 9)}        | ${"corrected"}
    ${"lower seq of the same boot"}         | ${sender(6, 9)}        | ${sender(5, 10)}       | ${"superseded"}
    ${"same message, said twice"}           | ${sender(5, 9)}        | ${sender(5, 9)}        | ${"corrected"}
    ${"another boot, later arrival"}        | ${sender(9, 9)}        | ${sender(1, 10, 2)}    | ${"corrected"}
    ${"another boot, earlier arrival"}      | ${sender(9, 9)}        | ${sender(1, 8, 2)}     | ${"superseded"}
    ${"no boot, later arrival"}             | ${sender(9, 9, 0)}     | ${sender(1, 10, 0)}    | ${"corrected"}
    ${"no seq, earlier arrival (a replay)"} | ${sender(SEQ_NONE, 9)} | ${sender(SEQ_NONE, 8)} | ${"superseded"}
  `("$why: $verdict", ({ first, second, verdict }: { first: Sender; second: Sender; verdict: string }) => {
    const window = new SeriesWindow(budget());
    expect(window.judge(0, 1, 0, first)).toBe("fresh");
    expect(window.judge(0, 2, 0, second)).toBe(verdict);
    expect(window.oldValue).toBe(1);
    expect(window.judge(0, verdict === "corrected" ? 2 : 1, 0, second)).toBe("repeat");
  });

  test("a value said again under a higher seq stands against a late one from in between", () => {
    const window = new SeriesWindow(budget());
    window.judge(0, 1, 0, sender(2));
    expect(window.judge(0, 1, 0, sender(9))).toBe("repeat");
    expect(window.judge(0, 2, 0, sender(8))).toBe("superseded");
    expect(window.judge(0, 1, 0, sender(3))).toBe("repeat");
    expect(window.judge(0, 2, 0, sender(8))).toBe("superseded");
  });

  test("equal means value, comparison and qualifier", () => {
    const window = new SeriesWindow(budget());
    window.judge(0, Number.NaN, 5, sender(1));
    expect(window.judge(0, Number.NaN, 5, sender(2))).toBe("repeat");
    expect(window.judge(0, Number.NaN, 6, sender(2))).toBe("corrected");
    expect([window.oldValue, window.oldMark]).toEqual([Number.NaN, 5]);
    window.judge(1, 0, 0, sender(1));
    expect(window.judge(1, -0, 0, sender(2))).toBe("repeat");
  });
});

describe("what a series remembers", () => {
  test("agrees with a map of everything, whatever the order of times", () => {
    const reading = fc.record({ time: fc.integer({ min: -400, max: 400 }), value: fc.integer({ min: 0, max: 2 }) });
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 500 }), (readings) => {
        const window = new SeriesWindow(budget());
        const model = new Map<number, number>();
        readings.forEach(({ time, value }, seq) => {
          const old = model.get(time);
          const expected = old === undefined ? "fresh" : old === value ? "repeat" : "corrected";
          expect(window.judge(time, value, 0, sender(seq))).toBe(expected);
          if (expected === "corrected") expect(window.oldValue).toBe(old);
          model.set(time, value);
        });
        expect(window.count).toBe(model.size);
      }),
    );
  });

  test.each`
    what                      | count    | stepMs
    ${"2 h at one a second"}  | ${7_200} | ${SECOND}
    ${"24 h at one a minute"} | ${1_440} | ${60 * SECOND}
  `("holds $what while newer ones keep coming", ({ count, stepMs }: { count: number; stepMs: number }) => {
    const window = new SeriesWindow(budget());
    const all = 3 * SERIES_ENTRIES_MAX + 17;
    for (let n = 0; n < all; n++) window.judge(n * stepMs, n, 0, sender(n));
    for (let n = all - count; n < all; n++) expect(window.judge(n * stepMs, n, 0, sender(n))).toBe("repeat");
    expect(window.count).toBeLessThanOrEqual(SERIES_ENTRIES_MAX);
  });

  test("a backlog sent newest first is known when it is sent again", () => {
    const window = new SeriesWindow(budget());
    for (const expected of ["fresh", "repeat"]) {
      for (let n = 7_200; n > 0; n--) expect(window.judge(n * SECOND, n, 0, sender(n))).toBe(expected);
    }
  });

  test("what is older than a full memory passes as new, every time", () => {
    const window = new SeriesWindow(budget(0));
    for (let n = 0; n < 100; n++) window.judge(n, n, 0, sender(n));
    expect(window.count).toBeLessThanOrEqual(16);
    expect(window.judge(5, 5, 0, sender(5))).toBe("fresh");
    expect(window.judge(99, 99, 0, sender(99))).toBe("repeat");
  });

  test("the budget bounds all windows together, and stale entries make room when it is half spent", () => {
    const shared = budget(10_000);
    const windows = Array.from({ length: 20 }, () => new SeriesWindow(shared));
    for (let n = 0; n < 5_000; n++) for (const window of windows) window.judge(n * SECOND, n, 0, sender(n));
    expect(shared.left).toBeGreaterThanOrEqual(0);
    const kept = windows.reduce((sum, window) => sum + window.count, 0);
    expect(kept).toBeLessThanOrEqual(10_000 + 20 * 16);

    const slow = new SeriesWindow({ total: 10_000, left: 4_000 });
    for (let n = 0; n < 5_000; n++) slow.judge(n * 3_600 * SECOND, n, 0, sender(n));
    expect(slow.count).toBeLessThan(128); // 48 h of hours and what came since
  });
});
