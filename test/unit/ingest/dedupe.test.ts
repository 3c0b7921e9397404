import { describe, expect, test } from "vitest";
import { BOOTS_MAX, comparisonOfMark, Dedupe, FAULTY_MAX, type MessageKey, markOf } from "../../../ingest/dedupe.ts";

const message = (overrides: Partial<MessageKey> = {}): MessageKey => ({
  device: "dev-1",
  boot: "b1",
  seq: 1,
  receivedAt: 1_000,
  ...overrides,
});

/** Uses a message as the pipeline does; returns whether it was a repeat. */
function use(dedupe: Dedupe, key: MessageKey, isFaulty = false): boolean {
  const isRepeat = dedupe.isRepeat(key);
  if (!isRepeat) dedupe.settle(key, isFaulty);
  return isRepeat;
}

describe("messages", () => {
  test.each`
    second                   | isRepeat | why
    ${{}}                    | ${true}  | ${"the same"}
    ${{ receivedAt: 5_000 }} | ${true}  | ${"sent again"}
    ${{ seq: 2 }}            | ${false} | ${"the next"}
    ${{ boot: "b2" }}        | ${false} | ${"another boot"}
    ${{ device: "dev-2" }}   | ${false} | ${"another device"}
    ${{ boot: "" }}          | ${false} | ${"no boot: nothing to know it by"}
    ${{ seq: -1 }}           | ${false} | ${"no seq: nothing to know it by"}
  `("$why", ({ second, isRepeat }: { second: Partial<MessageKey>; isRepeat: boolean }) => {
    const dedupe = new Dedupe();
    expect(use(dedupe, message())).toBe(false);
    expect(use(dedupe, message(second))).toBe(isRepeat);
  });

  test("the last few boots of a device are remembered, also when they take turns", () => {
    const dedupe = new Dedupe();
    const boots = Array.from({ length: BOOTS_MAX }, (_, n) => `b${n}`);
    for (let seq = 0; seq < 5; seq++) for (const boot of boots) expect(use(dedupe, message({ boot, seq }))).toBe(false);
    for (let seq = 0; seq < 5; seq++) for (const boot of boots) expect(use(dedupe, message({ boot, seq }))).toBe(true);
    use(dedupe, message({ boot: "one more" }));
    expect(use(dedupe, message({ boot: "b0", seq: 0 }))).toBe(false);
  });
});

describe("messages of which a reading was refused", () => {
  test("a copy from the device is a repeat, a replay from quarantine is not, until it has gone through", () => {
    const dedupe = new Dedupe();
    expect(use(dedupe, message(), true)).toBe(false);
    expect(use(dedupe, message({ receivedAt: 9_000 }), true)).toBe(true);
    expect(use(dedupe, message(), true)).toBe(false);
    expect(use(dedupe, message(), false)).toBe(false);
    expect(use(dedupe, message())).toBe(true);
    expect(dedupe.size.faulty).toBe(0);
  });

  test("are not seen even if they were taken for that, as after a restart", () => {
    const dedupe = new Dedupe();
    use(dedupe, message());
    dedupe.settle(message(), true);
    for (let seq = 2; seq <= FAULTY_MAX + 1; seq++) use(dedupe, message({ device: "dev-2", seq }), true);
    expect(dedupe.isRepeat(message())).toBe(false);
    use(dedupe, message({ device: "dev-2", seq: FAULTY_MAX + 2 }), true); // now the list has forgotten it
    expect(dedupe.isRepeat(message())).toBe(false);
  });

  test("are forgotten oldest first, and then count as new", () => {
    const dedupe = new Dedupe();
    for (let seq = 0; seq <= FAULTY_MAX; seq++) use(dedupe, message({ seq }), true);
    expect(dedupe.size.faulty).toBe(FAULTY_MAX);
    expect(use(dedupe, message({ seq: 0, receivedAt: 9_000 }), true)).toBe(false);
    expect(use(dedupe, message({ seq: FAULTY_MAX, receivedAt: 9_000 }), true)).toBe(true);
  });
});

test("a snapshot brings messages back", () => {
  const before = new Dedupe();
  for (const seq of [1, 2, 3, 7, 9]) use(before, message({ seq }));
  use(before, message({ seq: 5 }), true);
  use(before, message({ boot: "b2", seq: 4 }));
  const after = new Dedupe();
  after.restore(JSON.parse(JSON.stringify(before.snapshot())));
  for (const seq of [1, 2, 3, 7, 9]) expect(after.isRepeat(message({ seq }))).toBe(true);
  for (const seq of [4, 6, 8, 10]) expect(after.isRepeat(message({ seq }))).toBe(false);
  expect(after.isRepeat(message({ seq: 5 }))).toBe(false);
  expect(after.isRepeat(message({ seq: 5, receivedAt: 9_000 }))).toBe(true);
  expect(after.isRepeat(message({ boot: "b2", seq: 4 }))).toBe(true);
});

test("marks hold comparison and qualifier apart", () => {
  const marks = ["", "<", ">"].flatMap((cmp) =>
    [..."NFMSDCTB"].map((qualifier) => markOf(cmp as "" | "<" | ">", qualifier)),
  );
  expect(new Set(marks).size).toBe(24);
  expect(Math.max(...marks)).toBeLessThan(32);
  expect(comparisonOfMark(markOf("<", "T"))).toBe("<");
});
