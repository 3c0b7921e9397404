import { describe, expect, test } from "vitest";
import { Frontier } from "../../../storage/series-frontier.ts";
import { aBlock, aReading, NOW } from "../../support/builders.ts";

const block = aBlock([aReading({ value: 1 }), aReading({ value: 2 }), aReading({ value: 3 })]);

describe("the frontier", () => {
  test("tells rows that may be appended from rows that may have a twin", () => {
    const frontier = new Frontier();
    const id = frontier.claim("a/cd/total/rtd");
    expect(frontier.advance(id, NOW, block, 0)).toBe(true);
    expect(frontier.advance(id, NOW + 1, block, 1)).toBe(true);
    expect(frontier.advance(id, NOW + 1, block, 2)).toBe(false);
    expect(frontier.advance(id, NOW, block, 2)).toBe(false);
  });

  test("shows a write only when it is committed, the later of equal times last", () => {
    const frontier = new Frontier();
    const id = frontier.claim("a/cd/total/rtd");
    frontier.advance(id, NOW, block, 0);
    frontier.advance(id, NOW, block, 2);
    frontier.advance(id, NOW - 1, block, 1);
    expect(frontier.latest(undefined)).toEqual([]);
    frontier.commit();
    expect(frontier.latest(["a/cd/total/rtd", "b/cd/total/rtd"])).toMatchObject([{ time: NOW, value: 3 }]);
  });

  test("forgets a write that was rolled back, but keeps its series to be saved", () => {
    const frontier = new Frontier();
    const id = frontier.claim("a/cd/total/rtd");
    frontier.advance(id, NOW, block, 0);
    frontier.commit();
    const other = frontier.claim("b/cd/total/rtd");
    frontier.advance(id, NOW + 5, block, 1);
    frontier.advance(other, NOW, block, 1);
    frontier.rollback();
    expect(frontier.latest(undefined)).toMatchObject([{ series: "a/cd/total/rtd", time: NOW, value: 1 }]);
    expect(frontier.unsaved()).toEqual([{ id: other, key: "b/cd/total/rtd" }]);
    expect(frontier.advance(id, NOW + 5, block, 1)).toBe(true);
    frontier.commit();
    expect(frontier.unsaved()).toEqual([]);
  });

  test("grows beyond its first size", () => {
    const frontier = new Frontier();
    for (let i = 0; i < 5_000; i++) {
      expect(frontier.advance(frontier.claim(`s${i}/cd/total/rtd`), NOW + i, block, i % 3)).toBe(true);
    }
    frontier.commit();
    expect(frontier.latest(undefined)).toHaveLength(5_000);
    expect(frontier.latest(["s4999/cd/total/rtd"])).toMatchObject([{ time: NOW + 4_999, value: 2 }]);
    expect(frontier.seriesCount).toBe(5_000);
  });
});
