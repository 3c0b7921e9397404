/** A password that is changed: who showed the old one, or none, is nobody until the new one has been shown. */
import { afterEach, expect, onTestFinished, test } from "vitest";
import type { DeviceSecrets } from "../../../gateway/hj212-server.ts";
import { FakeClock } from "../../support/clock.ts";
import { startGateway, type TestGateway } from "./harness.ts";
import { aFrame, fieldRegistry, MN, RawLogger, SM4_KEY } from "./hj212-harness.ts";

let gateway: TestGateway;
let clock: FakeClock;
let secrets: ReadonlyMap<string, DeviceSecrets>;
async function start(first: [string, DeviceSecrets][]): Promise<void> {
  clock = new FakeClock(Date.UTC(2026, 2, 15));
  secrets = new Map(first);
  gateway = await startGateway({ clock, registry: fieldRegistry(1), fieldSecrets: () => secrets });
}
afterEach(() => gateway.close());
const open = async (from?: string): Promise<RawLogger> => {
  const client = await RawLogger.open(gateway.addresses.hj212, from);
  onTestFinished(() => client.end());
  return client;
};
const session = (device: string) => gateway.hj212.sessions().find((one) => one.device === device);

test.each<[was: string, before: [string, DeviceSecrets][], shown: string]>([
  ["none", [], ""],
  ["a leaked one", [["logger-1", { password: "leaked" }]], "leaked"],
])("a new password after %s: no command, and no word of it, goes to who showed that", async (_was, before, shown) => {
  await start(before);
  const thief = await open();
  thief.write(aFrame({ pw: shown }));
  expect(await thief.next()).toMatchObject({ CN: "9014" });
  secrets = new Map([["logger-1", { password: "better" }]]);
  // At once: the command comes before anybody has looked at the connections.
  expect(await gateway.hj212.command("logger-1", { kind: "read-clock" })).toMatchObject({ code: "offline" });
  await thief.closed;
  expect(thief.received).toEqual([]);
  const again = await open();
  again.write(aFrame({ pw: shown, qn: "20260315080100001" }));
  const device = await open("127.0.3.2");
  device.write(aFrame({ pw: "better", qn: "20260315080100002" }));
  expect(await device.next()).toMatchObject({ CN: "9014" });
  void gateway.hj212.command("logger-1", { kind: "read-clock" });
  expect(await device.next()).toMatchObject({ CN: "1011", PW: "better" });
  expect(again.received).toEqual([]);
});

test("the re-send of a command that is on its way goes to nobody, and without anybody's packet the change is felt", async () => {
  await start([["logger-1", { password: "leaked" }]]);
  const thief = await open();
  thief.write(aFrame({ pw: "leaked" }));
  await thief.next();
  const outcome = gateway.hj212.command("logger-1", { kind: "read-clock" });
  expect(await thief.next()).toMatchObject({ CN: "1011", PW: "leaked" });
  secrets = new Map([["logger-1", { password: "better" }]]);
  await clock.advance(120_000);
  await thief.closed;
  expect(await outcome).toMatchObject({ state: "expired" });
  expect(thief.received).toEqual([]);
  expect(session("logger-1")).toMatchObject({ connected: false });
});

test("on a shared connection the others go on; the device comes back on it with the new password", async () => {
  await start([["logger-1", { password: "old" }]]);
  const line = await open();
  line.write(aFrame({ pw: "old" }));
  await line.next();
  await line.ping(MN.two);
  secrets = new Map([["logger-1", { password: "new" }]]);
  await line.ping(MN.two);
  line.write(aFrame({ pw: "old", qn: "20260315080100001" }));
  await line.ping(MN.two);
  expect(session("logger-1")).toMatchObject({ connected: false, wrongPasswords: 1 });
  line.write(aFrame({ pw: "new", qn: "20260315080100002" }));
  expect(await line.next()).toMatchObject({ CN: "9014", QN: "20260315080100002" });
  expect(session("logger-1")).toMatchObject({ connected: true });
});

test("where a key is kept and no password, packets in plaintext are nobody's; with a password they may be the device's", async () => {
  await start([["encrypted-1", { sm4: SM4_KEY }]]);
  const client = await open();
  client.write(aFrame({ mn: MN.encrypted, pw: "" }));
  await client.ping(MN.two);
  expect(await gateway.raw()).toEqual([]);
  expect(session("encrypted-1")).toMatchObject({ connected: false });
  secrets = new Map([["encrypted-1", { sm4: SM4_KEY, password: "123456" }]]);
  client.write(aFrame({ mn: MN.encrypted, pw: "123456" }));
  expect(await client.next()).toMatchObject({ CN: "9014", MN: MN.encrypted });
  await gateway.close();
  expect(await gateway.refused()).toEqual({ "hj212-plaintext": 1 });
});
