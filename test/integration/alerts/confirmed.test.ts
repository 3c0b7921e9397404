/** Confirming a doubtful pack row: written for good, taken by the packs, and refused where it would mean nothing. */
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { confirmRow, readConfirmedRows } from "../../../alerts/packs/confirmed.ts";
import { loadPacks } from "../../../alerts/packs/load.ts";
import { NOW } from "../../support/builders.ts";
import { temporaryFolder } from "../../support/folders.ts";

const packs = loadPacks();
const doubtful = packs.list
  .flatMap(({ id, rows }) => rows.map((row) => ({ pack: id, row: row.key, source: row.source })))
  .find(({ source }) => source.confidence === "memory");
const { pack, row } = doubtful ?? { pack: "", row: "" };

const enforceable = (file: string) =>
  loadPacks(undefined, readConfirmedRows(file))
    .get(pack)
    ?.rows.find(({ key }) => key === row)
    ?.ladder.every((rung) => rung.enforceable);

test("a confirmed row may fire; confirming it again renews it; the file is private and replaced whole", () => {
  const folder = temporaryFolder();
  const file = join(folder, "confirmed.yaml");
  expect(readConfirmedRows(file)).toEqual([]);
  expect(enforceable(file)).toBe(false);
  confirmRow(file, { pack, row, by: "Li Wei", at: NOW }, packs);
  confirmRow(file, { pack, row, by: "Li Wei", at: NOW + 1, note: "read in the standard" }, packs);
  expect(readConfirmedRows(file)).toEqual([{ pack, row, by: "Li Wei", at: NOW + 1, note: "read in the standard" }]);
  expect(enforceable(file)).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["confirmed.yaml"]);
});

test.each`
  why               | entry                                                             | fault
  ${"unknown row"}  | ${{ pack: "gbt14848-2017", row: "1/cdd", by: "Li Wei", at: NOW }} | ${/ROW_UNKNOWN: pack gbt14848-2017 has no row 1\/cdd[\s\S]*1\/cd\b/}
  ${"unknown pack"} | ${{ pack: "gbt14848-2107", row: "1/cd", by: "Li Wei", at: NOW }}  | ${/ROW_UNKNOWN: pack gbt14848-2107 is not known[\s\S]*gbt14848-2017/}
  ${"no name"}      | ${{ pack: "gbt14848-2017", row: "1/cd", by: " ", at: NOW }}       | ${/CONFIRMATION_INVALID/}
`("$why is refused and nothing is written", ({ entry, fault }) => {
  const folder = temporaryFolder();
  expect(() => confirmRow(join(folder, "confirmed.yaml"), entry, packs)).toThrow(fault);
  expect(readdirSync(folder)).toEqual([]);
});

test("all faults of the file at once", () => {
  const file = join(temporaryFolder(), "confirmed.yaml");
  writeFileSync(file, "- { pack: a, row: b, by: c, at: soon }\n- { pack: a, row: b, at: 1 }\n");
  expect(() => readConfirmedRows(file)).toThrow(/CONFIRMED_INVALID[\s\S]*\[0\]\.at[\s\S]*\[1\]\.by/);
  writeFileSync(file, "- [");
  expect(() => readConfirmedRows(file)).toThrow(/CONFIRMED_INVALID/);
});
