/** Checks the limit of an alarm against its rule, and against the shipped pack that it names. */
import type { Alarm } from "../../core/alarm.ts";
import type { Packs } from "../packs/load.ts";
import type { Checks } from "./checks.ts";
import { type FrozenRule, ownBounds } from "./frozen.ts";

export function checkLimit(alarm: Alarm, rule: FrozenRule, packs: Packs, checks: Checks): void {
  const { evidence } = alarm;
  if (rule.kind === "instrument") checks.equal("limit", null, evidence.limit);
  else if (rule.kind === "level") checkOwn(alarm, rule, checks);
  else if (rule.kind === "limit") checkPack(alarm, rule, packs, checks);
}

function checkPack(alarm: Alarm, rule: FrozenRule, packs: Packs, checks: Checks): void {
  const { evidence } = alarm;
  // A rule may name a family; the evidence names the edition.
  const isOfFamily = rule.pack !== undefined && packs.get(evidence.pack ?? "")?.family === rule.pack;
  checks.equal("pack", isOfFamily ? evidence.pack : (rule.pack ?? null), evidence.pack);
  const pack = packs.get(evidence.pack ?? "");
  if (!pack) {
    checks.unseen("limit", `没有限值包 ${evidence.pack}`, `there is no pack ${evidence.pack} here`);
    return;
  }
  if (evidence.packVersion == null)
    checks.unseen(
      "packVersion",
      `报警未注明限值包版本；与现有第 ${pack.version} 版核对`,
      `the alarm does not say which; compared with version ${pack.version}`,
    );
  else if (evidence.packVersion !== pack.version) {
    checks.unseen(
      "limit",
      `限值包现为第 ${pack.version} 版，报警用第 ${evidence.packVersion} 版`,
      `the pack here is version ${pack.version}, the alarm used ${evidence.packVersion}`,
    );
    return;
  }
  const rungs = (pack.byQuantity.get(alarm.quantity) ?? []).flatMap((row) =>
    Object.values(row.rungs).filter((rung) => rung.clause === evidence.clause),
  );
  if (rungs.length === 0) {
    checks.differ("clause", `限值包中没有 ${evidence.clause}`, `the pack has no ${evidence.clause}`);
    return;
  }
  if (rule.above !== "target" && !rungs.some(({ level }) => level === rule.above))
    checks.differ(
      "clause",
      `条款不是规则所指的 ${rule.above}`,
      `the clause is not ${rule.above}, which the rule names`,
    );
  const told = (evidence.bounds ?? [{ limit: evidence.limit, passes: evidence.passes }]).map(sideKey);
  const isSide = told.includes(sideKey({ limit: evidence.limit, passes: evidence.passes }));
  const rung = rungs.find(({ span }) => {
    const sides = [span?.low, span?.high].flatMap((side) =>
      side ? [sideKey({ limit: side.value, passes: side.passes })] : [],
    );
    return sides.length === told.length
      ? sides.every((side) => told.includes(side))
      : told.length === 1 && sides.includes(told[0] ?? "");
  });
  if (!rung || !isSide)
    checks.differ("limit", `${told.join("、")} 不是该条款的限值`, `${told.join(", ")} is not the limit of the clause`);
  else {
    checks.agree("limit", evidence.limit);
    checks.equal("confidence", rung.confidence, evidence.confidence);
  }
}

function sideKey({ limit, passes }: { readonly limit: number | null; readonly passes: string | null }): string {
  return `${passes} ${limit}`;
}

function checkOwn({ evidence, quantity }: Alarm, rule: FrozenRule, checks: Checks): void {
  const told = sideKey(evidence);
  const own = ownBounds(rule, quantity).flat();
  if (own.some((bound) => sideKey(bound) === told)) checks.agree("limit", evidence.limit);
  else checks.differ("limit", `规则没有阈值 ${told}`, `the rule has no threshold ${told}`);
}
