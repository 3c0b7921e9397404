import { expect, test } from "vitest";
import { Checkpoints } from "../../../alerts/checkpoints.ts";

/** Steps 1 to `steps` at times equal to their number. */
function stepped(steps: number): Checkpoints<string> {
  const points = new Checkpoints<string>();
  for (let time = 1; time <= steps; time++) if (points.isDue()) points.add(time, `after ${time}`);
  return points;
}

test.each([
  [100, 97, 96],
  [100, 96, 80], // the state after 96 has taken 96 in
  [100, 81, 80],
  [100, 80, null],
  [2_000, 1_990, 1_984],
  [2_000, 1_900, 1_792],
  [2_000, 1_792, 1_536],
  [2_000, 1_024, null],
])("after %i steps a change at %i goes on from the state after %j", (steps, change, expected) => {
  expect(stepped(steps).rewind(change)?.time ?? null).toBe(expected);
});

test("what was newer than a change is forgotten", () => {
  const points = stepped(2_000);
  points.rewind(1_600);
  expect(points.rewind(Number.POSITIVE_INFINITY)?.time).toBe(1_536);
});

test("states before the window's edge are forgotten: the rows after them are gone", () => {
  const points = stepped(2_000);
  points.passEdge(1_300);
  expect(points.rewind(1_500)).toBeNull();
  expect(stepped(2_000).rewind(1_500)?.time).toBe(1_280);
});
