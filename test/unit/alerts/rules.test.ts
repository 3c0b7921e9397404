/** Rules as files: every fault at once with its place, what the schema cannot see, and the rules that come with the product. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createLimitBinder } from "../../../alerts/bind.ts";
import { loadPacks } from "../../../alerts/packs/load.ts";
import { loadRules, parseRules, retired, SHIPPED_RULES } from "../../../alerts/rules.ts";
import { Misconfigured } from "../../../core/errors.ts";
import { aDirectory, aReading, aRule, aSite, aStation, aVersionedRule } from "../../support/builders.ts";
import { readings, Timeline } from "../../support/timeline.ts";

const packs = loadPacks();

function faultsOf(text: string): string {
  try {
    parseRules(text, "groundwater.yaml", packs);
  } catch (error) {
    if (error instanceof Misconfigured) return error.message;
    throw error;
  }
  return "";
}

test("all faults of a file at once, each with path and line, and how to mend", () => {
  const message = faultsOf(`
- id: cd-high
  kind: limit
  on: { quantity: cd, medium: groundwater }
  pack: gbt14848-2017
  above: III
  level: purple
  onDelay: 2 hours
- id: cd-high-2
  kind: level
  on: { quantity: cadmium }
  above: 1
  below: 0
  level: red
`);
  expect(message).toContain("RULES_INVALID: in groundwater.yaml:");
  expect(message).toMatch(/✖ .*"red"\|"orange"\|"yellow"\|"blue".*\n {2}→ at \[0\]\.level, line 7/);
  expect(message).toMatch(/→ at \[0\]\.onDelay.*, line 8/);
  expect(message).toMatch(/give exactly one of above, below\n {2}→ at \[1\], line 9/);
  expect(message).toContain("To mend: compare with alerts/rules/README.md");
});

test.each`
  why                                | rule                                                                                  | fault
  ${"unknown quantity"}              | ${"kind: level, on: { quantity: cadmium }, above: 1"}                                 | ${"quantity cadmium is not known"}
  ${"a code instead of an id"}       | ${"kind: level, on: { quantity: w20115 }, above: 1"}                                  | ${"write cd for w20115"}
  ${"a level of nothing"}            | ${"kind: level, on: { medium: soil }, above: 1"}                                      | ${"name it"}
  ${"a unit that does not fit"}      | ${"kind: level, on: { quantity: cd, medium: groundwater }, above: 1, unit: mg/kg"}    | ${"unit mg/kg is not known for cd"}
  ${"unknown pack"}                  | ${"kind: limit, on: { quantity: cd }, pack: gbt14848-1993, above: III"}               | ${"pack gbt14848-1993 is not known; there are"}
  ${"pack of another medium"}        | ${"kind: limit, on: { quantity: cd, medium: soil }, pack: gbt14848-2017, above: III"} | ${"pack gbt14848-2017 is for groundwater"}
  ${"quantity that is not limited"}  | ${"kind: limit, on: { quantity: ec }, pack: gbt14848-2017, above: III"}               | ${"has no limit for ec"}
  ${"class without a bound"}         | ${"kind: limit, on: { quantity: cd }, pack: gbt14848-2017, above: V"}                 | ${"no bound V for cd"}
  ${"kind of bound of another pack"} | ${"kind: limit, on: {}, pack: gbt14848-2017, above: screening"}                       | ${"no bounds called screening"}
  ${"an id that is taken"}           | ${"kind: absence, on: {}, id: instrument"}                                            | ${"belongs to the built-in rule"}
`("$why", ({ rule, fault }) => {
  const id = rule.includes("id: instrument") ? "" : "id: x, ";
  expect(faultsOf(`- { ${id}level: red, ${rule} }`)).toContain(fault);
});

test("a wrong delay says what is expected, and faults of the schema do not hide those of meaning", () => {
  const message = faultsOf(`
- { id: x, kind: level, on: { quantity: cadmium }, above: 1, level: purple, onDelay: soon }
- { id: y, kind: limit, on: { quantity: cd }, pack: gbt14848-1993, above: III, level: red, offDelay: 3, colour: red }
- { id: z, kind: level, on: { quantity: cd }, above: 1, level: red, deadband: wide }
`);
  expect(message).toMatch(/"2 readings" or a duration such as "10m"\n {2}→ at \[0\]\.onDelay, line 2/);
  expect(message).toMatch(/"2 readings" or a duration such as "10m"\n {2}→ at \[1\]\.offDelay, line 3/);
  expect(message).toMatch(/quantity cadmium is not known\n {2}→ at \[0\]\.on\.quantity, line 2/);
  expect(message).toMatch(/pack gbt14848-1993 is not known.*\n {2}→ at \[1\]\.pack, line 3/);
  expect(message).toMatch(/a percentage such as "5 %".*\n {2}→ at \[2\]\.deadband/);
  expect(message).not.toContain("Invalid input\n");
});

test("faults name the file with its folder", () => {
  const folder = mkdtempSync("/tmp/rules-");
  writeFileSync(`${folder}/a.yaml`, "- { id: x }\n");
  expect(() => loadRules(folder, packs)).toThrow(`in ${folder}/a.yaml:`);
  rmSync(folder, { recursive: true });
});

test.each`
  why                    | text                                                         | fault
  ${"not YAML"}          | ${"- id: [\n"}                                               | ${"line"}
  ${"not a list"}        | ${"id: cd-high"}                                             | ${"a file of rules is a list"}
  ${"the same id twice"} | ${"- &a { id: x, level: red, kind: absence, on: {} }\n- *a"} | ${"rule id x stands twice"}
`("$why", ({ text, fault }) => {
  expect(faultsOf(text)).toContain(fault);
});

test("an empty file has no rules; a folder that is not there is named", () => {
  expect(parseRules("# nothing\n", "empty.yaml", packs)).toEqual([]);
  const folder = mkdtempSync("/tmp/rules-");
  rmSync(folder, { recursive: true });
  expect(() => loadRules(folder, packs)).toThrow(/RULES_UNREADABLE[\s\S]*rules-/);
});

test("a rule that left the files is switched off", () => {
  const known = [
    aVersionedRule({ id: "old" }),
    aVersionedRule({ id: "kept" }),
    aVersionedRule({ id: "off", enabled: false }),
  ];
  expect(retired([aRule({ id: "kept" })], known)).toEqual([aRule({ id: "old", enabled: false })]);
});

describe("rules that judge a series by its own past", () => {
  const written = (text: string): string =>
    `- { id: r, level: blue, on: { quantity: cd, medium: groundwater }, ${text} }`;
  test.each`
    text                                                            | kept
    ${"kind: jump"}                                                 | ${{ percent: 30 }}
    ${"kind: rise"}                                                 | ${{ riseSteps: 3 }}
    ${"kind: rate, above: 1, per: 1d"}                              | ${{ per: 86_400_000, over: 3_600_000 }}
    ${"kind: trend, pack: gbt14848-2017, above: III, within: 365d"} | ${{ within: 31_536_000_000, least: 8, results: 40 }}
    ${"kind: shewhart-cusum"}                                       | ${{ k: 1, h: 5, scl: 4.5, background: 8 }}
    ${"kind: ewma"}                                                 | ${{ lambda: 0.2, width: 2.7 }}
    ${"kind: prediction"}                                           | ${{ future: 1, confidence: 0.95, retests: 1 }}
    ${"kind: class, pack: gbt14848-2017"}                           | ${{ samples: 1, settleAfter: 4 }}
  `("$text", ({ text, kept }) => {
    expect(parseRules(written(text), "r.yaml", packs)).toMatchObject([kept]);
  });

  test.each`
    text                                                        | fault
    ${"kind: trend, within: 365d"}                              | ${"within needs a limit"}
    ${"kind: trend, pack: gbt14848-2017"}                       | ${"pack and above belong together"}
    ${"kind: trend, pack: nowhere, above: III"}                 | ${"pack nowhere is not known"}
    ${"kind: trend, pack: gbt14848-2017, above: III, limit: 3"} | ${"not both"}
    ${"kind: trend, least: 30, results: 20"}                    | ${"least is at most results"}
    ${"kind: class, pack: gb15618-2018"}                        | ${"has no classes of water"}
    ${"kind: jump, deadband: 5 %"}                              | ${"deadband"}
    ${"kind: shewhart-cusum, background: 7"}                    | ${"8"}
  `("$text: $fault", ({ text, fault }) => {
    expect(() => parseRules(written(text), "r.yaml", packs)).toThrow(fault);
  });
});

describe("the shipped rules", () => {
  const rules = loadRules(SHIPPED_RULES, packs).map((rule) => ({ version: 1, rule, changedAt: 0, changedBy: "test" }));
  const bindLimit = createLimitBinder(packs);

  test.each`
    why                                   | station                                            | site                        | series            | value    | alarms
    ${"clean groundwater"}                | ${{}}                                              | ${{}}                       | ${"cd/total/rtd"} | ${0.005} | ${[]}
    ${"groundwater worse than class III"} | ${{}}                                              | ${{}}                       | ${"cd/total/rtd"} | ${0.006} | ${["yellow GB/T 14848-2017 table 1 no. 31 class III"]}
    ${"groundwater of class V"}           | ${{}}                                              | ${{}}                       | ${"cd/total/rtd"} | ${0.011} | ${["yellow GB/T 14848-2017 table 1 no. 31 class III", "orange GB/T 14848-2017 table 1 no. 31 class IV"]}
    ${"a drinking-water source"}          | ${{}}                                              | ${{ kind: "water-source" }} | ${"cd/total/rtd"} | ${0.006} | ${["red GB/T 14848-2017 table 1 no. 31 class III"]}
    ${"an average is a concentration"}    | ${{}}                                              | ${{}}                       | ${"cd/total/avg"} | ${0.006} | ${["yellow GB/T 14848-2017 table 1 no. 31 class III"]}
    ${"a sum is a load"}                  | ${{}}                                              | ${{}}                       | ${"cd/total/sum"} | ${99}    | ${[]}
    ${"irrigation water rests on memory"} | ${{ medium: "irrigation-water" }}                  | ${{ kind: "irrigation" }}   | ${"cd/total/rtd"} | ${99}    | ${[]}
    ${"oxygen below the target class"}    | ${{ medium: "surface-water", targetClass: "III" }} | ${{}}                       | ${"do/total/rtd"} | ${4.9}   | ${["yellow GB 3838-2002 table 1 class III"]}
    ${"a river without a target class"}   | ${{ medium: "surface-water" }}                     | ${{}}                       | ${"do/total/rtd"} | ${1}     | ${[]}
    ${"paddy soil, pH known"}             | ${{ medium: "soil", land: "paddy", ph: 7 }}        | ${{ kind: "farmland" }}     | ${"cd/total/rtd"} | ${0.61}  | ${["yellow GB 15618-2018 table 1 screening"]}
  `("$why", ({ station, site, series, value, alarms }) => {
    const directory = aDirectory({ rules, stations: [aStation(station)], sites: [aSite(site)] });
    const timeline = new Timeline({ directory, bindLimit });
    timeline.feed(readings([value, value, value], { series: `mw-1/${series}` }));
    const told = timeline.alarms.map(({ level, evidence }) => `${level} ${evidence.clause}`);
    expect(told.sort()).toEqual(alarms.sort());
  });

  test("the alarm freezes bound, clause, confidence and rule", () => {
    const timeline = new Timeline({ directory: aDirectory({ rules }), bindLimit });
    timeline.feed([aReading({ value: 0.006 })]);
    expect(timeline.alarms[0]?.evidence).toMatchObject({
      ...{ limit: 0.005, passes: "<=", unit: "mg/L", pack: "gbt14848-2017", confidence: "two-stored", ruleVersion: 1 },
      rule: { id: "gw-toxic-class-iii", kind: "limit" },
      readings: [{ value: 0.006, device: "dev-1", boot: "b1", seq: 1 }],
    });
  });
});
