/** The two languages of the product and texts that exist in both. */
import { z } from "zod";

export const LOCALES = ["zh-CN", "en"] as const;
export type Locale = (typeof LOCALES)[number];

/** A text in both languages; a plain string stands for a name that needs no translation. */
export const LocalText = z.union([
  z.string().min(1).max(200),
  z.strictObject({ "zh-CN": z.string().min(1).max(2000), en: z.string().min(1).max(2000) }),
]);
export type LocalText = z.infer<typeof LocalText>;

export function inLocale(text: LocalText, locale: Locale): string {
  return typeof text === "string" ? text : text[locale];
}
