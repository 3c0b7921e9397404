import fc from "fast-check";
import { expect, test } from "vitest";
import { GAPS_MAX, SeqGaps } from "../../../ingest/seq-gaps.ts";

type Run = [boot: string, from: number, to: number];
const missing = (gaps: SeqGaps) => gaps.gaps.map(({ boot, from, to }) => [boot, from, to]);

interface Row {
  readonly runs: readonly Run[];
  readonly left: readonly Run[];
}
test.each`
  why                                        | runs                                       | left
  ${"an unbroken run"}                       | ${[["a", 1, 9], ["a", 10, 20]]}            | ${[]}
  ${"what came before we met the device"}    | ${[["a", 1000, 1041]]}                     | ${[]}
  ${"a skipped range"}                       | ${[["a", 1000, 1041], ["a", 1051, 1060]]}  | ${[["a", 1042, 1050]]}
  ${"which arrives late, whole"}             | ${[["a", 1, 4], ["a", 9, 9], ["a", 5, 8]]} | ${[]}
  ${"which arrives late in the middle"}      | ${[["a", 1, 4], ["a", 9, 9], ["a", 6, 7]]} | ${[["a", 5, 5], ["a", 8, 8]]}
  ${"repeats change nothing"}                | ${[["a", 1, 4], ["a", 9, 9], ["a", 2, 3]]} | ${[["a", 5, 8]]}
  ${"another boot is another count"}         | ${[["a", 1, 4], ["b", 0, 3], ["a", 6, 6]]} | ${[["a", 5, 5]]}
  ${"older numbers than the first one seen"} | ${[["a", 100, 110], ["a", 90, 95]]}        | ${[["a", 96, 99]]}
`("$why", ({ runs, left }: Row) => {
  const gaps = new SeqGaps();
  for (const run of runs) gaps.add(run, 0);
  expect(missing(gaps)).toEqual(left);
  expect(missing(SeqGaps.restore(JSON.parse(JSON.stringify(gaps.snapshot()))))).toEqual(left);
});

test("in whatever order numbers come, what is listed is what never came", () => {
  const order = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(order, (seqs) => {
      const gaps = new SeqGaps();
      for (const seq of seqs) gaps.add(["a", seq, seq], 0);
      const listed = gaps.gaps.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n));
      const [low, high] = [Math.min(...seqs), Math.max(...seqs)];
      const never = Array.from({ length: high - low + 1 }, (_, n) => low + n).filter((seq) => !seqs.includes(seq));
      expect(listed.sort((a, b) => a - b)).toEqual(never);
    }),
  );
});

test("memory is bounded: the oldest ranges are forgotten, and counted", () => {
  const gaps = new SeqGaps();
  for (let seq = 0; seq < 1_000; seq += 2) gaps.add(["a", seq, seq], 0);
  expect(gaps.gaps.length).toBe(GAPS_MAX);
  expect(gaps.forgotten).toBe(499 - GAPS_MAX);
  for (let boot = 0; boot < 10; boot++) gaps.add([`b${boot}`, 0, 0], 0);
  expect(gaps.gaps).toEqual([]);
});
