/** Texts of the server-rendered pages in both languages. A key missing in one of them does not compile. */
import { LOCALES, type Locale } from "../core/locale.ts";

const zhCN = {
  product: "净土",
  otherLanguage: "English",
  "level.red": "红色",
  "level.orange": "橙色",
  "level.yellow": "黄色",
  "level.blue": "蓝色",
  "state.active": "未确认",
  "state.acknowledged": "已确认",
  "state.cleared": "已恢复",
  "category.pollution": "超标报警",
  "category.instrument": "仪器报警",
  "category.absence": "数据中断报警",
  "category.integrity": "疑似数据异常（待核查）",
  "category.group": "综合判断",
  members: "涉及",
  "kind.raised": "报警产生",
  "kind.updated": "更新",
  "kind.cleared": "恢复",
  "kind.reopened": "再次超标",
  "kind.acknowledged": "确认收到",
  "kind.retracted": "撤销",
  "delivery.queued": "待发送",
  "delivery.sent": "已送达",
  "delivery.given-up": "发送失败",
  "via.web": "网页",
  "via.api": "接口",
  "via.link": "链接",
  "via.cli": "命令行",
  "flag.1": "正常",
  "flag.2": "未评估",
  "flag.3": "可疑",
  "flag.4": "不合格",
  "flag.9": "缺测",
  "qualifier.N": "正常",
  "qualifier.F": "停运",
  "qualifier.M": "维护",
  "qualifier.S": "手工输入",
  "qualifier.D": "故障",
  "qualifier.C": "校准",
  "qualifier.T": "超量程",
  "qualifier.B": "通讯异常",
  limit: "限值",
  basis: "依据",
  noLimit: "无限值",
  noValue: "无数据",
  since: "开始",
  until: "结束",
  duration: "持续",
  measured: "最差值测于",
  late: "迟到",
  lateText: "数据迟到 {duration}",
  backfill: "补传数据",
  quality: "数据标志",
  qualityText: "质控 {flag}（{flagNumber}），仪器 {qualifier}（{qualifierLetter}）",
  unverified: "未核实：仅有可疑数据支持，级别已降一级，待复测或人工核实",
  rule: "规则",
  ruleText: "{rule} 第 {version} 版",
  confidence: "条款置信度",
  chart: "最近 24 小时",
  chartText: "最近 24 小时曲线，限值 {limit}",
  noChart: "暂时取不到曲线",
  advice: "处置",
  noAdvice: "规则未给出处置要求，请按值守预案处理。",
  explanation: "判定依据与计算过程",
  log: "记录",
  deliveries: "通知",
  noDeliveries: "尚无通知记录",
  acknowledge: "确认收到",
  note: "备注（可不填）",
  acknowledgedText: "{name} 已于 {time} 确认收到（{via}）",
  mayNot: "您可以查看本报警；确认由值班人员完成。",
  merged: "已并入报警 {id}",
  retracted: "已撤销：后到数据表明未曾超标",
  others: "另有 {count} 条未确认报警",
  asOf: "页面生成于 {time}，时间均为北京时间",
  pending: "已记下您的确认，系统尚未答复。请稍后刷新本页。",
  notRecorded: "未能记下您的确认，请稍后再试。",
  formExpired: "页面已过期，请再点一次。",
  "duration.days": "{n} 天",
  "duration.hours": "{n} 小时",
  "duration.minutes": "{n} 分",
  "duration.under": "不足 1 分",
  signIn: "登录",
  name: "用户名",
  password: "密码",
  signInFailed: "用户名或密码不正确。",
  signInLimited: "尝试次数过多，请在 {n} 分钟后再试。",
  signInBusy: "登录的人太多，请稍后再试。",
  notFound: "没有这个页面，或您无权查看。",
  forbidden: "您无权进行此操作。",
  unavailable: "系统暂时不可用，请稍后再试。",
  fault: "系统出错，已记录。",
  invalid: "请求不正确。",
  home: "返回首页",
} as const;

export type TextKey = keyof typeof zhCN;

const en = {
  product: "Jingtu",
  otherLanguage: "中文",
  "level.red": "Red",
  "level.orange": "Orange",
  "level.yellow": "Yellow",
  "level.blue": "Blue",
  "state.active": "Unacknowledged",
  "state.acknowledged": "Acknowledged",
  "state.cleared": "Cleared",
  "category.pollution": "Limit alarm",
  "category.instrument": "Instrument alarm",
  "category.absence": "No-data alarm",
  "category.integrity": "Suspected data manipulation (to be checked)",
  "category.group": "Several series together",
  members: "Series",
  "kind.raised": "Raised",
  "kind.updated": "Updated",
  "kind.cleared": "Cleared",
  "kind.reopened": "Reopened",
  "kind.acknowledged": "Acknowledged",
  "kind.retracted": "Retracted",
  "delivery.queued": "queued",
  "delivery.sent": "sent",
  "delivery.given-up": "failed",
  "via.web": "web page",
  "via.api": "interface",
  "via.link": "link",
  "via.cli": "command line",
  "flag.1": "good",
  "flag.2": "not evaluated",
  "flag.3": "suspect",
  "flag.4": "fail",
  "flag.9": "missing",
  "qualifier.N": "normal",
  "qualifier.F": "out of operation",
  "qualifier.M": "maintenance",
  "qualifier.S": "entered by hand",
  "qualifier.D": "fault",
  "qualifier.C": "calibration",
  "qualifier.T": "over range",
  "qualifier.B": "communication fault",
  limit: "Limit",
  basis: "Basis",
  noLimit: "no limit",
  noValue: "no data",
  since: "Since",
  until: "Until",
  duration: "Duration",
  measured: "Worst value measured",
  late: "Late",
  lateText: "data came {duration} late",
  backfill: "back-filled data",
  quality: "Data flags",
  qualityText: "quality {flag} ({flagNumber}), instrument {qualifier} ({qualifierLetter})",
  unverified:
    "Not verified: only suspect data supports it. One level lower until a second reading or a person confirms.",
  rule: "Rule",
  ruleText: "{rule}, version {version}",
  confidence: "Confidence of the clause",
  chart: "Last 24 hours",
  chartText: "Values of the last 24 hours, limit {limit}",
  noChart: "The chart cannot be drawn at the moment",
  advice: "What to do",
  noAdvice: "The rule gives no advice; follow the duty plan.",
  explanation: "How this was decided",
  log: "History",
  deliveries: "Notifications",
  noDeliveries: "no notification yet",
  acknowledge: "Acknowledge",
  note: "Note (optional)",
  acknowledgedText: "{name} acknowledged at {time} ({via})",
  mayNot: "You may read this alarm; duty officers acknowledge it.",
  merged: "Merged into alarm {id}",
  retracted: "Retracted: later data showed that the limit was kept",
  others: "{count} other unacknowledged alarms",
  asOf: "Page made at {time}; all times are China Standard Time",
  pending: "Your acknowledgement is recorded, but not decided yet. Reload this page in a moment.",
  notRecorded: "Your acknowledgement could not be recorded. Try again in a moment.",
  formExpired: "The page was out of date. Press once more.",
  "duration.days": "{n} d",
  "duration.hours": "{n} h",
  "duration.minutes": "{n} min",
  "duration.under": "under 1 min",
  signIn: "Sign in",
  name: "Name",
  password: "Password",
  signInFailed: "Name or password is wrong.",
  signInLimited: "Too many tries. Try again in {n} minutes.",
  signInBusy: "Too many people are signing in. Try again in a moment.",
  notFound: "There is no such page, or it is not yours to see.",
  forbidden: "You may not do this.",
  unavailable: "The system is not available at the moment. Try again soon.",
  fault: "The system has a fault; it has been logged.",
  invalid: "The request is not valid.",
  home: "Home",
} satisfies Record<TextKey, string>;

const TEXTS = { "zh-CN": zhCN, en } satisfies Record<Locale, Record<TextKey, string>>;

export type Translate = (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;

export function translator(locale: Locale): Translate {
  return (key, values = {}) =>
    TEXTS[locale][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A word of a closed set, such as `flag.3`; the bare word when the set has grown beyond this catalogue. */
export function wordFor(t: Translate, set: "flag" | "qualifier" | "via" | "delivery" | "kind", word: string): string {
  const key = `${set}.${word}`;
  return key in zhCN ? t(key as TextKey) : word;
}

/** The language asked for by `?lang=`, else the browser's first known one, else zh-CN. */
export function pickLocale(asked: string | undefined, acceptLanguage: string | undefined): Locale {
  const known = LOCALES.find((locale) => locale === asked);
  if (known) return known;
  const ranked = (acceptLanguage ?? "")
    .slice(0, 200)
    .split(",")
    .map((entry) => {
      const [tag = "", quality] = entry
        .trim()
        .toLowerCase()
        .split(/;\s*q=/);
      return { tag, quality: quality === undefined ? 1 : Number(quality) || 0 };
    })
    .filter(({ tag, quality }) => quality > 0 && /^(zh|en)\b/.test(tag))
    .sort((a, b) => b.quality - a.quality);
  return ranked[0]?.tag.startsWith("en") ? "en" : "zh-CN";
}

/** "2 h 10 min": the two largest parts. */
export function durationText(ms: number, t: Translate): string {
  const minutes = Math.floor(Math.abs(ms) / 60_000);
  const parts: [number, TextKey][] = [
    [Math.floor(minutes / 1_440), "duration.days"],
    [Math.floor(minutes / 60) % 24, "duration.hours"],
    [minutes % 60, "duration.minutes"],
  ];
  const shown = parts.filter(([n]) => n > 0).slice(0, 2);
  return shown.length === 0 ? t("duration.under") : shown.map(([n, key]) => t(key, { n })).join(" ");
}
