/** What all rules over several stations share: which member fits, where its bounds come from, where the alarm is told. */
import { conversion, convert } from "../../core/quantity.ts";
import type { Deadband } from "../../core/rule.ts";
import type { Bound } from "./condition.ts";
import type { Group, GroupMember } from "./group.ts";
import { withDeadband } from "./limit.ts";

/** A level of a pack that a rule asks for. */
export interface LimitAsked {
  readonly pack: string;
  readonly above: string;
}

/** The pack's bounds for a member, in the canonical unit; empty where it has none that may fire. */
export type LimitOf = (
  member: GroupMember,
  asked: LimitAsked,
) => readonly { readonly value: number; readonly passes: Bound["passes"] }[];

/** The one limit that the engine resolved into the member. */
export const limitOfMember: LimitOf = ({ limit }) => (limit ? [limit] : []);

export interface BoundFields {
  readonly above?: number | string | undefined;
  readonly below?: number | undefined;
  readonly unit?: string | undefined;
  readonly pack?: string | undefined;
}

/** Bounds of one member; empty when the unit is not known for it, the pack has no limit there, or the rule names none. */
export function boundsOf(fields: BoundFields, deadband: Deadband, member: GroupMember, limitOf: LimitOf): Bound[] {
  const { above, below, unit, pack } = fields;
  if (pack !== undefined) {
    if (typeof above !== "string" || member.aggregate === "sum") return []; // packs limit concentrations, not loads
    return limitOf(member, { pack, above }).map(({ value, passes }) => withDeadband(value, passes, deadband));
  }
  const change = unit === undefined ? null : conversion(member.quantity, member.station.medium, unit);
  if (unit !== undefined && change === null) return [];
  const canonical = (value: number): number => (change ? convert(value, change) : value);
  const width: Deadband =
    "value" in deadband && change ? { value: convert(deadband.value, { ...change, offset: 0 }) } : deadband;
  const bounds: Bound[] = [];
  if (typeof above === "number") bounds.push(withDeadband(canonical(above), "<=", width));
  if (below !== undefined) bounds.push(withDeadband(canonical(below), ">=", width));
  return bounds;
}

/** How far beyond, as a share of the limit it crosses, so that quantities compare; at least a trace when beyond at all. */
export function relativeExcess(bounds: readonly Bound[], value: number): number {
  let most = 0;
  for (const { limit, passes } of bounds) {
    const beyond = passes === "<=" || passes === "<" ? value - limit : limit - value;
    const share = beyond / Math.max(Math.abs(limit), 1e-12);
    if (beyond >= 0 && share > most) most = share;
  }
  return most;
}

export function fits(wanted: readonly string[] | undefined, found: string): boolean {
  return wanted === undefined || wanted.includes(found);
}

/** Members by a name of theirs, names sorted, members sorted by key: the same for any order of the list. */
export function membersBy(
  members: readonly GroupMember[],
  nameOf: (member: GroupMember) => string,
): { readonly name: string; readonly members: readonly GroupMember[] }[] {
  const found = new Map<string, GroupMember[]>();
  for (const member of [...members].sort(byKey)) {
    const name = nameOf(member);
    const list = found.get(name);
    if (list) list.push(member);
    else found.set(name, [member]);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, list]) => ({ name, members: list }));
}

export function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** The group told at the rule's own station, else at the first station of the wanted types, else at the first of all. */
export function groupAt(
  at: string | undefined,
  members: readonly GroupMember[],
  types: readonly string[],
  about?: string,
): Group[] {
  if (members.length === 0) return [];
  const stations = members.map(({ station }) => station);
  const typed = types.map((type) => stations.find((station) => station.type === type)).find((found) => found);
  const station = at ?? (typed ?? stations[0])?.id;
  if (station === undefined) return [];
  return [{ station, members, ...(about === undefined ? {} : { about }) }];
}
