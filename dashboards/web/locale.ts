/** The language on screen: the one chosen before, else the browser's, else Chinese. Kept in this browser only. */
import { computed, signal } from "@preact/signals";
import type { Locale, LocalText } from "../../core/locale.ts";
import { groupKindName, hasOwnName, ruleKindName } from "../../core/rule-kind-names.ts";
import type { AlarmView, Names } from "./api-types.ts";
import { inLocale, type TextKey, translator } from "./texts.ts";

const STORED = "jingtu.locale";

function firstLocale(): Locale {
  const asked = new URLSearchParams(location.search).get("lang") ?? stored();
  if (asked === "en" || asked === "zh-CN") return asked;
  return navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag))?.startsWith("en") ? "en" : "zh-CN";
}
function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage is refused in some embedded browsers
  }
}

export const locale = signal<Locale>(firstLocale());
const translate = computed(() => translator(locale.value));

/** Reads the language signal, so that whatever is drawn with it follows a switch. */
export function t(key: TextKey, values?: Readonly<Record<string, string | number>>): string {
  return translate.value(key, values);
}

export function setLocale(next: Locale): void {
  locale.value = next;
  document.documentElement.lang = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // The choice then lasts as long as the page.
  }
}

export function localText(text: LocalText): string {
  return inLocale(text, locale.value);
}
/** Name of a quantity, or of the kind that stands in its place for a group; an id that is not known stands for itself. */
export function quantityName(names: Names, id: string): string {
  return (names[id] ?? groupKindName(id))?.[locale.value] ?? id;
}
/** What kind of alarm it is: the rule's kind where its name says more than the category does. */
export function alarmWord({ kind, category }: Pick<AlarmView, "kind" | "category">): string {
  return (hasOwnName(kind) ? ruleKindName(kind)?.[locale.value] : null) ?? t(`alarms.category.${category}`);
}
/** The sentence of what happened; empty where value and limit say it. */
export function whatText({ what }: Pick<AlarmView, "what">): string {
  return what?.[locale.value] ?? "";
}
