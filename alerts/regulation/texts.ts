/** What the regulatory engine says, in both languages and in the words of the standards. */
import { findQuantity } from "../../core/quantity.ts";
import type { DueReason, DueStatus, FarmlandCategory, Finding } from "../../core/regulation.ts";

export interface BothTexts {
  readonly "zh-CN": string;
  readonly en: string;
}

function nameOf(quantity: string): BothTexts {
  const row = findQuantity(quantity);
  return { "zh-CN": row?.zh ?? quantity, en: row?.en ?? quantity };
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

export function findingText(finding: Omit<Finding, "text" | "exempt">): BothTexts {
  const { rule, quantity, date, value, cmp, unit, limit, clause, previous = 0, jump = 0, rises = 0 } = finding;
  const name = nameOf(quantity);
  const [zh, en] = [`${date} ${name["zh-CN"]} ${cmp}${value} ${unit}`, `${date} ${name.en} ${cmp}${value} ${unit}`];
  if (rule === "groundwater-jump") {
    return {
      "zh-CN": `${zh}，高于该点位前次监测值 ${previous} ${unit} 的 30 % 以上（+${percent(jump)}）`,
      en: `${en}: more than 30 % above the previous result of this point, ${previous} ${unit} (+${percent(jump)})`,
    };
  }
  if (rule === "groundwater-rise") {
    return { "zh-CN": `${zh}，连续 ${rises} 次上升`, en: `${en}: risen ${rises} times in a row` };
  }
  return {
    "zh-CN": `${zh}，超过限值 ${limit ?? ""} ${unit}（${clause ?? ""}）`,
    en: `${en}: beyond the limit ${limit ?? ""} ${unit} (${clause ?? ""})`,
  };
}

const REASONS: Readonly<Record<DueReason, BothTexts>> = {
  "first-round": {
    "zh-CN": "初次监测，须覆盖全部点位和初次监测指标",
    en: "first round: every point and all initial items",
  },
  "never-measured": { "zh-CN": "初次监测指标缺测", en: "items of the first round that were never measured" },
  routine: { "zh-CN": "按最低监测频次", en: "at the minimum frequency" },
  doubled: { "zh-CN": "监测频次加密一倍", en: "at the doubled frequency" },
};

export function dueText(due: {
  readonly due: string;
  readonly status: DueStatus;
  readonly daysOverdue: number;
  readonly reason: DueReason;
  readonly everyMonths: number;
  readonly cause?: BothTexts;
  readonly cleanRounds: number;
}): BothTexts {
  const { reason, status, daysOverdue, everyMonths, cause, cleanRounds } = due;
  const base = REASONS[reason];
  const isDoubled = reason === "doubled";
  const zhWhy = isDoubled && cause ? `：${cause["zh-CN"]}；其后连续 ${cleanRounds} 次正常，连续 2 次正常后恢复` : "";
  const enWhy = isDoubled && cause ? `: ${cause.en}; ${cleanRounds} clean rounds since, two in a row end it` : "";
  const zhEvery = reason === "routine" || isDoubled ? `（每 ${everyMonths} 个月 1 次）` : "";
  const enEvery = reason === "routine" || isDoubled ? ` (every ${everyMonths} months)` : "";
  const zhState = { overdue: `逾期 ${daysOverdue} 天`, "due-soon": "临近到期", scheduled: "未到期" }[status];
  const enState = { overdue: `${daysOverdue} days overdue`, "due-soon": "due soon", scheduled: "not due yet" }[status];
  return {
    "zh-CN": `应于 ${due.due} 前监测，${zhState}；${base["zh-CN"]}${zhEvery}${zhWhy}`,
    en: `due by ${due.due}, ${enState}; ${base.en}${enEvery}${enWhy}`,
  };
}

export const CATEGORY_TEXT: Readonly<Record<FarmlandCategory, BothTexts>> = {
  "priority-protection": { "zh-CN": "优先保护类", en: "priority protection" },
  "safe-use": { "zh-CN": "安全利用类", en: "safe use" },
  "strict-control": { "zh-CN": "严格管控类", en: "strict control" },
};

export function categoryText(
  {
    category,
    bySoil,
    date,
    deciding,
  }: {
    readonly category: FarmlandCategory;
    readonly bySoil: FarmlandCategory;
    readonly date: string;
    readonly deciding: readonly string[];
  },
  crop: { readonly samples: number; readonly exceeded: number } | null,
): BothTexts {
  const names = deciding.map(nameOf);
  const zhBy =
    bySoil === "priority-protection"
      ? "各项均不高于风险筛选值"
      : `由${names.map((one) => one["zh-CN"]).join("、")}决定`;
  const enBy =
    bySoil === "priority-protection"
      ? "nothing above its screening value"
      : `decided by ${names.map((one) => one.en).join(", ")}`;
  const zhCrop = crop ? `；农产品 ${crop.samples} 个样品中 ${crop.exceeded} 个超标` : "";
  const enCrop = crop ? `; ${crop.exceeded} of ${crop.samples} samples of produce exceed` : "";
  return {
    "zh-CN": `${date} 建议划为${CATEGORY_TEXT[category]["zh-CN"]}（${zhBy}${zhCrop}），须经人工确认`,
    en: `${date}: ${CATEGORY_TEXT[category].en} suggested (${enBy}${enCrop}); a person must confirm it`,
  };
}

export function reminderText(
  area: string,
  year: number,
  facts: {
    readonly points: number;
    readonly worsened: number;
    readonly p: number | null;
    readonly isReminded: boolean;
  },
): BothTexts {
  const { points, worsened, p, isReminded } = facts;
  const zhTrend = p === null ? "年份不足，未做趋势检验" : `Mann-Kendall 上升检验 p = ${Number(p.toPrecision(3))}`;
  const enTrend =
    p === null ? "too few years for a trend test" : `Mann–Kendall rising, p = ${Number(p.toPrecision(3))}`;
  return {
    "zh-CN": `${area} ${year} 年：优先保护类耕地监测点 ${points} 个，类别变差 ${worsened} 个；${zhTrend}${isReminded ? "；建议对该县（区）预警提醒" : ""}`,
    en: `${area}, ${year}: ${worsened} of ${points} priority-protection points got worse; ${enTrend}${isReminded ? "; a warning reminder to the county is proposed" : ""}`,
  };
}
