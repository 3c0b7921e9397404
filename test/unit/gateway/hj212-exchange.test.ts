import { describe, expect, test } from "vitest";
import type { FieldCommand, FieldOrder, FieldOutcome } from "../../../core/field-session.ts";
import { type Answer, Exchanges, type Request, TIMINGS, WAITING_MAX } from "../../../gateway/hj212-exchange.ts";
import { FakeClock } from "../../support/clock.ts";

const COMMAND: FieldCommand = { kind: "set-clock" };

function bench(options: { isConnected?: boolean } = {}) {
  const clock = new FakeClock();
  const sent: { at: number; packet: string }[] = [];
  const line = { isConnected: options.isConnected ?? true };
  const exchanges = new Exchanges({
    clock,
    timings: TIMINGS,
    isConnected: () => line.isConnected,
    send: (packet) => {
      if (line.isConnected) sent.push({ at: clock.monotonic(), packet: Buffer.from(packet).toString() });
      return line.isConnected;
    },
  });
  let qn = 0;
  const ask = (
    expects: Request["expects"] = "result",
    code = "1012",
    range: Request["range"] = { from: "20260315000000", to: "20260315120000" },
    order: FieldOrder = {},
  ): Promise<FieldOutcome> =>
    exchanges.run(
      COMMAND,
      () => {
        const own = order.id ?? `q${++qn}`;
        return {
          command: COMMAND,
          qn: own,
          code,
          expects,
          range,
          packet: () => Buffer.from(`${own}@${clock.monotonic()}`),
        };
      },
      order,
    );
  const order = (about: FieldOrder): Promise<FieldOutcome> => ask("result", "1012", undefined, about);
  /** Lets the promises of an answer run. */
  const say = async (answer: Answer, of: { qn: string } | { code: string } = { qn: "q1" }): Promise<boolean> => {
    const taken = exchanges.answered(answer, of);
    await clock.advance(0);
    return taken;
  };
  return { clock, sent, line, exchanges, ask, order, say };
}

describe("outcomes", () => {
  test("ready, then done", async () => {
    const { clock, ask, say, exchanges } = bench();
    const outcome = ask();
    await clock.advance(0);
    expect(exchanges.pending).toMatchObject([{ kind: "set-clock", state: "sent", sent: 1 }]);
    await say({ kind: "accepted" });
    expect(exchanges.pending).toMatchObject([{ state: "accepted" }]);
    await say({ kind: "done" });
    expect(await outcome).toEqual({ state: "done", code: "ok", sent: 1, packets: 0 });
    expect(exchanges.pending).toEqual([]);
  });

  test("ready and done in one breath, as sticky packets bring them", async () => {
    const { clock, ask, exchanges } = bench();
    const outcome = ask();
    await clock.advance(0);
    exchanges.answered({ kind: "accepted" }, { qn: "q1" });
    exchanges.answered({ kind: "done" }, { qn: "q1" });
    expect(await outcome).toMatchObject({ state: "done", sent: 1 });
  });

  test.each`
    why                                     | answers                                                        | expected
    ${"refused"}                            | ${[{ kind: "failed", code: "pw-wrong" }]}                      | ${{ state: "failed", code: "pw-wrong" }}
    ${"accepted, then failed"}              | ${[{ kind: "accepted" }, { kind: "failed", code: "no-data" }]} | ${{ state: "failed", code: "no-data" }}
    ${"done without being accepted before"} | ${[{ kind: "done" }]}                                          | ${{ state: "done", code: "ok" }}
    ${"a second result changes nothing"}    | ${[{ kind: "done" }, { kind: "failed", code: "busy" }]}        | ${{ state: "done", code: "ok" }}
  `("$why", async ({ answers, expected }: { answers: Answer[]; expected: object }) => {
    const { clock, ask, say } = bench();
    const outcome = ask();
    await clock.advance(0);
    for (const answer of answers) await say(answer);
    expect(await outcome).toMatchObject(expected);
  });

  test("a stream is accepted: no result is promised", async () => {
    const { clock, ask, say } = bench();
    const outcome = ask("stream", "2011");
    await clock.advance(0);
    await say({ kind: "accepted" });
    expect(await outcome).toMatchObject({ state: "accepted", code: "ok" });
  });

  test("9013 ends a notice, and only a notice", async () => {
    const { clock, ask, say } = bench();
    const notice = ask("notice", "2012");
    const request = ask();
    await clock.advance(0);
    await say({ kind: "noticed" });
    expect(await notice).toMatchObject({ state: "done" });
    await say({ kind: "noticed" }, { qn: "q2" });
    await say({ kind: "failed", code: "busy" }, { qn: "q2" });
    expect(await request).toMatchObject({ state: "failed", code: "busy" });
  });

  test("a device that is away: failed at once, nothing waits", async () => {
    const { ask, exchanges } = bench({ isConnected: false });
    expect(await ask()).toEqual({ state: "failed", code: "offline", sent: 0, packets: 0 });
    expect(exchanges.pending).toEqual([]);
  });
});

describe("time-outs", () => {
  test("nobody answers: sent at 0, 10, 20 and 30 s, the same QN, the time in it new; over at 40 s", async () => {
    const { clock, sent, ask } = bench();
    let outcome: FieldOutcome | null = null;
    void ask().then((result) => {
      outcome = result;
    });
    await clock.advance(0);
    await clock.advance(39_999);
    expect(sent).toEqual([0, 10_000, 20_000, 30_000].map((at) => ({ at, packet: `q1@${at}` })));
    expect(outcome).toBeNull();
    await clock.advance(1);
    expect(outcome).toEqual({ state: "expired", code: "no-answer", sent: 4, packets: 0 });
  });

  test("an answer to a re-send counts", async () => {
    const { clock, ask, say } = bench();
    const outcome = ask();
    await clock.advance(0);
    await clock.advance(25_000);
    await say({ kind: "accepted" });
    await say({ kind: "done" });
    expect(await outcome).toMatchObject({ state: "done", sent: 3 });
  });

  test("a line that breaks in between costs re-sends, not the command", async () => {
    const { clock, sent, line, ask, say } = bench();
    const outcome = ask();
    await clock.advance(0);
    await clock.advance(5_000);
    line.isConnected = false;
    await clock.advance(10_000);
    line.isConnected = true;
    await clock.advance(10_000);
    expect(sent.map(({ at }) => at)).toEqual([0, 20_000]);
    await say({ kind: "accepted" });
    await say({ kind: "done" });
    expect(await outcome).toMatchObject({ state: "done" });
  });

  test("accepted and then silent: over after 60 s, which every data packet begins anew", async () => {
    const { clock, ask, say } = bench();
    let outcome: FieldOutcome | null = null;
    void ask("result", "2051").then((result) => {
      outcome = result;
    });
    await clock.advance(0);
    await say({ kind: "accepted" });
    await clock.advance(59_000);
    await say({ kind: "data" }, { code: "2051" });
    await clock.advance(59_000);
    await say({ kind: "data" }, { code: "2051" });
    await clock.advance(59_999);
    expect(outcome).toBeNull();
    await clock.advance(1);
    expect(outcome).toEqual({ state: "expired", code: "no-result", sent: 1, packets: 2 });
  });

  test("data before the answer stops the re-sends", async () => {
    const { clock, sent, ask, say } = bench();
    const outcome = ask("result", "2051");
    await clock.advance(0);
    await say({ kind: "data" }, { code: "2051" });
    await clock.advance(30_000);
    expect(sent).toHaveLength(1);
    await say({ kind: "done" });
    expect(await outcome).toMatchObject({ state: "done", packets: 1 });
  });
});

test("live data of the same command are no answer: the request is sent again, and expires", async () => {
  const { clock, sent, ask, say } = bench();
  const outcome = ask("result", "2051");
  for (let tens = 0; tens < 4; tens++) {
    await clock.advance(0);
    expect(await say({ kind: "data", dataTime: "20260315120100" }, { code: "2051" })).toBe(false);
    await clock.advance(10_000);
  }
  expect(sent).toHaveLength(4);
  expect(await outcome).toMatchObject({ state: "expired", code: "no-answer", packets: 0 });
});

test("live data do not answer the wish for them: only 9011 does", async () => {
  const { clock, ask, say } = bench();
  const outcome = ask("stream", "2011");
  await clock.advance(0);
  expect(await say({ kind: "data", dataTime: "20260315060000" }, { code: "2011" })).toBe(false);
  await clock.advance(40_000);
  expect(await outcome).toMatchObject({ state: "expired", code: "no-answer" });
});

test("a device that never stops answering is cut short after 30 min", async () => {
  const { clock, ask, say } = bench();
  const outcome = ask("result", "2051");
  await clock.advance(0);
  await say({ kind: "accepted" });
  for (let minute = 0; minute < 30; minute++) {
    await say({ kind: "data", dataTime: "20260315060000" }, { code: "2051" });
    await clock.advance(60_000 - 1);
  }
  await clock.advance(60_000);
  expect(await outcome).toMatchObject({ state: "expired", code: "no-result", packets: 30 });
});

test("another QN and other data are not taken for answers", async () => {
  const { clock, ask, say } = bench();
  const outcome = ask();
  await clock.advance(0);
  expect(await say({ kind: "done" }, { qn: "other" })).toBe(false);
  expect(await say({ kind: "data" }, { code: "2011" })).toBe(false);
  expect(await say({ kind: "done" })).toBe(true);
  expect(await outcome).toMatchObject({ packets: 0 });
});

test("one at a time, in order; too many are refused; closing ends them all", async () => {
  const { clock, sent, ask, say, exchanges } = bench();
  const all = Array.from({ length: WAITING_MAX }, () => ask());
  expect(await ask()).toMatchObject({ state: "failed", code: "queue-full" });
  await clock.advance(0);
  expect(sent).toHaveLength(1);
  await say({ kind: "done" });
  expect(sent.map(({ packet }) => packet)).toEqual(["q1@0", "q2@0"]);
  exchanges.close();
  const outcomes = await Promise.all(all);
  expect(outcomes.slice(1).map(({ state, code }) => `${state} ${code}`)).toEqual(
    Array.from({ length: WAITING_MAX - 1 }, () => "expired closing"),
  );
  expect(sent).toHaveLength(2);
  expect(clock.pending).toBe(0);
  expect(await ask()).toMatchObject({ state: "expired", code: "closing" });
});

test("what a device has agreed to when the server stops is not asked for again", async () => {
  const { clock, ask, say, exchanges } = bench();
  const [agreed, waiting] = [ask(), ask()];
  await clock.advance(0);
  await say({ kind: "accepted" });
  exchanges.close();
  expect(await agreed).toMatchObject({ state: "accepted", code: "closing", sent: 1 });
  expect(await waiting).toMatchObject({ state: "expired", code: "closing", sent: 0 });
});

describe("orders", () => {
  test("people's commands pass those of the server that wait; what runs goes on", async () => {
    const { clock, sent, order, exchanges, say } = bench();
    const ids = ["own-1", "own-2", "ann-1", "own-3", "ann-2"];
    const all = ids.map((id) => order({ id, isOwn: id.startsWith("own") }));
    await clock.advance(0);
    expect(exchanges.pending).toHaveLength(5);
    for (let n = 0; n < 5; n++) await say({ kind: "done" }, { qn: sent.at(-1)?.packet.split("@")[0] ?? "" });
    await Promise.all(all);
    expect(sent.map(({ packet }) => packet)).toEqual(
      ["own-1", "ann-1", "ann-2", "own-2", "own-3"].map((id) => `${id}@0`),
    );
  });

  test("one whose time is over when its turn comes is neither noted nor sent", async () => {
    const { clock, sent, ask, order, say } = bench();
    const first = ask("result", "2061");
    const noted: string[] = [];
    const late = order({ id: "late", expiresAt: clock.now() + 60_000, onSending: async () => void noted.push("late") });
    await clock.advance(0);
    await say({ kind: "accepted" });
    await clock.advance(60_000);
    expect(await first).toMatchObject({ code: "no-result" });
    expect(await late).toEqual({ state: "expired", code: "too-late", sent: 0, packets: 0 });
    expect([sent.length, noted]).toEqual([1, []]);
  });

  test("nor is it sent again from then on", async () => {
    const { clock, sent, order } = bench();
    const outcome = order({ expiresAt: clock.now() + 15_000 });
    await clock.advance(0);
    await clock.advance(20_000);
    expect(await outcome).toMatchObject({ state: "expired", code: "no-answer", sent: 2 });
    expect(sent.map(({ at }) => at)).toEqual([0, 10_000]);
  });

  test("the first packet waits until it has been noted, and 9011 is told at once, and once", async () => {
    const { clock, sent, order, say } = bench();
    const steps: string[] = [];
    let noted = (): void => {};
    const outcome = order({
      id: "q1",
      onSending: () => new Promise((resolve) => (noted = resolve)),
      onAccepted: () => void steps.push("accepted"),
    });
    await clock.advance(0);
    expect(sent).toEqual([]);
    noted();
    await clock.advance(0);
    expect(sent).toHaveLength(1);
    await say({ kind: "accepted" });
    await say({ kind: "accepted" });
    expect(steps).toEqual(["accepted"]);
    await say({ kind: "done" });
    expect(await outcome).toMatchObject({ state: "done" });
  });

  test("what cannot be noted does not go out, nor what is noted when all is closed", async () => {
    const { sent, order, exchanges } = bench();
    expect(await order({ onSending: () => Promise.reject(new Error("disk")) })).toMatchObject({ code: "unnoted" });
    let noted = (): void => {};
    const outcome = order({ onSending: () => new Promise((resolve) => (noted = resolve)) });
    await Promise.resolve();
    exchanges.close();
    noted();
    expect(await outcome).toMatchObject({ state: "expired", code: "closing", sent: 0 });
    expect(sent).toEqual([]);
  });
});

test("what the device's clock shows comes with the outcome", async () => {
  const { clock, ask, say } = bench();
  const outcome = ask("result", "1011");
  await clock.advance(0);
  await say({ kind: "accepted" });
  await say({ kind: "data", deviceTime: 1_234 }, { code: "1011" });
  await say({ kind: "done" });
  expect(await outcome).toEqual({ state: "done", code: "ok", sent: 1, packets: 1, deviceTime: 1_234 });
});
