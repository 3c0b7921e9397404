/**
 * Keeps watch for silence: which series or devices the absence rules await, and the alarms open for them.
 *
 * A rule that names quantities awaits each series of them; one that does not awaits each device, as one alarm on the
 * device's first quantity, so that a lost link is one alarm and not one for every quantity. A quantity that a device
 * may report but never has is awaited only while the device has not been heard at all.
 */
import type { Alarm } from "../core/alarm.ts";
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
  /** Quantities of the station any of which counts as heard. */
  readonly quantities: readonly string[];
  /** Of the device; when none of them was ever heard, the device was not. */
  readonly declared: readonly string[];
  readonly perQuantity: boolean;
  readonly spanMs: number;
  /** Wall time since which it is awaited. */
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

  constructor(parts: { readonly seriesOf: SeriesOf; readonly teller: Teller; readonly ledger: Ledger }) {
    this.#seriesOf = parts.seriesOf;
    this.#teller = parts.teller;
    this.#ledger = parts.ledger;
  }

  /** Takes the rules and devices as they now are; open alarms that nothing awaits any more end, with the reason. */
  rebind(directory: Directory, occasion: Occasion): void {
    const before = this.#awaited;
    this.#awaited = new Map();
    for (const versioned of directory.snapshot.rules) {
      if (versioned.rule.kind !== "absence" || !versioned.rule.enabled) continue;
      for (const awaited of awaitedBy(versioned, versioned.rule, directory, occasion.now)) {
        const id = `${awaited.rule.id}\n${awaited.key}`;
        const known = before.get(id);
        if (known) {
          awaited.since = known.since;
          awaited.told = known.told;
          before.delete(id);
        }
        this.#awaited.set(id, awaited);
      }
    }
    for (const gone of before.values()) if (gone.told) this.#teller.end(gone.told, occasion.now, occasion);
    this.#index();
  }

  /** Takes over the alarms that were open before a restart; those that nothing awaits end. */
  adopt(occasion: Occasion): void {
    for (const told of [...this.#ledger.all()]) {
      if (told.alarm.category !== "absence" || told.settled) continue;
      const awaited = this.#awaited.get(`${told.alarm.rule}\n${told.alarm.series}`);
      if (told.alarm.end !== null) this.#ledger.settle(told);
      else if (awaited) awaited.told = told;
      else this.#teller.end(told, occasion.now, occasion);
    }
    this.#index();
  }

  /** Raises what has fallen silent by now. */
  tick(occasion: Occasion): void {
    for (const awaited of this.#awaited.values()) {
      if (awaited.told) continue;
      const newest = this.#newestOf(awaited);
      if (!newest && awaited.perQuantity && this.#deviceHeard(awaited)) continue;
      const verdict = silence(this.#heard(awaited), awaited.spanMs, awaited.since, occasion.now);
      if (!verdict.silent) continue;
      awaited.told = this.#teller.raise(absenceAlarm(awaited, newest, verdict.since, occasion), occasion);
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

  /** False nearly always: then a block of readings need not be looked at. */
  get anyOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Stations with open alarms, for the look after a restart. */
  openStations(): readonly string[] {
    return [...this.#open.keys()];
  }

  #isBack(awaited: Awaited, alarm: Alarm): boolean {
    const last = alarm.evidence.readings.at(-1);
    if (last) return this.#heard(awaited).newest > last.time;
    return this.#heard(awaited).newest > Number.NEGATIVE_INFINITY || this.#deviceHeard(awaited);
  }

  #heard({ place, quantities }: Awaited): Heard {
    let heard: Heard = { newest: -Infinity, lastArrival: -Infinity, quickest: Infinity };
    for (const quantity of quantities) {
      for (const series of this.#seriesOf(place.station.id, quantity)) {
        const one = series.heard();
        heard = {
          newest: Math.max(heard.newest, one.newest),
          lastArrival: Math.max(heard.lastArrival, one.lastArrival),
          quickest: Math.min(heard.quickest, one.quickest),
        };
      }
    }
    return heard;
  }

  #newestOf({ place, quantities }: Awaited): SeriesState | undefined {
    const all = quantities.flatMap((quantity) => this.#seriesOf(place.station.id, quantity));
    return all.filter(({ window }) => window.count > 0).sort((a, b) => b.window.newest - a.window.newest)[0];
  }

  #deviceHeard({ place, declared }: Awaited): boolean {
    return declared.some((quantity) => this.#seriesOf(place.station.id, quantity).length > 0);
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

function* awaitedBy(
  { version }: VersionedRule,
  rule: AbsenceRule,
  directory: Directory,
  now: number,
): Generator<Awaited> {
  const { on } = rule;
  for (const { id } of directory.snapshot.devices) {
    const context = directory.device(id);
    if (!context || !placeFits(on, context)) continue;
    const declared = Object.keys(context.device.quantities);
    const wanted = on.quantity ? declared.filter((quantity) => on.quantity?.includes(quantity)) : declared.slice(0, 1);
    for (const quantity of wanted) {
      const quantities = on.quantity ? [quantity] : declared;
      yield { ...awaitedOf(rule, context, quantity, now), version, quantities, declared, perQuantity: !!on.quantity };
    }
  }
}

function awaitedOf(rule: AbsenceRule, { device, station, site }: DeviceContext, quantity: string, now: number) {
  const fraction = rule.on.fraction?.[0] ?? "total";
  const aggregate = rule.on.aggregate?.[0] ?? "rtd";
  return {
    rule,
    place: { station, site },
    device: device.id,
    key: seriesKey({ station: station.id, quantity, fraction, aggregate }),
    quantity,
    spanMs: rule.after ?? Math.max(SPAN_MS_MIN, rule.intervals * device.interval),
    since: now,
    told: null,
  };
}

function absenceAlarm(
  { rule, version, place, key, quantity }: Awaited,
  newest: SeriesState | undefined,
  since: number,
  { now }: Occasion,
): Omit<Alarm, "id"> {
  const last = newest?.window.row(newest.window.count - 1);
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
