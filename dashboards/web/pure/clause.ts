/** The clause of an alarm in the language on screen; the server writes it in English words between standard and numbers. */
import type { Translate } from "../texts.ts";
import { romanClass } from "./limits.ts";

/** "GB/T 14848-2017 table 1 no. 31 class III" as "GB/T 14848-2017 表 1 第 31 项 Ⅲ 类"; what is not known stays as it is. */
export function clauseText(clause: string, t: Translate): string {
  return clause
    .replace(/ table (\S+)/, (_, n: string) => ` ${t("clause.table", { n })}`)
    .replace(/ no\. (\d+)/, (_, n: string) => ` ${t("clause.item", { n })}`)
    .replace(/ class (I|II|III|IV|V)$/, (_, name: string) => ` ${t("clause.class", { name: romanClass(name) })}`)
    .replace(
      / (screening|intervention|limit)$/,
      (_, word: "screening" | "intervention" | "limit") => ` ${t(`clause.${word}`)}`,
    );
}
