/** The shipped rules keep what their own `*.test.yaml` files say; the runner sees what differs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { engineOf } from "../../../alerts/detectors.ts";
import { loadPacks } from "../../../alerts/packs/load.ts";
import { loadRules, parseRules, SHIPPED_RULES } from "../../../alerts/rules.ts";
import { parseRuleCases } from "../../../cli/rule-cases.ts";
import { runRuleCase } from "../../../cli/rule-cases-run.ts";
import { testRules } from "../../../cli/rules-test.ts";

const FOLDER = fileURLToPath(SHIPPED_RULES);
const packs = loadPacks();

describe("shipped rules", () => {
  test.each(testRules(FOLDER, packs))("$file: $name", ({ differences }) => {
    expect(differences).toEqual([]);
  });

  test("every file with a rule that is on has its tests", () => {
    const names = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));
    const files = names.filter((name) => !name.endsWith(".test.yaml"));
    const untested = files.filter((name) => !names.includes(name.replace(".yaml", ".test.yaml")));
    const inForce = untested.filter((name) =>
      parseRules(readFileSync(join(FOLDER, name), "utf8"), name, packs).some(({ enabled }) => enabled),
    );
    expect(inForce).toEqual([]);
  });
});

describe("the runner", () => {
  const run = (text: string) => {
    const [written] = parseRuleCases(text, "x.test.yaml");
    if (!written) throw new Error("no case");
    const rules = loadRules(FOLDER, packs);
    return runRuleCase(written, {
      rules,
      judged: () => true,
      engine: engineOf(packs),
      file: "x.test.yaml",
    });
  };
  const readings = "readings: [{ quantity: cd, unit: mg/L, every: 1h, values: [0.001, 0.006, 0.001, 0.001] }]";

  test.each([
    ["an alarm that nobody expects", "expect: []", /^\+ raised +gw-toxic-class-iii on .*yellow, \+1h to \+2h$/],
    [
      "an alarm that does not come",
      "expect: [{ rule: gw-toxic-class-v, series: cd, level: orange, start: +1h, end: +2h }]",
      /^- expected gw-toxic-class-v on cd: orange, \+1h to \+2h$/,
    ],
    [
      "another start",
      "expect: [{ rule: gw-toxic-class-iii, series: cd, level: yellow, start: +2h, end: +2h, within: 59m }]",
      /^- expected gw-toxic-class-iii/,
    ],
    [
      "an end that should not be",
      "expect: [{ rule: gw-toxic-class-iii, series: cd, level: yellow, start: +1h, end: null }]",
      /still running/,
    ],
  ])("sees %s", (_why, expectation, line) => {
    const { differences } = run(`- name: x\n  ${readings}\n  ${expectation}\n`);
    expect(differences[0]).toMatch(line);
  });

  test("takes a start within its tolerance", () => {
    const within =
      "expect: [{ rule: gw-toxic-class-iii, series: cd, level: yellow, start: +2h, end: +1h, within: 1h }]";
    expect(run(`- name: x\n  ${readings}\n  ${within}\n`).differences).toEqual([]);
  });

  test("sees a reading that ingest refuses", () => {
    const { differences } = run(
      "- name: x\n  readings: [{ quantity: cd, unit: furlong, values: [1] }]\n  expect: []\n",
    );
    expect(differences).toEqual(["1 readings refused: UNIT_UNKNOWN"]);
  });

  test("names every fault of a file", () => {
    expect(() => parseRuleCases("- name: x\n  expect: [{ rule: a }]\n", "x.test.yaml")).toThrow(/RULE_TEST_INVALID/);
  });
});
