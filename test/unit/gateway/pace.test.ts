import { describe, expect, test } from "vitest";
import {
  BEHIND_MAX,
  BEHIND_RESUME,
  HELD_MAX,
  nextPace,
  PACED_DEBT_MS_MAX,
  PACED_MESSAGE_MS,
  type Pace,
  Shares,
  START,
  STILL_MAX,
} from "../../../gateway/pace.ts";

const run = (steps: readonly (readonly [end: number, position: number])[], from: Pace = START): boolean[] => {
  let pace = from;
  return steps.map(([end, position]) => {
    pace = nextPace(pace, { end, position });
    return pace.isHeld;
  });
};

describe("pace of devices", () => {
  test.each`
    why                                               | steps                                                                                                    | held
    ${"ingest keeps up"}                              | ${[[1_000, 900], [2_000, 1_950]]}                                                                        | ${[false, false]}
    ${"exactly at the bound is not beyond it"}        | ${[[BEHIND_MAX + 10, 10]]}                                                                               | ${[false]}
    ${"one beyond the bound, and ingest moves"}       | ${[[BEHIND_MAX + 11, 10]]}                                                                               | ${[true]}
    ${"held until it is well below"}                  | ${[[BEHIND_MAX + 11, 10], [BEHIND_MAX + 11, 9_000], [BEHIND_MAX + 11, BEHIND_MAX + 11 - BEHIND_RESUME]]} | ${[true, true, false]}
    ${"ingest has never moved: the journal takes it"} | ${[[9e9, 0], [9e9, 0]]}                                                                                  | ${[false, false]}
  `("$why", ({ steps, held }: { steps: [number, number][]; held: boolean[] }) => {
    expect(run(steps)).toEqual(held);
  });

  test("an ingest that stops for two seconds is no longer waited for; once it moves again it is", () => {
    const stuck = Array.from({ length: STILL_MAX + 1 }, () => [1e6, 10] as const);
    const held = run([...stuck, [1e6, 11]]);
    expect(held.slice(0, STILL_MAX).filter(Boolean).length).toBeGreaterThan(STILL_MAX - 3);
    expect(held.slice(STILL_MAX)).toEqual([false, true]);
  });

  test("a long hold lets everybody be read once a second: keep-alives and new connections live on", () => {
    const held = run(Array.from({ length: 600 }, (_, check) => [9e6, check + 1] as const));
    for (let at = 0; at < held.length; at += HELD_MAX) expect(held.slice(at, at + HELD_MAX)).toContain(false);
    expect(held.filter(Boolean).length).toBe(600 - 600 / HELD_MAX);
  });
});

describe("shares of senders without a connection", () => {
  const one = { messages: 1, devices: 1 };

  test("each owes for its own messages only, and time pays for them", () => {
    const shares = new Shares();
    for (let sent = 0; sent < 3; sent++) shares.take("flushing", { now: 1_000, ...one });
    shares.take("live", { now: 1_000, ...one });
    expect(shares.owedMs("flushing", 1_000)).toBe(3 * PACED_MESSAGE_MS);
    expect(shares.owedMs("live", 1_000)).toBe(PACED_MESSAGE_MS);
    expect(shares.owedMs("live", 1_000 + PACED_MESSAGE_MS)).toBe(0);
    expect(shares.owedMs("new", 1_000)).toBe(0);
  });

  test("nobody owes for more than a few seconds; a network server has the shares of its devices", () => {
    const shares = new Shares();
    shares.take("flushing", { now: 0, messages: 1_000, devices: 1 });
    expect(shares.owedMs("flushing", 0)).toBe(PACED_DEBT_MS_MAX);
    shares.take("server", { now: 0, messages: 20, devices: 10 });
    expect(shares.owedMs("server", 0)).toBe(2 * PACED_MESSAGE_MS);
  });

  test("memory is bounded: of very many senders the one heard of longest ago is forgotten", () => {
    const shares = new Shares();
    for (let sender = 0; sender < 10_001; sender++) {
      shares.take(`s-${sender}`, { now: 0, ...one });
      if (sender === 5_000) shares.take("s-0", { now: 0, ...one });
    }
    expect([0, 1, 2].map((sender) => shares.owedMs(`s-${sender}`, 0) > 0)).toEqual([true, false, true]);
  });
});
