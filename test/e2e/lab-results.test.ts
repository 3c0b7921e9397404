/** Laboratory results through the real program: previewed, taken, judged, alarmed at the sample's time; then explained and verified. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ registry: aTestRegistry(2) });
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

const SAMPLED = "2026-03-15T00:30:00.000Z";
const HEAD = "点位,采样时间,检测项目,结果,单位,检测方法,检出限,样品编号\n";
const GOOD = "mw-1,2026-03-15T08:30:00+08:00,镉,0.0061,mg/L,HJ 700-2014,0.00005,S-001\n";
const NON_DETECT = "mw-1,2026-03-15T08:30:00+08:00,7440-38-2,未检出,mg/L,HJ 694-2014,0.0003,S-001\n";
const BAD = "mw-9,2026-03-15,cd,much,mg/L,,,\n";
const inFolder = (name: string, content: string | Uint8Array): string => {
  const path = join(server.dataDir, name);
  writeFileSync(path, content);
  return path;
};

interface Row {
  readonly id: string;
  readonly station: string;
  readonly quantity: string;
  readonly start: string;
  readonly value: number;
}
async function cadmiumAlarm(station: string): Promise<Row> {
  const api = await apiOf(server);
  return eventually(`an alarm of cadmium at ${station}`, async () => {
    const { alarms } = await api.get<{ alarms: Row[] }>("alarms?state=active,acknowledged,cleared&limit=200");
    return alarms.find((alarm) => alarm.station === station && alarm.quantity === "cd") ?? null;
  });
}

test("preview tells every fault; faults stop the file; a result above the limit raises an alarm at the sample's time", async () => {
  const faulty = inFolder("faulty.csv", HEAD + GOOD + BAD);
  const preview = await server.cli("lab", "import", faulty, "--dry-run", "--json");
  expect(preview.code).toBe(1);
  const report = JSON.parse(preview.stdout);
  expect(report).toMatchObject({ rows: 2, imported: 0, results: [{ quantity: "cd", time: Date.parse(SAMPLED) }] });
  expect(report.faults.map((fault: { row: number; column: string }) => [fault.row, fault.column])).toEqual([
    [3, "station"],
    [3, "time"],
    [3, "value"],
  ]);
  const stopped = await server.cli("lab", "import", faulty);
  expect([stopped.code, stopped.stdout]).toEqual([1, expect.stringContaining("0 imported")]);

  const taken = await server.cli("lab", "import", inFolder("good.csv", HEAD + GOOD + NON_DETECT), "--json");
  expect(JSON.parse(taken.stdout)).toMatchObject({ imported: 2, faults: [] });
  const alarm = await cadmiumAlarm("mw-1");
  expect(alarm).toMatchObject({ start: SAMPLED, value: 0.0061 });
  const api = await apiOf(server);
  const latest = await api.get<{ latest: object[] }>("stations/mw-1/latest");
  expect(latest.latest).toContainEqual(
    expect.objectContaining({ quantity: "as", value: 0.0003, cmp: "<", time: SAMPLED }),
  );
  const { entries } = await api.get<{ entries: { action: string; object: string; detail: string }[] }>(
    "audit?limit=50",
  );
  expect(entries).toContainEqual(
    expect.objectContaining({
      action: "lab.import",
      object: "mw-1 S-001",
      detail: expect.stringContaining("HJ 700-2014"),
    }),
  );

  const again = await server.cli("lab", "import", join(server.dataDir, "good.csv"));
  expect(again.code).toBe(0);

  const explained = await server.cli("alarm", "explain", alarm.id, "--lang", "en");
  expect(explained.stdout).toContain("device lab-mw-1");
  expect(explained.stdout).toContain("GB/T 14848-2017");
  const detail = await api.get<{ record: object }>(`alarms/${alarm.id}`);
  const file = inFolder("alarm.json", JSON.stringify(detail));
  const verified = await server.cli("verify", file, "--lang", "en");
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/^(Agrees|Partly)/)]);
  const exported = await server.cli("alarm", "export", alarm.id);
  const tampered = inFolder("tampered.json", exported.stdout.replace('"limit":0.005', '"limit":0.001'));
  expect(readFileSync(tampered, "utf8")).not.toBe(exported.stdout);
  expect((await server.cli("verify", tampered)).code).toBe(1);
  expect((await server.cli("verify", join(server.dataDir, "none.json"))).code).toBe(2);
  expect((await server.cli("alarm", "explain", "no-such-alarm")).code).toBe(1);
});

test("the template as XLSX goes in again over HTTP; an enterprise reaches its own stations only", async () => {
  const file = join(server.dataDir, "template.xlsx");
  expect((await server.cli("lab", "template", "--out", file)).code).toBe(0);
  const body = readFileSync(file);
  const send = async (query: string, ...more: string[]) => {
    const { stdout } = await server.cli("token", "create", ...more);
    const type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    const headers = { authorization: `Bearer ${stdout.trim()}`, "content-type": type };
    return fetch(`${server.url}/api/v1/lab-results${query}`, { method: "POST", headers, body });
  };
  const own = await send("?dryRun=1", "--role", "enterprise", "--tenant", "t1");
  expect(await own.json()).toMatchObject({
    rows: 2,
    imported: 0,
    faults: [],
    results: [{ row: 2 }, { row: 3, cmp: "<" }],
  });
  expect((await send("", "--role", "regulator")).status).toBe(403);
  const csv = HEAD + GOOD.replace("mw-1", "mw-2") + BAD;
  const { stdout } = await server.cli("token", "create", "--role", "officer");
  const partial = await fetch(`${server.url}/api/v1/lab-results?partial=1`, {
    method: "POST",
    headers: { authorization: `Bearer ${stdout.trim()}`, "content-type": "text/csv" },
    body: csv,
  });
  expect(await partial.json()).toMatchObject({ rows: 2, imported: 1 });
  expect(await cadmiumAlarm("mw-2")).toMatchObject({ start: SAMPLED });
});

test("without a server the results wait in the journal and are judged at the next start", async () => {
  await server.stop();
  const later = GOOD.replace("2026-03-15T08:30", "2026-03-16T08:30")
    .replace("mw-1", "mw-2")
    .replace("0.0061", "0.0161");
  const taken = await server.cli("lab", "import", inFolder("later.csv", HEAD + later));
  expect([taken.code, taken.stdout]).toEqual([0, expect.stringContaining("1 imported")]);
  server = await server.restart();
  const api = await apiOf(server);
  await eventually("the later result", async () => {
    const { latest } = await api.get<{ latest: { quantity: string; time: string }[] }>("stations/mw-2/latest");
    return latest.find(({ time }) => time === "2026-03-16T00:30:00.000Z") ?? null;
  });
});
