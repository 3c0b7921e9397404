import { expect, test } from "vitest";
import { Checkpoints } from "../../../alerts/checkpoints.ts";

/** Steps 1 to `steps` at times equal to their number. */
function stepped(steps: number): Checkpoints<string> {
  const points = new Checkpoints<string>();
  for (let time = 1; time <= steps; time++) if (points.isDue()) points.add(time, `after ${time}`);
  return points;
}

test.each([
  [400, 385, 384],
  [400, 384, 320], // the state after 384 has taken 384 in
  [400, 321, 320],
  [400, 320, null],
  [4_000, 3_990, 3_968],
  [4_000, 3_800, 3_584],
  [4_000, 3_584, 3_072],
  [4_000, 2_048, null],
])("after %i steps a change at %i goes on from the state after %j", (steps, change, expected) => {
  expect(stepped(steps).rewind(change)?.time ?? null).toBe(expected);
});

test("what was newer than a change is forgotten", () => {
  const points = stepped(4_000);
  points.rewind(3_200);
  expect(points.rewind(Number.POSITIVE_INFINITY)?.time).toBe(3_072);
});

test("states before the window's edge are forgotten: the rows after them are gone", () => {
  const points = stepped(4_000);
  points.passEdge(2_600);
  expect(points.rewind(3_000)).toBeNull();
  expect(stepped(4_000).rewind(3_000)?.time).toBe(2_560);
  // Right after a far one the older near one still stands before it.
  const early = stepped(512);
  early.passEdge(480);
  expect(early.rewind(500)).toBeNull();
});
