/** What people may ask of an HJ 212 device, and what they see of its equipment. */
import { expect, test } from "vitest";
import { createDirectory } from "../../../core/directory.ts";
import type { Device } from "../../../core/site.ts";
import { FleetBook } from "../../../ingest/fleet.ts";
import { NOW } from "../../support/builders.ts";
import { anApp, aWorld, signIn } from "../../support/dashboards-fakes.ts";

const HJ212 = { hj212: { mn: "M1", edition: "2017", crc: "hj212", zone: "Asia/Shanghai" } } as const;

/** Device dev-a speaks HJ 212, or is what is said. */
async function aSite(change: Partial<Device> = { profile: HJ212 }) {
  const world = await aWorld();
  const snapshot = await world.ledger.registry.snapshot();
  const devices = snapshot.devices.map((device) => (device.id === "dev-a" ? { ...device, ...change } : device));
  const directory = createDirectory({ ...snapshot, devices });
  const fleet = new FleetBook({ directory: () => directory, clock: world.clock });
  const app = await anApp({ ...world, parts: { ...world.parts, directory: () => directory, fleet } });
  const { headers } = await signIn(app, "officer");
  const ask = (device: string, op: string, args: object) =>
    app.inject({ method: "POST", url: `/api/v1/devices/${device}/commands`, headers, payload: { op, args } });
  const get = async (url: string) => (await app.inject({ method: "GET", url: `/api/v1/${url}`, headers })).json();
  const configure = (device: string) =>
    app.inject({ method: "POST", url: `/api/v1/devices/${device}/config`, headers, payload: { values: { gain: 2 } } });
  return { fleet, ask, get, configure };
}

test.each`
  op                | args                                   | status | what
  ${"setInterval"}  | ${{ seconds: 29 }}                     | ${400} | ${"30 to 3600 s, not 29"}
  ${"setInterval"}  | ${{ seconds: 30 }}                     | ${200} | ${""}
  ${"setInterval"}  | ${{ seconds: 420, data: "minute" }}    | ${400} | ${"not 420 s"}
  ${"setInterval"}  | ${{ seconds: 600, data: "minute" }}    | ${200} | ${""}
  ${"fetchHistory"} | ${{ boot: "a", fromSeq: 1, toSeq: 2 }} | ${400} | ${"by time"}
  ${"fetchHistory"} | ${{ from: 1, to: 2, data: "day" }}     | ${200} | ${""}
`("of HJ 212 $op $args: $status", async ({ op, args, status, what }) => {
  const { ask } = await aSite();
  const answer = await ask("dev-a", op, args);
  expect(answer.statusCode).toBe(status);
  if (status === 200) expect(answer.json()).toMatchObject({ command: { op, args, state: "queued" } });
  else expect(answer.json()).toMatchObject({ code: "COMMAND_IMPOSSIBLE", what: expect.stringContaining(what) });
  expect((await ask("dev-b", op, args)).statusCode).toBe(200); // speaks our own protocol
});

test.each<{ why: string; change: Partial<Device>; mend: string }>([
  { why: "HJ 212", change: { profile: HJ212 }, mend: "setInterval" },
  { why: "Sparkplug B", change: { profile: { sparkplug: { group: "g", edge: "e" } } }, mend: "sparkplug.commands" },
  {
    why: "LoRaWAN",
    change: { profile: { lorawan: { devEui: "0011223344556677", payload: "cayenne" } } },
    mend: "downlink.commands",
  },
  { why: "carried by the connection of dev-b", change: { via: "dev-b" }, mend: "configure dev-b" },
])("settings are refused for a device that never hears them: $why", async ({ why, change, mend }) => {
  const { configure, get } = await aSite(change);
  const answer = await configure("dev-a");
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({
    code: "COMMAND_IMPOSSIBLE",
    what: expect.stringContaining(why),
    mend: expect.stringContaining(mend),
  });
  expect(await get("devices/dev-a/config")).toMatchObject({ desired: null });
  expect((await configure("dev-b")).json()).toMatchObject({ desired: { version: 1, values: { gain: 2 } } });
});

test("a device's states stand in the list, its changes and logs with its health", async () => {
  const { fleet, get } = await aSite();
  const fact = (name: string, value: string, minute: number) => ({ name, value, time: NOW + minute * 60_000 });
  fleet.add({
    signals: [],
    notes: [
      {
        ...{ device: "dev-a", messages: 0, firstAt: NOW, receivedAt: NOW, offsetMs: null, refused: 0 },
        ...{ seqs: [], times: [], days: [] },
        facts: [fact("SB1-RS", "1", 0), fact("SB1-RS", "0", 1), fact("w01018/i11001-Info", "清洗管路", 2)],
      },
    ],
  });
  const { devices } = await get("fleet");
  const off = { name: "SB1-RS", value: "0", text: { "zh-CN": "停止", en: "off" }, time: "2026-03-15T00:01:00.000Z" };
  expect(devices.find(({ id }: { id: string }) => id === "dev-a").equipment).toMatchObject([off]);
  const health = await get("devices/dev-a/health");
  expect(health.facts).toMatchObject([off, { name: "w01018/i11001-Info", value: "清洗管路", text: null }]);
  expect(health.changes.map(({ value }: { value: string }) => value)).toEqual(["清洗管路", "0", "1"]);
});
