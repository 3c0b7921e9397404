/** What the schema cannot see inside of rules over several series, each with its path and line; and packs by family. */
import { describe, expect, test } from "vitest";
import { createLimitBinder } from "../../../alerts/bind.ts";
import { createRanker, engineOf } from "../../../alerts/detectors.ts";
import { verifyAlarm } from "../../../alerts/explain/verify.ts";
import { loadPacks } from "../../../alerts/packs/load.ts";
import { parseRules } from "../../../alerts/rules.ts";
import { Misconfigured } from "../../../core/errors.ts";
import { aRule, aSite, aStation, aVersionedRule } from "../../support/builders.ts";
import { readings, Timeline } from "../../support/timeline.ts";

const packs = loadPacks();

function faultsOf(text: string): string {
  try {
    parseRules(text, "groups.yaml", packs);
  } catch (error) {
    if (error instanceof Misconfigured) return error.message;
    throw error;
  }
  return "";
}
const written = (text: string) => faultsOf(`- id: r\n  level: blue\n  ${text.replaceAll(" | ", "\n  ")}\n`);

const GROUND = "{ medium: groundwater, within: 60d, pack: gbt14848-2017, above: III }";
const RIVER = "{ medium: surface-water, within: 7d, pack: gb3838-2002, above: III }";
const composite = (condition: string, on = "{}") =>
  `kind: composite | on: ${on} | within: 2d | conditions: | - { quantity: ph, below: 6 } | - ${condition}`;
const media = (second: string, family = "[cd, pb]", on = "{}") =>
  `kind: cross-medium | on: ${on} | family: ${family} | media: | - ${GROUND} | - ${second}`;
const items = (item: string) => `kind: tailings | on: { medium: tailings } | items: | - ${item}`;
const plume = (more: string, on = "{ quantity: cr6 }") =>
  `kind: plume | on: ${on} | receptor: w | within: 365d | ${more}`;
const GRADIENT = "gradient: 0.01, conductivity: 10";

test.each`
  text                                                                                             | fault                                              | at
  ${composite("{ quantity: cadmium, above: 1 }")}                                                  | ${"quantity cadmium is not known"}                 | ${"conditions[1].quantity, line 8"}
  ${composite("{ quantity: w20115, above: 1 }")}                                                   | ${"write cd for w20115"}                           | ${"conditions[1].quantity, line 8"}
  ${composite("{ quantity: cd, above: 1, unit: kPa }")}                                            | ${"unit kPa is not known for cd"}                  | ${"conditions[1].unit, line 8"}
  ${composite("{ quantity: cd, above: 1, unit: mg/kg, medium: groundwater }")}                     | ${"unit mg/kg is not known for cd in groundwater"} | ${"conditions[1].unit, line 8"}
  ${composite("{ quantity: cd, pack: gbt14848-1993, above: III }")}                                | ${"pack gbt14848-1993 is not known"}               | ${"conditions[1].pack, line 8"}
  ${composite("{ quantity: cd, pack: gbt14848-2017, above: screening }")}                          | ${"no bound screening for cd"}                     | ${"conditions[1].above, line 8"}
  ${composite("{ quantity: cd, pack: gbt14848-2017, above: III, medium: soil }")}                  | ${"pack gbt14848-2017 is for groundwater"}         | ${"conditions[1].pack, line 8"}
  ${composite("{ quantity: cd, above: 1 }", "{ quantity: [ph, pb] }")}                             | ${"on leaves cd out"}                              | ${"conditions[1].quantity, line 8"}
  ${media(RIVER, "[cd, lead]")}                                                                    | ${"quantity lead is not known"}                    | ${"family[1], line 5"}
  ${media("{ medium: soil, within: 7d, pack: gb36600, above: III }")}                              | ${"no bound III for cd, pb"}                       | ${"media[1].above, line 8"}
  ${media("{ medium: soil, within: 7d, pack: gb3838-2002, above: III }")}                          | ${"pack gb3838-2002 is for surface-water"}         | ${"media[1].pack, line 8"}
  ${media(RIVER, "[cd]", "{ medium: groundwater }")}                                               | ${"on leaves surface-water out"}                   | ${"media[1].medium, line 8"}
  ${items("{ quantity: beach, red: 70 }")}                                                         | ${"quantity beach is not known"}                   | ${"items[0].quantity, line 6"}
  ${items("{ quantity: dry_beach, red: 70, unit: mg/L }")}                                         | ${"unit mg/L is not known for dry_beach"}          | ${"items[0].unit, line 6"}
  ${plume(`pack: gbt14848-2017 | above: screening | aquifer: { ${GRADIENT} }`)}                    | ${"no bound screening for cr6"}                    | ${"above, line 8"}
  ${plume(`pack: gbt14848-2017 | above: screening | aquifer: { ${GRADIENT} }`, "{}")}              | ${"no bounds called screening"}                    | ${"above, line 8"}
  ${plume(`above: 1 | aquifer: { ${GRADIENT}, kd: { chrome: 1 } }`)}                               | ${"quantity chrome is not known"}                  | ${"aquifer.kd.chrome, line 8"}
  ${"kind: spread | on: { quantity: cd } | within: 9d | pack: gb9 | above: III"}                   | ${"pack gb9 is not known"}                         | ${"pack, line 6"}
  ${"kind: spread | on: { quantity: cd, medium: groundwater } | within: 9d | above: 1 | unit: kg"} | ${"unit kg is not known for cd in groundwater"}    | ${"unit, line 7"}
  ${"kind: integrity | on: {} | limit: 3"}                                                         | ${"name it in on"}                                 | ${"limit, line 5"}
`("$fault at $at", ({ text, fault, at }) => {
  const message = written(text);
  expect(message).toContain(fault);
  expect(message).toContain(`→ at [0].${at}`);
  expect(message.match(/✖/g)).toHaveLength(1);
});

test("what fits has no fault", () => {
  expect(written(composite("{ quantity: cd, above: 5, unit: µg/L }"))).toBe("");
  expect(written(composite("{ quantity: cd, pack: gbt14848, above: target }", "{ quantity: [cd, ph] }"))).toBe("");
  expect(written(media(RIVER, "[cd, pb, co]"))).toBe("");
  expect(written(plume(`above: 50 | unit: µg/L | aquifer: { ${GRADIENT}, kd: { cr6: [0, 2] } }`))).toBe("");
});

describe("a pack by the name of its family", () => {
  /** The shipped rows under the date of the edition before. */
  const shipped = packs.get("gbt14848-2017");
  if (!shipped) throw new Error("the pack is missing");
  const older = {
    ...shipped,
    id: "gbt14848-1993",
    version: 7,
    standard: { ...shipped.standard, effective: "1994-10-01" },
  };
  const both = {
    list: [older, ...packs.list],
    get: (id: string) => (id === older.id ? older : packs.get(id)),
  };
  const place = { station: aStation(), site: aSite() };
  const rule = aRule({ kind: "limit", on: { quantity: "cd" }, pack: "gbt14848", above: "III" });
  const editionOf = (at?: number) => {
    const found = rule.kind === "limit" ? createLimitBinder(both, at)(rule, place, "cd") : null;
    return found && "pack" in found ? [found.pack, found.packVersion] : found;
  };

  test("the edition in force then, else the newest", () => {
    expect(editionOf()).toEqual(["gbt14848-2017", shipped.version]);
    expect(editionOf(Date.UTC(2018, 3, 30))).toEqual(["gbt14848-1993", 7]);
    expect(editionOf(Date.UTC(2018, 4, 1))).toEqual(["gbt14848-2017", shipped.version]);
    expect(createRanker(packs)("gbt14848")).not.toBeNull();
    expect(createRanker(packs)("gb15618")).toBeNull();
  });

  test("rule files take it, and the alarm names the edition and verifies", () => {
    expect(written("kind: limit | on: { quantity: cd } | pack: gbt14848 | above: III")).toBe("");
    expect(written("kind: class | on: {} | pack: gbt14848")).toBe("");
    expect(written("kind: limit | on: { quantity: cd } | pack: gbt1484 | above: III")).toContain(
      "gbt1484 is not known",
    );
    const { bindLimit, detectors } = engineOf(packs);
    const timeline = new Timeline({
      rules: [aVersionedRule({ ...rule, onDelay: "1 reading", offDelay: "1 reading", deadband: 0 })],
      bindLimit,
      detectors,
    });
    timeline.feed(readings([0.006]));
    const [alarm] = timeline.alarms;
    if (!alarm) throw new Error("no alarm");
    expect(alarm.evidence).toMatchObject({ pack: "gbt14848-2017", packVersion: shipped.version });
    const parts = { packs, book: detectors };
    expect(verifyAlarm(alarm, parts).outcome).toBe("agrees");
    const other = { ...alarm, evidence: { ...alarm.evidence, pack: "gb3838-2002" } };
    expect(verifyAlarm(other, parts).checks.find(({ outcome }) => outcome === "differs")?.name).toBe("pack");
  });
});
