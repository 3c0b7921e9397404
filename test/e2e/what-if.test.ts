/**
 * What would have fired equals what fired: a month through the real path, then its replay, beside the running server and
 * after it; and a preview of a draft rule over the same month.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { uniform } from "../../simulators/random.ts";
import { type Api, apiOf, connectDevice } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const HOUR = 3_600_000;
const HOURS = 30 * 24;
const DEVICES = 2;
const QUANTITIES = { cd: "µg/L", as: "µg/L", pb: "µg/L", ph: "pH" } as const;
const READINGS = HOURS * DEVICES * Object.keys(QUANTITIES).length;
/** A month that ended two days ago. */
const BEGIN = Math.floor((Date.now() - 32 * 24 * HOUR) / HOUR) * HOUR;
const END = BEGIN + HOURS * HOUR;

interface AlarmRow {
  readonly rule: string;
  readonly category: string;
  readonly series: string;
  readonly level: string;
  readonly start: string;
  readonly end: string | null;
}

let server: TestServer;
let api: Api;
beforeAll(async () => {
  const registry = aTestRegistry(DEVICES);
  server = await startServer({
    registry: { ...registry, devices: registry.devices.map((device) => ({ ...device, interval: "1h" })) },
  });
  api = await apiOf(server);
  await sendMonth();
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

/** Values about their limits, half a day high now and then, one implausible value a week. */
function sentValue(quantity: keyof typeof QUANTITIES, device: number, hour: number): number {
  const name = `${quantity}/${device}`;
  const isHigh = uniform(5, `${name}/day`, Math.floor(hour / 12)) > 0.85;
  const noise = uniform(5, name, hour);
  if (quantity === "ph") return isHigh ? 5 + noise / 2 : 7 + noise / 4;
  if (hour % 168 === 100) return 1e7;
  return { cd: 2, as: 4, pb: 3 }[quantity] * (isHigh ? 6 : 0.5 + noise / 2);
}

async function sendMonth(): Promise<void> {
  for (let n = 1; n <= DEVICES; n++) {
    const device = await connectDevice(server, n);
    const messages = Array.from({ length: HOURS }, (_, hour) => ({
      ...{ v: 1, boot: "month", seq: hour, ts: BEGIN + hour * HOUR },
      r: Object.entries(QUANTITIES).map(([p, u]) => ({ p, u, v: sentValue(p as keyof typeof QUANTITIES, n, hour) })),
    }));
    for (let first = 0; first < messages.length; first += 50) {
      await Promise.all(messages.slice(first, first + 50).map((message) => device.send(message)));
    }
    await device.close();
  }
  await eventually("the whole month in the store", async () => {
    const { stdout } = await server.cli("status", "--json");
    const { points, journal } = JSON.parse(stdout) as {
      points: number;
      journal: {
        streams: { readings: { end: number } };
        readers: { reader: string; stream: string; offset: number }[];
      };
    };
    const alerts = journal.readers.find(({ reader, stream }) => reader === "alerts" && stream === "readings");
    return points === READINGS && alerts?.offset === journal.streams.readings.end ? true : null;
  });
}

/** CONTRACTS 1.9, of what readings decide: absence runs on wall time, and history was never silent. */
function keysOf(rows: readonly Omit<AlarmRow, "category">[]): string[] {
  return rows.map(({ rule, series, start, end, level }) => [rule, series, start, end, level].join(" ")).sort();
}

async function alarmLog(): Promise<string[]> {
  const rows: AlarmRow[] = [];
  let cursor: string | null = null;
  do {
    const page: { alarms: AlarmRow[]; cursor: string | null } = await api.get(
      `alarms?state=active,acknowledged,cleared&limit=200${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    rows.push(...page.alarms);
    cursor = page.cursor;
  } while (cursor !== null);
  return keysOf(rows.filter(({ category }) => category !== "absence"));
}

async function replayed(target: TestServer): Promise<string[]> {
  const out = join(target.dataDir, "events.jsonl");
  const [from, to] = [BEGIN, END].map((time) => new Date(time).toISOString());
  const { code, stderr } = await target.cli("replay", "--from", from ?? "", "--to", to ?? "", "--out", out, "--json");
  expect(`${code} ${stderr}`).toBe("0 ");
  const lines = readFileSync(out, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as AlarmRow & { type: string; at: string; time: string; state: string });
  const times = lines.map(({ type, at, time, start }) => (type === "alarm" ? at : type === "flag" ? time : start));
  expect(times).toEqual([...times].sort());
  expect(lines.filter(({ type }) => type === "flag").length).toBeGreaterThan(10);
  const last = new Map<string, AlarmRow>();
  for (const line of lines) {
    if (line.type !== "alarm" || line.rule.endsWith("-silent")) continue;
    last.set(`${line.rule} ${line.series} ${line.start}`, line);
  }
  return keysOf([...last.values()]);
}

test("the replay of last month equals last month's alarm log, beside the server and without it", async () => {
  const log = await eventually("a settled alarm log", async () => {
    const found = await alarmLog();
    return found.length > 20 ? found : null;
  });
  expect(await replayed(server)).toEqual(log);
  await server.stop();
  expect(await replayed(server)).toEqual(log);
  server = await server.restart();
  api = await apiOf(server);
});

test("a preview says what a draft would have raised, and how that differs from the rule in force", async () => {
  interface Report {
    inForce: number | null;
    rows: number;
    alarms: { total: number };
    difference: { same: number; added: unknown[]; removed: unknown[]; changed: unknown[] };
  }
  const { rules } = await api.get<{ rules: { rule: { id: string } }[] }>("rules");
  expect(rules.map(({ rule }) => rule.id)).toContain("gw-toxic-class-iii");
  const span = { from: new Date(BEGIN).toISOString(), to: new Date(END).toISOString() };
  const text = readFileSync(new URL("../../alerts/rules/groundwater.yaml", import.meta.url), "utf8");
  const inForce = /- id: gw-toxic-class-iii[\s\S]*?\n\n/.exec(text)?.[0] ?? "";
  const same = await api.post<Report>("rules/preview", { rule: inForce, ...span });
  expect(same.inForce).toBe(1);
  expect(same.alarms.total).toBeGreaterThan(5);
  expect(same.difference).toMatchObject({ same: same.alarms.total, added: [], removed: [], changed: [] });

  const later = inForce.replace("deadband: 5 %", "deadband: 5 %\n  onDelay: 20 readings");
  const fewer = await api.post<Report>("rules/preview", { rule: later, ...span });
  expect(fewer.alarms.total).toBeLessThan(same.alarms.total);
  expect(fewer.difference.removed.length).toBe(same.alarms.total - fewer.alarms.total);

  const refused = { method: "POST", body: JSON.stringify({ rule: "id: x\nkind: limit", ...span }) };
  expect(await api.status("rules/preview", refused)).toBe(422);
});
