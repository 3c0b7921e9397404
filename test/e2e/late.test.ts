/** Late data still warns: a two-hour backlog with a 20-minute exceedance, sent late, shuffled and duplicated. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { uniform } from "../../simulators/random.ts";
import { apiOf, connectDevice, watchAlarms } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const MINUTE = 60_000;
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ registry: aTestRegistry(1) });
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

interface AlarmRow {
  rule: string;
  state: string;
  start: string;
  end: string | null;
  lateMs: number;
  station: string;
}

test("exactly one alarm a rule with the right start, end and lateness", async () => {
  const watch = await watchAlarms(server);
  const begin = Math.floor((Date.now() - 2 * 60 * MINUTE) / MINUTE) * MINUTE;
  const start = begin + 50 * MINUTE;
  const end = start + 20 * MINUTE;
  const messages = Array.from({ length: 120 }, (_, seq) => {
    const ts = begin + seq * MINUTE;
    return {
      v: 1,
      boot: "late",
      seq,
      ts,
      r: [
        { p: "cd", v: ts >= start && ts < end ? 7.5 : 1.5, u: "µg/L" },
        { p: "ph", v: 7.1, u: "pH" },
      ],
    };
  });
  const shuffled = [...messages, ...messages]
    .map((message, index) => ({ message, order: uniform(7, "shuffle", index) }))
    .sort((a, b) => a.order - b.order);
  const device = await connectDevice(server);
  const sentAt = Date.now();
  await Promise.all(shuffled.map(({ message }) => device.send(message)));
  await device.close();

  const api = await apiOf(server);
  const alarms = await eventually("a cleared cadmium alarm with its final end", async () => {
    const answer = await api.get<{ alarms: AlarmRow[] }>("alarms?state=active,acknowledged,cleared&limit=200");
    const rows = answer.alarms.filter(({ station }) => station === "mw-1");
    return rows.length > 0 && rows.every((row) => row.state === "cleared" && Date.parse(row.end ?? "") === end)
      ? rows
      : null;
  });
  expect(new Set(alarms.map(({ rule }) => rule)).size).toBe(alarms.length);
  for (const alarm of alarms) {
    expect(Date.parse(alarm.start)).toBe(start);
    expect(alarm.lateMs).toBeGreaterThanOrEqual(sentAt - end);
    expect(alarm.lateMs).toBeLessThanOrEqual(Date.now() - start);
  }
  const { columns } = await api.get<{ columns: { times: number[] } }>(
    `stations/mw-1/readings?quantity=cd&bucket=raw&from=${begin}&to=${Date.now()}`,
  );
  expect(columns.times).toEqual(messages.map(({ ts }) => ts));
  await eventually("the cleared state on MQTT", async () =>
    [...watch.states.values()].some((state) => state.state === "cleared") ? true : null,
  );
  await watch.close();
});
