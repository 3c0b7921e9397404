/** Whose packet it is: MNs on the connections of others, guessed passwords, devices without one, and how fast one may knock. */
import { afterEach, expect, onTestFinished, test } from "vitest";
import { createLogger, type Logger } from "../../../core/observe.ts";
import type { DeviceSecrets } from "../../../gateway/hj212-server.ts";
import { FakeClock } from "../../support/clock.ts";
import { startGateway, type TestGateway } from "./harness.ts";
import { aFrame, fieldRegistry, MN, PASSWORD, RawLogger, SECRETS } from "./hj212-harness.ts";

let gateway: TestGateway;
let clock: FakeClock;
async function start(options: Parameters<typeof startGateway>[0] = {}): Promise<void> {
  clock = new FakeClock(Date.UTC(2026, 2, 15));
  gateway = await startGateway({ clock, registry: fieldRegistry(2), fieldSecrets: () => SECRETS, ...options });
}
afterEach(() => gateway.close());
const open = async (from?: string): Promise<RawLogger> => {
  const client = await RawLogger.open(gateway.addresses.hj212, from);
  onTestFinished(() => client.end());
  return client;
};
const session = (device: string) => gateway.hj212.sessions().find((one) => one.device === device);
/** Everything sent before has been read: a client that came later has its answer. */
async function seen(): Promise<void> {
  const client = await open();
  await client.ping(MN.two);
  client.end();
}
/** Lets the network have its turns. */
async function turns(until: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !until(); turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("an MN of another device on a connection that is bound: refused unless it is carried, or proves itself", async () => {
  await start();
  const line = await open();
  line.write(aFrame({ mn: "MANY-0" }));
  expect(await line.next()).toMatchObject({ CN: "9014", MN: "MANY-0" });
  for (const mn of ["MANY-1", MN.two]) line.write(aFrame({ mn }));
  line.write(aFrame({ mn: MN.one })); // has a password, and sends it
  expect(await line.next()).toMatchObject({ CN: "9014", MN: MN.one });
  line.write(aFrame({ mn: MN.two })); // carried by that one
  expect(await line.next()).toMatchObject({ CN: "9014", MN: MN.two });
  expect((await gateway.raw()).map(({ device }) => device)).toEqual(["many-0", "logger-1", "logger-2"]);
  await gateway.close();
  expect(await gateway.refused()).toEqual({ "hj212-mn-of-another": 2 });
});

test("guesses wait before they are looked at, on new connections too; the right password gets through from the same address", async () => {
  await start();
  let tried = 0;
  const guess = async (): Promise<RawLogger> => {
    const client = await open("127.0.3.1");
    client.write(aFrame({ pw: String(100_000 + tried++) }));
    return client;
  };
  for (let n = 0; n < 5; n++) await guess();
  await turns(() => session("logger-1")?.wrongPasswords === 5);
  for (let n = 0; n < 20; n++) await guess();
  await seen();
  expect(session("logger-1")).toMatchObject({ wrongPasswords: 5 });
  await clock.advance(4_000); // five a second
  await turns(() => session("logger-1")?.wrongPasswords === 25);
  expect(session("logger-1")).toMatchObject({ wrongPasswords: 25 });

  // The device itself: from the address of the guesser after 10 s, from its own after 4 s at most.
  const [neighbour, own] = [await open("127.0.3.1"), await open("127.0.3.2")];
  for (const client of [neighbour, own]) client.write(aFrame());
  await guess();
  await seen();
  await clock.advance(4_000);
  expect(await own.next()).toMatchObject({ CN: "9014" });
  expect(neighbour.received).toEqual([]);
  await clock.advance(6_000);
  expect(await neighbour.next()).toMatchObject({ CN: "9014" });
  expect(own.isClosed).toBe(false);
});

test("an open connection of the device never waits, whatever is guessed beside it", async () => {
  await start();
  const device = await open("127.0.3.1");
  device.write(aFrame());
  await device.next();
  for (let n = 0; n < 20; n++) (await open("127.0.3.1")).write(aFrame({ pw: `${n}` }));
  await turns(() => (session("logger-1")?.wrongPasswords ?? 0) >= 5);
  device.write(aFrame({ qn: "20260315080030001" }));
  expect(await device.next()).toMatchObject({ CN: "9014", QN: "20260315080030001" });
});

test("a front-end machine with one wrong PW behind it: that device waits, the others are answered at once for ever", async () => {
  await start({ fieldSecrets: () => new Map([...SECRETS, ["logger-2", { password: "right" }]]) });
  const line = await open("127.0.3.1");
  line.write(aFrame());
  await line.next();
  const answered = async (from: RawLogger, qn: string): Promise<void> => {
    from.write(aFrame({ qn }));
    expect(await from.next()).toMatchObject({ CN: "9014", QN: qn });
  };
  for (let n = 10; n < 60; n++) {
    line.write(aFrame({ mn: MN.two, pw: "wrong", qn: `202603150801${n}002` }));
    await answered(line, `202603150801${n}001`);
    if (n % 2 === 0) await clock.advance(4_000);
  }
  expect(session("logger-2")?.wrongPasswords).toBeGreaterThanOrEqual(10);
  expect(line.isClosed).toBe(false);
  // Its connection is lost: what the others have to prove does not wait for the wrong one either.
  line.end();
  const again = await open("127.0.3.1");
  await answered(again, "20260315090000001");
  await gateway.close();
  expect((await gateway.refused())["hj212-password-queue"]).toBeGreaterThan(0);
});

test("what waits behind a password that waits keeps its order, and its bytes", async () => {
  await start();
  for (let n = 0; n < 6; n++) (await open("127.0.3.1")).write(aFrame({ pw: `${n}` }));
  await turns(() => session("logger-1")?.wrongPasswords === 5);
  const device = await open("127.0.3.1");
  const qns = Array.from({ length: 20 }, (_, n) => `202603150800${String(n).padStart(2, "0")}001`);
  const first = aFrame({ pw: "wrong", qn: "20260315075900001" });
  device.write(Buffer.concat([first, ...qns.map((qn) => aFrame({ qn }))]));
  await seen();
  expect(device.received).toEqual([]);
  await clock.advance(300);
  await turns(() => session("logger-1")?.wrongPasswords === 7);
  expect(device.received).toEqual([]); // what follows a wrong one waits anew
  await clock.advance(4_000);
  for (const qn of qns) expect(await device.next()).toMatchObject({ CN: "9014", QN: qn });
});

test("a device without a password is listed and warned about once, until it has one", async () => {
  const warnings: unknown[] = [];
  const log: Logger = Object.assign(createLogger("silent"), {
    warn: (bindings: object, text: string) => void (text.includes("(PW)") && warnings.push(bindings)),
    child: () => log,
  });
  let secrets: ReadonlyMap<string, DeviceSecrets> = SECRETS;
  await start({ log, fieldSecrets: () => secrets });
  for (let times = 0; times < 2; times++) {
    const client = await open();
    await client.ping(MN.two);
    client.end();
  }
  const known = await open();
  known.write(aFrame());
  await known.next();
  expect(warnings).toEqual([{ device: "logger-2", mn: MN.two, address: "127.0.0.1" }]);
  expect(session("logger-2")).toMatchObject({ hasPassword: false });
  expect(session("logger-1")).toMatchObject({ hasPassword: true });
  secrets = new Map([...SECRETS, ["logger-2", { password: PASSWORD }]]);
  expect(session("logger-2")).toMatchObject({ hasPassword: true });
});
