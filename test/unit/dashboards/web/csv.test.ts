/** The CSV opens with the right types and runs nothing. */
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ReadingsView } from "../../../../dashboards/web/api-types.ts";
import { csvCell, csvName, csvText, readingsCsv } from "../../../../dashboards/web/pure/csv.ts";

describe("cells", () => {
  test.each`
    cell                 | text
    ${"plain"}           | ${"plain"}
    ${'=HYPERLINK("x")'} | ${`"'=HYPERLINK(""x"")"`}
    ${"+1"}              | ${"'+1"}
    ${"-cmd"}            | ${"'-cmd"}
    ${"@sum"}            | ${"'@sum"}
    ${"\tx"}             | ${"'\tx"}
    ${"a,b"}             | ${'"a,b"'}
    ${'a"b'}             | ${'"a""b"'}
    ${"a\nb"}            | ${'"a\nb"'}
    ${-1.5}              | ${"-1.5"}
    ${null}              | ${""}
  `("$cell is written $text", ({ cell, text }: { cell: string | number | null; text: string }) => {
    expect(csvCell(cell)).toBe(text);
  });

  test("no text is ever a formula, and every text comes back but for the guard", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 5 }), (row) => {
        const [back = []] = parse(csvText([row]), { bom: true, skip_empty_lines: false }) as string[][];
        expect(back.map((cell) => (/^'[=+\-@\t\r\n]/.test(cell) ? cell.slice(1) : cell))).toEqual(row);
        for (const cell of back) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
      }),
    );
  });
});

const head = {
  series: "mw-3/cd/total/rtd",
  unit: "mg/L",
  from: "2026-03-14T16:00:00.000Z",
  to: "2026-03-15T16:00:00.000Z",
  next: null,
};
const RAW: ReadingsView = {
  ...head,
  bucket: "raw",
  columns: { times: [Date.parse("2026-03-15T00:30:00Z")], values: [0.025], cmp: ["<"], flag: [1], qualifier: ["N"] },
};

test("a raw view: Shanghai and UTC time, sign and value in columns of their own", () => {
  const text = readingsCsv(RAW, { id: "mw-3", name: "=evil" });
  expect(text.startsWith("\uFEFF")).toBe(true);
  expect(parse(text, { bom: true, columns: true })).toEqual([
    {
      time_asia_shanghai: "2026-03-15 08:30:00",
      time_utc: "2026-03-15T00:30:00.000Z",
      station: "mw-3",
      station_name: "'=evil",
      series: "mw-3/cd/total/rtd",
      unit: "mg/L",
      cmp: "<",
      value: "0.025",
      flag: "1",
      qualifier: "N",
    },
  ]);
  expect(csvName(RAW)).toBe("mw-3_cd_2026-03-15_2026-03-16.csv");
});

test("a bucketed view keeps count, extremes and censored counts", () => {
  const columns = { times: [0], count: [6], min: [0.1], max: [-0.3], mean: [0.2], censored: [2], flag: [3] };
  const [row] = parse(readingsCsv({ ...head, bucket: "1h", columns }, { id: "mw-3", name: "n" }), {
    bom: true,
    columns: true,
  }) as Record<string, string>[];
  expect(row).toMatchObject({
    bucket: "1h",
    count: "6",
    min: "0.1",
    mean: "0.2",
    max: "-0.3",
    censored: "2",
    worst_flag: "3",
  });
});
