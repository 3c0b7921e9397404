/**
 * Readings as sent → rows of a series in the canonical unit of quantity and medium, or a named fault each.
 *
 * Everything that depends on (device, quantity, unit, fraction, aggregate) only is looked up once and kept while the
 * registry stays the same: the hot path is two map lookups and one multiplication.
 */
import type { MappedQuantity } from "../core/device-profile.ts";
import { type Given, givenBy, type MaintenanceWindow, windowsOf } from "../core/maintenance.ts";
import { type Conversion, conversion, convert, findQuantity, quantitySpec } from "../core/quantity.ts";
import { seriesKey } from "../core/reading.ts";
import type { Device, DeviceContext } from "../core/site.ts";
import { FUTURE_MS_MAX } from "../core/wire.ts";
import { type DecodedReading, type Fault, fault } from "./codecs/codec.ts";

/** Units and quantities come from the network: beyond this many combinations a device's are looked up anew each time. */
const COMBINATIONS_MAX = 2_000;

/** One reading, fit to be stored. */
export interface Row {
  readonly series: string;
  /** Ms since 1970 UTC. */
  readonly time: number;
  /** Canonical unit; NaN when missing. */
  readonly value: number;
  readonly reading: DecodedReading;
  /** What a maintenance window makes of it. */
  readonly given: Given;
}

interface Target {
  /** As sent. */
  readonly unit: string | undefined;
  readonly aggregate: string;
  readonly fraction: string;
  readonly series: string;
  readonly conversion: Conversion;
  /** Maintenance windows that may hold readings of this series. */
  readonly windows: readonly MaintenanceWindow[];
}

/** Turns readings of one device into rows. Make a new one when the registry changes. */
export class Normaliser {
  readonly context: DeviceContext;
  readonly #targets = new Map<string, Target[]>();
  readonly #windows: readonly MaintenanceWindow[] | undefined;
  #combinations = 0;

  /** @param windows of the device's station. */
  constructor(context: DeviceContext, windows?: readonly MaintenanceWindow[]) {
    this.context = context;
    this.#windows = windows;
  }

  /**
   * Reasons: QUANTITY_UNKNOWN, QUANTITY_NOT_ALLOWED, UNIT_MISSING, UNIT_UNKNOWN, FUTURE_TIME, NULL_WITHOUT_QUALIFIER,
   * VALUE_NOT_FINITE.
   *
   * @param receivedAt arrival, ms; the time of a reading that was sent without one.
   */
  row(reading: DecodedReading, receivedAt: number): Row | Fault {
    const target = this.#target(reading);
    if ("code" in target) return target;
    const time = reading.time ?? receivedAt;
    if (time - receivedAt > FUTURE_MS_MAX) {
      return fault("FUTURE_TIME", `${reading.quantity}: ${new Date(time).toISOString()} is over 10 min after arrival`);
    }
    const given = givenBy(target.windows, time, reading.qualifier);
    if (reading.value === null) {
      if (reading.qualifier === "N") return fault("NULL_WITHOUT_QUALIFIER", `${reading.quantity}: null with q=N`);
      return { series: target.series, time, value: Number.NaN, reading, given };
    }
    const value = convert(reading.value, target.conversion);
    if (!Number.isFinite(value)) {
      return fault(
        "VALUE_NOT_FINITE",
        `${reading.quantity}: ${reading.value} ${reading.unit ?? ""} is beyond a double`,
      );
    }
    return { series: target.series, time, value, reading, given };
  }

  #target(reading: DecodedReading): Target | Fault {
    const known = this.#targets.get(reading.quantity);
    if (known) {
      for (const target of known) {
        if (
          target.unit === reading.unit &&
          target.aggregate === reading.aggregate &&
          target.fraction === reading.fraction
        )
          return target;
      }
    }
    const found = findTarget(reading, this.context, this.#windows);
    if (!("code" in found) && this.#combinations < COMBINATIONS_MAX) {
      this.#combinations += 1;
      if (known) known.push(found);
      else this.#targets.set(reading.quantity, [found]);
    }
    return found;
  }
}

function findTarget(
  reading: DecodedReading,
  { device, station }: DeviceContext,
  windows: readonly MaintenanceWindow[] | undefined,
): Target | Fault {
  const { unit, aggregate, fraction } = reading;
  const mapped = mappingOf(device, reading.quantity);
  const quantity = findQuantity(mapped?.quantity ?? reading.quantity);
  if (!quantity) return fault("QUANTITY_UNKNOWN", `"${reading.quantity}" is neither an id nor an HJ 212 code`);
  const { id } = quantity;
  const key = Object.keys(device.quantities).find((name) => findQuantity(name)?.id === id);
  if (key === undefined) return fault("QUANTITY_NOT_ALLOWED", `device ${device.id} is not registered to report ${id}`);
  const spec = quantitySpec(id, station.medium);
  if (!spec) return fault("QUANTITY_NOT_ALLOWED", `${id} has no meaning in ${station.medium} (station ${station.id})`);
  const text = (unit ?? mapped?.unit ?? device.quantities[key] ?? "").trim();
  if (text === "") return fault("UNIT_MISSING", `${id}: neither the message nor the registry names a unit`);
  const found = conversion(id, station.medium, text);
  if (!found) return fault("UNIT_UNKNOWN", `${id}: unit "${text}" cannot become ${spec.unit}`);
  const series = seriesKey({
    station: station.id,
    quantity: id,
    fraction: mapped?.fraction ?? fraction,
    aggregate: mapped?.aggregate ?? aggregate,
  });
  const scaled = { ...found, factor: found.factor * (mapped?.factor ?? 1) };
  return { unit, aggregate, fraction, series, conversion: scaled, windows: windowsOf(windows, id) };
}

/** What the device's profile says of a foreign name. */
function mappingOf({ profile }: Device, name: string): MappedQuantity | undefined {
  return profile?.map !== undefined && Object.hasOwn(profile.map, name) ? profile.map[name] : undefined;
}
