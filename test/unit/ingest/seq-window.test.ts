import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SEQ_SPAN, SeqWindow } from "../../../ingest/seq-window.ts";

/** What the window must never get wrong: a set of everything, and the highest. */
class Model {
  readonly seen = new Set<number>();
  high = -1;
  mark(seq: number): void {
    this.seen.add(seq);
    this.high = Math.max(this.high, seq);
  }
}

/** Throws plainly: `expect` would cost more than everything that is tested here. */
function check(window: SeqWindow, model: Model, seq: number): void {
  const verdict = window.judge(seq);
  const truth = model.seen.has(seq) ? "seen" : "new";
  const isRemembered = seq > model.high - SEQ_SPAN;
  if (verdict === truth && (isRemembered || truth === "seen")) return;
  if (verdict === "older" && !isRemembered) return;
  throw new Error(`${seq} is ${truth}, highest ${model.high}, and was called ${verdict}`);
}

// Runs of consecutive numbers with jumps ahead, back, and far: what devices do, and what they should not.
const steps = fc.array(
  fc.record({
    jump: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -20, max: 20 }) },
      { weight: 2, arbitrary: fc.integer({ min: -SEQ_SPAN - 5, max: SEQ_SPAN + 5 }) },
      { weight: 1, arbitrary: fc.constantFrom(-SEQ_SPAN, SEQ_SPAN, SEQ_SPAN - 1, 1_000_000) },
    ),
    run: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 5 }) }, fc.constant(SEQ_SPAN + 10)),
    forget: fc.boolean(),
  }),
  { maxLength: 12 },
);

describe("message numbers of one boot", () => {
  test("agree with a set of all numbers, whatever the order, also after a snapshot", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 33 }), steps, (start, plan) => {
        let window = new SeqWindow();
        const model = new Model();
        let seq = start;
        for (const { jump, run, forget } of plan) {
          seq = Math.max(0, seq + jump);
          for (let n = 0; n < run; n++, seq++) {
            check(window, model, seq);
            window.mark(seq);
            model.mark(seq);
          }
          if (forget && seq > model.high - 100 && seq > 3) {
            window.forget(seq - 3);
            if (seq - 3 > model.high - SEQ_SPAN) model.seen.delete(seq - 3);
          }
          for (let near = seq - 40; near < seq + 5; near++) if (near >= 0) check(window, model, near);
          for (const far of [model.high - SEQ_SPAN, model.high - SEQ_SPAN + 1, start]) {
            if (far >= 0) check(window, model, far);
          }
          window = SeqWindow.restore(window.snapshot());
        }
      }),
      { numRuns: 200 },
    );
  });

  test("need no bitmap while they come in order, nor once the gaps have left the window", () => {
    const window = new SeqWindow();
    for (let seq = 0; seq < 10_000; seq++) window.mark(seq);
    expect(window.snapshot()).toEqual([9_999, 0, ""]);
    window.mark(10_001);
    expect(window.snapshot()[2]).not.toBe("");
    for (let seq = 10_002; seq < 10_002 + 3 * SEQ_SPAN; seq++) window.mark(seq);
    expect(window.snapshot()[2]).toBe("");
    expect(window.judge(10_000)).toBe("older");
  });

  test("one absurd number makes the rest unknown, not seen", () => {
    const window = new SeqWindow();
    window.mark(5);
    window.mark(Number.MAX_SAFE_INTEGER);
    expect(window.judge(6)).toBe("older");
    expect(window.judge(Number.MAX_SAFE_INTEGER)).toBe("seen");
  });
});
