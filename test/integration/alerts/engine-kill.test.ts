/** A crash of the alarm engine at every single commit, before and after it took hold, and in windows that slide. */
import { expect, test } from "vitest";
import { play, tapeOf, told } from "./world.ts";

test("killed at every commit: the same alarms with the same ids as an undisturbed run", {
  timeout: 240_000,
}, async () => {
  const tape = tapeOf(6, 25);
  const undisturbed = await play(tape);
  expect(undisturbed.commits).toBeGreaterThan(25);
  for (let dieAt = 0; dieAt < undisturbed.commits; dieAt++) {
    for (const when of ["before", "after"] as const) {
      const disturbed = await play(tape, { dieAt, when });
      expect(told(disturbed.events), `died ${when} commit ${dieAt}`).toEqual(told(undisturbed.events));
    }
  }
});

test("killed now and then over a tape longer than the windows", { timeout: 240_000 }, async () => {
  const tape = tapeOf(13, 220);
  const undisturbed = await play(tape);
  for (const killEvery of [3, 17]) {
    const disturbed = await play(tape, { killEvery });
    expect(told(disturbed.events), `killed every ${killEvery} steps`).toEqual(told(undisturbed.events));
  }
});
