import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { explain } from "../../../alerts/explain/explain.ts";
import type { Bucket } from "../../../core/ports.ts";
import { type AlarmPage, renderAlarmPage } from "../../../dashboards/pages/alarm-page.tsx";
import { PAGE_CSP } from "../../../dashboards/pages/layout.tsx";
import { aDirectory, anAlarm, anAlarmEvent, anEvidence, aSite, aStation, NOW } from "../../support/builders.ts";

const STEP = 600_000;
const aBucket = (index: number, overrides: Partial<Bucket> = {}): Bucket => ({
  time: NOW - 86_400_000 + index * STEP,
  count: 1,
  min: 0.0012345,
  max: 0.012345 + index / 1e4,
  mean: 0.01,
  censored: 0,
  flag: 1,
  ...overrides,
});
const aChart = (buckets: readonly Bucket[]): AlarmPage["charts"] => [
  { series: "mw-1/cd/total/rtd", buckets, from: NOW - 86_400_000, to: NOW, stepMs: STEP },
];
const aPage = (overrides: Partial<AlarmPage> = {}): string =>
  renderAlarmPage({
    locale: "en",
    alarm: anAlarm(),
    directory: aDirectory(),
    history: [],
    deliveries: [],
    charts: aChart(Array.from({ length: 144 }, (_, index) => aBucket(index))),
    explanation: explain(overrides.alarm ?? anAlarm()),
    otherOpen: 0,
    csrf: "token",
    notice: null,
    now: NOW + 7_800_000,
    ...overrides,
  });

describe("the alarm page", () => {
  test("says what, where, how bad against which limit of which clause, since when and how late", () => {
    const evidence = anEvidence({
      clause: "GB/T 14848-2017 table 1 no. 24 class III",
      readings: [
        { time: NOW, value: 0.02, cmp: "", flag: 3, qualifier: "T", device: "d", boot: "", seq: 1, receivedAt: NOW },
      ],
    });
    const alarm = anAlarm({ lateMs: 7_200_000, verified: false, evidence, advice: "Resample; call the water source" });
    const html = aPage({ alarm, otherOpen: 3 });
    for (const text of [
      "▲ Orange · Unacknowledged · Limit alarm",
      "Park One · mw-1",
      "cadmium",
      "0.02 <small>mg/L</small>",
      "＞ 0.01 mg/L",
      "GB/T 14848-2017 table 1 no. 24 class III",
      "2026-03-15 08:00",
      "2 h 10 min",
      "data came 2 h late",
      "Not verified",
      "quality suspect (3), instrument over range (T)",
      "<li>Resample</li><li>call the water source</li>",
      "3 other unacknowledged alarms",
    ])
      expect(html).toContain(text);
  });

  test("U1: at most 14 kB with a whole day and long logs; U2: no script, nothing loaded from anywhere", () => {
    const history = Array.from({ length: 200 }, () => anAlarmEvent({ by: "officer", note: "n".repeat(2_000) }));
    const delivery = {
      key: "k",
      outlet: "webhook",
      alarm: "a",
      event: "e",
      body: "",
      tries: 1,
      dueAt: NOW,
      detail: "",
      at: NOW,
    };
    const deliveries = Array.from({ length: 200 }, () => ({ ...delivery, state: "sent" as const }));
    const html = aPage();
    expect(Buffer.byteLength(html)).toBeLessThan(14_000);
    expect(Buffer.byteLength(aPage({ history, deliveries }))).toBeLessThan(24_000); // before gzip
    expect(html).not.toMatch(/<script|\son\w+=|javascript:|<img|<link(?! rel="icon" href="data:,")|style="/i);
    expect(html).not.toMatch(/(src|href|action)="(https?:)?\/\//);
  });

  test("the style sheet is the one its policy names, and the policy allows nothing else", () => {
    const style = /<style>(.*?)<\/style>/s.exec(aPage())?.[1] ?? "";
    expect(PAGE_CSP).toContain(`style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`);
    expect(PAGE_CSP).toMatch(/^default-src 'none';/);
    expect(PAGE_CSP).not.toMatch(/script-src|unsafe/);
  });

  test("strangers' texts arrive as text", () => {
    const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`;
    const site = aSite({ name: evil });
    const alarm = anAlarm({
      id: "a",
      advice: evil,
      acknowledgedBy: evil,
      acknowledgedAt: NOW,
      evidence: anEvidence({ clause: evil, unit: evil }),
    });
    const directory = aDirectory({ sites: [site], stations: [aStation({ name: evil })] });
    const html = aPage({ alarm, directory, history: [anAlarmEvent({ note: evil, by: evil })] });
    expect(html).not.toMatch(/<script|<img/);
    expect(html.match(/&lt;script>/g)?.length).toBeGreaterThanOrEqual(8);
  });

  test.each`
    why                              | overrides                                                             | form
    ${"open"}                        | ${{}}                                                                 | ${true}
    ${"cleared, never acknowledged"} | ${{ alarm: anAlarm({ state: "cleared", end: NOW }) }}                 | ${true}
    ${"acknowledged"}                | ${{ alarm: anAlarm({ state: "acknowledged", acknowledgedAt: NOW }) }} | ${false}
    ${"retracted"}                   | ${{ alarm: anAlarm({ supersededBy: "retracted" }) }}                  | ${false}
    ${"for one who may not"}         | ${{ csrf: null }}                                                     | ${false}
  `("$why: form $form", ({ overrides, form }) => expect(aPage(overrides).includes("<form")).toBe(form));

  test("after acknowledging says who, when and by which way", () => {
    const alarm = anAlarm({ state: "acknowledged", acknowledgedAt: NOW, acknowledgedBy: "li", acknowledgedVia: "web" });
    expect(aPage({ alarm })).toContain("li acknowledged at 2026-03-15 08:00 (web page)");
  });

  test("in Chinese no English text is left, in English no Chinese", () => {
    const zh = aPage({ locale: "zh-CN", history: [anAlarmEvent()], otherOpen: 1 });
    const visible = (html: string) => html.replace(/<style>.*?<\/style>/s, "").replace(/<[^>]+>/g, " ");
    expect(visible(zh).replace(/English|mw-1|mg\/L|cd-high|total\/rtd/g, "")).not.toMatch(/[A-Za-z]{3,}/);
    expect(visible(aPage()).replace(/中文/g, "")).not.toMatch(/[\u4e00-\u9fff]/);
  });

  test("keeps a censored value censored, says so when there is none, and lives without its chart", () => {
    expect(aPage({ alarm: anAlarm({ cmp: "<", value: 0.025 }) })).toContain("&lt;0.025");
    const silent = aPage({ alarm: anAlarm({ category: "absence", value: null }), charts: null });
    expect(silent).toContain("no data");
    expect(silent).toContain("The chart cannot be drawn");
  });
});

describe("an alarm over several series", () => {
  const member = (series: string, contributes: number) => ({ series, unit: "mg/L", contributes, readings: [] });
  const figures = { votes: 4, of: 6 };
  const members = [member("mw-1/ph/total/rtd", 1), member("mw-1/cd/total/rtd", 0), member("mw-1/ec/total/rtd", -1)];
  const evidence = {
    ...anEvidence({ limit: 0, unit: "", clause: null, pack: null }),
    computation: { kind: "event", memory: null, figures, context: null, members },
  };
  const alarm = anAlarm({ quantity: "event", series: "mw-1/event/r/rtd", value: 8.25, evidence });

  test("has its name, its sentence and its series by rank, and neither score nor limit", () => {
    const html = aPage({ alarm, locale: "zh-CN" });
    for (const text of ["水质异常事件", "最近 6 轮读数中 4 轮异常", "镉、pH"]) expect(html).toContain(text);
    const facts = html.slice(0, html.indexOf("<details"));
    expect(facts).not.toMatch(/8\.25|<dt>限值|class="value"/);
  });

  test("draws the series that have values, each under its name; without any it says so", () => {
    const drawn = (series: string, buckets: readonly Bucket[]) => ({ ...(aChart(buckets)?.[0] ?? never()), series });
    const charts = [drawn("mw-1/cd/total/rtd", [aBucket(0)]), drawn("mw-1/ph/total/rtd", [])];
    const html = aPage({ alarm, charts });
    expect(html.match(/<svg/g)).toHaveLength(1);
    expect(html).toMatch(/<p>cadmium<\/p><svg/);
    expect(aPage({ alarm, charts: [] })).not.toContain("<svg");
  });
});
function never(): never {
  throw new Error("no chart");
}

describe("the day's chart", () => {
  const path = (html: string) => /<path d="([^"]*)" fill="none"/.exec(html)?.[1] ?? "";
  test("shows the peak of a step, the lowest for a lower limit", () => {
    const lines = (passes: "<=" | ">=") => {
      const alarm = anAlarm({ evidence: anEvidence({ passes, limit: 0.5 }) });
      const spike = [
        aBucket(0, { min: 0.1, max: 0.1 }),
        aBucket(1, { min: 0, max: 1 }),
        aBucket(2, { min: 0.1, max: 0.1 }),
      ];
      return path(aPage({ alarm, charts: aChart(spike) }))
        .split("L")
        .map((point) => Number(point.split(" ")[1]?.replace("h.1", "")));
    };
    const [, upper] = lines("<=");
    const [before, lower] = lines(">=");
    expect(upper).toBeLessThan(20); // near the top
    expect(lower).toBeGreaterThan(before as number); // a dip below its neighbours
  });

  test("a gap stays a gap, no value makes no point, an empty day is no fault", () => {
    const buckets = [aBucket(0), aBucket(1), aBucket(60), aBucket(61, { max: null })];
    expect(path(aPage({ charts: aChart(buckets) })).match(/M/g)).toHaveLength(2);
    expect(aPage({ charts: aChart([]) })).not.toMatch(/NaN|Infinity/);
    const noLimit = anAlarm({ evidence: anEvidence({ limit: null, passes: null }) });
    expect(aPage({ charts: aChart([]), alarm: noLimit })).not.toMatch(/NaN|Infinity/);
    expect(aPage({ charts: aChart([aBucket(0, { max: 0 })]), alarm: noLimit })).not.toMatch(/NaN|Infinity/);
  });
});
