/** The main job through the real program: a device's reading becomes a stored point, an alarm on MQTT, and an acknowledgement. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, apiOf, connectDevice, watchAlarms } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let api: Api;
beforeAll(async () => {
  server = await startServer({ registry: aTestRegistry(3) });
  api = await apiOf(server);
});
afterAll(async () => {
  await server?.stop();
  if (server) removeData(server);
});

interface Columns {
  columns: { times: number[]; values: (number | null)[]; cmp: string[]; flag: number[] };
  unit: string;
}

describe("one reading", () => {
  test("mosquitto_pub → stored in the canonical unit, censored value intact", async () => {
    const time = Date.now() - 60_000;
    const payload = JSON.stringify({
      v: 1,
      boot: "b1",
      seq: 1,
      ts: time,
      r: [
        { p: "cd", v: 0.5, cmp: "<", u: "µg/L" },
        { p: "w01001", v: 7.12, u: "pH" },
      ],
    });
    const child = spawn("mosquitto_pub", [
      "-h",
      "127.0.0.1",
      "-p",
      String(server.ports.mqtt),
      "-i",
      "dev-1",
      "-u",
      "dev-1",
      "-P",
      "secret-of-device-1-0123456789abcdef",
      "-q",
      "1",
      "-t",
      "ews/1/t1/s1/mw-1/dev-1/telemetry",
      "-m",
      payload,
    ]);
    expect((await once(child, "exit"))[0]).toBe(0);
    const cd = await eventually("the point in the store", async () => {
      const answer = await api.get<Columns>("stations/mw-1/readings?quantity=cd&bucket=raw");
      return answer.columns.times.length > 0 ? answer : null;
    });
    expect(cd).toMatchObject({ unit: "mg/L", columns: { times: [time], values: [0.0005], cmp: ["<"], flag: [1] } });
    expect((await api.get<Columns>("stations/mw-1/readings?quantity=ph&bucket=raw")).columns.values).toEqual([7.12]);
  });
});

describe("one alarm", () => {
  test("exceedance → retained on MQTT with limit and clause → acknowledged through REST → acknowledged on MQTT", async () => {
    const watch = await watchAlarms(server);
    const device = await connectDevice(server, 2);
    const start = Date.now() - 30_000;
    for (let seq = 0; seq < 4; seq++)
      await device.send({ v: 1, boot: "b1", seq, ts: start + seq * 5_000, r: [{ p: "cd", v: 12.5, u: "µg/L" }] });
    const [topic, raised] = await eventually("an alarm on MQTT", async () =>
      [...watch.states].find(([name, state]) => name.includes("/mw-2/") && state.state === "active"),
    );
    expect(topic).toMatch(/^ews\/1\/t1\/alerts\/s1\/mw-2\/[A-Za-z0-9_.-]+\/cd$/);
    expect(raised).toMatchObject({ unit: "mg/L", value: 0.0125, verified: true });
    expect(raised.clause).toContain("GB/T 14848-2017");
    expect(raised.limit).toBeLessThan(0.0125);

    const { alarm } = await api.post<{ alarm: { state: string; acknowledgedBy: string } }>(
      `alarms/${raised.id}/acknowledge`,
      { note: "on my way" },
    );
    expect(alarm.state).toBe("acknowledged");
    await eventually("the acknowledgement on MQTT", async () =>
      watch.states.get(topic)?.state === "acknowledged" ? true : null,
    );
    const again = await api.post<{ alarm: { acknowledgedBy: string } }>(`alarms/${raised.id}/acknowledge`);
    expect(again.alarm.acknowledgedBy).toBe(alarm.acknowledgedBy);

    const { history } = await api.get<{ history: { kind: string }[] }>(`alarms/${raised.id}`);
    expect(history.filter(({ kind }) => kind === "raised")).toHaveLength(1);
    expect(history.filter(({ kind }) => kind === "acknowledged")).toHaveLength(1);
    await device.close();
    await watch.close();
  });

  test("after a restart the retained alarm is there again, once, still acknowledged", async () => {
    server = await server.stop().then(() => server.restart());
    api = await apiOf(server);
    const watch = await watchAlarms(server);
    const state = await eventually("the retained alarm", async () =>
      [...watch.states.values()].find((alarm) => alarm.state === "acknowledged"),
    );
    expect(state.value).toBe(0.0125);
    const { alarms } = await api.get<{
      alarms: { station: string; category: string; quantity: string; level: string }[];
    }>("alarms?state=active,acknowledged&limit=200");
    const keys = alarms.map(({ station, category, quantity, level }) => `${station} ${category} ${quantity} ${level}`);
    expect(new Set(keys).size).toBe(keys.length);
    await watch.close();
  });
});

describe("what cannot be used", () => {
  test("goes to quarantine with its reason, and comes back by replay once the cause is mended", async () => {
    const device = await connectDevice(server, 3);
    await device.send({
      v: 1,
      boot: "q",
      seq: 1,
      ts: Date.now(),
      r: [
        { p: "hg", v: 0.2, u: "µg/L" },
        { p: "cd", v: 1, u: "µg/L" },
      ],
    });
    await device.send({ v: 1, boot: "q", seq: 2, ts: "2026-03-15T08:30:00", r: [{ p: "cd", v: 1 }] });
    await device.close();
    const listed = await eventually("two quarantined messages", async () => {
      const { stdout } = await server.cli("quarantine", "list", "--json");
      const items = stdout
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { offset: number; code: string; device: string });
      return items.filter((item) => item.device === "dev-3").length >= 2 ? items : null;
    });
    expect(listed.map(({ code }) => code).sort()).toEqual(["QUANTITY_NOT_ALLOWED", "TIME_WITHOUT_OFFSET"]);
    expect((await api.get<Columns>("stations/mw-3/readings?quantity=cd&bucket=raw")).columns.values).toEqual([0.001]);

    const registry = aTestRegistry(3);
    const mended = {
      ...registry,
      devices: registry.devices.map(({ secret: _, ...rest }) =>
        rest.id === "dev-3" ? { ...rest, quantities: { ...rest.quantities, hg: "µg/L" } } : rest,
      ),
    };
    const { writeFileSync } = await import("node:fs");
    writeFileSync(`${server.dataDir}/mended.yaml`, JSON.stringify(mended)); // JSON is YAML
    expect((await server.cli("registry", "import", `${server.dataDir}/mended.yaml`)).code).toBe(0);
    const offset = listed.find(({ code }) => code === "QUANTITY_NOT_ALLOWED")?.offset;
    // The server polls the registry twice a second; a replay before that would be quarantined again.
    const mercury = await eventually("the mercury reading", async () => {
      await server.cli("quarantine", "replay", String(offset));
      const { columns } = await api.get<Columns>("stations/mw-3/readings?quantity=hg&bucket=raw");
      return columns.values.length > 0 ? columns : null;
    });
    expect(mercury.values).toEqual([0.0002]);
    expect((await api.get<Columns>("stations/mw-3/readings?quantity=cd&bucket=raw")).columns.values).toEqual([0.001]);
  });
});

describe("stop", () => {
  test("SIGTERM ends with 0 within the drain time", async () => {
    const startedAt = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    server = await server.restart();
  });
});
