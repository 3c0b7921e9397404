/** Backup while readings come in, restore elsewhere, and nothing acknowledged before the backup is missing there. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf, connectDevice } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, runCli, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "jingtu-backup-"));
  server = await startServer({ registry: aTestRegistry(2) });
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
  rmSync(folder, { recursive: true, force: true });
});

const query = "stations/mw-1/readings?quantity=cd&bucket=raw&limit=50000";

test("backup under load → verify → restore → serve: the same points, alarms and people", async () => {
  const device = await connectDevice(server, 1);
  const base = Date.now() - 3_600_000;
  let acknowledged = 0;
  let sending = true;
  const load = (async () => {
    for (let seq = 0; sending; seq++) {
      await device.send({
        v: 1,
        boot: "b",
        seq,
        ts: base + seq * 100,
        r: [{ p: "cd", v: seq % 300 < 200 ? 1 : 20, u: "µg/L" }],
      });
      acknowledged = seq + 1;
    }
  })();
  await eventually("some load", async () => (acknowledged > 500 ? true : null));
  const before = acknowledged;
  const copy = join(folder, "copy");
  const backup = await server.cli("backup", copy, "--json");
  expect(backup.stderr).toBe("");
  expect(backup.code).toBe(0);
  sending = false;
  await load;
  await device.close();
  expect((await server.cli("backup", "verify", copy)).code).toBe(0);
  expect((await server.cli("backup", copy)).stderr).toMatch(/BACKUP_EXISTS/);

  const dataDir = join(folder, "restored");
  const env = { ...server.env, EWS_DATA_DIR: dataDir };
  expect((await runCli(["restore", copy], env)).code).toBe(0);
  expect((await runCli(["restore", copy], env)).stderr).toMatch(/DATA_DIR_NOT_EMPTY/);

  const restored = await startServer({ dataDir, env: { EWS_ADMIN_PASSWORD: "another password entirely" } });
  try {
    const api = await apiOf(restored);
    const { columns } = await eventually("the points of the backup", async () => {
      const answer = await api.get<{ columns: { times: number[] } }>(query);
      return answer.columns.times.length >= before ? answer : null;
    });
    expect(columns.times.slice(0, before)).toEqual(Array.from({ length: before }, (_, seq) => base + seq * 100));
    const alarms = (
      await api.get<{ alarms: { station: string }[] }>("alarms?state=active,acknowledged,cleared&limit=200")
    ).alarms;
    expect(alarms.some(({ station }) => station === "mw-1")).toBe(true);
    // The first run's administrator came along: the other password of the environment is not used.
    const signIn = await fetch(`${restored.url}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "admin", password: "correct horse battery" }),
    });
    expect(signIn.status).toBe(200);
  } finally {
    await restored.stop();
  }
});
