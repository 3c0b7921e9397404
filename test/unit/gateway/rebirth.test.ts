import { expect, test } from "vitest";
import type { EdgeNotice } from "../../../core/sparkplug-edges.ts";
import { ASK_AGAIN_MS_MAX, ASK_AGAIN_MS_MIN, REORDER_MS, Rebirths } from "../../../gateway/rebirth.ts";

const a = (kind: EdgeNotice["kind"], over: Partial<EdgeNotice> = {}): EdgeNotice => ({
  kind,
  group: "park",
  edge: "e1",
  device: null,
  at: 0,
  reason: kind === "gap" ? "SEQ_GAP" : kind === "rebirth-wanted" ? "ALIAS_UNKNOWN" : "",
  ...over,
});

test("is asked once, after the reorder wait, however often it is wanted", () => {
  const rebirths = new Rebirths();
  for (let at = 0; at < REORDER_MS; at += 100) {
    rebirths.note(a("rebirth-wanted"), at);
    expect(rebirths.due(at)).toEqual([]);
  }
  expect(rebirths.due(REORDER_MS)).toEqual([{ group: "park", edge: "e1", reason: "ALIAS_UNKNOWN" }]);
  rebirths.note(a("rebirth-wanted"), REORDER_MS + 1);
  expect(rebirths.due(REORDER_MS + 5_000)).toEqual([]);
});

test.each<[string, EdgeNotice, EdgeNotice, boolean]>([
  ["a gap that closes", a("gap"), a("gap-closed"), true],
  ["a gap and the node's birth", a("gap"), a("birth"), true],
  [
    "a gap shown by a device's birth: another's may be what is missing",
    a("gap", { device: "d2" }),
    a("birth", { device: "d2" }),
    false,
  ],
  ["a missing birth that was only late", a("rebirth-wanted", { device: "d1" }), a("birth", { device: "d1" }), true],
  ["the birth of another device", a("rebirth-wanted", { device: "d1" }), a("birth", { device: "d2" }), false],
  ["an unknown alias is not settled by a closed gap", a("rebirth-wanted"), a("gap-closed"), false],
  ["a node that died is born again by itself", a("rebirth-wanted"), a("death"), true],
])("%s", (_what, first, second, isSettled) => {
  const rebirths = new Rebirths();
  rebirths.note(first, 0);
  rebirths.note(second, 1_000);
  expect(rebirths.due(REORDER_MS + 1_000)).toHaveLength(isSettled ? 0 : 1);
});

test("an unknown alias after a gap stays wanted when the gap closes", () => {
  const rebirths = new Rebirths();
  rebirths.note(a("gap"), 0);
  rebirths.note(a("rebirth-wanted"), 500);
  rebirths.note(a("gap-closed"), 600);
  expect(rebirths.due(REORDER_MS)).toMatchObject([{ reason: "ALIAS_UNKNOWN" }]);
});

test("a node that does not answer is asked ever more rarely, one that does again after the pause", () => {
  const rebirths = new Rebirths();
  rebirths.note(a("rebirth-wanted"), 0);
  const asked: number[] = [];
  for (let at = 0; at <= 4 * ASK_AGAIN_MS_MAX; at += 1_000) if (rebirths.due(at).length > 0) asked.push(at);
  const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  expect(pauses.slice(0, 4)).toEqual([1, 2, 4, 8].map((factor) => factor * ASK_AGAIN_MS_MIN));
  expect(Math.max(...pauses)).toBe(ASK_AGAIN_MS_MAX);
  const at = 10 * ASK_AGAIN_MS_MAX;
  rebirths.note(a("birth"), at);
  rebirths.note(a("rebirth-wanted"), at);
  expect(rebirths.due(at + REORDER_MS)).toHaveLength(1);
});

test("every edge node for itself", () => {
  const rebirths = new Rebirths();
  rebirths.note(a("gap"), 0);
  rebirths.note(a("gap", { edge: "e2" }), 0);
  rebirths.note(a("birth", { edge: "e2" }), 1);
  expect(rebirths.due(REORDER_MS)).toMatchObject([{ edge: "e1" }]);
});
