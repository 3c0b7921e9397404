/** What notices say of an alarm of each family, from alarms that the real engine raised. */
import { describe, expect, test } from "vitest";
import { engineOf, GROUP_KINDS } from "../../../alerts/detectors.ts";
import { noticeTexts } from "../../../alerts/notify/texts.ts";
import { loadPacks } from "../../../alerts/packs/load.ts";
import { alarmPayload } from "../../../alerts/publish.ts";
import type { Alarm } from "../../../core/alarm.ts";
import type { Reading } from "../../../core/reading.ts";
import { isGroupKind, RULE_KIND_NAMES } from "../../../core/rule-kind-names.ts";
import type { Station } from "../../../core/site.ts";
import { aDevice, aDirectory, anOrigin, aReading, aStation, aVersionedRule, NOW } from "../../support/builders.ts";
import { honest } from "../../support/integrity.ts";
import { Timeline } from "../../support/timeline.ts";

const engine = engineOf(loadPacks());
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

type Tapes = Readonly<Record<string, readonly number[]>>;

/** Readings of series `station/quantity`, a step apart, in data time. */
function readingsOf(tapes: Tapes, step: number, start: number): Reading[] {
  const all = Object.entries(tapes).flatMap(([name, values]) =>
    values.map((value, index) => {
      const time = start + index * step;
      const origin = anOrigin({ seq: index, receivedAt: time + 1_000 });
      return aReading({ series: `${name}/total/rtd`, value, time, origin });
    }),
  );
  return all.sort((a, b) => a.time - b.time);
}

interface Tape {
  readonly rule: Readonly<Record<string, unknown>>;
  readonly tapes: Tapes;
  readonly step?: number;
  readonly start?: number;
  /** Of the devices; a step when left out. */
  readonly interval?: number;
  readonly stations?: readonly Partial<Station>[];
}

/** The first alarm that the rule raises. */
function alarmOf({ rule, tapes, step = DAY, start = NOW, interval = step, stations = [{}] }: Tape): Alarm {
  const sites = stations.map((station) => aStation(station));
  const devices = sites.map(({ id }) => aDevice({ id: `dev-${id}`, station: id, interval }));
  const rules = [aVersionedRule({ on: {}, level: "yellow", id: "r", ...rule })];
  const timeline = new Timeline({ directory: aDirectory({ rules, stations: sites, devices }), ...engine });
  for (const reading of readingsOf(tapes, step, start)) timeline.feed([reading], reading.origin.receivedAt);
  const raised = timeline.events.find(({ kind, alarm }) => kind === "raised" && alarm.rule === "r");
  if (!raised) throw new Error(`no alarm of ${String(rule["kind"])}`);
  return raised.alarm;
}

/** Cadmium, mg/L, class III at 0.005: a well that is calm, then rises. */
const WELL = [10, 12, 11, 10, 12, 11, 12, 10, 11, 12, 14, 17, 21, 26, 32, 60].map((x) => x / 1e4);
const well = (rule: Tape["rule"]): Tape => ({
  rule: { on: { quantity: "cd" }, ...rule },
  tapes: { "mw-1/cd": WELL },
  interval: 7 * DAY,
});

const noise = (channel: number, row: number): number => {
  const x = Math.sin(row * 12.9898 + channel * 78.233) * 43_758.5453;
  return Math.round((x - Math.floor(x) - 0.5) * 200) / 100;
};
const channel = (at: number, size: number): number[] =>
  Array.from({ length: 320 }, (_, row) => 10 + noise(at, row) + (row >= 300 ? size : 0));
const [a, b] = [honest(8, 1), honest(8, 2)];
const twin = b.map((value, row) => (row >= 400 && row < 430 ? (a[row] ?? value) : value));
const stuck = honest(40, 3).map((value, row) => (row < 36 * 96 ? value : 20));
const CHINA_DAY = NOW - 8 * 60 * MINUTE;
const QUARTER = 15 * MINUTE;
const UP_DOWN = [
  { id: "up", type: "upgradient", lat: 30.002, lon: 105 },
  { id: "src", type: "source", lat: 30.001, lon: 105 },
  { id: "down", type: "downgradient", lat: 30, lon: 105 },
] as const;

const FAMILIES: Readonly<Record<string, Tape>> = {
  level: well({ kind: "level", above: 0.003 }),
  limit: well({ kind: "limit", pack: "gbt14848-2017", above: "III" }),
  rate: well({ kind: "rate", above: 0.0001, per: "1d", over: "1d" }),
  jump: well({ kind: "jump" }),
  rise: well({ kind: "rise" }),
  trend: well({ kind: "trend", pack: "gbt14848-2017", above: "III", within: "730d" }),
  "shewhart-cusum": well({ kind: "shewhart-cusum" }),
  ewma: well({ kind: "ewma" }),
  prediction: well({ kind: "prediction" }),
  class: { rule: { kind: "class", pack: "gbt14848-2017" }, tapes: { "mw-1/cd": [0.0005, 0.0005, 0.02] } },
  event: {
    rule: { kind: "event" },
    tapes: { "mw-1/ph": channel(0, 0), "mw-1/ec": channel(1, 30), "mw-1/turbidity": channel(2, 60) },
    step: MINUTE,
  },
  composite: {
    rule: {
      kind: "composite",
      within: "2d",
      conditions: [
        { quantity: "cd", above: 0.01 },
        { quantity: "ec", above: 100 },
      ],
    },
    tapes: { "mw-1/cd": [0.001, 0.02], "mw-1/ec": [50, 150] },
  },
  "cross-medium": {
    rule: {
      kind: "cross-medium",
      family: ["cd", "zn"],
      media: [
        { medium: "groundwater", within: "30d", pack: "gbt14848-2017", above: "III" },
        { medium: "surface-water", within: "30d", pack: "gb3838-2002", above: "III" },
      ],
    },
    tapes: { "mw-1/cd": [0.001, 0.02], "river/cd": [0.001, 0.02] },
    stations: [{ id: "mw-1" }, { id: "river", medium: "surface-water", type: "basic", lat: 30, lon: 105 }],
  },
  spread: {
    rule: { kind: "spread", above: 0.01, within: "30d" },
    tapes: { "up/cd": [0.001, 0.001, 0.001], "src/cd": [0.001, 0.02, 0.02], "down/cd": [0.001, 0.001, 0.02] },
    stations: UP_DOWN,
  },
  plume: {
    rule: {
      kind: "plume",
      above: 0.05,
      receptor: "intake",
      within: "3650d",
      along: { src: 0, intake: 200 },
      aquifer: { conductivity: [2, 20], gradient: [0.003, 0.008], porosity: [0.2, 0.3] },
    },
    tapes: { "src/cr6": [0.01, 0.2] },
    stations: [
      { id: "src", type: "source" },
      { id: "intake", type: "intake", lat: 30, lon: 105 },
    ],
  },
  tailings: {
    rule: {
      kind: "tailings",
      level: "red",
      items: [{ quantity: "pool_level", blue: 90, yellow: 92, orange: 94, red: 96 }],
    },
    tapes: { "dam/pool_level": [80, 95] },
    stations: [{ id: "dam", medium: "tailings", type: "basic" }],
  },
  integrity: { rule: { kind: "integrity" }, tapes: { "mw-1/turbidity": stuck }, step: QUARTER, start: CHINA_DAY },
  "identical-stations": {
    rule: { kind: "identical-stations" },
    tapes: { "mw-1/turbidity": a, "mw-2/turbidity": twin },
    step: QUARTER,
    start: CHINA_DAY,
    stations: [{ id: "mw-1" }, { id: "mw-2" }],
  },
};

describe("a notice of each family", () => {
  const told = Object.fromEntries(Object.entries(FAMILIES).map(([kind, tape]) => [kind, alarmOf(tape)]));

  test("in both languages", () => {
    const texts = Object.entries(told).map(([kind, alarm]) => [kind, noticeTexts("raised", alarm)]);
    expect(Object.fromEntries(texts)).toMatchInlineSnapshot(`
      {
        "class": {
          "en": "YELLOW alarm at station mw-1: worse water class: from class II to class V, series cadmium, since 2026-03-17 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，水质类别变差：由 II 类变为 V 类，涉及 镉，自 2026-03-17 08:00 UTC+8 起。",
        },
        "composite": {
          "en": "YELLOW alarm at station mw-1: combined conditions: 2 of 2 conditions hold, series cadmium, electrical conductivity, since 2026-03-16 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，组合条件：2 个条件满足 2 个，涉及 镉、电导率，自 2026-03-16 08:00 UTC+8 起。",
        },
        "cross-medium": {
          "en": "YELLOW alarm at station mw-1: findings in several media: 2 series in 2 media are unusual, series cadmium, river cadmium, since 2026-03-16 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，跨介质异常：2 种介质共 2 个测项异常，涉及 镉、river 镉，自 2026-03-16 08:00 UTC+8 起。",
        },
        "event": {
          "en": "YELLOW alarm at station mw-1: water-quality event: 4 of the last 6 rounds of readings were unusual, series turbidity, electrical conductivity, since 2026-03-15 13:03 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，水质异常事件：最近 6 轮读数中 4 轮异常，涉及 浑浊度、电导率，自 2026-03-15 13:03 UTC+8 起。",
        },
        "ewma": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.0014 mg/L, shift of the mean: weighted average 0.001176, control limits 0.001172, since 2026-03-25 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.0014 mg/L，均值漂移：加权平均 0.001176，控制限 0.001172，自 2026-03-25 08:00 UTC+8 起。",
        },
        "identical-stations": {
          "en": "YELLOW alarm at station mw-1: identical data of stations, to be checked: 30 equal readings in a row at equal times; a person should check, this is no finding, series turbidity, mw-2 turbidity, since 2026-03-20 00:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，多点位数据雷同（待核查）：相同时刻连续 30 个读数完全相同，请人工核查，不是结论，涉及 浑浊度、mw-2 浑浊度，自 2026-03-20 00:00 UTC+8 起。",
        },
        "integrity": {
          "en": "YELLOW alarm at station mw-1: suspected data, to be checked: 1 sign; a person should check the raw data, this is no finding, series turbidity, since 2026-04-23 00:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，疑似数据异常（待核查）：1 项疑似信号，请人工核查原始数据，不是结论，涉及 浑浊度，自 2026-04-23 00:00 UTC+8 起。",
        },
        "jump": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.006 mg/L, jump above the previous result: 87.5 % above the previous 0.0032, threshold 30 %, since 2026-03-30 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.006 mg/L，较上次突升：较上次 0.0032 上升 87.5 %，阈值 30 %，自 2026-03-30 08:00 UTC+8 起。",
        },
        "level": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.0032 mg/L, limit ≤ 0.003 mg/L, since 2026-03-29 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.0032 mg/L，限值 ≤ 0.003 mg/L，自 2026-03-29 08:00 UTC+8 起。",
        },
        "limit": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.006 mg/L, limit ≤ 0.005 mg/L (GB/T 14848-2017 table 1 no. 31 class III), since 2026-03-30 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.006 mg/L，限值 ≤ 0.005 mg/L (GB/T 14848-2017 table 1 no. 31 class III)，自 2026-03-30 08:00 UTC+8 起。",
        },
        "plume": {
          "en": "YELLOW alarm at station intake: plume arrival warning: the plume may reach the water source in 1380 days at the earliest (P5), series src hexavalent chromium, since 2026-03-16 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 intake，污染羽到达预警：污染羽最早（P5）约 1380 天后到达水源，涉及 src 六价铬，自 2026-03-16 08:00 UTC+8 起。",
        },
        "prediction": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.0017 mg/L, beyond the prediction limit: upper prediction limit 0.001286 mg/L, exceeded 2 times in a row, since 2026-03-26 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.0017 mg/L，超出预测限：预测上限 0.001286 mg/L，已连续超过 2 次，自 2026-03-26 08:00 UTC+8 起。",
        },
        "rate": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.0012 mg/L, change too fast: 0.0002 mg/L per 1 d, threshold 0.0001, since 2026-03-16 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.0012 mg/L，变化过快：每 1 天变化 0.0002 mg/L，阈值 0.0001，自 2026-03-16 08:00 UTC+8 起。",
        },
        "rise": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.0014 mg/L, rises in a row: 3 rises in a row from 0.001, since 2026-03-25 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.0014 mg/L，连续上升：自 0.001 起连续上升 3 次，自 2026-03-25 08:00 UTC+8 起。",
        },
        "shewhart-cusum": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.0017 mg/L, off its background (control chart): 6.481 standard deviations off the background mean (limit 4.5), cumulative sum 7.801 (limit 5), since 2026-03-26 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.0017 mg/L，偏离背景值（控制图）：偏离背景均值 6.481 个标准差（限 4.5），累积和 7.801（限 5），自 2026-03-26 08:00 UTC+8 起。",
        },
        "spread": {
          "en": "YELLOW alarm at station src: down-gradient spread: 1 down-gradient station is unusual, series cadmium, since 2026-03-16 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 src，上下游扩散：下游 1 个点位异常，涉及 镉，自 2026-03-16 08:00 UTC+8 起。",
        },
        "tailings": {
          "en": "ORANGE alarm at station dam: tailings pond warning level: the pond's grade is orange, series tailings pool level, since 2026-03-16 08:00 UTC+8.",
          "zh-CN": "橙色报警：点位 dam，尾矿库预警等级：全库等级 橙色，涉及 库水位，自 2026-03-16 08:00 UTC+8 起。",
        },
        "trend": {
          "en": "YELLOW alarm at station mw-1: cadmium 0.0026 mg/L, significant trend: significant rise of 0.02191 mg/L a year (p = 0.001764); it reaches the limit in about 57 days, limit ≤ 0.005 mg/L (GB/T 14848-2017 table 1 no. 31 class III), since 2026-03-28 08:00 UTC+8.",
          "zh-CN": "黄色报警：点位 mw-1，镉 0.0026 mg/L，上升或下降趋势：显著上升，每年 0.02191 mg/L（p = 0.001764），约 57 天后达到限值，限值 ≤ 0.005 mg/L (GB/T 14848-2017 table 1 no. 31 class III)，自 2026-03-28 08:00 UTC+8 起。",
        },
      }
    `);
  });

  test("a group's score goes nowhere as a measured value", () => {
    for (const [kind, alarm] of Object.entries(told)) {
      const { value, limit, unit } = alarmPayload(alarm);
      const isGroup = GROUP_KINDS.has(kind);
      expect([kind, isGroup ? [value, limit, unit] : value === null]).toEqual([
        kind,
        isGroup ? [null, null, ""] : false,
      ]);
    }
  });
});

test("the kinds over several series are those of the engine, and every family has a tape here", () => {
  const kinds = Object.keys(RULE_KIND_NAMES);
  expect(kinds.filter(isGroupKind).sort()).toEqual([...GROUP_KINDS].sort());
  expect(kinds.filter((kind) => kind !== "absence" && !(kind in FAMILIES))).toEqual([]);
});
