/**
 * The steps of alarms over several stations in both languages, from the detector's figures: one sentence a step, in the
 * order in which the verdict came about. A figure that is missing leaves its sentence out.
 */
import type { Locale } from "../../core/locale.ts";

export type BothTexts = Readonly<Record<Locale, string>>;
export type Figures = Readonly<Record<string, number>>;

/** @param names station of each member, in the members' order. */
type Steps = (figures: Figures, names: readonly string[]) => readonly (BothTexts | null)[];

/** Empty for a kind that is not of a group. */
export function groupSteps(kind: string, figures: Figures, names: readonly string[]): readonly BothTexts[] {
  return (STEPS[kind]?.(figures, names) ?? []).filter((step) => step !== null);
}

const STEPS: Readonly<Record<string, Steps>> = {
  composite: (figures) => [
    say(
      `共 ${n(figures, "conditions")} 个条件，至少满足 ${n(figures, "needed")} 个即报警。`,
      `${n(figures, "conditions")} conditions; at least ${n(figures, "needed")} must hold.`,
    ),
    ...conditionSteps(figures),
    say(`在容许时差内满足 ${n(figures, "held")} 个条件。`, `${n(figures, "held")} held within the tolerance in time.`),
  ],
  "cross-medium": (figures, names) => [
    say(
      `在各介质的时限内，${n(figures, "media")} 种介质（至少 ${n(figures, "needed")} 种）共 ${n(figures, "findings")} 个测项超标或异常升高。`,
      `Within each medium's tolerance ${n(figures, "findings")} series in ${n(figures, "media")} media (at least ${n(figures, "needed")}) are beyond their limit or their own past.`,
    ),
    figures["offSite"] === 1
      ? say(
          "上游或背景点位先于本场地异常：疑为外来污染。",
          "Up-gradient or background water was beyond first: it probably came from outside.",
        )
      : sourceStep(names[figures["source"] ?? -1]),
  ],
  spread: (figures) => [
    say(
      `下游 ${n(figures, "downBeyond")} 个点位超标或异常升高；上游正常点位 ${n(figures, "upCalm")} 个。`,
      `${n(figures, "downBeyond")} down-gradient wells are beyond; ${n(figures, "upCalm")} up-gradient wells are calm.`,
    ),
    figures["offSite"] === 1
      ? say("上游先出现异常：污染来自场地之外。", "Up-gradient was beyond first: it came from outside the site.")
      : say("此前上游未见异常：污染源在场地内。", "Up-gradient was not beyond before: the source is on the site."),
    figures["frontMoves"] === 0
      ? say(
          "各井半升时刻不沿流向推进，不能估算前锋速度。",
          "Half rises do not follow the flow, so the front has no velocity.",
        )
      : null,
    when(figures, ["velocity", "frontWells"], () =>
      say(
        `按 ${n(figures, "frontWells")} 口井的半升时刻，前锋速度 ${n(figures, "velocity")} m/d。`,
        `From the half rises of ${n(figures, "frontWells")} wells the front moves ${n(figures, "velocity")} m/d.`,
      ),
    ),
    when(figures, ["prior", "consistency"], () =>
      say(
        `由 K·i/(n·R) 估算为 ${n(figures, "prior")} m/d，两者之比的自然对数为 ${n(figures, "consistency")}（0 为一致）。`,
        `K·i/(n·R) gives ${n(figures, "prior")} m/d; the logarithm of their ratio is ${n(figures, "consistency")} (0 is agreement).`,
      ),
    ),
  ],
  plume: (figures) => [
    when(figures, ["distance"], () =>
      say(
        `污染源井超标；距水源 ${n(figures, "distance")} m，以源浓度的 ${n(figures, "fraction")} 倍到达为准。`,
        `The source well is beyond its limit, ${n(figures, "distance")} m from the water source; the arrival of ${n(figures, "fraction")} times its concentration counts.`,
      ),
    ),
    figures["timed"] === 1
      ? say(
          "两口以上的井已见前锋，速度取自实测。",
          "At least two wells have seen the front, so its measured velocity is used.",
        )
      : say(
          "速度由渗透系数、水力坡度、孔隙度和阻滞系数的范围推算（蒙特卡罗，奥加塔–班克斯解）。",
          "The velocity follows from the ranges of conductivity, gradient, porosity and retardation (Monte Carlo, Ogata–Banks).",
        ),
    when(figures, ["p5"], () =>
      say(
        `距最新读数的到达时间：最早（P5）${n(figures, "p5")} 天，可能（P50）${late(figures, "p50", "zh-CN")}，最迟（P95）${late(figures, "p95", "zh-CN")}。`,
        `Arrival after the newest reading: earliest (P5) ${n(figures, "p5")} days, likely (P50) ${late(figures, "p50", "en")}, latest (P95) ${late(figures, "p95", "en")}.`,
      ),
    ),
    say(
      `最早到达在 ${n(figures, "withinDays")} 天以内即报警。`,
      `Raised when the earliest arrival is within ${n(figures, "withinDays")} days.`,
    ),
  ],
  tailings: (figures) => [
    say(
      `测点：红 ${n(figures, "pointsRed")}、橙 ${n(figures, "pointsOrange")}、黄 ${n(figures, "pointsYellow")}、蓝 ${n(figures, "pointsBlue")}。`,
      `Points: ${n(figures, "pointsRed")} red, ${n(figures, "pointsOrange")} orange, ${n(figures, "pointsYellow")} yellow, ${n(figures, "pointsBlue")} blue.`,
    ),
    say(
      `同项测点 4 蓝升黄、3 黄升橙、2 橙升红（GB 39496-2020 5.5.4）。项目：红 ${n(figures, "itemsRed")}、橙 ${n(figures, "itemsOrange")}、黄 ${n(figures, "itemsYellow")}、蓝 ${n(figures, "itemsBlue")}。`,
      `Points of one item: 4 blue make yellow, 3 yellow orange, 2 orange red (GB 39496-2020 5.5.4). Items: ${n(figures, "itemsRed")} red, ${n(figures, "itemsOrange")} orange, ${n(figures, "itemsYellow")} yellow, ${n(figures, "itemsBlue")} blue.`,
    ),
    say(
      `4 项蓝色计为 1 项黄色；全库等级：${GRADE_NAMES["zh-CN"][figures["grade"] ?? 0] ?? "—"}。`,
      `4 blue items count as one yellow item; the pond's grade is ${GRADE_NAMES.en[figures["grade"] ?? 0] ?? "–"}.`,
    ),
  ],
};

const GRADE_NAMES: Readonly<Record<Locale, readonly string[]>> = {
  "zh-CN": ["正常", "蓝色", "黄色", "橙色", "红色"],
  en: ["calm", "blue", "yellow", "orange", "red"],
};

function conditionSteps(figures: Figures): (BothTexts | null)[] {
  return Array.from({ length: figures["conditions"] ?? 0 }, (_, at) =>
    when(figures, [`stations${at + 1}`], () =>
      say(
        `条件 ${at + 1}：${n(figures, `stations${at + 1}`)} 个点位满足。`,
        `Condition ${at + 1}: ${n(figures, `stations${at + 1}`)} stations fulfil it.`,
      ),
    ),
  );
}

function sourceStep(station: string | undefined): BothTexts {
  return station === undefined
    ? say("没有可判定的污染源点位。", "No station can be named as the source.")
    : say(
        `疑似污染源：点位 ${station}（位于异常点位上游，自身异常者优先，其次取最近）。`,
        `Probable source: station ${station} (up-gradient of the findings, then with findings of its own, then nearest).`,
      );
}

function when(figures: Figures, names: readonly string[], step: () => BothTexts): BothTexts | null {
  return names.every((name) => figures[name] !== undefined) ? step() : null;
}

function late(figures: Figures, name: string, locale: Locale): string {
  if (figures[name] === undefined) return locale === "en" ? "never in these draws" : "多数情形下不到达";
  return `${n(figures, name)} ${locale === "en" ? "days" : "天"}`;
}

function say(zh: string, en: string): BothTexts {
  return { "zh-CN": zh, en };
}

/** Three significant digits; whole numbers as they are. */
function n(figures: Figures, name: string): string {
  const value = figures[name];
  if (value === undefined) return "–";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)));
}
