/** What a verification found, check by check, in both languages. */
import type { BothTexts } from "../../core/explanation.ts";

export interface Check extends BothTexts {
  /** What was checked, by its name in the alarm. */
  readonly name: string;
  readonly outcome: "agrees" | "differs" | "unseen";
}

export interface Verification {
  readonly alarm: string;
  /** `partly`: nothing differs, and some of it cannot be computed from what the alarm holds. */
  readonly outcome: "agrees" | "partly" | "differs";
  readonly checks: readonly Check[];
}

export class Checks {
  readonly #checks: Check[] = [];

  agree(name: string, value: unknown): void {
    if (this.#checks.some((check) => check.name === name && check.outcome === "differs")) return;
    this.#checks.push({
      name,
      outcome: "agrees",
      "zh-CN": `${name} 相符：${text(value)}`,
      en: `${name} agrees: ${text(value)}`,
    });
  }
  differ(name: string, zh: string, en: string): void {
    this.#checks.push({ name, outcome: "differs", "zh-CN": `${name} 不符：${zh}`, en: `${name} differs: ${en}` });
  }
  unseen(name: string, zh: string, en: string): void {
    this.#checks.push({
      name,
      outcome: "unseen",
      "zh-CN": `${name} 未能核对：${zh}`,
      en: `${name} not checked: ${en}`,
    });
  }
  equal(name: string, computed: unknown, told: unknown): void {
    if (Object.is(computed, told)) this.agree(name, told);
    else
      this.differ(
        name,
        `重算 ${text(computed)}，报警 ${text(told)}`,
        `computed ${text(computed)}, the alarm says ${text(told)}`,
      );
  }

  result(alarm: string): Verification {
    const has = (outcome: Check["outcome"]): boolean => this.#checks.some((check) => check.outcome === outcome);
    return { alarm, outcome: has("differs") ? "differs" : has("unseen") ? "partly" : "agrees", checks: this.#checks };
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : String(JSON.stringify(value));
}
