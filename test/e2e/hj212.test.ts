/** HJ 212 on the whole server: a logger, its password, the view and commands from the command line. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { createHj212Logger, type Hj212Logger } from "../../simulators/hj212.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const MN = "E2E000000000000000000001";
const PASSWORD = "k9-canary-71";

let server: TestServer;
let logger: Hj212Logger | undefined;
beforeAll(async () => {
  const base = aTestRegistry(1);
  const devices = base.devices.map((device) => ({ ...device, profile: { hj212: { mn: MN } } }));
  server = await startServer({ registry: { ...base, devices } });
});
afterAll(async () => {
  await logger?.close();
  await server?.stop();
  if (server) removeData(server);
});
const open = (password: string): Hj212Logger =>
  createHj212Logger({
    host: "127.0.0.1",
    port: server.ports.hj212,
    mn: MN,
    password,
    clock: systemClock,
    answerMs: 500,
  });

test("the password set on the command line is in force within seconds, and stands nowhere in clear", async () => {
  const file = join(server.dataDir, "password.txt");
  writeFileSync(file, `${PASSWORD}\n`);
  const set = await server.cli("hj212", "password", "dev-1", "--password-file", file);
  expect(set).toMatchObject({ code: 0, stdout: "dev-1: hj212-password set\n" });
  expect(statSync(join(server.dataDir, "hj212.key")).mode & 0o777).toBe(0o600);
  await eventually("a packet with another password is not answered", async () => {
    const guesser = open("000000");
    const answered = await Promise.race([guesser.send({ w01014: 600 }).then(() => true), systemClock.sleep(1_000)]);
    await guesser.close();
    return answered === true ? null : true;
  });
  logger = open(PASSWORD);
  await logger.send({ w01014: 600 });
  const kept = ["ledger.db", "ledger.db-wal"].map((name) =>
    readFileSync(join(server.dataDir, name)).includes(PASSWORD),
  );
  expect([...kept, server.stderr().includes(PASSWORD), set.stderr.includes(PASSWORD)]).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test("sessions and commands from the command line", async () => {
  const stranger = createHj212Logger({
    ...{ host: "127.0.0.1", port: server.ports.hj212, mn: "STRANGER", password: "", clock: systemClock },
  });
  void stranger.send({ w01014: 1 });
  const lines = await eventually("the stranger is listed", async () => {
    const { stdout } = await server.cli("hj212", "sessions", "--json");
    return stdout.includes("STRANGER")
      ? stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as object)
      : null;
  });
  await stranger.close();
  expect(lines).toMatchObject([
    { device: "dev-1", name: MN, connected: true, crcErrors: 0, hasPassword: true, isRevoked: false },
    { name: "STRANGER", unclaimed: true },
  ]);
  const early = await server.cli("command", "dev-1", "setInterval", "--arg", "seconds=10");
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining("30 to 3600 s, not 10")]);
  const done = await server.cli("hj212", "command", "dev-1", "set-interval", "--seconds", "120", "--json");
  expect(done.code).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({ state: "done", sent: 1 });
  expect(logger?.state.intervalSeconds).toBe(120);
  const read = await server.cli("hj212", "command", "dev-1", "read-interval");
  expect(read).toMatchObject({ code: 0, stdout: "done (ok), sent 1 times, 1 data packets\nRtdInterval=120\n" });
  const wrong = await server.cli("hj212", "command", "dev-1", "set-interval", "--seconds", "5");
  expect(wrong).toMatchObject({ code: 1, stdout: "failed (invalid), sent 0 times, 0 data packets\n" });
  expect((await server.cli("hj212", "command", "dev-1", "dance")).code).toBe(2);
  const listed = (await server.cli("commands", "dev-1", "--json")).stdout.trim().split("\n");
  expect(listed.map((line) => JSON.parse(line))).toMatchObject([
    { op: "setInterval", args: { seconds: 5 }, state: "failed", detail: "invalid", by: "cli" },
    { op: "setInterval", args: { seconds: 120 }, state: "done", detail: "ok", by: "cli" },
  ]);
});
