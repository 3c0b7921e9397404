/** The window against a plain sorted list: whatever is appended, placed, corrected and dropped. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { marksOf } from "../../../alerts/detect/marks.ts";
import { ADDED, CORRECTED, REPEATED, TOO_OLD, Window } from "../../../alerts/window.ts";
import { anOrigin } from "../../support/builders.ts";

const marks = marksOf(0, 1, 78, false);
const boot = (name: string) => ({ device: "d", boot: name });

test("holds what a sorted list would hold, through wrapping, growing, dropping and snapshots", () => {
  const step = fc.record({
    time: fc.integer({ min: 0, max: 120 }),
    value: fc.integer({ min: 0, max: 3 }),
    drop: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), fc.boolean(), (steps, thaw) => {
      let window = new Window();
      let model: [number, number][] = [];
      let edge = -Infinity;
      for (const [seq, { time, value, drop }] of steps.entries()) {
        const origin = anOrigin({ seq });
        if (time > window.newest) {
          window.append(time, value, origin, boot("b"), marks);
          model.push([time, value]);
        } else {
          const known = model.find(([at]) => at === time);
          const placed = window.place(time, value, origin, boot("b"), marks);
          expect(placed).toBe(time <= edge ? TOO_OLD : !known ? ADDED : known[1] === value ? REPEATED : CORRECTED);
          if (time > edge)
            model = [...model.filter(([at]) => at !== time), [time, value] as [number, number]].sort(
              (a, b) => a[0] - b[0],
            );
        }
        const dropped = drop === 0 ? Math.floor(model.length / 3) : 0;
        if (dropped > 0) {
          edge = model[dropped - 1]?.[0] ?? edge;
          window.drop(dropped);
          model = model.slice(dropped);
        }
        if (thaw) window = Window.from(window.contents());
      }
      const held = Array.from({ length: window.count }, (_, index) => [window.time(index), window.value(index)]);
      expect(held).toEqual(model);
      for (const at of [-1, 0, 33, 60, 121]) expect(window.find(at)).toBe(model.filter(([time]) => time < at).length);
    }),
    { numRuns: 400 },
  );
});

test("a full window gives up an eighth, one with room or that may grow gives up nothing", () => {
  const window = new Window();
  for (let time = 0; time < 16; time++) {
    expect(window.surplus(16)).toBe(0);
    window.append(time, 1, anOrigin(), boot("b"), marks);
  }
  expect([window.surplus(31), window.surplus(32)]).toEqual([2, 0]);
});

test("remembers which boot sent a row over more boots than it keeps names for", () => {
  const window = new Window();
  for (let time = 0; time < 300; time++) {
    window.drop(Math.max(0, window.count - 10));
    window.append(time, 1, anOrigin({ boot: `b${time}`, seq: time }), boot(`b${time}`), marks);
  }
  const rows = Array.from({ length: window.count }, (_, index) => window.row(index));
  expect(rows.map(({ time, origin }) => origin.boot === `b${time}` && origin.seq === time)).toEqual(
    rows.map(() => true),
  );
  expect(window.contents().sources.length).toBeLessThanOrEqual(65);
});
