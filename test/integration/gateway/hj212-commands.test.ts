/** Commands down to simulated loggers over real sockets, with every outcome; time passes on a clock that we move. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FieldCommand, FieldOutcome } from "../../../core/field-session.ts";
import { createHj212Logger, type Hj212Logger, type Hj212LoggerParts } from "../../../simulators/hj212.ts";
import { FakeClock } from "../../support/clock.ts";
import { startGateway, type TestGateway } from "./harness.ts";
import { fieldRegistry, MN, PASSWORD, SECRETS } from "./hj212-harness.ts";

const START = Date.UTC(2026, 2, 15, 0, 0, 0);
const HISTORY: FieldCommand = { kind: "fetch-history", data: "hour", from: START - 6 * 3_600_000, to: START };

let clock: FakeClock;
let gateway: TestGateway;
let logger: Hj212Logger | undefined;
beforeEach(async () => {
  clock = new FakeClock(START);
  gateway = await startGateway({ clock, registry: fieldRegistry(), fieldSecrets: () => SECRETS });
});
afterEach(async () => {
  await logger?.close();
  await gateway.close();
});

/** A logger that has sent its first packet. */
async function connected(parts: Partial<Hj212LoggerParts> = {}): Promise<Hj212Logger> {
  const { hj212: port } = gateway.addresses;
  logger = createHj212Logger({ host: "127.0.0.1", port, mn: MN.one, password: PASSWORD, clock, ...parts });
  await logger.send({ w01018: 12.5 });
  return logger;
}
/** Moves the clock second by second, with turns of the network in between, until it is settled. */
async function settled(outcome: Promise<FieldOutcome>): Promise<FieldOutcome & { readonly seconds: number }> {
  let result: FieldOutcome | undefined;
  void outcome.then((value) => {
    result = value;
  });
  for (let seconds = 0; ; seconds++) {
    for (let turn = 0; turn < 20 && !result; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (result) return { ...result, seconds };
    if (seconds > 600) throw new Error("never settled");
    await clock.advance(1_000);
  }
}

test.each<{ command: FieldCommand; code: string; outcome: object }>([
  { command: { kind: "set-clock" }, code: "1012", outcome: { state: "done", code: "ok" } },
  { command: { kind: "read-clock" }, code: "1011", outcome: { state: "done", deviceTime: START + 60_000, packets: 1 } },
  { command: { kind: "set-interval", seconds: 120 }, code: "1062", outcome: { state: "done" } },
  { command: { kind: "set-average-interval", minutes: 10 }, code: "1064", outcome: { state: "done" } },
  { command: { kind: "sample-now", parameter: "w01018" }, code: "3012", outcome: { state: "done" } },
  { command: { kind: "start-realtime" }, code: "2011", outcome: { state: "accepted", code: "ok" } },
  { command: { kind: "stop-realtime" }, code: "2012", outcome: { state: "done" } },
  { command: HISTORY, code: "2061", outcome: { state: "failed", code: "no-data" } },
])("$command.kind is $code on the wire: $outcome.state", async ({ command, code, outcome }) => {
  const device = await connected({ clockAheadMs: 60_000 });
  expect(await settled(gateway.hj212.command("logger-1", command))).toMatchObject({ ...outcome, sent: 1 });
  expect(device.state.asked).toEqual([code]);
});

const of = { parameter: "w01018" };
test.each<{ command: FieldCommand; code: string; said?: object; state?: string }>([
  { command: { kind: "set-timeouts", seconds: 10, resends: 3 }, code: "1000" },
  { command: { kind: "read-interval" }, code: "1061", said: { RtdInterval: "30" } },
  { command: { kind: "read-average-interval" }, code: "1063", said: { MinInterval: "10" } },
  { command: { kind: "start-facility" }, code: "2021", state: "accepted" },
  { command: { kind: "stop-facility" }, code: "2022" },
  { command: { kind: "fetch-run-hours", from: START, to: START }, code: "2041", said: { "SB1-RT": "23.5" } },
  { command: { kind: "calibrate", ...of }, code: "3011" },
  { command: { kind: "clean", ...of }, code: "3013" },
  { command: { kind: "compare-sample", ...of }, code: "3014" },
  { command: { kind: "keep-sample" }, code: "3015", said: { VaseNo: "1" } },
  { command: { kind: "read-sampling", ...of }, code: "3017", said: { CstartTime: "000000", Ctime: "2" } },
  { command: { kind: "read-analysis-time", ...of }, code: "3018", said: { Stime: "30" } },
  { command: { kind: "read-serial", ...of }, code: "3019", said: { "w01018-SN": "SN0001" } },
])("$command.kind is $code, and what it reads comes back", async ({ command, code, said, state = "done" }) => {
  const device = await connected();
  const outcome = await settled(gateway.hj212.command("logger-1", command));
  expect(outcome).toMatchObject({ state, code: "ok", sent: 1, packets: said ? 1 : 0 });
  expect(outcome.said ?? null).toEqual(said ? expect.objectContaining(said) : null);
  expect(device.state.asked).toEqual([code]);
});

test("a sampling period and an instrument's setting are really set", async () => {
  await connected();
  const ask = (command: FieldCommand) => settled(gateway.hj212.command("logger-1", command));
  await ask({ kind: "set-sampling", ...of, start: "013000", hours: 4 });
  expect((await ask({ kind: "read-sampling", ...of })).said).toMatchObject({ CstartTime: "013000", Ctime: "4" });
  await ask({ kind: "set-parameter", ...of, info: "i13004", value: "168.0" });
  expect((await ask({ kind: "read-info", ...of, info: "i13004" })).said).toMatchObject({ "i13004-Info": "168.0" });
});

test("the clock is really set, the interval too", async () => {
  const device = await connected({ clockAheadMs: 90_000 });
  await settled(gateway.hj212.command("logger-1", { kind: "set-clock" }));
  expect(device.state.clockAheadMs).toBe(0);
  await settled(gateway.hj212.command("logger-1", { kind: "set-interval", seconds: 300 }));
  expect(device.state.intervalSeconds).toBe(300);
});

test("a device that asks for the time (1013) gets 9013, then 1012; asked again at once, 9013 only", async () => {
  const device = await connected({ clockAheadMs: -3_600_000 });
  await device.wishClock();
  expect(device.state.clockAheadMs).toBe(0);
  await device.drained();
  void device.wishClock();
  await device.drained();
  expect(device.state.asked).toEqual(["1012"]);
  await clock.advance(60_000);
  await device.wishClock();
  expect(device.state.asked).toEqual(["1012", "1012"]);
});

test("history: every record comes numbered, is stored and answered, then the result", async () => {
  const device = await connected();
  for (let hour = 1; hour <= 8; hour++) device.keep("2061", START - hour * 3_600_000, { w01018: hour });
  expect(await settled(gateway.hj212.command("logger-1", HISTORY))).toMatchObject({
    state: "done",
    packets: 6,
    sent: 1,
  });
  const stored = (await gateway.raw()).map(({ payload }) => Buffer.from(payload).toString());
  expect(stored.filter((text) => text.includes("CN=2061"))).toHaveLength(6);
  expect(stored.at(-1)).toContain("PNUM=6;PNO=6;");
  expect(device.state.waiting).toBe(0);
  expect(gateway.hj212.sessions()[0]?.gaps).toEqual([]);
});

test.each<{
  why: string;
  manner: ReturnType<NonNullable<Hj212LoggerParts["manners"]>>;
  outcome: object;
  seconds: number;
}>([
  { why: "silence", manner: "ignore", outcome: { state: "expired", code: "no-answer", sent: 4 }, seconds: 40 },
  { why: "9011 alone", manner: "accept-only", outcome: { state: "expired", code: "no-result", sent: 1 }, seconds: 60 },
  { why: "QnRtn 2", manner: { qnRtn: 2 }, outcome: { state: "failed", code: "refused" }, seconds: 0 },
  { why: "QnRtn 3", manner: { qnRtn: 3 }, outcome: { state: "failed", code: "pw-wrong" }, seconds: 0 },
  { why: "ExeRtn 5", manner: { exeRtn: 5 }, outcome: { state: "failed", code: "busy" }, seconds: 0 },
  { why: "ExeRtn 77", manner: { exeRtn: 77 }, outcome: { state: "failed", code: "unknown" }, seconds: 0 },
])("$why: $outcome.state ($outcome.code) after $seconds s", async ({ manner, outcome, seconds }) => {
  const device = await connected({ manners: () => manner });
  const result = await settled(gateway.hj212.command("logger-1", { kind: "set-clock" }));
  expect(result).toMatchObject({ ...outcome, seconds });
  expect(device.state.asked).toHaveLength(result.sent);
});

test("a line cut in the middle: the request is sent again on the next connection and done", async () => {
  let isFirst = true;
  const device = await connected({
    manners: () => {
      if (!isFirst) return "do";
      isFirst = false;
      device.cut();
      return "ignore";
    },
  });
  const outcome = gateway.hj212.command("logger-1", { kind: "set-clock" });
  const next = async (): Promise<void> => {
    while (isFirst) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(500);
    void device.send({ w01018: 13 }); // whoever connects must speak first: the MN says who it is
  };
  const [result] = await Promise.all([settled(outcome), next()]);
  expect(result).toMatchObject({ state: "done", sent: 2 });
});

test.each<{ why: string; device: string; command: FieldCommand; code: string }>([
  { why: "away", device: "logger-2", command: { kind: "set-clock" }, code: "offline" },
  { why: "no HJ 212 device", device: "nobody", command: { kind: "set-clock" }, code: "unsupported" },
  { why: "not in the standard", device: "logger-2", command: { kind: "restart" }, code: "unsupported" },
  { why: "not in 2025", device: "encrypted-1", command: { kind: "read-sampling", ...of }, code: "unsupported" },
  { why: "still in 2025", device: "encrypted-1", command: { kind: "read-serial", ...of }, code: "offline" },
  { why: "29 s", device: "logger-2", command: { kind: "set-interval", seconds: 29 }, code: "invalid" },
  { why: "7 min", device: "logger-2", command: { kind: "set-average-interval", minutes: 7 }, code: "invalid" },
  { why: "an empty range", device: "logger-2", command: { ...HISTORY, to: 0 } as FieldCommand, code: "invalid" },
])("$why: failed ($code), nothing sent", async ({ device, command, code }) => {
  expect(await gateway.hj212.command(device, command)).toEqual({ state: "failed", code, sent: 0, packets: 0 });
});

test("closing the gateway ends what waits", async () => {
  await connected({ manners: () => "ignore" });
  const outcome = gateway.hj212.command("logger-1", { kind: "set-clock" });
  while (gateway.hj212.sessions()[0]?.pending[0]?.state !== "sent")
    await new Promise((resolve) => setImmediate(resolve));
  await gateway.close();
  expect(await outcome).toMatchObject({ state: "expired", code: "closing" });
});

test("torn and glued packets of 20 loggers all arrive, each once, all answered", async () => {
  await gateway.close();
  gateway = await startGateway({ clock, registry: fieldRegistry(20) });
  const devices = Array.from({ length: 20 }, (_, n) =>
    createHj212Logger({
      ...{ host: "127.0.0.1", port: gateway.addresses.hj212, mn: `MANY-${n}`, password: "", clock },
      ...{ windowMax: 8, tear: { seed: n } },
    }),
  );
  await Promise.all(
    devices.flatMap((device) =>
      Array.from({ length: 50 }, (_, n) => device.send({ w01018: n }, { time: START + n * 1_000 })),
    ),
  );
  const raw = await gateway.raw();
  expect(raw).toHaveLength(1_000);
  expect(new Set(raw.map(({ device, payload }) => `${device} ${Buffer.from(payload).toString()}`)).size).toBe(1_000);
  expect(
    gateway.hj212
      .sessions()
      .reduce((sum, { crcErrors, noiseBytes, badLengths }) => sum + crcErrors + noiseBytes + badLengths, 0),
  ).toBe(0);
  await Promise.all(devices.map((device) => device.close()));
});
