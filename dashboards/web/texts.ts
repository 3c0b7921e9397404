/** Texts in both languages as a pure function; which language is on screen is locale.ts's business. */
import type { Locale, LocalText } from "../../core/locale.ts";
import { en } from "./en.ts";
import { type TextKey, zhCN } from "./zh-CN.ts";

export type { TextKey };
export type Translate = (key: TextKey, values?: Readonly<Record<string, string | number>>) => string;

const TEXTS = { "zh-CN": zhCN, en } satisfies Record<Locale, Record<TextKey, string>>;

export function translator(locale: Locale): Translate {
  return (key, values = {}) =>
    TEXTS[locale][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

type WordSet =
  | "area"
  | "kind"
  | "medium"
  | "type"
  | "control"
  | "land"
  | "crop"
  | "fraction"
  | "agg"
  | "flag"
  | "qualifier"
  | "role"
  | "fleet.reason"
  | "limits";

/** A word of a set that may grow beyond this catalogue, such as an area code: then the word itself. */
export function wordFor(t: Translate, set: WordSet, word: string | number): string {
  const key = `${set}.${word}`;
  return key in zhCN ? t(key as TextKey) : String(word);
}

export function inLocale(text: LocalText, locale: Locale): string {
  return typeof text === "string" ? text : text[locale];
}
