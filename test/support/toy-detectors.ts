/** Two small detectors with a memory, for tests of what the engine does with such: a drift from an average, and a sum of channels. */

import type { DetectorBook } from "../../alerts/detect/book.ts";
import { type Judgement, KEPT, NOT_JUDGED, VIOLATED } from "../../alerts/detect/condition.ts";
import type { Detector } from "../../alerts/detect/detector.ts";
import type { GroupDetector, GroupStep } from "../../alerts/detect/group.ts";
import { FORM } from "../../alerts/detect/marks.ts";
import type { Rule, VersionedRule } from "../../core/rule.ts";

export function toyRule(kind: "drift" | "event", version = 1): VersionedRule {
  const rule = { id: `toy-${kind}`, kind, enabled: true, on: { quantity: ["cd", "ph"] }, level: "yellow" };
  return { version, rule: rule as unknown as Rule, changedAt: 0, changedBy: "test" };
}

/** Beyond 1.3 times a slow average of all readings before it. */
class Drift implements Detector {
  #mean = Number.NaN;
  excess = 0;
  step(_time: number, value: number, form: number, flag: number): Judgement {
    if (form !== FORM.plain || flag === 4) return NOT_JUDGED;
    const before = this.#mean;
    this.#mean = Number.isNaN(before) ? value : before + 0.1 * (value - before);
    if (Number.isNaN(before)) return NOT_JUDGED;
    this.excess = value - 1.3 * before;
    return this.excess > 0 ? VIOLATED : KEPT;
  }
  figures() {
    return { mean: this.#mean };
  }
  save(): unknown {
    return { mean: Number.isNaN(this.#mean) ? null : this.#mean };
  }
  load(memory: unknown): void {
    this.#mean = (memory as { mean: number | null } | null)?.mean ?? Number.NaN;
  }
}

/** The sum of the members' newest values, averaged, is over 16. */
class Sum implements GroupDetector {
  #newest: (number | null)[];
  #level = 0;
  score = 0;
  constructor(members: number) {
    this.#newest = Array.from({ length: members }, () => null);
  }
  step({ values, forms }: GroupStep): Judgement {
    values.forEach((value, member) => {
      if (forms[member] === FORM.plain) this.#newest[member] = value;
    });
    const sum = this.#newest.reduce<number>((all, value) => all + (value ?? 0), 0);
    this.#level += 0.3 * (sum - this.#level);
    this.score = this.#level - 16;
    return this.score > 0 ? VIOLATED : KEPT;
  }
  contributors() {
    return this.#newest.map((_, index) => index);
  }
  figures() {
    return { level: this.#level };
  }
  save(): unknown {
    return { newest: [...this.#newest], level: this.#level };
  }
  load(memory: unknown): void {
    const { newest, level } = (memory ?? { newest: this.#newest.map(() => null), level: 0 }) as {
      newest: (number | null)[];
      level: number;
    };
    this.#newest = [...newest];
    this.#level = level;
  }
}

export const TOY_DETECTORS: DetectorBook = {
  ofSeries: ({ kind }) => ((kind as string) === "drift" ? new Drift() : null),
  ofGroup: ({ kind }) =>
    (kind as string) === "event"
      ? {
          scope: "station",
          groups: (members) => [{ station: members[0]?.station.id ?? "", members }],
          create: ({ members }) => new Sum(members.length),
        }
      : null,
};
