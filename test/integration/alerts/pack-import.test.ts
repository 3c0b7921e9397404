/** A provincial pack in the data folder: checked, versioned, loaded beside the national ones. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { importPack } from "../../../alerts/packs/import.ts";
import { importedPacks, packsOf } from "../../../packs.ts";
import { temporaryFolder } from "../../support/folders.ts";

const row = { quantity: "cd", table: "1", unit: "mg/kg", routine: true, confidence: "one-stored" };
function province(changes: object = {}): string {
  return JSON.stringify({
    id: "db51-1-2023",
    version: 1,
    standard: { number: "DB51/1-2023", title: "t", edition: "2023", effective: "2023-02-01", replaces: null },
    media: ["soil"],
    scheme: "soil-development",
    rows: [{ ...row, when: { land: ["class2"] }, bounds: { screening: { le: 50 }, intervention: { le: 150 } } }],
    ...changes,
  });
}
function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return "none";
}

test("an imported pack is loaded beside the national ones", () => {
  const dataDir = temporaryFolder();
  const before = packsOf(dataDir).list.length;
  const folder = importedPacks(dataDir);
  expect(importPack(folder, province(), [])).toEqual({ id: "db51-1-2023", version: 1, rows: 1, replaced: null });
  const packs = packsOf(dataDir);
  expect(packs.list).toHaveLength(before + 1);
  expect(packs.get("db51-1-2023")?.standard.number).toBe("DB51/1-2023");
});

test("contents change only together with a higher version; the same file again changes nothing", () => {
  const folder = join(temporaryFolder(), "packs");
  importPack(folder, province(), []);
  const rows = [{ ...row, bounds: { screening: { le: 20 } } }];
  expect(codeOf(() => importPack(folder, province({ rows }), []))).toBe("PACK_VERSION");
  expect(importPack(folder, province(), [])).toMatchObject({ replaced: 1 });
  expect(importPack(folder, province({ rows, version: 2 }), [])).toMatchObject({ version: 2, replaced: 1 });
  expect(JSON.parse(readFileSync(join(folder, "db51-1-2023.json"), "utf8"))).toMatchObject({ version: 2 });
  expect(readdirSync(folder)).toEqual(["db51-1-2023.json"]);
});

test.each`
  why                          | text                                                                                 | code
  ${"not JSON"}                | ${"{"}                                                                               | ${"PACK_INVALID"}
  ${"a quantity nobody knows"} | ${province({ rows: [{ ...row, quantity: "x", bounds: { screening: { le: 1 } } }] })} | ${"PACK_INVALID"}
  ${"an id of the product"}    | ${province({ id: "gb36600-2018" })}                                                  | ${"PACK_SHIPPED"}
`("$why is refused and leaves nothing behind", ({ text, code }: { text: string; code: string }) => {
  const folder = join(temporaryFolder(), "packs");
  expect(codeOf(() => importPack(folder, text, []))).toBe(code);
  expect(codeOf(() => readdirSync(folder))).toBe("ENOENT");
});

test("a new version must keep the rows that a person confirmed", () => {
  const confirmed = [{ pack: "db51-1-2023", row: "1/pb/screening", by: "li.wei", at: 0 }];
  const folder = join(temporaryFolder(), "packs");
  expect(codeOf(() => importPack(folder, province(), confirmed))).toBe("PACK_INVALID");
});

test("a spoilt file in the folder stops the start and is named", () => {
  const dataDir = temporaryFolder();
  importPack(importedPacks(dataDir), province(), []);
  writeFileSync(join(importedPacks(dataDir), "db51-1-2023.json"), "{");
  expect(() => packsOf(dataDir)).toThrow("db51-1-2023.json: not JSON");
});
