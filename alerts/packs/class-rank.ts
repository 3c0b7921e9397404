/** The levels of a water pack as the class rule asks for them: the certain class of one value at one station. */
import type { GroupMember } from "../detect/group.ts";
import { FORM } from "../detect/marks.ts";
import type { Pack } from "./compile.ts";
import { type Ladder, ladderFor, rankAt, rankOf } from "./ladder.ts";

/**
 * 0 for class I. Null where the pack does not grade the quantity there, where the row does not decide the class, and
 * where nobody has confirmed the row. A non-detect has the better of the classes at zero and at its reporting limit; a
 * value above a range is at least as bad as the range's end.
 */
export function createClassRank(pack: Pack): (member: GroupMember, value: number, form: number) => number | null {
  const ladders = new WeakMap<GroupMember, Ladder | null>();
  const ladderOf = (member: GroupMember): Ladder | null => {
    let ladder = ladders.get(member);
    if (ladder === undefined) {
      ladder = wantedLadder(pack, member);
      ladders.set(member, ladder);
    }
    return ladder;
  };
  return (member, value, form) => {
    const ladder = ladderOf(member);
    if (!ladder) return null;
    if (form === FORM.below) return Math.min(rankOf(ladder, { value, cmp: "<" }), rankAt(ladder, 0));
    if (form === FORM.above || form === FORM.atLeast) {
      const cmp = form === FORM.above ? ">" : "";
      return Math.min(rankOf(ladder, { value, cmp }), rankAt(ladder, Number.POSITIVE_INFINITY));
    }
    return rankOf(ladder, { value, cmp: "" });
  };
}

function wantedLadder(pack: Pack, { quantity, station, aggregate }: GroupMember): Ladder | null {
  if (pack.scheme !== "classes" || !pack.media.includes(station.medium) || aggregate === "sum") return null;
  const ladder = ladderFor(pack, quantity, station);
  return ladder?.decides && ladder.enforceable ? ladder : null;
}
