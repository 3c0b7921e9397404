/**
 * Which series of a station are channels of its water-quality events.
 *
 * Those whose quantity says what is in the water: all groups of the catalogue but `physical` (flow, levels, rain,
 * pressures, battery), `microbe` and `radiation` (laboratory results, no continuous channels). Flow and level change with
 * operation and weather, and would make each pump start an event. One aggregate of a quantity takes part, the rawest:
 * two of the same water would vote twice.
 */
import { findQuantity } from "../../core/quantity.ts";
import { AGGREGATES } from "../../core/reading.ts";
import type { Group, GroupMember } from "./group.ts";

const NO_CHANNEL_GROUPS: readonly string[] = ["physical", "microbe", "radiation"];
/** A sum is an amount, an extreme a statistic of its own; neither is a state of the water. */
const CHANNEL_AGGREGATES: readonly string[] = AGGREGATES.filter((name) => name === "rtd" || name === "avg");

/** Whether a quantity takes part in events. */
export function isQualityChannel(quantity: string): boolean {
  const row = findQuantity(quantity);
  return row !== undefined && !NO_CHANNEL_GROUPS.includes(row.group);
}

/** @param members the series of one station. @returns one group, or none where no series is a channel. */
export function eventGroups(members: readonly GroupMember[]): Group[] {
  const rank = ({ aggregate }: GroupMember): number => CHANNEL_AGGREGATES.indexOf(aggregate);
  const channels = members.filter(({ quantity, fraction, ...member }) => {
    if (!isQualityChannel(quantity) || !CHANNEL_AGGREGATES.includes(member.aggregate)) return false;
    return !members.some((other) => {
      const same = other.quantity === quantity && other.fraction === fraction;
      return same && rank(other) >= 0 && CHANNEL_AGGREGATES.indexOf(member.aggregate) > rank(other);
    });
  });
  const station = channels[0]?.station.id;
  return station === undefined ? [] : [{ station, members: channels }];
}
