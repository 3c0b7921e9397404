import { describe, expect, test } from "vitest";
import type { LatestPoint } from "../../../core/ports.ts";
import { placeState, sharedStationView, siteView, stationView } from "../../../dashboards/places.ts";
import { aDevice, aDirectory, anAlarm, aSite, aStation, NOW } from "../../support/builders.ts";

const alarm = (category: "pollution" | "instrument" | "absence", level: "red" | "orange" | "yellow" | "blue") =>
  anAlarm({ category, level });

describe("placeState", () => {
  const fresh = { stale: false, idle: false };
  test.each`
    why                                  | alarms                                                     | standing                        | state
    ${"all is well"}                     | ${[]}                                                      | ${fresh}                        | ${"normal"}
    ${"never reported"}                  | ${[]}                                                      | ${{ stale: false, idle: true }} | ${"idle"}
    ${"silent"}                          | ${[]}                                                      | ${{ stale: true, idle: false }} | ${"stale"}
    ${"over the limit"}                  | ${[alarm("pollution", "orange")]}                          | ${fresh}                        | ${"exceed"}
    ${"over the limit and silent since"} | ${[alarm("pollution", "red")]}                             | ${{ stale: true, idle: false }} | ${"exceed"}
    ${"a lesser limit"}                  | ${[alarm("pollution", "yellow")]}                          | ${fresh}                        | ${"warning"}
    ${"a broken instrument, even red"}   | ${[alarm("instrument", "red")]}                            | ${fresh}                        | ${"warning"}
    ${"a suspicion, even red"}           | ${[anAlarm({ category: "integrity", level: "red" })]}      | ${fresh}                        | ${"warning"}
    ${"an absence alarm"}                | ${[alarm("absence", "red")]}                               | ${fresh}                        | ${"stale"}
    ${"the worst of several"}            | ${[alarm("pollution", "blue"), alarm("pollution", "red")]} | ${fresh}                        | ${"exceed"}
  `("$why: $state", ({ alarms, standing, state }) => expect(placeState(alarms, standing)).toBe(state));
});

const aLatest = (overrides: Partial<LatestPoint> = {}): LatestPoint => ({
  series: "mw-1/cd/total/rtd",
  time: NOW,
  value: 0.001,
  cmp: "",
  flag: 1,
  qualifier: "N",
  ...overrides,
});
const view = (overrides: { latest?: LatestPoint[]; now?: number; devices?: ReturnType<typeof aDevice>[] }) => {
  const directory = aDirectory({ devices: overrides.devices ?? [aDevice()] });
  const place = { station: aStation(), site: aSite() };
  return stationView({
    directory,
    place,
    latest: overrides.latest ?? [aLatest()],
    alarms: [],
    now: overrides.now ?? NOW,
  });
};

describe("sharedStationView", () => {
  const latest = [aLatest()];
  const alarms: ReturnType<typeof anAlarm>[] = [];
  const facts = {
    directory: aDirectory({ devices: [aDevice()] }),
    place: { station: aStation(), site: aSite() },
    latest,
    alarms,
    now: NOW,
  };
  test("is made once for the same points, alarms and registry, and anew when one of them is another", () => {
    const first = sharedStationView(facts);
    expect(sharedStationView({ ...facts, now: NOW + 100 })).toBe(first);
    expect(sharedStationView({ ...facts, alarms: [anAlarm({ category: "pollution", level: "red" })] }).state).toBe(
      "exceed",
    );
    expect(sharedStationView({ ...facts, directory: aDirectory({ devices: [] }) }).state).toBe("stale");
    expect(sharedStationView({ ...facts, latest: [aLatest({ value: 0.002 })] }).latest[0]?.value).toBe(0.002);
  });
});

describe("stationView", () => {
  test.each`
    intervals | stale
    ${0}      | ${false}
    ${3}      | ${false}
    ${3.01}   | ${true}
  `("after $intervals intervals of silence stale is $stale", ({ intervals, stale }) => {
    const shown = view({ now: NOW + intervals * 600_000 });
    expect(shown.stale).toBe(stale);
    expect(shown.latest[0]?.stale).toBe(stale);
    expect(shown.state).toBe(stale ? "stale" : "normal");
  });

  test("a station whose devices were taken away is stale, never normal", () => {
    expect(view({ devices: [] })).toMatchObject({ stale: true, state: "stale", intervalMs: null });
  });

  test("keeps censoring, turns no value into null, names the canonical unit", () => {
    const shown = view({
      latest: [aLatest({ cmp: "<", value: 0.0005 }), aLatest({ series: "mw-1/ph/total/rtd", value: Number.NaN })],
    });
    expect(shown.latest).toMatchObject([
      { quantity: "cd", cmp: "<", value: 0.0005, unit: "mg/L" },
      { quantity: "ph", value: null },
    ]);
  });

  test("stands where its site stands, under its id, unless it says otherwise", () => {
    expect(view({})).toMatchObject({ name: "mw-1", lat: 30.1, lon: 105.3, measures: ["cd", "ph"] });
  });
});

test("a site is as bad as its worst station", () => {
  const states = [{ state: "normal" }, { state: "stale" }, { state: "warning" }] as const;
  expect(siteView(aSite(), states, [alarm("pollution", "yellow"), alarm("pollution", "blue")])).toMatchObject({
    state: "warning",
    level: "yellow",
    stations: 3,
    openAlarms: 2,
  });
  expect(siteView(aSite(), [], [])).toMatchObject({ state: "idle", level: null });
});
