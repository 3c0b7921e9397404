/** The calculation of rule kind `event` in words, step by step, from the figures that detect/event.ts gives. */

import type { Locale } from "../../core/locale.ts";
import { findQuantity } from "../../core/quantity.ts";
import { EVENT_TYPE } from "../detect/event.ts";

type Figures = Readonly<Record<string, number>>;

/** Sentences in the order of the calculation. */
export function eventSentences(figures: Figures): Readonly<Record<Locale, readonly string[]>> {
  const channels = contributorsOf(figures);
  return {
    "zh-CN": [...channels.map(channelZh), ...summaryZh(figures, channels.length)],
    en: [...channels.map(channelEn), ...summaryEn(figures, channels.length)],
  };
}

interface Contributor {
  readonly name: string;
  readonly z: number;
  readonly level: number;
  readonly sd: number;
}

/** In the order of the figures: largest deviation first. */
function contributorsOf(figures: Figures): Contributor[] {
  return Object.entries(figures)
    .filter(([key]) => key.endsWith(".z"))
    .map(([key, z]) => {
      const name = key.slice(0, -2);
      return { name, z, level: figures[`${name}.level`] ?? Number.NaN, sd: figures[`${name}.sd`] ?? Number.NaN };
    });
}

function channelZh({ name, z, level, sd }: Contributor): string {
  const side = z > 0 ? "升高" : "降低";
  return `${named(name, "zh")}${side}：偏离自身基线 ${write(level)} 最多 ${write(Math.abs(z))} 个标准差（标准差 ${write(sd)}）。`;
}
function channelEn({ name, z, level, sd }: Contributor): string {
  const side = z > 0 ? "up" : "down";
  return `${named(name, "en")} ${side}: at most ${write(Math.abs(z))} standard deviations off its own baseline ${write(level)} (standard deviation ${write(sd)}).`;
}

function summaryZh(f: Figures, contributors: number): string[] {
  const how =
    f["channels"] === 1
      ? "综合得分（单通道的标准化偏差）"
      : `综合得分（${write(f["channels"])} 个通道中最大两个标准化偏差的均方根，各以 20 封顶）`;
  const found = {
    [EVENT_TYPE.water]: `有 ${contributors} 个通道同时变化：很可能是水质本身的变化。`,
    [EVENT_TYPE.sensor]: "只有一个通道变化，且质控对其存疑：很可能是传感器问题。",
    [EVENT_TYPE.unclear]: "变化不足以区分水质变化与传感器问题：请现场核对。",
  }[f["type"] ?? EVENT_TYPE.unclear];
  return [
    `${how} ${write(f["score"])}，阈值 ${write(f["threshold"])}。`,
    `最近 ${write(f["of"])} 轮读数中 ${write(f["votes"])} 轮超过阈值；达到 ${write(f["need"])} 轮即为事件。`,
    found ?? "",
  ];
}
function summaryEn(f: Figures, contributors: number): string[] {
  const how =
    f["channels"] === 1
      ? "Score (standardised deviation of the one channel)"
      : `Score (root mean square of the two largest standardised deviations among ${write(f["channels"])} channels, each capped at 20)`;
  const found = {
    [EVENT_TYPE.water]: `${contributors} channels changed together: most likely the water itself.`,
    [EVENT_TYPE.sensor]: "One channel changed and quality control doubts it: most likely the sensor.",
    [EVENT_TYPE.unclear]: "Too little to tell the water from a sensor: check on site.",
  }[f["type"] ?? EVENT_TYPE.unclear];
  return [
    `${how} ${write(f["score"])}, threshold ${write(f["threshold"])}.`,
    `${write(f["votes"])} of the last ${write(f["of"])} rounds of readings were above it; ${write(f["need"])} make an event.`,
    found ?? "",
  ];
}

/** "ph" or "cd/dissolved" with the quantity's name in front. */
function named(name: string, language: "zh" | "en"): string {
  const [quantity = "", ...rest] = name.split("/");
  return [findQuantity(quantity)?.[language] ?? quantity, ...rest].join("/");
}

/** Four significant digits. */
function write(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return String(Number(value.toPrecision(4))).replace("-", "−");
}
