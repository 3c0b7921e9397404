/** The loop over a journal: a stop or a crash between any two steps changes nothing of what is told. */
import { beforeAll, describe, expect, test } from "vitest";
import { play, type Run, tapeOf, told } from "../../integration/alerts/world.ts";
import { lastTold, outcomes } from "../../support/timeline.ts";

describe("a restart anywhere tells the same as an undisturbed run", () => {
  const tape = tapeOf(6, 40);
  let straight: Run;
  beforeAll(async () => {
    straight = await play(tape);
  });

  test("the tape is worth it: every kind of event, many episodes", () => {
    const kinds = new Set(straight.events.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(["acknowledged", "cleared", "raised", "reopened", "retracted", "updated"]);
    expect(outcomes(lastTold(straight.events)).length).toBeGreaterThan(20);
  });

  test("clean stop after every step", async () => {
    const disturbed = await play(tape, { stopEvery: 1 });
    expect(told(disturbed.events)).toEqual(told(straight.events));
  });

  test("killed after every step, with snapshots of some shards only", async () => {
    const disturbed = await play(tape, { killEvery: 1 });
    expect(told(disturbed.events)).toEqual(told(straight.events));
  });
});
