/** Any workbook as rows of text: what is written is read back; dates bear no zone; what is no workbook is refused. */
import { expect, test } from "vitest";
import writeWorkbook from "write-excel-file/node";
import { readTime } from "../../../ingest/lab/cells.ts";
import { TEMPLATE_ROWS } from "../../../ingest/lab/columns.ts";
import { readFirstSheet, writeSheet } from "../../../storage/sheets.ts";

test("what is written is read back", async () => {
  const rows = [
    ["a", "=1+1"],
    ["0012", "<0.0003"],
  ];
  expect(await readFirstSheet(await writeSheet("one", rows))).toEqual(rows);
  expect(await readFirstSheet(await writeSheet("lab", TEMPLATE_ROWS))).toHaveLength(TEMPLATE_ROWS.length);
});

test("numbers keep their digits; a date cell becomes a local time that still needs a zone", async () => {
  const cell = { value: new Date("2026-03-15T08:30:00Z"), type: Date, format: "yyyy-mm-dd hh:mm" };
  const book = await writeWorkbook([{ sheet: "x", data: [[cell, { value: 0.00005, type: Number }]] }]).toBuffer();
  const [[time = "", number] = []] = await readFirstSheet(book);
  expect(number).toBe("0.00005");
  expect(time).toBe("2026-03-15 08:30:00");
  expect(readTime(time, "")).toHaveProperty("fault");
  expect(readTime(time, "+08:00")).toEqual({ time: Date.parse("2026-03-15T00:30:00Z") });
});

test("what is no workbook is refused", async () => {
  await expect(readFirstSheet(Buffer.from("station,time"))).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
});
