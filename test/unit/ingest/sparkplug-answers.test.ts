import { expect, test } from "vitest";
import { parseForeignTopic } from "../../../core/foreign-topics.ts";
import { SparkplugAnswers } from "../../../ingest/sparkplug-answers.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";

const node = { group: "g", edge: "e" };
const commands = { setInterval: { metric: "Interval", type: "Int32" } } as const;
const directory = aDirectory({
  devices: [
    aDevice({ id: "edge", profile: { sparkplug: node } }),
    aDevice({ id: "pump", via: "edge", profile: { sparkplug: { ...node, device: "p", commands } } }),
    aDevice({ id: "plain", via: "edge", profile: { sparkplug: { ...node, device: "q" } } }),
  ],
});
function topic(text: string) {
  const parsed = parseForeignTopic(text);
  if (parsed?.format !== "sparkplug") throw new Error(text);
  return parsed;
}
const NDATA = topic("spBv1.0/g/NDATA/e");
const NBIRTH = topic("spBv1.0/g/NBIRTH/e");
const DDATA = topic("spBv1.0/g/DDATA/e/p");

test("what is looked out for stands in the profiles: of the node for all behind it, of a device for itself", () => {
  const answers = new SparkplugAnswers();
  const sorted = (names: ReadonlySet<string> | undefined) => [...(names ?? [])].sort();
  expect(sorted(answers.watched(NDATA, directory))).toEqual([
    "Node Control/Rebirth",
    "Node Control/Reboot",
    "Node Control/Scan Rate",
  ]);
  expect(sorted(answers.watched(DDATA, directory))).toEqual(["Interval"]);
  expect(answers.watched(topic("spBv1.0/g/DDATA/e/q"), directory)).toBeUndefined();
  expect(answers.watched(topic("spBv1.0/g/NDATA/other"), directory)).toBeUndefined();
});

test("a birth of the node speaks to all that may wait for it; the same word again in a batch is one", () => {
  const answers = new SparkplugAnswers();
  const seen = [{ metric: "Node Control/Rebirth", value: 0 }];
  answers.note(NBIRTH, seen, directory, NOW);
  answers.note(NBIRTH, seen, directory, NOW + 9);
  const { signals, refused } = answers.take();
  expect(signals.map(({ device, receivedAt }) => [device, receivedAt])).toEqual([
    ["edge", NOW + 9],
    ["pump", NOW + 9],
    ["plain", NOW + 9],
  ]);
  expect(JSON.parse(signals[0]?.payload ?? "")).toEqual({ ...seen[0], of: "node", isBirth: true });
  expect(refused).toBe(0);
  expect(answers.take().signals).toEqual([]);
});

test("an edge node that says ever new things is bounded, and what is left out is counted", () => {
  const answers = new SparkplugAnswers();
  for (let value = 0; value < 10_500; value++) answers.note(DDATA, [{ metric: "Interval", value }], directory, NOW);
  const { signals, refused } = answers.take();
  expect([signals.length, refused]).toEqual([10_000, 500]);
});
