/** The order of the alarm list, and that a row does not jump below the thumb that acknowledged it. */
import { describe, expect, test } from "vitest";
import type { AlarmView } from "../../../../dashboards/web/api-types.ts";
import {
  type AlarmFilter,
  filterFromQuery,
  fitsFilter,
  mergeAlarms,
  queryOfFilter,
  segmentsOf,
} from "../../../../dashboards/web/pure/alarms.ts";
import { clauseText } from "../../../../dashboards/web/pure/clause.ts";
import { translator } from "../../../../dashboards/web/texts.ts";

const T0 = Date.parse("2026-03-15T00:00:00Z");
const at = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();

function anAlarm(own: Partial<AlarmView> = {}): AlarmView {
  return {
    id: "a1",
    rule: "r",
    category: "pollution",
    level: "yellow",
    state: "active",
    verified: true,
    tenant: "t1",
    site: "s1",
    siteName: "S1",
    station: "mw-1",
    stationName: "mw-1",
    series: "mw-1/cd/total/rtd",
    quantity: "cd",
    fraction: "total",
    agg: "rtd",
    value: 0.01,
    cmp: "",
    unit: "mg/L",
    valueTime: at(0),
    limit: 0.005,
    passes: "<=",
    pack: null,
    clause: null,
    start: at(0),
    end: null,
    lateMs: 0,
    backfill: false,
    raisedAt: at(0),
    updatedAt: at(0),
    acknowledgedAt: null,
    acknowledgedBy: null,
    acknowledgedVia: null,
    supersededBy: null,
    advice: null,
    ...own,
  };
}
const OPEN: AlarmFilter = { state: "open", level: null, site: null };
const ids = (list: readonly { alarm: AlarmView }[]): string[] => list.map(({ alarm }) => alarm.id);

describe("order", () => {
  test("unacknowledged, then level, then newest", () => {
    const list = mergeAlarms(
      [],
      [
        anAlarm({ id: "acked-red", level: "red", state: "acknowledged" }),
        anAlarm({ id: "old-yellow", raisedAt: at(-60) }),
        anAlarm({ id: "new-yellow", raisedAt: at(0) }),
        anAlarm({ id: "blue", level: "blue", raisedAt: at(9) }),
        anAlarm({ id: "orange", level: "orange", raisedAt: at(-90) }),
      ],
      OPEN,
    );
    expect(ids(list)).toEqual(["orange", "new-yellow", "old-yellow", "blue", "acked-red"]);
  });

  test("an acknowledged row keeps its place, so that the next tap does not hit its neighbour", () => {
    const before = mergeAlarms([], [anAlarm({ id: "first", level: "red" }), anAlarm({ id: "second" })], OPEN);
    const acked = anAlarm({ id: "first", level: "red", state: "acknowledged", updatedAt: at(1) });
    const after = mergeAlarms(before, [acked], OPEN);
    expect(ids(after)).toEqual(["first", "second"]);
    expect(after[0]?.alarm.state).toBe("acknowledged");
  });

  test("an acknowledged alarm that becomes active again comes to the front", () => {
    const before = mergeAlarms(
      [],
      [anAlarm({ id: "a" }), anAlarm({ id: "b", level: "red", state: "acknowledged" })],
      OPEN,
    );
    const again = anAlarm({ id: "b", level: "red", updatedAt: at(1) });
    expect(ids(mergeAlarms(before, [again], OPEN))).toEqual(["b", "a"]);
  });

  test("news that is older than what is shown changes nothing", () => {
    const before = mergeAlarms([], [anAlarm({ state: "acknowledged", updatedAt: at(5) })], OPEN);
    const late = mergeAlarms(before, [anAlarm({ updatedAt: at(1) })], OPEN);
    expect(late[0]?.alarm.state).toBe("acknowledged");
  });

  test("what does not fit the filter does not come in; what is listed stays when it clears", () => {
    const cleared = anAlarm({ id: "x", state: "cleared" });
    expect(mergeAlarms([], [cleared], OPEN)).toEqual([]);
    const listed = mergeAlarms([], [anAlarm({ id: "x" })], OPEN);
    expect(ids(mergeAlarms(listed, [{ ...cleared, updatedAt: at(1) }], OPEN))).toEqual(["x"]);
    expect(fitsFilter(anAlarm({ supersededBy: "retracted" }), OPEN)).toBe(false);
  });
});

describe("queries", () => {
  test("urgent unacknowledged alarms are asked for first", () => {
    expect(segmentsOf(OPEN)).toEqual([
      "state=active&level=red,orange",
      "state=active&level=yellow,blue",
      "state=acknowledged",
    ]);
    expect(segmentsOf({ state: "cleared", level: "red", site: "a b" })).toEqual(["state=cleared&level=red&site=a%20b"]);
  });
  test.each([
    ["", OPEN],
    ["?state=active&level=red&site=s1", { state: "active", level: "red", site: "s1" }],
    ["?state=all", { state: "all", level: null, site: null }],
  ] as const)("%s is the same filter there and back", (query, filter) => {
    expect(filterFromQuery(Object.fromEntries(new URLSearchParams(query)))).toEqual(filter);
    expect(queryOfFilter(filter)).toBe(query);
  });
  test("unknown words fall back to open", () => {
    expect(filterFromQuery({ state: "active,acknowledged", level: "pink" })).toEqual(OPEN);
  });
});

describe("clauses", () => {
  test.each([
    [
      "GB/T 14848-2017 table 1 no. 31 class III",
      "GB/T 14848-2017 表 1 第 31 项 Ⅲ 类",
      "GB/T 14848-2017 table 1 no. 31 class Ⅲ",
    ],
    [
      "GB 15618-2018 table 1 no. 1 screening",
      "GB 15618-2018 表 1 第 1 项 筛选值",
      "GB 15618-2018 table 1 no. 1 screening value",
    ],
    ["own rule", "own rule", "own rule"],
  ])("%s", (clause, chinese, english) => {
    expect(clauseText(clause, translator("zh-CN"))).toBe(chinese);
    expect(clauseText(clause, translator("en"))).toBe(english);
  });
});
