/** The second half of an explanation: delays, verification, level, worst value, lateness, end. Pure. */
import { type Alarm, lowerLevel } from "../../core/alarm.ts";
import type { ExplanationStep } from "../../core/explanation.ts";
import type { Delays } from "../detect/episode.ts";
import { frozenDelays, frozenReading } from "./frozen.ts";
import { type Matter, step } from "./matter.ts";
import { both, LEVEL_WORDS, spanText, timeText, valueText } from "./words.ts";

/** Evidence keeps at most so many of the deciding readings, the newest. */
export const EVIDENCE_READINGS_MAX = 20;

export function delayStep({ alarm, rule, judged }: Matter): ExplanationStep {
  const delays = frozenDelays(rule);
  const first = judged[0]?.reading.time;
  const last = judged.at(-1)?.reading.time;
  const isCut = judged.length >= EVIDENCE_READINGS_MAX && first !== undefined && first > alarm.start;
  const count = `${judged.length}${isCut ? "+" : ""}`;
  const runs = last === undefined ? 0 : last - alarm.start;
  return step("on-delay", {
    "zh-CN":
      last === undefined
        ? `触发延时：${delayText(delays, "on", "zh-CN")}；文件中没有起决定作用的读数。`
        : `触发延时：${delayText(delays, "on", "zh-CN")}。自 ${timeText(alarm.start)} 起连续 ${count} 个读数超限，历时 ${spanText(runs, "zh-CN")}，于 ${timeText(last)} 的读数满足；报警起点为该连续段的第一个读数。${isCut ? `仅保留最新 ${EVIDENCE_READINGS_MAX} 个读数。` : ""}`,
    en:
      last === undefined
        ? `On-delay: ${delayText(delays, "on", "en")}; the alarm holds no deciding reading.`
        : `On-delay: ${delayText(delays, "on", "en")}. ${count} readings in a row from ${timeText(alarm.start)}, over ${spanText(runs, "en")}, fulfilled it with the one at ${timeText(last)}; the alarm starts with the first of the run.${isCut ? ` Only the newest ${EVIDENCE_READINGS_MAX} readings are kept.` : ""}`,
  });
}

function delayText(delays: Delays, side: "on" | "off", locale: "zh-CN" | "en"): string {
  const [readings, ms] = side === "on" ? [delays.onReadings, delays.onMs] : [delays.offReadings, delays.offMs];
  if (ms > 0) return spanText(ms, locale);
  if (locale === "en") return `${readings} reading${readings === 1 ? "" : "s"}`;
  return `${readings} 个读数`;
}

export function verifiedStep({ alarm }: Matter): readonly ExplanationStep[] {
  const { readings, confirmedBy } = alarm.evidence;
  const sure = readings.filter((reading) => !frozenReading(reading).suspect).length;
  const later = confirmedBy === undefined ? null : timeText(confirmedBy.time);
  if (alarm.verified) {
    const [zh, en] =
      later !== null
        ? [`${later} 的无疑问读数予以核实`, `the reading without doubt at ${later} confirms it`]
        : sure > 0
          ? [`${sure} 个读数未被质控标为可疑或不合格`, `${sure} of the readings bear no flag 3 or 4`]
          : ["核实它的读数不在文件中", "the reading that verified it is not in the alarm"];
    return [step("verified", { "zh-CN": `已核实：${zh}。`, en: `Verified: ${en}.` })];
  }
  return [
    step("verified", {
      "zh-CN": "未核实：全部读数均被质控标为可疑（3）或不合格（4）；存疑不压低报警，只降一级，待正常读数确认。",
      en: "Not verified: all readings bear quality flag 3 (suspect) or 4 (fail); doubt does not silence an alarm, it only lowers it by one level until a good reading confirms it.",
    }),
  ];
}

export function levelStep({ alarm, rule }: Matter): ExplanationStep {
  const [own, now] = [LEVEL_WORDS[rule.level], LEVEL_WORDS[alarm.level]];
  if (alarm.verified)
    return step("level", { "zh-CN": `级别：规则定为${own["zh-CN"]}。`, en: `Level: ${own.en}, as the rule says.` });
  const lowest = lowerLevel(rule.level) === rule.level;
  return step("level", {
    "zh-CN": `级别：规则定为${own["zh-CN"]}，未核实${lowest ? "，已是最低级" : "降一级"}，为${now["zh-CN"]}。`,
    en: `Level: the rule says ${own.en}; not verified, ${lowest ? "it cannot be lowered further" : "it is one level lower"}: ${now.en}.`,
  });
}

export function worstStep({ alarm }: Matter): readonly ExplanationStep[] {
  if (alarm.value === null) return [];
  const value = valueText(alarm.value, alarm.cmp, alarm.evidence.unit);
  return [
    step("worst", {
      "zh-CN": `目前最差值 ${value}，测于 ${timeText(alarm.valueTime)}。`,
      en: `Worst value so far: ${value}, measured at ${timeText(alarm.valueTime)}.`,
    }),
  ];
}

export function lateStep({ lateMs, backfill }: Alarm): readonly ExplanationStep[] {
  if (lateMs === 0 && !backfill) return [];
  return [
    step(
      "late",
      both((locale) => {
        const span = spanText(lateMs, locale);
        if (locale === "en")
          return `${backfill ? "Back-filled data. " : ""}The deciding data came ${span} after it was measured.`;
        return `${backfill ? "补传数据。" : ""}起决定作用的数据在测量后 ${span} 才到达。`;
      }),
    ),
  ];
}

export function endStep({ alarm, rule }: Matter): readonly ExplanationStep[] {
  if (alarm.end === null || alarm.supersededBy === "retracted") return [];
  const end = timeText(alarm.end);
  if (alarm.category === "absence")
    return [step("end", { "zh-CN": `${end} 恢复来数。`, en: `Data came again at ${end}.` })];
  const delays = frozenDelays(rule);
  return [
    step("end", {
      "zh-CN": `恢复延时：${delayText(delays, "off", "zh-CN")}。自 ${end} 起条件不再成立。`,
      en: `Off-delay: ${delayText(delays, "off", "en")}. The condition holds no more from ${end} on.`,
    }),
  ];
}

export function standingStep({ supersededBy }: Alarm): readonly ExplanationStep[] {
  if (supersededBy === null) return [];
  const [zh, en] =
    supersededBy === "retracted"
      ? [
          "后到或更正的数据表明条件未曾成立，报警已撤回。",
          "Later or corrected data shows that it never held: withdrawn.",
        ]
      : [`后到数据把它并入报警 ${supersededBy}。`, `Late data joined it to alarm ${supersededBy}.`];
  return [step("standing", { "zh-CN": zh, en })];
}

/** Absence: the last thing heard, and how long may pass. */
export function absenceSteps({ alarm, rule, judged }: Matter): readonly ExplanationStep[] {
  const last = judged.at(-1)?.reading;
  const intervals = rule.intervals ?? 3;
  const allowed = both((locale) =>
    rule.after !== undefined
      ? spanText(rule.after, locale)
      : locale === "en"
        ? `${intervals} intervals of the device, at least a minute`
        : `设备上报间隔的 ${intervals} 倍，至少一分钟`,
  );
  const heard = last
    ? step("reading", {
        "zh-CN": `最后一个读数测于 ${timeText(last.time)}，到达于 ${timeText(last.receivedAt)}，设备 ${last.device}。`,
        en: `The last reading was measured at ${timeText(last.time)} and arrived at ${timeText(last.receivedAt)}, device ${last.device}.`,
      })
    : step("reading", {
        "zh-CN": `自 ${timeText(alarm.start)} 开始等待以来从未收到读数。`,
        en: `No reading ever came since it was first awaited at ${timeText(alarm.start)}.`,
      });
  const silent = alarm.raisedAt - alarm.start;
  return [
    heard,
    step("on-delay", {
      "zh-CN": `允许的间断：${allowed["zh-CN"]}。到 ${timeText(alarm.raisedAt)} 已静默 ${spanText(silent, "zh-CN")}。`,
      en: `Allowed silence: ${allowed.en}. At ${timeText(alarm.raisedAt)} it had been silent for ${spanText(silent, "en")}.`,
    }),
  ];
}
