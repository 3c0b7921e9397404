/** Both catalogues say everything, with the same blanks, each in its own language. */
import { expect, test } from "vitest";
import { AGGREGATES, FRACTIONS, QUALIFIERS } from "../../../../core/reading.ts";
import { CONTROL_LEVELS, LAND_USES, MEDIA, SITE_KINDS, STATION_TYPES } from "../../../../core/site.ts";
import { en } from "../../../../dashboards/web/en.ts";
import { STATES } from "../../../../dashboards/web/pure/places.ts";
import { customRange, presetRange, rangeFromQuery } from "../../../../dashboards/web/pure/ranges.ts";
import { seriesOf } from "../../../../dashboards/web/pure/series.ts";
import { translator, wordFor } from "../../../../dashboards/web/texts.ts";
import { zhCN } from "../../../../dashboards/web/zh-CN.ts";

const keys = Object.keys(zhCN) as (keyof typeof zhCN)[];
const blanks = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name).sort();

test("the catalogues have the same keys and no text is empty", () => {
  expect(Object.keys(en).sort()).toEqual([...keys].sort());
  for (const key of keys) expect(zhCN[key].trim() && en[key].trim(), key).toBeTruthy();
});
test("English has no Chinese but the name of the other language, and Chinese texts are Chinese", () => {
  const foreign = keys.filter((key) => key !== "otherLanguage" && /\p{Script=Han}/u.test(en[key]));
  expect(foreign).toEqual([]);
  const same = keys.filter((key) => zhCN[key] === en[key]);
  expect(same).toEqual([]);
});
test("blanks of both are the same but for the way of counting an excess", () => {
  const differing = keys.filter((key) => blanks(zhCN[key]).join() !== blanks(en[key]).join());
  expect(differing).toEqual(["limits.over"]);
});
test.each([
  ["kind", SITE_KINDS],
  ["medium", MEDIA],
  ["type", STATION_TYPES],
  ["control", CONTROL_LEVELS],
  ["land", LAND_USES],
  ["fraction", FRACTIONS],
  ["agg", AGGREGATES],
  ["qualifier", QUALIFIERS],
] as const)("every word of %s is translated", (set, words) => {
  for (const word of words) expect(keys).toContain(`${set}.${word}`);
  for (const state of STATES) expect(keys).toContain(`state.${state}`);
});
test("an area code that is not known stands for itself; blanks are filled", () => {
  const t = translator("en");
  expect(wordFor(t, "area", "512021")).toBe("Anyue County");
  expect(wordFor(t, "area", "999999")).toBe("999999");
  expect(t("overview.shown", { shown: 3, all: 62 })).toBe("Showing 3 of 62 stations");
});

test("pollutants come before field parameters, and what never reported is named too", () => {
  const latest = ["mw/ph/total/rtd", "mw/pb/dissolved/rtd"].map((series) => ({ series }));
  const names = seriesOf({ id: "mw", measures: ["ph", "cd"], latest: latest as never });
  expect(names.map(({ series }) => series)).toEqual(["mw/cd/total/rtd", "mw/pb/dissolved/rtd", "mw/ph/total/rtd"]);
});

test("ranges come from the page's query, in Shanghai time", () => {
  const now = Date.parse("2026-03-15T00:00:00Z");
  expect(rangeFromQuery({}, now)).toEqual(presetRange("24h", now));
  expect(rangeFromQuery({ range: "7d" }, now)).toMatchObject({ from: now - 7 * 86_400_000, live: true });
  expect(rangeFromQuery({ range: "custom", from: "5", to: "4" }, now)).toEqual(presetRange("24h", now));
  expect(customRange("2026-03-15T08:00", "2026-03-15T09:00")).toEqual({
    preset: "custom",
    from: now,
    to: now + 3_600_000,
    live: false,
  });
  expect(customRange("2026-03-15T09:00", "2026-03-15T09:00")).toBeNull();
});
