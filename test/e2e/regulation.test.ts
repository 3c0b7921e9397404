/** A plan through the real program: imported, fed by a device, asked of the running server and of the store after its stop. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf, connectDevice } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ registry: aTestRegistry() });
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

const PLAN = `
plans:
  - id: pond-2025
    site: s1
    from: 2025-01-01
    firstRoundBy: 2025-06-30
    units: [{id: u1, class: 1, concerns: [cd]}]
    points: [{id: w1, station: mw-1, unit: u1, object: groundwater}]
`;
const found = [{ rule: "groundwater-above-limit", quantity: "cd", date: "2025-05-10", value: 0.006, limit: 0.005 }];
const due = { point: "w1", doubled: true, everyMonths: 3, lastRound: "2025-05-10", due: "2025-06-30", findings: found };

test("plan import, plan due with and without a server, the interface", async () => {
  const file = join(server.dataDir, "plan.yaml");
  writeFileSync(file, PLAN);
  expect(await server.cli("plan", "import", file)).toMatchObject({ code: 0, stdout: "1 plans, 0 zones, 1 changed\n" });
  writeFileSync(file, PLAN.replace("mw-1", "mw-9"));
  const refused = await server.cli("plan", "import", file);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("plan pond-2025, point w1: there is no station mw-9");

  const device = await connectDevice(server);
  await device.send({ v: 1, boot: "b", seq: 1, ts: "2025-05-10T03:00:00Z", r: [{ p: "cd", v: 6, u: "µg/L" }] });
  await device.close();
  const api = await apiOf(server);
  await eventually("the stored reading", async () => {
    return (await api.get<{ latest: readonly object[] }>("stations/mw-1/latest")).latest[0];
  });

  const ask = ["plan", "due", "--site", "s1", "--on", "2025-06-01", "--json"];
  const running = await server.cli(...ask);
  expect(running.stderr).toBe("");
  expect(JSON.parse(running.stdout)).toMatchObject(due);
  const { plans } = await api.get<{ plans: { points: object[] }[] }>("sites/s1/plan?on=2025-06-01");
  expect(plans[0]?.points[0]).toMatchObject(due);

  await server.stop();
  const stopped = await server.cli(...ask);
  expect(stopped.stdout).toBe(running.stdout);
});
