/** What a place shows now: silence and a lost connection are never normal, and the worst comes first. */
import { describe, expect, test } from "vitest";
import type { LatestView, PlaceState, SiteView, StationView } from "../../../../dashboards/web/api-types.ts";
import {
  byStation,
  countStates,
  EVERYTHING,
  groupPlaces,
  shortName,
  stateNow,
  withLive,
  worstState,
} from "../../../../dashboards/web/pure/places.ts";

const NOW = Date.parse("2026-03-15T00:00:00Z");
const at = (agoMs: number): string => new Date(NOW - agoMs).toISOString();
const MINUTE = 60_000;

function aStation(own: Partial<StationView> = {}): StationView {
  return {
    id: "s1-well-1",
    site: "s1",
    siteName: "S1",
    tenant: "t1",
    name: "s1-well-1",
    medium: "groundwater",
    type: "basic",
    control: "city",
    lat: 30,
    lon: 105,
    state: "normal",
    level: null,
    openAlarms: 0,
    stale: false,
    intervalMs: 10 * MINUTE,
    newestAt: at(0),
    measures: ["cd"],
    latest: [],
    ...own,
  };
}
function aSite(own: Partial<SiteView> = {}): SiteView {
  return {
    id: "s1",
    tenant: "t1",
    kind: "wellfield",
    area: "512021",
    name: { "zh-CN": "一号库", en: "Pond one" },
    lat: 30,
    lon: 105,
    stations: 1,
    state: "normal",
    level: null,
    openAlarms: 0,
    ...own,
  };
}
const aLatest = (own: Partial<LatestView> = {}): LatestView => ({
  series: "s1-well-1/cd/total/rtd",
  quantity: "cd",
  fraction: "total",
  agg: "rtd",
  value: 0.001,
  cmp: "",
  unit: "mg/L",
  time: at(5 * MINUTE),
  ageMs: 5 * MINUTE,
  stale: false,
  flag: 1,
  qualifier: "N",
  ...own,
});

describe("state at this moment", () => {
  test.each`
    why                                       | state        | agoMin  | openAlarms | connected | now
    ${"fresh"}                                | ${"normal"}  | ${1}    | ${0}       | ${true}   | ${"normal"}
    ${"silent for exactly three intervals"}   | ${"normal"}  | ${30}   | ${0}       | ${true}   | ${"normal"}
    ${"silent for longer"}                    | ${"normal"}  | ${31}   | ${0}       | ${true}   | ${"stale"}
    ${"an alarm speaks louder than silence"}  | ${"exceed"}  | ${31}   | ${1}       | ${true}   | ${"exceed"}
    ${"an alarm stays when the line is lost"} | ${"warning"} | ${1}    | ${1}       | ${false}  | ${"warning"}
    ${"nothing is normal without a line"}     | ${"normal"}  | ${1}    | ${0}       | ${false}  | ${"stale"}
    ${"it reports again"}                     | ${"stale"}   | ${1}    | ${0}       | ${true}   | ${"normal"}
    ${"an absence alarm is still open"}       | ${"stale"}   | ${1}    | ${1}       | ${true}   | ${"stale"}
    ${"its first reading came"}               | ${"idle"}    | ${1}    | ${0}       | ${true}   | ${"normal"}
    ${"never reported"}                       | ${"idle"}    | ${null} | ${0}       | ${true}   | ${"idle"}
  `(
    "$why",
    (row: { state: PlaceState; agoMin: number | null; openAlarms: number; connected: boolean; now: string }) => {
      const newestAt = row.agoMin === null ? null : at(row.agoMin * MINUTE);
      const station = aStation({ state: row.state, newestAt, openAlarms: row.openAlarms });
      expect(stateNow(station, { now: NOW, connected: row.connected })).toBe(row.now);
    },
  );

  test("a site is as bad as its worst station", () => {
    expect(worstState(["normal", "exceed", "stale"])).toBe("exceed");
    expect(worstState([])).toBe("idle");
  });
});

describe("live values", () => {
  const station = aStation({ latest: [aLatest()], newestAt: at(5 * MINUTE), stale: true });

  test("a newer value replaces the old one and its age", () => {
    const moved = withLive(station, [["s1-well-1/cd/total/rtd", NOW, 0.002, "<", 3, "M"]], NOW);
    expect(moved?.latest[0]).toMatchObject({ value: 0.002, cmp: "<", flag: 3, qualifier: "M", ageMs: 0, time: at(0) });
    expect(moved).toMatchObject({ newestAt: at(0), stale: false });
  });
  test("a late one changes nothing that is shown", () => {
    const late = withLive(station, [["s1-well-1/cd/total/rtd", NOW - 60 * MINUTE, 9, "", 1, "N"]], NOW);
    expect(late?.latest).toEqual(station.latest);
    expect(late?.newestAt).toBe(station.newestAt);
  });
  test("a series that is not known asks for the station", () => {
    expect(withLive(station, [["s1-well-1/pb/total/rtd", NOW, 1, "", 1, "N"]], NOW)).toBeNull();
  });
  test("values are sorted by station", () => {
    const groups = byStation([
      ["a/cd/total/rtd", 1, 1, "", 1, "N"],
      ["b/cd/total/rtd", 1, 1, "", 1, "N"],
      ["a/pb/total/rtd", 1, 1, "", 1, "N"],
    ]);
    expect([...groups].map(([id, values]) => [id, values.length])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
  });
});

describe("groups", () => {
  const sites = [
    aSite({ id: "s1", area: "512002" }),
    aSite({ id: "s2", area: "512021", kind: "farmland", name: "Farm" }),
    aSite({ id: "s3", area: "512022", name: "Bare" }),
  ];
  const rows = [
    { station: aStation({ id: "s1-well-10" }), state: "normal" as const },
    { station: aStation({ id: "s1-well-2" }), state: "normal" as const },
    { station: aStation({ id: "s2-soil-1", site: "s2", name: "s2-soil-1" }), state: "warning" as const },
    {
      station: aStation({ id: "s2-soil-2", site: "s2", name: { "zh-CN": "东田", en: "East" } }),
      state: "normal" as const,
    },
  ];
  const ids = (filter = EVERYTHING): string[] =>
    groupPlaces(sites, rows, filter).flatMap(({ sites: inArea }) =>
      inArea.flatMap(({ site, stations }) =>
        stations.length > 0 ? stations.map(({ station }) => station.id) : [site.id],
      ),
    );

  test("the county with a warning first, then by code; inside by number", () => {
    expect(groupPlaces(sites, rows, EVERYTHING).map(({ area }) => area)).toEqual(["512021", "512002", "512022"]);
    expect(ids()).toEqual(["s2-soil-1", "s2-soil-2", "s1-well-2", "s1-well-10", "s3"]);
  });
  test.each`
    why                     | filter                              | found
    ${"county"}             | ${{ area: "512002" }}               | ${["s1-well-2", "s1-well-10"]}
    ${"kind"}               | ${{ kind: "farmland" }}             | ${["s2-soil-1", "s2-soil-2"]}
    ${"state"}              | ${{ states: new Set(["warning"]) }} | ${["s2-soil-1"]}
    ${"site"}               | ${{ site: "s1" }}                   | ${["s1-well-2", "s1-well-10"]}
    ${"a name in Chinese"}  | ${{ text: "东田" }}                 | ${["s2-soil-2"]}
    ${"all words must fit"} | ${{ text: "FARM soil-1" }}          | ${["s2-soil-1"]}
    ${"nothing fits"}       | ${{ text: "nowhere" }}              | ${[]}
  `("filter by $why", ({ filter, found }: { filter: object; found: string[] }) => {
    expect(ids({ ...EVERYTHING, ...filter })).toEqual(found);
  });
  test("counts every state", () => {
    expect(countStates(rows)).toEqual({ exceed: 0, warning: 1, stale: 0, normal: 3, idle: 0 });
  });
  test("a station's name drops what its site already says", () => {
    expect(shortName({ id: "s1-well-2", site: "s1" })).toBe("well-2");
    expect(shortName({ id: "other", site: "s1" })).toBe("other");
  });
});
