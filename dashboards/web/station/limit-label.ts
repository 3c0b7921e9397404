/** "Ⅲ 类 GB/T 14848-2017": what a limit line is called; classes that share a value share the line. */
import { t } from "../locale.ts";
import { type DrawnLimit, isClass, romanClass } from "../pure/limits.ts";
import { wordFor } from "../texts.ts";

export function limitLabel({ names, standard, enforceable }: DrawnLimit): string {
  const [first = ""] = names;
  const last = names.at(-1) ?? first;
  const word = isClass(first)
    ? t("limits.class", { name: first === last ? romanClass(first) : `${romanClass(first)}–${romanClass(last)}` })
    : wordFor(t, "limits", first);
  return `${word} ${standard}${enforceable ? "" : ` (${t("limits.unconfirmed")})`}`;
}
