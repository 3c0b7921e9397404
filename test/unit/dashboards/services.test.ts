import { describe, expect, test } from "vitest";
import type { LatestPoint } from "../../../core/ports.ts";
import { shareLatest } from "../../../dashboards/services.ts";
import { FakeClock } from "../../support/clock.ts";

const point = (series: string): LatestPoint => ({ series, time: 1, value: 2, cmp: "", flag: 1, qualifier: "N" });

describe("newest points, shared", () => {
  test("are grouped by station and asked of the store once for calls within half a second", async () => {
    const clock = new FakeClock();
    let asked = 0;
    const latest = shareLatest(async () => {
      asked++;
      return [point("a/cd/total/rtd"), point("b/cd/total/rtd"), point("a/ph/total/rtd")];
    }, clock);
    const [first, second] = await Promise.all([latest(), latest()]);
    expect(first).toBe(second);
    expect([...first].map(([station, points]) => [station, points.length])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    await clock.advance(499);
    await latest();
    expect(asked).toBe(1);
    await clock.advance(1);
    await latest();
    expect(asked).toBe(2);
  });

  test("a store that is away is told to the caller and asked again at the next call", async () => {
    let isAway = true;
    const latest = shareLatest(async () => {
      if (isAway) throw new Error("away");
      return [];
    }, new FakeClock());
    await expect(latest()).rejects.toThrow("away");
    isAway = false;
    expect((await latest()).size).toBe(0);
  });
});
