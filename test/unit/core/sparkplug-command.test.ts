import { expect, test } from "vitest";
import { DeviceProfile, type SparkplugCommand, type SparkplugProfile } from "../../../core/device-profile.ts";
import { isAnswer, type MetricSeen, metricWrite, watchedMetrics } from "../../../core/sparkplug-command.ts";
import { NOW } from "../../support/builders.ts";

const NODE: SparkplugProfile = { group: "g", edge: "e" };
const BEHIND: SparkplugProfile = { ...NODE, device: "w1" };
const mapped = (op: string, mapping: SparkplugCommand): SparkplugProfile => ({
  ...BEHIND,
  commands: { [op]: mapping },
});

test.each`
  profile   | op               | args               | write
  ${NODE}   | ${"sampleNow"}   | ${{}}              | ${{ metric: "Node Control/Rebirth", type: "Boolean", value: true, of: "node" }}
  ${NODE}   | ${"restart"}     | ${{}}              | ${{ metric: "Node Control/Reboot", type: "Boolean", value: true, of: "node" }}
  ${NODE}   | ${"setInterval"} | ${{ seconds: 60 }} | ${{ metric: "Node Control/Scan Rate", type: "Int64", value: 60_000, of: "node" }}
  ${NODE}   | ${"timeSync"}    | ${{}}              | ${null}
  ${BEHIND} | ${"sampleNow"}   | ${{}}              | ${{ metric: "Node Control/Rebirth", type: "Boolean", value: true, of: "node" }}
  ${BEHIND} | ${"restart"}     | ${{}}              | ${null}
  ${BEHIND} | ${"setInterval"} | ${{ seconds: 60 }} | ${null}
`("without a mapping, of $profile.device: $op", ({ profile, op, args, write }) => {
  expect(metricWrite({ op, args }, profile, NOW)).toEqual(write);
});

test.each`
  op               | args               | mapping                                                  | value
  ${"setInterval"} | ${{ seconds: 90 }} | ${{ metric: "Interval", type: "UInt16" }}                | ${90}
  ${"setInterval"} | ${{ seconds: 90 }} | ${{ metric: "Minutes", type: "Double", factor: 1 / 60 }} | ${1.5}
  ${"timeSync"}    | ${{}}              | ${{ metric: "Clock", type: "DateTime" }}                 | ${NOW}
  ${"timeSync"}    | ${{}}              | ${{ metric: "Clock", type: "UInt32", factor: 0.001 }}    | ${NOW / 1_000}
  ${"restart"}     | ${{}}              | ${{ metric: "Mode", type: "String", value: "reboot" }}   | ${"reboot"}
  ${"sampleNow"}   | ${{}}              | ${{ metric: "Sample", type: "Int8" }}                    | ${1}
`("by the profile: $op writes $mapping.metric = $value", ({ op, args, mapping, value }) => {
  const write = { metric: mapping.metric, type: mapping.type, value, of: "device" };
  expect(metricWrite({ op, args }, mapped(op, mapping), NOW)).toEqual(write);
});

test.each`
  mapping                                        | why
  ${{ metric: "I", type: "Int8" }}               | ${"I: 200 does not fit into Int8"}
  ${{ metric: "I", type: "UInt8", value: -1 }}   | ${"I: -1 does not fit into UInt8"}
  ${{ metric: "I", type: "Boolean" }}            | ${"I: a Boolean takes true or false"}
  ${{ metric: "I", type: "Float", value: "x" }}  | ${"I: Float takes a number"}
  ${{ metric: "I", type: "UInt16", value: 1.5 }} | ${"I: 1.5 does not fit into UInt16"}
`("what cannot be written is said: $why", ({ mapping, why }) => {
  const command = { op: "setInterval", args: { seconds: 200 } } as const;
  expect(metricWrite(command, mapped("setInterval", mapping), NOW)).toBe(why);
});

const seen = (overrides: Partial<MetricSeen>): MetricSeen => ({
  ...{ metric: "Interval", value: 90, of: "device", isBirth: false, at: NOW + 5 },
  ...overrides,
});

test.each`
  what                                | change                 | answer
  ${"its value comes back"}           | ${{}}                  | ${true}
  ${"in a birth"}                     | ${{ isBirth: true }}   | ${true}
  ${"another value"}                  | ${{ value: 60 }}       | ${false}
  ${"no value"}                       | ${{ value: null }}     | ${false}
  ${"another metric"}                 | ${{ metric: "Other" }} | ${false}
  ${"the node's metric of that name"} | ${{ of: "node" }}      | ${false}
  ${"it had come before the write"}   | ${{ at: NOW - 1 }}     | ${false}
`("setInterval is answered when $what: $answer", ({ change, answer }) => {
  const profile = mapped("setInterval", { metric: "Interval", type: "UInt16" });
  const command = { op: "setInterval", args: { seconds: 90 }, sentAt: NOW } as const;
  expect(isAnswer(seen(change), command, profile)).toBe(answer);
  expect(isAnswer(seen(change), { ...command, sentAt: null }, profile)).toBe(false);
});

test("a rebirth is answered by the birth, whatever its metric says then; a clock by a time near ours", () => {
  const rebirth = { op: "sampleNow", args: {}, sentAt: NOW } as const;
  const born = seen({ metric: "Node Control/Rebirth", value: 0, of: "node", isBirth: true });
  expect(isAnswer(born, rebirth, BEHIND)).toBe(true);
  expect(isAnswer({ ...born, isBirth: false, value: 1 }, rebirth, BEHIND)).toBe(false);
  const clock = { op: "timeSync", args: {}, sentAt: NOW } as const;
  const profile = mapped("timeSync", { metric: "Clock", type: "UInt32", factor: 0.001 });
  expect(isAnswer(seen({ metric: "Clock", value: NOW / 1_000 + 2 }), clock, profile)).toBe(true);
  expect(isAnswer(seen({ metric: "Clock", value: NOW / 1_000 - 3_600 }), clock, profile)).toBe(false);
});

test("a float comes back as the wire has rounded it", () => {
  const profile = mapped("setInterval", { metric: "Interval", type: "Float", factor: 0.1 });
  const command = { op: "setInterval", args: { seconds: 1 }, sentAt: NOW } as const;
  expect(isAnswer(seen({ value: Math.fround(0.1) }), command, profile)).toBe(true);
});

test("what is looked out for: defaults and mappings, each where it is written", () => {
  const profile = mapped("restart", { metric: "Reset", type: "Boolean" });
  expect([...watchedMetrics(profile, "device")]).toEqual(["Reset"]);
  expect([...watchedMetrics(profile, "node")]).toEqual(["Node Control/Rebirth"]);
  expect(watchedMetrics(NODE, "node").size).toBe(3);
  expect(watchedMetrics(NODE, "device").size).toBe(0);
});

test("a profile with commands is read and refused by the registry's schema", () => {
  const commands = { restart: { metric: "Reset", type: "Boolean" } };
  expect(DeviceProfile.safeParse({ sparkplug: { ...BEHIND, commands } }).success).toBe(true);
  const unknown = { explode: { metric: "Reset", type: "Boolean" } };
  expect(DeviceProfile.safeParse({ sparkplug: { ...BEHIND, commands: unknown } }).success).toBe(false);
});
