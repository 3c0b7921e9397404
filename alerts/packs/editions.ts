/**
 * Which edition of a standard judges a sample: the one in force on the sample's date. A family is a pack id without its
 * year (`gbt14848`); limit rules and grading may name either. Dates are civil dates of China (UTC+8): a standard in
 * force from 2018-05-01 judges what was sampled from that day's midnight on.
 */
import { chinaDate } from "../../core/china-day.ts";
import type { Pack } from "./compile.ts";
import type { Packs } from "./load.ts";

/** Why this edition judges. `undated`: the standard gives no date, so it is taken as in force at any time. */
export type EditionReason =
  | "in-force"
  | "undated"
  /** Older than every stored edition: judged by the earliest one, for orientation only. */
  | "before-first-edition"
  /** Asked for by its year, but a newer edition is in force on that date, or an older one still is. */
  | "superseded"
  | "not-yet";

export interface Edition {
  readonly found: true;
  readonly pack: Pack;
  readonly inForce: boolean;
  readonly reason: EditionReason;
  /** First day of this edition and the first day of the next stored one, e.g. "2018-05-01"; null where there is none. */
  readonly effective: string | null;
  readonly until: string | null;
}
export type EditionAnswer = Edition | { readonly found: false; readonly reason: "family-unknown" };

/** A time after every edition's start: asks for the newest one. */
export const NEWEST_EDITION = Date.UTC(9000, 0);

/** All stored editions of a family, oldest first; an undated one stands before all others. */
export function editionsOf(packs: Packs, family: string): readonly Pack[] {
  const own = packs.list.filter((pack) => pack.family === family);
  return own.sort((a, b) => (effectiveOf(a) < effectiveOf(b) ? -1 : 1));
}

/**
 * The edition of a family on a date.
 * @param at when the sample was taken, ms since 1970 UTC.
 */
export function packFor(packs: Packs, family: string, at: number): EditionAnswer {
  const editions = editionsOf(packs, family);
  const date = chinaDate(at);
  let index = editions.findLastIndex((pack) => effectiveOf(pack) <= date);
  const isBefore = index < 0;
  if (isBefore) index = 0;
  const pack = editions[index];
  if (!pack) return { found: false, reason: "family-unknown" };
  const { effective } = pack.standard;
  const reason = isBefore ? "before-first-edition" : effective === null ? "undated" : "in-force";
  return { found: true, pack, inForce: !isBefore, reason, effective, until: untilOf(editions, index) };
}

/**
 * As `packFor`, for a name that may be an id or a family. An edition named by its year is kept, and the answer says
 * whether it was in force on the date.
 */
export function packNamed(packs: Packs, name: string, at: number): EditionAnswer {
  const pack = packs.get(name);
  if (!pack) return packFor(packs, name, at);
  const editions = editionsOf(packs, pack.family);
  const index = editions.indexOf(pack);
  const until = untilOf(editions, index);
  const reason = reasonOf(pack, { date: chinaDate(at), until, isFirst: index === 0 });
  const inForce = reason === "in-force" || reason === "undated";
  return { found: true, pack, inForce, reason, effective: pack.standard.effective, until };
}

function reasonOf(
  pack: Pack,
  { date, until, isFirst }: { readonly date: string; readonly until: string | null; readonly isFirst: boolean },
): EditionReason {
  if (effectiveOf(pack) > date) return isFirst ? "before-first-edition" : "not-yet";
  if (until !== null && until <= date) return "superseded";
  return pack.standard.effective === null ? "undated" : "in-force";
}

function effectiveOf({ standard }: Pack): string {
  return standard.effective ?? "";
}

function untilOf(editions: readonly Pack[], index: number): string | null {
  return editions[index + 1]?.standard.effective ?? null;
}
