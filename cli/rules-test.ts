/** `jingtu rules test`: the cases beside the rule files, on the very engine. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { engineOf } from "../alerts/detectors.ts";
import type { Packs } from "../alerts/packs/load.ts";
import { loadRules, parseRules, SHIPPED_RULES } from "../alerts/rules.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { packsOf } from "../packs.ts";
import { parseRuleCases } from "./rule-cases.ts";
import { type CaseOutcome, runRuleCase } from "./rule-cases-run.ts";
import type { Verb } from "./verb.ts";

export interface TestedCase extends CaseOutcome {
  readonly file: string;
}

/**
 * Every case of every `NAME.test.yaml` of a folder, with all rules of the folder in force. Alarms of the rules of
 * `NAME.yaml` must be expected, those of others need not; without such a file all of them must.
 * @throws Misconfigured for files with faults.
 */
export function testRules(folder: string, packs: Packs): TestedCase[] {
  const rules = loadRules(folder, packs);
  const engine = engineOf(packs);
  const files = readdirSync(folder)
    .filter((name) => /\.test\.ya?ml$/.test(name))
    .sort();
  return files.flatMap((file) => {
    const tested = join(folder, file.replace(/\.test(\.ya?ml)$/, "$1"));
    const own = existsSync(tested)
      ? new Set(parseRules(readFileSync(tested, "utf8"), tested, packs).map(({ id }) => id))
      : null;
    const judged = (rule: string): boolean => own === null || own.has(rule);
    return parseRuleCases(readFileSync(join(folder, file), "utf8"), join(folder, file)).map((written) => ({
      file,
      ...runRuleCase(written, { rules, judged, engine, file: join(folder, file) }),
    }));
  });
}

export const rulesTestVerb: Verb = {
  name: "rules test",
  summary: "run the *.test.yaml files beside the rules: given readings, expected alarms",
  operands: "[DIR]",
  options: {},
  run: async ({ operands, out, config }) => {
    const settings = config();
    const folder = operands[0] ?? settings.rulesDir ?? fileURLToPath(SHIPPED_RULES);
    const outcomes = testRules(folder, packsOf(settings.dataDir));
    if (outcomes.length === 0) {
      throw new Refused("RULE_TESTS_ABSENT", {
        what: "there is no *.test.yaml file",
        where: folder,
        mend: "write one beside each file of rules, see alerts/rules/README.md",
      });
    }
    for (const { file, name, differences } of outcomes) {
      const text = [
        `${differences.length === 0 ? "ok    " : "FAILED"} ${file}: ${name}`,
        ...differences.map((line) => `       ${line}`),
      ];
      out.result({ file, name, ok: differences.length === 0, differences }, text.join("\n"));
    }
    const failed = outcomes.filter(({ differences }) => differences.length > 0).length;
    out.say(`${outcomes.length} cases, ${failed} failed`);
    return failed === 0 ? EXIT.ok : EXIT.failed;
  },
};
