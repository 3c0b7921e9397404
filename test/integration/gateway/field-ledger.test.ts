/** Commands from the ledger down to a simulated logger and back, over a real socket; time passes on a clock that we move. */
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CommandArgs, DeviceCommand } from "../../../core/command.ts";
import type { CommandOp } from "../../../core/command-ops.ts";
import { createDirectory } from "../../../core/directory.ts";
import { Metrics } from "../../../core/observe.ts";
import { type Commander, startCommander } from "../../../gateway/commander.ts";
import { fieldCommander } from "../../../gateway/field-commander.ts";
import { createHj212Logger, type Hj212Logger, type Hj212LoggerParts } from "../../../simulators/hj212.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { silent } from "../../support/ingest.ts";
import { startGateway, type TestGateway } from "./harness.ts";
import { fieldRegistry, MN, PASSWORD, SECRETS } from "./hj212-harness.ts";

const START = Date.UTC(2026, 2, 15);
const HOUR = 3_600_000;
const RANGE = { from: START - 6 * HOUR, to: START, data: "hour" };

let clock: FakeClock;
let gateway: TestGateway;
let ledger: Ledger;
let commander: Commander;
let logger: Hj212Logger | undefined;
beforeEach(async () => {
  clock = new FakeClock(START);
  gateway = await startGateway({ clock, registry: fieldRegistry(), fieldSecrets: () => SECRETS });
  ledger = await openLedger({ file: join(temporaryFolder(), "ledger.db"), clock });
  commander = started();
});
afterEach(async () => {
  await logger?.close();
  await commander.close();
  await gateway.close();
  await commander.settled();
  await ledger.close();
});

function started(): Commander {
  const registry = createDirectory(fieldRegistry());
  return startCommander({
    ...{ commands: ledger.commands, ways: [fieldCommander(gateway.hj212)], publisher: { publish: async () => {} } },
    ...{ directory: () => registry, clock, log: silent, metrics: new Metrics() },
  });
}
async function connected(manners: NonNullable<Hj212LoggerParts["manners"]>): Promise<Hj212Logger> {
  const { hj212: port } = gateway.addresses;
  logger = createHj212Logger({ host: "127.0.0.1", port, mn: MN.one, password: PASSWORD, clock, manners });
  await logger.send({ w01018: 12.5 });
  return logger;
}
async function ask(op: CommandOp, args: CommandArgs = {}, about: Partial<DeviceCommand> = {}): Promise<string> {
  const [id, at] = [about.id ?? "c1", clock.now()];
  await ledger.commands.put(
    {
      ...{ id, device: "logger-1", op, args, state: "queued", detail: "", by: "ann", via: "web", createdAt: at },
      ...{ expiresAt: at + HOUR, sentAt: null, tries: 0, updatedAt: at, ...about },
    },
    { at, actor: "ann", via: "web", action: `command.${op}`, object: "logger-1", detail: "" },
  );
  return id;
}
/** Second by second, with turns of network and disk in between. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1_000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a logger that answers busy is asked for history three times, half a minute apart, and told a setting once", async () => {
  const device = await connected(() => ({ exeRtn: 5 }));
  const fetch = await ask("fetchHistory", RANGE);
  const setting = await ask("setInterval", { seconds: 60 }, { id: "c2" });
  await pass(180);
  expect(device.state.asked).toEqual(["2061", "1062", "2061", "2061"]);
  expect(await ledger.commands.get(fetch)).toMatchObject({ state: "failed", detail: "busy", tries: 3 });
  expect(await ledger.commands.get(setting)).toMatchObject({ state: "failed", detail: "busy", tries: 1 });
});

test("one that takes the sample and never says so takes one, for all that we send the request four times", async () => {
  const device = await connected(() => "mute");
  const id = await ask("sampleNow");
  await pass(15);
  expect(await ledger.commands.get(id)).toMatchObject({ state: "sent", tries: 1 });
  await pass(285);
  expect([device.state.asked, device.state.executed]).toEqual([Array(4).fill("3012"), ["3012"]]);
  expect(await ledger.commands.get(id)).toMatchObject({ state: "failed", detail: "no-answer", tries: 1 });
});

test("a setting without an answer goes out again under the same number, so that it is done once", async () => {
  const device = await connected((code) => (code === "1062" ? "mute" : "do"));
  const id = await ask("setInterval", { seconds: 60 });
  await pass(400);
  expect(device.state.asked).toHaveLength(12);
  expect(device.state.executed).toEqual(["1062"]);
  expect(await ledger.commands.get(id)).toMatchObject({ state: "failed", detail: "no-answer", tries: 3 });
});

test("history that is refused or breaks off after 9011 is asked for anew; what the device agreed to otherwise shows as accepted", async () => {
  let fetches = 0;
  // A logger remembers what it answered under a number: each time it is another.
  const device = await connected((code) => {
    if (code !== "2061") return "accept-only";
    fetches += 1;
    return fetches === 1 ? { exeRtn: 5 } : fetches === 2 ? "accept-only" : "do";
  });
  device.keep("2061", START - HOUR, { w01018: 1 });
  const id = await ask("fetchHistory", RANGE, { via: "server", by: "fleet" });
  await pass(150);
  expect(await ledger.commands.get(id)).toMatchObject({ state: "done", detail: "ok, 1 packets", tries: 3 });
  const clockSet = await ask("timeSync", {}, { id: "c2" });
  await pass(2);
  expect(await ledger.commands.get(clockSet)).toMatchObject({ state: "accepted", tries: 1 });
});

test("a setting whose time is over while history runs does not go out, and stays expired", async () => {
  const device = await connected(() => "accept-only");
  await ask("fetchHistory", RANGE, { via: "server", by: "fleet", id: "own" });
  await pass(2);
  const id = await ask("setInterval", { seconds: 60 }, { expiresAt: clock.now() + 30_000 });
  await pass(90);
  expect(device.state.asked).not.toContain("1062");
  expect(await ledger.commands.get(id)).toMatchObject({ state: "expired", tries: 0 });
});

test("a crash while a sample is under way: the next start ends it and sends nothing", async () => {
  await commander.close();
  const device = await connected(() => "do");
  const id = await ask("sampleNow");
  await ledger.commands.sent(id, clock.now() - HOUR); // and then the power went
  commander = started();
  await pass(3);
  expect(device.state.asked).toEqual([]);
  expect(await ledger.commands.get(id)).toMatchObject({ state: "failed", detail: "no-answer", tries: 1 });
});
