/** What people may ask of an HJ 212 device, and what they see of its equipment. */
import { expect, test } from "vitest";
import { createDirectory } from "../../../core/directory.ts";
import { FleetBook } from "../../../ingest/fleet.ts";
import { NOW } from "../../support/builders.ts";
import { anApp, aWorld, signIn } from "../../support/dashboards-fakes.ts";

/** Device dev-a speaks HJ 212. */
async function aSite() {
  const world = await aWorld();
  const snapshot = await world.ledger.registry.snapshot();
  const hj212 = { mn: "M1", edition: "2017", crc: "hj212", zone: "Asia/Shanghai" } as const;
  const devices = snapshot.devices.map((device) =>
    device.id === "dev-a" ? { ...device, profile: { hj212 } } : device,
  );
  const directory = createDirectory({ ...snapshot, devices });
  const fleet = new FleetBook({ directory: () => directory, clock: world.clock });
  const app = await anApp({ ...world, parts: { ...world.parts, directory: () => directory, fleet } });
  const { headers } = await signIn(app, "officer");
  const ask = (device: string, op: string, args: object) =>
    app.inject({ method: "POST", url: `/api/v1/devices/${device}/commands`, headers, payload: { op, args } });
  const get = async (url: string) => (await app.inject({ method: "GET", url: `/api/v1/${url}`, headers })).json();
  return { fleet, ask, get };
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
