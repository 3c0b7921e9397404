import { expect, test } from "vitest";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { LatestPoint } from "../../../core/ports.ts";
import { CurrentValues } from "../../../core/wire.ts";
import { CURRENT_MS, currentMessages, runCurrent } from "../../../ingest/current.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

const point = (series: string, overrides: Partial<LatestPoint> = {}): LatestPoint => ({
  ...{ series, time: NOW, value: 0.5, cmp: "", flag: 1, qualifier: "N" },
  ...overrides,
});
const TOPIC = "ews/1/tenant-1/current/site-1/mw-1/dev-1";

test("a device shows the series it is registered for, in canonical units, and no other", () => {
  const latest = [
    point("mw-1/ph/total/rtd", { value: 7 }),
    point("mw-1/cd/total/rtd", { cmp: "<", qualifier: "T" }),
    point("mw-1/cd/dissolved/avg", { value: Number.NaN }),
    point("mw-1/ec/total/rtd"),
    point("elsewhere/cd/total/rtd"),
  ];
  const messages = currentMessages(latest, aDirectory());
  expect([...messages.keys()]).toEqual([TOPIC]);
  const payload = CurrentValues.parse(JSON.parse(messages.get(TOPIC) ?? ""));
  expect(payload.r).toEqual([
    { p: "cd", v: 0.5, u: "mg/L", t: "2026-03-15T00:00:00.000Z", cmp: "<", q: "T", flag: 1 },
    { p: "cd", v: null, u: "mg/L", t: "2026-03-15T00:00:00.000Z", fraction: "dissolved", agg: "avg", flag: 1 },
    { p: "ph", v: 7, u: "1", t: "2026-03-15T00:00:00.000Z", flag: 1 },
  ]);
});

test("at most one message a device every few seconds, changed ones only; what is gone is cleared", async () => {
  const clock = new FakeClock(NOW);
  const published: [string, string][] = [];
  let latest = [point("mw-1/cd/total/rtd")];
  let directory = aDirectory();
  let fault: Error | null = null;
  const stop = new AbortController();
  const publisher = {
    publish: async ({ topic, payload }: { topic: string; payload: string }) => void published.push([topic, payload]),
  };
  const series = {
    latest: async () => {
      if (fault) throw fault;
      return latest;
    },
  };
  const parts = { series, directory: () => directory, publisher, clock, metrics: new Metrics() };
  const running = runCurrent({ ...parts, log: createLogger("silent") }, stop.signal);
  await clock.advance(CURRENT_MS * 3);
  expect(published.length).toBe(1);
  fault = new Error("away");
  latest = [point("mw-1/cd/total/rtd", { value: 9 })];
  await clock.advance(CURRENT_MS);
  expect(published.length).toBe(1);
  fault = null;
  await clock.advance(CURRENT_MS);
  expect(published.length).toBe(2);
  directory = aDirectory({ devices: [aDevice({ id: "dev-2" })] });
  await clock.advance(CURRENT_MS);
  expect(published.slice(2).map(([topic, payload]) => [topic, payload === ""])).toEqual([
    [TOPIC, true],
    [TOPIC.replace("dev-1", "dev-2"), false],
  ]);
  stop.abort();
  await running;
});
