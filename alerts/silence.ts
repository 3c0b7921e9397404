/**
 * Keeps watch for silence: which series or devices the absence rules await, and the alarms open for them. Only what the
 * device itself sent counts as heard, so a sibling at the same station does not speak for one that is dead.
 *
 * A rule that names quantities awaits each series of them; one that does not awaits each device, as one alarm on the
 * device's first quantity, so that a lost link is one alarm and not one for every quantity. A quantity that a device
 * may report but never has is awaited only while the device has not been heard at all.
 */
import type { Alarm } from "../core/alarm.ts";
import { isLab } from "../core/lab.ts";
import type { Directory } from "../core/ports.ts";
import { seriesKey } from "../core/reading.ts";
import type { AbsenceRule, VersionedRule } from "../core/rule.ts";
import type { DeviceContext } from "../core/site.ts";
import { type Place, placeFits } from "./bind.ts";
import { type Heard, silence } from "./detect/absence.ts";
import { toReading } from "./evidence.ts";
import type { Ledger, Told } from "./ledger.ts";
import type { SeriesState } from "./series.ts";
import type { Occasion, Teller } from "./tell.ts";
import type { Row } from "./window.ts";

/** A device that reports every few seconds is not called silent for a hiccup of the network; `after` overrides it. */
const SPAN_MS_MIN = 60_000;

/** What one absence rule awaits. */
interface Awaited {
  readonly rule: AbsenceRule;
  readonly version: number;
  readonly place: Place;
  readonly device: string;
  /** Series that the alarm names. */
  readonly key: string;
  readonly quantity: string;
  /** Quantities of the station any of which counts as heard when the device sent it. */
  readonly quantities: readonly string[];
  /** Of the device; when none of them was ever heard, the device was not. */
  readonly declared: readonly string[];
  readonly perQuantity: boolean;
  readonly spanMs: number;
  /** Wall time since which it is awaited, restarts included. */
  since: number;
  told: Told | null;
}

/** All series of one quantity at one station. */
export type SeriesOf = (station: string, quantity: string) => readonly SeriesState[];

export class SilenceWatch {
  #awaited = new Map<string, Awaited>();
  /** Open alarms by station: what a block of readings has to look at. */
  readonly #open = new Map<string, Set<Awaited>>();
  readonly #seriesOf: SeriesOf;
  readonly #teller: Teller;
  readonly #ledger: Ledger;
  readonly #awaitedSince: Map<string, number>;
  #startedAt = Number.NEGATIVE_INFINITY;
  #downMs = 0;

  /** @param parts.awaitedSince wall times by what is awaited; kept up to date here and saved in snapshots. */
  constructor(parts: {
    readonly seriesOf: SeriesOf;
    readonly teller: Teller;
    readonly ledger: Ledger;
    readonly awaitedSince: Map<string, number>;
  }) {
    this.#awaitedSince = parts.awaitedSince;
    this.#seriesOf = parts.seriesOf;
    this.#teller = parts.teller;
    this.#ledger = parts.ledger;
  }

  /** After a stop, devices get as long as it lasted to be heard again: its silence was ours. */
  begin(now: number, tickedAt: number): void {
    this.#startedAt = now;
    this.#downMs = tickedAt === Number.NEGATIVE_INFINITY ? 0 : Math.max(0, now - tickedAt);
  }

  /** Takes the rules and devices as they now are; open alarms that nothing awaits any more end, with the reason. */
  rebind(directory: Directory, occasion: Occasion): void {
    const before = this.#awaited;
    this.#awaited = new Map();
    for (const versioned of directory.snapshot.rules) {
      if (versioned.rule.kind !== "absence" || !versioned.rule.enabled) continue;
      for (const awaited of awaitedBy(versioned, versioned.rule, directory, occasion.now)) {
        const id = `${awaited.rule.id}\n${awaited.device}\n${awaited.key}`;
        awaited.since = this.#awaitedSince.get(id) ?? occasion.now;
        this.#awaitedSince.set(id, awaited.since);
        awaited.told = before.get(id)?.told ?? null;
        before.delete(id);
        this.#awaited.set(id, awaited);
      }
    }
    for (const id of this.#awaitedSince.keys()) if (!this.#awaited.has(id)) this.#awaitedSince.delete(id);
    for (const gone of before.values()) if (gone.told) this.#teller.end(gone.told, occasion.now, occasion);
    this.#index();
  }

  /** Takes over the alarms that were open before a restart; those that nothing awaits end. */
  adopt(occasion: Occasion): void {
    const open: Told[] = [];
    for (const told of [...this.#ledger.all()]) {
      if (told.alarm.category !== "absence" || told.settled) continue;
      if (told.alarm.end !== null) this.#ledger.settle(told);
      else open.push(told);
    }
    const isOf = ({ rule, key }: Awaited, { alarm }: Told) => rule.id === alarm.rule && key === alarm.series;
    const take = (told: Told, fits: (awaited: Awaited, told: Told) => boolean): boolean => {
      const awaited = [...this.#awaited.values()].find((each) => !each.told && isOf(each, told) && fits(each, told));
      if (awaited) awaited.told = told;
      return awaited !== undefined;
    };
    // Devices that share a first quantity share the series of their alarms: those that are sure go first.
    const unsure = open.filter((told) => !take(told, isSurely));
    for (const told of unsure) if (!take(told, () => true)) this.#teller.end(told, occasion.now, occasion);
    this.#index();
  }

  /** Raises what has fallen silent by now. */
  tick(occasion: Occasion): void {
    for (const awaited of this.#awaited.values()) {
      if (awaited.told || occasion.now - this.#startedAt < Math.min(awaited.spanMs, this.#downMs)) continue;
      const heard = this.#heard(awaited);
      const verdict = silence(heard, awaited.spanMs, awaited.since, occasion.now);
      if (!verdict.silent) continue;
      if (heard.newest === Number.NEGATIVE_INFINITY && awaited.perQuantity && this.#deviceHeard(awaited)) continue;
      const alarm = absenceAlarm(awaited, this.#lastRow(awaited), verdict.since, occasion);
      // Two devices may fall silent on one series in one tick: the device sets their ids apart.
      awaited.told = this.#teller.raise(alarm, { ...occasion, cause: `${occasion.cause}\n${awaited.device}` });
      this.#openAt(awaited);
    }
  }

  /** Clears alarms of a station from which newer data has come. */
  heard(station: string, occasion: Occasion): void {
    const open = this.#open.get(station);
    if (!open) return;
    for (const awaited of open) {
      const { told } = awaited;
      if (!told || !this.#isBack(awaited, told.alarm)) continue;
      const end = Math.max(told.alarm.start, this.#heard(awaited).newest);
      this.#teller.end(told, end, occasion);
      awaited.told = null;
      open.delete(awaited);
    }
    if (open.size === 0) this.#open.delete(station);
  }

  /** The first moment after `after` at which a tick may find something silent, as things stand; Infinity for none. */
  silentFrom(after: number): number {
    let first = Number.POSITIVE_INFINITY;
    for (const awaited of this.#awaited.values()) {
      if (awaited.told) continue;
      const { newest, lastArrival } = this.#heard(awaited);
      const due = Math.max(awaited.since, newest, lastArrival) + awaited.spanMs;
      if (due > after && due < first) first = due;
    }
    return first;
  }

  /** False nearly always: then a block of readings need not be looked at. */
  get anyOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Stations with open alarms, for the look after a restart. */
  openStations(): readonly string[] {
    return [...this.#open.keys()];
  }

  #isBack(awaited: Awaited, alarm: Alarm): boolean {
    const heard = this.#heard(awaited);
    const last = alarm.evidence.readings.at(-1);
    if (last) return heard.newest > last.time;
    if (heard.lastArrival > alarm.raisedAt || heard.newest > alarm.start) return true;
    return heard.newest === Number.NEGATIVE_INFINITY && this.#deviceHeard(awaited);
  }

  #heard({ place, quantities, device }: Awaited): Heard {
    let heard: Heard = { newest: -Infinity, lastArrival: -Infinity, quickest: Infinity };
    for (const quantity of quantities) {
      for (const series of this.#seriesOf(place.station.id, quantity)) {
        const one = series.heard(device);
        heard = {
          newest: Math.max(heard.newest, one.newest),
          lastArrival: Math.max(heard.lastArrival, one.lastArrival),
          quickest: Math.min(heard.quickest, one.quickest),
        };
      }
    }
    return heard;
  }

  #lastRow({ place, quantities, device }: Awaited): Row | null {
    const all = quantities.flatMap((quantity) => this.#seriesOf(place.station.id, quantity));
    const rows = all.flatMap((series) => series.lastRow(device) ?? []);
    return rows.sort((a, b) => b.time - a.time)[0] ?? null;
  }

  #deviceHeard(awaited: Awaited): boolean {
    return this.#heard({ ...awaited, quantities: awaited.declared }).newest > Number.NEGATIVE_INFINITY;
  }

  #index(): void {
    this.#open.clear();
    for (const awaited of this.#awaited.values()) if (awaited.told) this.#openAt(awaited);
  }
  #openAt(awaited: Awaited): void {
    const station = awaited.place.station.id;
    const open = this.#open.get(station) ?? new Set();
    this.#open.set(station, open.add(awaited));
  }
}

/** The last reading names the device; a device that was never heard is known by the time since which it is awaited. */
function isSurely({ device, since }: Awaited, { alarm }: Told): boolean {
  const last = alarm.evidence.readings.at(-1);
  return last ? last.device === device : alarm.start === since;
}

function* awaitedBy(
  { version }: VersionedRule,
  rule: AbsenceRule,
  directory: Directory,
  now: number,
): Generator<Awaited> {
  const { on } = rule;
  for (const { id } of directory.snapshot.devices) {
    const context = directory.device(id);
    if (!context || !placeFits(on, context) || isLab(context.device)) continue;
    const declared = Object.keys(context.device.quantities);
    const wanted = on.quantity ? declared.filter((quantity) => on.quantity?.includes(quantity)) : declared.slice(0, 1);
    for (const quantity of wanted) {
      const quantities = on.quantity ? [quantity] : declared;
      yield awaitedOf({ rule, version, context, quantity, quantities, declared, now });
    }
  }
}

/** One literal, and so one hidden class: there are as many of these as devices. */
function awaitedOf(wanted: {
  readonly rule: AbsenceRule;
  readonly version: number;
  readonly context: DeviceContext;
  readonly quantity: string;
  readonly quantities: readonly string[];
  readonly declared: readonly string[];
  readonly now: number;
}): Awaited {
  const { rule, version, quantity, quantities, declared, now } = wanted;
  const { device, station, site } = wanted.context;
  const fraction = rule.on.fraction?.[0] ?? "total";
  const aggregate = rule.on.aggregate?.[0] ?? "rtd";
  return {
    rule,
    version,
    place: { station, site },
    device: device.id,
    key: seriesKey({ station: station.id, quantity, fraction, aggregate }),
    quantity,
    quantities,
    declared,
    perQuantity: rule.on.quantity !== undefined,
    spanMs: rule.after ?? Math.max(SPAN_MS_MIN, rule.intervals * device.interval),
    since: now,
    told: null,
  };
}

function absenceAlarm(
  { rule, version, place, key, quantity }: Awaited,
  last: Row | null,
  since: number,
  { now }: Occasion,
): Omit<Alarm, "id"> {
  return {
    ...{ rule: rule.id, category: "absence", level: rule.level, state: "active", verified: true },
    ...{ tenant: place.site.tenant, site: place.site.id, station: place.station.id, series: key, quantity },
    ...{ value: null, valueTime: since, cmp: "", start: since, end: null, lateMs: 0, backfill: false },
    ...{ raisedAt: now, updatedAt: now, acknowledgedAt: null, acknowledgedBy: null, acknowledgedVia: null },
    supersededBy: null,
    advice: rule.advice ?? null,
    evidence: {
      readings: last ? [toReading(last)] : [],
      ...{ unit: "", limit: null, passes: null, pack: null, clause: null, confidence: null },
      ruleVersion: version,
      rule,
    },
  };
}
