/** Messages of other worlds over the real broker end in the series of the device they speak of, and of no other. */
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { createDirectory } from "../../../core/directory.ts";
import type { RegistrySnapshot } from "../../../core/ports.ts";
import { replayQuarantine } from "../../../ingest/quarantine.ts";
import { aDevice, aStation } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { ingestAll, quarantineIn, readingsIn } from "../../support/ingest.ts";
import { aRegistry, prefixOf, RawClient, startGateway, type TestGateway } from "../gateway/harness.ts";

const quantities = { ph: "pH", temp: "°C", cd: "mg/L" };
const lorawan = (devEui: string) => ({
  lorawan: { devEui, payload: "object" as const },
  map: { t: { quantity: "temp", unit: "Cel" } },
});
const EUI = { probe: "00AABBCCDDEEFF01", own: "00AABBCCDDEEFF02", stranger: "00AABBCCDDEEFF03" };

/** well-1 carries `probe` (station mw-2); well-10 is a LoRaWAN device of its own account. */
function registry(): RegistrySnapshot {
  const base = aRegistry();
  return {
    ...base,
    stations: [...base.stations, aStation({ id: "mw-2", site: "site-1" })],
    devices: [
      aDevice({ id: "well-1", station: "mw-1", quantities }),
      aDevice({ id: "orphan", station: "mw-1", quantities }),
      aDevice({ id: "well-10", station: "mw-1", quantities, profile: lorawan(EUI.own) }),
      aDevice({ id: "rival-1", station: "rw-1", quantities, profile: lorawan(EUI.stranger) }),
      aDevice({ id: "probe", station: "mw-2", quantities, via: "well-1", profile: lorawan(EUI.probe) }),
    ],
  };
}

let gateway: TestGateway;
afterEach(() => gateway.close());

async function start(): Promise<void> {
  gateway = await startGateway();
  gateway.register(registry());
}
const ingest = () =>
  ingestAll({
    journal: gateway.journal,
    directory: () => createDirectory(registry()),
    clock: new FakeClock(systemClock.now()),
  });
const found = async () =>
  (await readingsIn(gateway.journal)).map(({ series, value, origin }) => [origin.device, series, value]);

const chirpstack = (devEui: string) =>
  JSON.stringify({
    deduplicationId: "m1",
    time: "2026-03-15T00:00:00Z",
    deviceInfo: { devEui },
    fCnt: 3,
    object: { ph: 7.1, t: 12.5 },
  });
const tts = (dev_eui: string) =>
  JSON.stringify({
    end_device_ids: { dev_eui },
    uplink_message: {
      session_key_id: "AXA5",
      f_cnt: 4,
      decoded_payload: { ph: 7.2 },
      received_at: "2026-03-15T00:01:00Z",
    },
  });

test("ChirpStack, The Things Stack, ThingsBoard and SenML end in the right series", async () => {
  await start();
  const bridge = await RawClient.signIn(gateway.port, "well-1");
  bridge.publish(`application/a1/device/${EUI.probe.toLowerCase()}/event/up`, chirpstack(EUI.probe.toLowerCase()), 1);
  bridge.publish(`application/a1/device/${EUI.probe.toLowerCase()}/event/join`, "{}", 2);
  bridge.publish("v3/app@tenant/devices/probe/up", tts(EUI.probe), 3);
  bridge.publish("v1/devices/me/telemetry", '{"ts":1773532800000,"values":{"ph":7.3}}', 4);
  bridge.publish("v1/devices/me/attributes", '{"fw":"1"}', 5);
  bridge.publish(`${prefixOf("well-1")}senml`, '[{"n":"cd","u":"mg/L","v":0.001,"bt":1773532800}]', 6);
  bridge.publish(`application/a1/device/${EUI.probe.toLowerCase()}/event/up`, chirpstack(EUI.probe.toLowerCase()), 7);
  await bridge.received("puback", 7);
  await ingest();
  expect(await found()).toEqual([
    ["probe", "mw-2/ph/total/rtd", 7.1],
    ["probe", "mw-2/temp/total/rtd", 12.5],
    ["probe", "mw-2/ph/total/rtd", 7.2],
    ["well-1", "mw-1/ph/total/rtd", 7.3],
    ["well-1", "mw-1/cd/total/rtd", 0.001],
  ]);
  expect(await quarantineIn(gateway.journal)).toEqual([]);
});

test("a bridge goes on past devices that it does not carry: their messages are quarantined by name", async () => {
  await start();
  const bridge = await RawClient.signIn(gateway.port, "well-1");
  const euis = [EUI.stranger, EUI.own, "00AABBCCDDEEFF0F", EUI.probe];
  for (const [n, devEui] of euis.entries())
    bridge.publish(`application/a1/device/${devEui}/event/up`, chirpstack(devEui), n + 1);
  await bridge.received("puback", euis.length);
  await ingest();
  expect(await found()).toEqual([
    ["probe", "mw-2/ph/total/rtd", 7.1],
    ["probe", "mw-2/temp/total/rtd", 12.5],
  ]);
  expect((await quarantineIn(gateway.journal)).map(({ code, device }) => [code, device])).toEqual([
    ["SENDER_NOT_CARRIED", "well-1"],
    ["SENDER_NOT_CARRIED", "well-1"],
    ["SENDER_UNKNOWN", "well-1"],
  ]);
});

test("an account that carries no LoRaWAN device is closed, and nothing of it enters the journal", async () => {
  await start();
  const plain = await RawClient.signIn(gateway.port, "orphan");
  plain.publish(`application/a1/device/${EUI.probe}/event/up`, chirpstack(EUI.probe), 1);
  await plain.closed;
  expect(await gateway.raw()).toEqual([]);
});

test("another device's EUI in a payload is quarantined by name, and its replay is judged anew", async () => {
  await start();
  const bridge = await RawClient.signIn(gateway.port, "well-1");
  bridge.publish("v3/app/devices/x/up", tts(EUI.stranger), 1);
  bridge.publish("v3/app/devices/x/up", tts("00AABBCCDDEEFF0F"), 2);
  bridge.publish(`application/a1/device/${EUI.probe}/event/up`, chirpstack(EUI.stranger), 3);
  await bridge.received("puback", 3);
  await ingest();
  expect(await found()).toEqual([]);
  const entries = await quarantineIn(gateway.journal);
  expect(entries.map(({ code, device }) => [code, device])).toEqual([
    ["SENDER_NOT_CARRIED", "well-1"],
    ["SENDER_UNKNOWN", "well-1"],
    ["DEVICE_MISMATCH", "well-1"],
  ]);
  // The device is registered afterwards: the same bytes then end in its series.
  await replayQuarantine(gateway.journal, [1]);
  const late = {
    ...registry(),
    devices: [
      ...registry().devices,
      aDevice({ id: "late", station: "mw-2", quantities, via: "well-1", profile: lorawan("00AABBCCDDEEFF0F") }),
    ],
  };
  await ingestAll({
    journal: gateway.journal,
    directory: () => createDirectory(late),
    clock: new FakeClock(systemClock.now()),
  });
  expect(await found()).toEqual([["late", "mw-2/ph/total/rtd", 7.2]]);
});
