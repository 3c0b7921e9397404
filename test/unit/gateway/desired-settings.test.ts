import { beforeEach, expect, test } from "vitest";
import type { DeviceConfig } from "../../../core/command.ts";
import type { Directory } from "../../../core/ports.ts";
import type { Device } from "../../../core/site.ts";
import { DesiredSettings } from "../../../gateway/desired-settings.ts";
import { aDevice, aDirectory, aStation, NOW } from "../../support/builders.ts";

const OLD = "ews/1/tenant-1/site-1/mw-1/dev-1/cfg";
const NEW = "ews/1/tenant-1/site-1/mw-2/dev-1/cfg";

let directory: Directory;
let kept: DeviceConfig[];
let sent: [topic: string, payload: string][];
let isBroken: boolean;
let settings: DesiredSettings;
beforeEach(() => {
  [directory, kept, sent, isBroken] = [registered(), [aConfig(1)], [], false];
  settings = new DesiredSettings({
    commands: { configs: async (since = 0) => kept.filter(({ at }) => at >= since) },
    publisher: {
      publish: async ({ topic, payload, retain }) => {
        expect(retain).toBe(true);
        if (isBroken) throw new Error("closing");
        sent.push([topic, payload]);
      },
    },
    directory: () => directory,
  });
});

function aConfig(version: number, at = NOW + version): DeviceConfig {
  return { device: "dev-1", version, values: { gain: version }, by: "ann", at, reported: null, reportedAt: null };
}
function registered(device: Partial<Device> = {}): Directory {
  return aDirectory({
    stations: [aStation({ id: "mw-1" }), aStation({ id: "mw-2" })],
    devices: [aDevice(device)],
  });
}
const message = (version: number): string => JSON.stringify({ version, values: { gain: version } });

test("published once, and once more for every new version", async () => {
  await settings.publish();
  await settings.publish();
  kept = [aConfig(2)];
  await settings.publish();
  await settings.publish();
  expect(sent).toEqual([
    [OLD, message(1)],
    [OLD, message(2)],
  ]);
});

test("a device that has moved finds its settings at its new station, and nothing is left at the old one", async () => {
  kept.push({ ...aConfig(1, NOW + 60_000), device: "dev-2" }); // the newest change is another's
  await settings.publish();
  directory = registered({ station: "mw-2" });
  await settings.publish();
  expect(sent).toEqual([
    [OLD, message(1)],
    [OLD, ""],
    [NEW, message(1)],
  ]);
});

test("settings given before the registry knows the device go out once it does, however much has changed since", async () => {
  directory = aDirectory({ devices: [] });
  await settings.publish();
  kept.push({ ...aConfig(1, NOW + 60_000), device: "dev-2" }); // moves the mark of what is read
  await settings.publish();
  expect(sent).toEqual([]);
  directory = registered();
  await settings.publish();
  expect(sent).toEqual([[OLD, message(1)]]);
});

test("what could not be published is published next time", async () => {
  isBroken = true;
  await expect(settings.publish()).rejects.toThrow("closing");
  isBroken = false;
  await settings.publish();
  expect(sent).toEqual([[OLD, message(1)]]);
});

test.each([
  ["taken out of the registry", () => aDirectory({ devices: [] })],
  ["now carried by another's connection", () => registered({ via: "dev-9" })],
])("a device %s: its old topic holds nothing any more", async (_why, next) => {
  await settings.publish();
  directory = next();
  await settings.publish();
  expect(sent).toEqual([
    [OLD, message(1)],
    [OLD, ""],
  ]);
});
