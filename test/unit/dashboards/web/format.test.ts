/** Numbers never read other than they are, and times are Shanghai's wherever the browser is. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ageText,
  durationText,
  exactReading,
  formatNumber,
  formatReading,
  parseShanghaiInput,
  shanghaiInput,
  shanghaiShort,
} from "../../../../dashboards/web/pure/format.ts";
import { translator } from "../../../../dashboards/web/texts.ts";

const zh = translator("zh-CN");
const en = translator("en");
const NOW = Date.parse("2026-03-15T10:00:00Z");

describe("numbers", () => {
  test.each`
    value         | text
    ${0}          | ${"0"}
    ${0.0011234}  | ${"0.001123"}
    ${0.001}      | ${"0.001"}
    ${7.3}        | ${"7.3"}
    ${412.612}    | ${"412.6"}
    ${12345}      | ${"12345"}
    ${12345.6}    | ${"12346"}
    ${-1.23456}   | ${"-1.235"}
    ${0.00000012} | ${"1.2e-7"}
    ${Number.NaN} | ${"–"}
  `("$value reads $text", ({ value, text }: { value: number; text: string }) => {
    expect(formatNumber(value)).toBe(text);
  });

  test("a value beside its limit shows on which side of it it is", () => {
    expect(formatNumber(0.0050004)).toBe("0.005");
    expect(formatNumber(0.0050004, 0.005)).toBe("0.0050004");
    expect(formatNumber(0.005, 0.005)).toBe("0.005");
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
        fc.double({ min: 0.99, max: 1.01, noNaN: true }),
        (limit, factor) => {
          const value = limit * factor;
          expect(Math.sign(Number(formatNumber(value, limit)) - limit)).toBe(Math.sign(value - limit));
        },
      ),
    );
  });

  test("four digits are never more than half a unit of the last digit away", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-5, max: 1e9, noNaN: true }), (value) => {
        expect(Math.abs(Number(formatNumber(value)) - value)).toBeLessThanOrEqual(value * 5.01e-4);
      }),
    );
  });

  test("a censored value is no plain number, and its title has every digit", () => {
    expect(formatReading(0.025, "<")).toBe("<0.025");
    expect(formatReading(null, "")).toBe("–");
    expect(exactReading(0.00112345678, "", "mg/L")).toBe("0.00112345678 mg/L");
    expect(exactReading(7.3, "", "1")).toBe("7.3");
  });
});

describe("times", () => {
  test.each`
    time                      | text
    ${"2026-03-15T00:30:00Z"} | ${"08:30"}
    ${"2026-03-14T15:59:00Z"} | ${"03-14 23:59"}
    ${"2026-03-14T16:00:00Z"} | ${"00:00"}
    ${"2025-12-31T15:59:00Z"} | ${"2025-12-31 23:59"}
    ${"2025-12-31T16:00:00Z"} | ${"01-01 00:00"}
  `("$time is $text in Shanghai on 15 March 2026", ({ time, text }: { time: string; text: string }) => {
    expect(shanghaiShort(Date.parse(time), NOW)).toBe(text);
  });

  test("what a field shows is read back as the same minute", () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.parse("1992-01-01"), max: Date.parse("2099-01-01") }), (ms) => {
        const minute = Math.floor(ms / 60_000) * 60_000;
        expect(parseShanghaiInput(shanghaiInput(minute))).toBe(minute);
      }),
    );
    expect(parseShanghaiInput("2026-13-01T00:00")).toBeNull();
    expect(parseShanghaiInput("")).toBeNull();
  });

  test.each`
    ms             | chinese       | english
    ${59_999}      | ${"刚刚"}     | ${"just now"}
    ${60_000}      | ${"1 分钟前"} | ${"1 min ago"}
    ${3_600_000}   | ${"1 小时前"} | ${"1 h ago"}
    ${172_800_000} | ${"2 天前"}   | ${"2 d ago"}
  `("$ms ms ago", ({ ms, chinese, english }: { ms: number; chinese: string; english: string }) => {
    expect([ageText(ms, zh), ageText(ms, en)]).toEqual([chinese, english]);
  });

  test("durations name their two largest parts", () => {
    expect(durationText(2 * 3_600_000 + 10 * 60_000 + 30_000, zh)).toBe("2 小时 10 分钟");
    expect(durationText(30_000, en)).toBe("under 1 min");
  });
});
