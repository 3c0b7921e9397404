/** Laboratory results: every cell understood or refused with row and column; nothing guessed. */
import { describe, expect, test } from "vitest";
import type { LabResult } from "../../../../core/lab.ts";
import { decodeTelemetry } from "../../../../ingest/codecs/telemetry.ts";
import { readQuantity, readTime, readValue } from "../../../../ingest/lab/cells.ts";
import { TEMPLATE_ROWS } from "../../../../ingest/lab/columns.ts";
import { labDevices, labMessages } from "../../../../ingest/lab/messages.ts";
import { readResults } from "../../../../ingest/lab/read-results.ts";
import { aDevice, aDirectory, NOW } from "../../../support/builders.ts";

const HEADER = ["station", "time", "quantity", "value", "unit", "detection_limit"];
const directory = aDirectory();
const context = { directory, mayUse: () => true, zone: "", now: NOW + 86_400_000 };
const read = (...rows: string[][]) =>
  readResults(
    [HEADER, ...rows].map((cells, at) => ({ cells, line: at + 1 })),
    context,
  );
const TIME = "2026-03-15T08:30:00+08:00";

describe("cells", () => {
  test.each([
    ["0.0061", null, { value: 0.0061, cmp: "" }],
    ["<0.0003", null, { value: 0.0003, cmp: "<" }],
    ["＜0.0003", 0.0003, { value: 0.0003, cmp: "<" }],
    ["0.0003L", null, { value: 0.0003, cmp: "<" }],
    [">200", null, { value: 200, cmp: ">" }],
    ["ND", 0.05, { value: 0.05, cmp: "<" }],
    ["未检出", 0.05, { value: 0.05, cmp: "<" }],
    ["<DL", 0.05, { value: 0.05, cmp: "<" }],
    ["1.5e-3", null, { value: 0.0015, cmp: "" }],
  ] as const)("value %s with limit %s", (text, limit, expected) => {
    expect(readValue(text, limit)).toEqual(expected);
  });
  test.each([
    ["ND", null],
    ["abc", null],
    ["1,5", null],
    [">5L", null],
    ["1e999", null],
    ["0.001", 0.005],
    ["--", null],
  ] as const)("value %s with limit %s is a fault", (text, limit) =>
    expect(readValue(text, limit)).toHaveProperty("fault"),
  );
  test.each([
    [TIME, "", "2026-03-15T00:30:00.000Z"],
    ["2026-03-15 08:30", "+08:00", "2026-03-15T00:30:00.000Z"],
    ["2026/3/5 8:30", "Asia/Shanghai", "2026-03-05T00:30:00.000Z"],
    ["2026-03-15 08:30:15 +08:00", "", "2026-03-15T00:30:15.000Z"],
    ["2026-03-15T00:30Z", "+08:00", "2026-03-15T00:30:00.000Z"],
  ])("time %s in zone %s", (text, zone, expected) => {
    const found = readTime(text, zone);
    expect("time" in found && new Date(found.time).toISOString()).toBe(expected);
  });
  test.each([
    ["2026-03-15 08:30", ""],
    ["2026-03-15", "+08:00"],
    ["2026-02-30T08:30:00+08:00", ""],
    ["2026-02-30 08:30", "+08:00"],
    ["2026-03-15 08:30", "Mars/Base"],
    ["46096.35", "+08:00"],
  ])("time %s in zone %s is a fault", (text, zone) => expect(readTime(text, zone)).toHaveProperty("fault"));
  test.each(["cd", "w20115", "7440-43-9", "镉", "Cadmium"])("%s is cadmium", (text) => {
    expect(readQuantity(text, "groundwater")).toEqual({ quantity: "cd" });
  });
  test("an unknown quantity is a fault", () => expect(readQuantity("phlogiston", "soil")).toHaveProperty("fault"));
});

describe("rows", () => {
  test("every fault has its row and column; rows without fault are still told", () => {
    const found = read(
      ["mw-1", TIME, "cd", "0.006", "mg/L", ""],
      ["mw-9", TIME, "cd", "0.006", "mg/L", ""],
      ["mw-1", "2026-03-15", "xx", "0.006", "mg/L", "-1"],
      ["mw-1", TIME, "pb", "0.006", "mg/kg", ""],
      ["mw-1", TIME, "镉", "0.007", "mg/L", ""],
      ["mw-1", "2027-01-01T00:00:00Z", "pb", "0.007", "mg/L", ""],
      ["mw-1", TIME, "", "0.007", "mg/L", ""],
    );
    expect(found.rows).toBe(7);
    expect(found.results.map(({ row }) => row)).toEqual([2]);
    expect(found.faults.map(({ row, column }) => [row, column])).toEqual([
      [3, "station"],
      [4, "time"],
      [4, "detection_limit"],
      [4, "quantity"],
      [5, "unit"],
      [6, ""],
      [7, "time"],
      [8, "quantity"],
    ]);
    for (const fault of found.faults) expect(fault["zh-CN"]).toMatch(/[\u4e00-\u9fff]/);
  });
  test("somebody else's station is not there", () => {
    const rows = [HEADER, ["mw-1", TIME, "cd", "1", "mg/L", ""]].map((cells, at) => ({ cells, line: at + 1 }));
    const theirs = readResults(rows, { ...context, mayUse: () => false });
    expect(theirs.faults.map(({ en }) => en)).toEqual(['there is no station "mw-1"']);
  });
  test.each([
    ["empty", [], ""],
    ["a missing column", [["station", "time", "quantity", "value"]], "unit"],
    ["an unknown column", [[...HEADER, "colour"]], "colour"],
    ["a column twice", [[...HEADER, "点位"]], "点位"],
  ])("%s stops the file", (_name, rows, column) => {
    const found = readResults(
      rows.map((cells, at) => ({ cells, line: at + 1 })),
      context,
    );
    expect(found.results).toEqual([]);
    expect(found.faults.map((fault) => fault.column)).toContain(column);
  });
  test("the template is without fault, in Chinese headings too", () => {
    const rows = TEMPLATE_ROWS.map((cells, at) => ({ cells, line: at + 1 }));
    expect(readResults(rows, context)).toMatchObject({
      rows: 2,
      faults: [],
      results: [{ quantity: "cd" }, { quantity: "as", cmp: "<" }],
    });
    const zh = [
      ["点位", "采样时间", "检测项目", "结果", "单位"],
      ["mw-1", TIME, "镉", "0.006", "mg/L"],
    ];
    expect(
      readResults(
        zh.map((cells, at) => ({ cells, line: at + 1 })),
        context,
      ).results,
    ).toHaveLength(1);
  });
});

describe("messages", () => {
  const result = (more: Partial<LabResult> = {}): LabResult => ({
    ...{ row: 2, station: "mw-1", time: NOW, quantity: "cd", fraction: "total", value: 0.006, cmp: "", unit: "mg/L" },
    ...{ method: "HJ 700-2014", detectionLimit: 0.00005, lab: "", sample: "S-1" },
    ...more,
  });
  test("one message a sample, readable by ingest, non-detects censored, method and sample in it", () => {
    const [message, ...rest] = labMessages(
      [result(), result({ quantity: "pb", cmp: "<", value: 0.001 }), result({ sample: "S-2", time: NOW + 1 })],
      directory,
    );
    expect(rest).toHaveLength(1);
    expect(message?.topic).toBe("ews/1/tenant-1/site-1/mw-1/lab-mw-1/telemetry");
    expect(JSON.parse(String(message && Buffer.from(message.payload)))).toMatchObject({
      lab: { sample: "S-1" },
      r: [{ method: "HJ 700-2014", dl: 0.00005 }, { cmp: "<" }],
    });
    const decoded = decodeTelemetry(message?.payload ?? new Uint8Array(), { quantities: {} });
    expect(decoded).toMatchObject({
      readings: [
        { quantity: "cd", value: 0.006 },
        { quantity: "pb", value: 0.001, cmp: "<" },
      ],
      faults: [],
    });
  });
  test("the device is made once, and learns new quantities without losing old ones", () => {
    expect(labDevices([result()], directory)).toMatchObject([
      { id: "lab-mw-1", station: "mw-1", quantities: { cd: "mg/L" } },
    ]);
    const with1 = aDirectory({ devices: [aDevice({ id: "lab-mw-1", quantities: { cd: "mg/L" } })] });
    expect(labDevices([result()], with1)).toEqual([]);
    expect(labDevices([result({ quantity: "pb" })], with1)).toMatchObject([{ quantities: { cd: "mg/L", pb: "mg/L" } }]);
  });
});
