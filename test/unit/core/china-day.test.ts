import { expect, test } from "vitest";
import { addMonths, chinaDate, chinaMidnight, daysBetween, isDate } from "../../../core/china-day.ts";

test.each`
  utc                       | date
  ${"2018-04-30T15:59:59Z"} | ${"2018-04-30"}
  ${"2018-04-30T16:00:00Z"} | ${"2018-05-01"}
  ${"1949-10-01T00:00:00Z"} | ${"1949-10-01"}
`("$utc is the day $date in China", ({ utc, date }: { utc: string; date: string }) => {
  expect(chinaDate(Date.parse(utc))).toBe(date);
  expect(chinaDate(chinaMidnight(date))).toBe(date);
  expect(chinaDate(chinaMidnight(date) - 1)).not.toBe(date);
});

test.each`
  date            | months | later
  ${"2026-01-31"} | ${1}   | ${"2026-02-28"}
  ${"2024-01-31"} | ${1}   | ${"2024-02-29"}
  ${"2026-11-15"} | ${3}   | ${"2027-02-15"}
  ${"2026-01-01"} | ${1.5} | ${"2026-02-16"}
  ${"2026-05-20"} | ${36}  | ${"2029-05-20"}
`("$date and $months months are $later", ({ date, months, later }) => expect(addMonths(date, months)).toBe(later));

test("days between dates have a sign", () => {
  expect(daysBetween("2026-03-01", "2026-03-15")).toBe(14);
  expect(daysBetween("2026-03-15", "2026-03-01")).toBe(-14);
});

test.each(["2026-02-30", "2026-13-01", "26-01-01", "2026-1-1", "tomorrow", ""])("%s is no day", (text) =>
  expect(isDate(text)).toBe(false),
);
