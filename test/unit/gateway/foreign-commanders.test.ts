import { expect, test } from "vitest";
import type { CommandMarks, DeviceCommand, DeviceCommander } from "../../../core/command.ts";
import type { LorawanDownlink } from "../../../core/device-profile.ts";
import { lorawanCommander, sparkplugCommander } from "../../../gateway/foreign-commanders.ts";
import { aDevice, aDeviceContext, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

const NODE = "spBv1.0/park/NCMD/e";
const DEVICE = "spBv1.0/park/DCMD/e/w1";
const EUI = "00AABBCCDDEEFF01";
const DOWN = `application/app-1/device/${EUI.toLowerCase()}/command/down`;
const commands = { setInterval: { metric: "Interval", type: "Int32" as const } };
const pump = aDeviceContext({
  device: aDevice({ via: "edge-1", profile: { sparkplug: { group: "park", edge: "e", device: "w1", commands } } }),
});
const downlink: LorawanDownlink = {
  ...{ server: "chirpstack", application: "app-1" },
  commands: { setInterval: { fPort: 85, hex: "ff03{seconds:u16le}", confirmed: true } },
};
const probe = aDeviceContext({
  device: aDevice({ via: "ns-1", profile: { lorawan: { devEui: EUI, payload: "object", downlink } } }),
});

function aCommand(overrides: Partial<DeviceCommand> = {}): DeviceCommand {
  return {
    ...{ id: "c1", device: "dev-1", op: "setInterval", args: { seconds: 60 }, state: "queued", detail: "", by: "ann" },
    ...{ via: "web", createdAt: NOW, expiresAt: NOW + 1_000, sentAt: null, tries: 0, updatedAt: NOW },
    ...overrides,
  };
}
/** Both ways down to carriers that listen to these topics, and what happens in which order. */
function bench(topics: readonly string[]) {
  const steps: string[] = [];
  const parts = {
    listens: (account: string, topic: string) => account !== "" && topics.includes(topic),
    send: async ({ topic }: { topic: string }) => void steps.push(topic),
    clock: new FakeClock(NOW),
  };
  const marks: CommandMarks = {
    sending: async () => void steps.push("sending"),
    accepted: async () => void steps.push("accepted"),
  };
  return { sparkplug: sparkplugCommander(parts), lorawan: lorawanCommander(parts), marks, steps };
}

test.each`
  way            | op               | topics            | steps
  ${"sparkplug"} | ${"setInterval"} | ${[NODE, DEVICE]} | ${["sending", "accepted", DEVICE]}
  ${"sparkplug"} | ${"setInterval"} | ${[DEVICE]}       | ${["sending", "accepted", DEVICE]}
  ${"sparkplug"} | ${"setInterval"} | ${[NODE]}         | ${[]}
  ${"sparkplug"} | ${"sampleNow"}   | ${[NODE]}         | ${["sending", "accepted", NODE]}
  ${"sparkplug"} | ${"sampleNow"}   | ${[DEVICE]}       | ${[]}
  ${"sparkplug"} | ${"sampleNow"}   | ${[]}             | ${[]}
  ${"lorawan"}   | ${"setInterval"} | ${[DOWN]}         | ${["sending", "accepted", DOWN]}
  ${"lorawan"}   | ${"setInterval"} | ${[]}             | ${[]}
`(
  "$way, $op, the carrier listens to $topics: $steps",
  async (row: { way: "sparkplug" | "lorawan"; op: DeviceCommand["op"]; topics: string[]; steps: string[] }) => {
    const { marks, steps, ...ways } = bench(row.topics);
    const way: DeviceCommander = ways[row.way];
    const context = row.way === "sparkplug" ? pump : probe;
    expect(way.reaches(context)).toBe(row.topics.length > 0);
    const delivery = await way.send(aCommand({ op: row.op }), context, marks);
    expect(delivery).toEqual({ kind: row.steps.length > 0 ? "sent" : "away" });
    // Before it goes out: a crash in between must not make two of it.
    expect(steps).toEqual(row.steps);
  },
);

test("what cannot be written down does not go out", async () => {
  const { lorawan, marks, steps } = bench([DOWN]);
  const failing: CommandMarks = { ...marks, accepted: () => Promise.reject(new Error("disk")) };
  await expect(lorawan.send(aCommand(), probe, failing)).rejects.toThrow("disk");
  expect(steps).toEqual(["sending"]);
});
