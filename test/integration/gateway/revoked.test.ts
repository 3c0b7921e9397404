/** A device that is revoked or removed: its sessions end at once, over HJ 212 too, and nothing of it comes in until it is admitted. */
import { afterEach, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { createDirectory } from "../../../core/directory.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { RegistrySnapshot } from "../../../core/ports.ts";
import { createTelemetryDoor } from "../../../gateway/http.ts";
import { aDevice } from "../../support/builders.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";
import { aRegistry, PEPPER, RawClient, secretOf, startGateway, type TestGateway } from "./harness.ts";
import { aFrame, fieldRegistry, MN, RawLogger, SECRETS } from "./hj212-harness.ts";

const AT_ONCE_MS = 1_000;

let gateway: TestGateway;
async function start(registry: RegistrySnapshot): Promise<void> {
  gateway = await startGateway({ registry, fieldSecrets: () => SECRETS });
}
afterEach(() => gateway.close());
const open = async (): Promise<RawLogger> => {
  const client = await RawLogger.open(gateway.addresses.hj212);
  onTestFinished(() => client.end());
  return client;
};
const revoking = (registry: RegistrySnapshot, ...devices: string[]): RegistrySnapshot => ({
  ...registry,
  version: registry.version + 1,
  revoked: devices.map((device) => ({ device, since: Date.now() })),
});
const session = (device: string) => gateway.hj212.sessions().find((one) => one.device === device);
async function timed(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

test("HJ 212: the session ends at once, the MN is refused, and admitted it is served again", async () => {
  const registry = fieldRegistry();
  await start(registry);
  const live = await open();
  live.write(aFrame());
  await live.next();
  gateway.register(revoking(registry, "logger-1"));
  expect(await timed(live.closed)).toBeLessThan(AT_ONCE_MS);
  expect(session("logger-1")).toMatchObject({ connected: false, isRevoked: true });
  expect(await gateway.hj212.command("logger-1", { kind: "set-clock" })).toMatchObject({ code: "revoked" });
  const again = await open();
  again.write(aFrame({ qn: "20260315080030001" }));
  await again.closed;
  expect(again.received).toEqual([]);
  gateway.register({ ...registry, version: registry.version + 2 });
  const admitted = await open();
  admitted.write(aFrame({ qn: "20260315080030001" }));
  expect(await admitted.next()).toMatchObject({ CN: "9014" });
  expect(await gateway.raw()).toHaveLength(2);
  await gateway.close();
  expect(await gateway.refused()).toEqual({ "hj212-device-revoked": 2 });
});

test("HJ 212: on a line of several devices the revoked one is refused, the others go on", async () => {
  const registry = fieldRegistry();
  await start(registry);
  const line = await open();
  line.write(aFrame());
  await line.next();
  await line.ping(MN.two);
  gateway.register(revoking(registry, "logger-2"));
  await until(() => session("logger-2")?.connected === false);
  line.write(aFrame({ mn: MN.two, qn: "20260315080030001" }));
  line.write(aFrame({ qn: "20260315080030002" }));
  expect(await line.next()).toMatchObject({ CN: "9014", MN: MN.one });
  expect(session("logger-1")).toMatchObject({ connected: true });
  expect((await gateway.raw()).map(({ device }) => device)).toEqual(["logger-1", "logger-1"]);
});

test("HJ 212: revoking the account that carries a device ends that one too", async () => {
  const registry = fieldRegistry();
  await start(registry);
  const carried = await open();
  await carried.ping(MN.two);
  gateway.register(revoking(registry, "logger-1"));
  expect(await timed(carried.closed)).toBeLessThan(AT_ONCE_MS);
});

test.each([
  ["removed from the registry", (one: RegistrySnapshot) => one.devices.filter(({ id }) => id !== "logger-1")],
  [
    "known by another MN",
    (one: RegistrySnapshot) =>
      one.devices.map((device) =>
        device.id === "logger-1" && device.profile?.hj212
          ? { ...device, profile: { hj212: { ...device.profile.hj212, mn: "NEW" } } }
          : device,
      ),
  ],
])("HJ 212: the session of a device that is %s ends at once", async (_why, devices) => {
  const registry = fieldRegistry();
  await start(registry);
  const live = await open();
  live.write(aFrame());
  await live.next();
  gateway.register({ ...registry, version: registry.version + 1, devices: devices(registry) });
  expect(await timed(live.closed)).toBeLessThan(AT_ONCE_MS);
  await gateway.close();
  expect(await gateway.refused()).toEqual({ "hj212-device-removed": 1 });
});

test("HJ 212: a kick closes the connection that a device has left half open too", async () => {
  await start(fieldRegistry());
  const [old, fresh, other] = [await open(), await open(), await open()];
  for (const client of [old, fresh]) await client.ping(MN.two);
  other.write(aFrame());
  await other.next();
  gateway.kick("logger-2");
  await Promise.all([old.closed, fresh.closed]);
  await other.ping(MN.two);
});

test("MQTT and HTTP: who is carried by a revoked account loses its own connection, and its secret opens nothing", async () => {
  const registry = aRegistry();
  const devices = registry.devices.map((one) => (one.id === "well-10" ? aDevice({ ...one, via: "well-1" }) : one));
  await start({ ...registry, devices });
  const carried = await RawClient.signIn(gateway.port, "well-10");
  const other = await RawClient.signIn(gateway.port, "rival-1");
  const revoked = revoking({ ...registry, devices }, "well-1");
  gateway.register(revoked);
  expect(await timed(carried.closed)).toBeLessThan(AT_ONCE_MS);
  await other.ping();
  await expect(RawClient.signIn(gateway.port, "well-10")).rejects.toThrow("CONNACK 5");
  other.end();
  const metrics = new Metrics();
  const door = createTelemetryDoor({
    ...{ journal: new MemoryJournal(), directory: () => createDirectory(revoked), pepper: PEPPER },
    ...{ clock: systemClock, log: createLogger("silent"), metrics },
  });
  onTestFinished(() => door.close());
  const enter = (device: string) =>
    door.enter({ authorization: `Basic ${btoa(`${device}:${secretOf(device)}`)}`, address: "192.0.2.7" });
  await expect(enter("well-10")).rejects.toMatchObject({ status: 401 });
  expect(await enter("rival-1")).toBe("rival-1");
  const refused = await metrics.registry.getSingleMetricAsString("jingtu_gateway_refused_total");
  expect(refused).toContain('reason="device-revoked"} 1');
});

test("HTTP: a device that is revoked between its sign-in and its body is refused, and nothing of it is kept", async () => {
  const registry = aRegistry();
  await start(registry);
  let directory = createDirectory(registry);
  const journal = new MemoryJournal();
  const door = createTelemetryDoor({
    ...{ journal, directory: () => directory, pepper: PEPPER },
    ...{ clock: systemClock, log: createLogger("silent"), metrics: new Metrics() },
  });
  onTestFinished(() => door.close());
  const authorization = `Basic ${btoa(`well-1:${secretOf("well-1")}`)}`;
  const device = await door.enter({ authorization, address: "192.0.2.7" });
  const body = Buffer.from(JSON.stringify({ ts: Date.now(), values: { ph: 7 } }));
  const message = { device, body, contentType: "application/json", contentEncoding: undefined, query: {} };
  expect(await door.take({ ...message, address: "192.0.2.7" })).toBe(1);
  directory = createDirectory(revoking(registry, "well-1"));
  const taken = door.take({ ...message, address: "192.0.2.7" });
  await expect(taken).rejects.toMatchObject({ status: 401 });
  expect(await journal.end("raw")).toBe(1);
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
