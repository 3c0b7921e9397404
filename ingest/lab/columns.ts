/** The columns of a file of laboratory results: their headings in both languages, and which must be there. */

export const LAB_COLUMNS = [
  { name: "station", zh: "点位", needed: true },
  { name: "time", zh: "采样时间", needed: true },
  { name: "zone", zh: "时区", needed: false },
  { name: "quantity", zh: "检测项目", needed: true },
  { name: "value", zh: "结果", needed: true },
  { name: "unit", zh: "单位", needed: true },
  { name: "fraction", zh: "形态", needed: false },
  { name: "method", zh: "检测方法", needed: false },
  { name: "detection_limit", zh: "检出限", needed: false },
  { name: "lab", zh: "检测机构", needed: false },
  { name: "sample", zh: "样品编号", needed: false },
] as const;
export type LabColumn = (typeof LAB_COLUMNS)[number]["name"];

/** Rows of the template: a detect and a non-detect. */
export const TEMPLATE_ROWS: readonly (readonly string[])[] = [
  LAB_COLUMNS.map(({ name }) => name),
  ["mw-1", "2026-03-15T08:30:00+08:00", "", "cd", "0.0061", "mg/L", "total", "HJ 700-2014", "0.00005", "", "S-001"],
  ["mw-1", "2026-03-15 08:30", "+08:00", "砷", "<0.0003", "mg/L", "total", "HJ 694-2014", "0.0003", "", "S-001"],
];

/** Column of a heading, in either language; "Detection limit" is `detection_limit`. */
export function columnOf(heading: string): LabColumn | undefined {
  const name = heading
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  return LAB_COLUMNS.find((column) => column.name === name || column.zh === heading.trim())?.name;
}
