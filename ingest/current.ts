/**
 * Newest values of each device, retained on `ews/1/{tenant}/current/{site}/{station}/{device}` for consumers that have
 * no use for the API. Asks the series store every few seconds and publishes what has changed, one message a device:
 * whatever comes in, no device is published more often, and ingest knows nothing of it.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger, Metrics } from "../core/observe.ts";
import type { Directory, LatestPoint, Publisher, TimeSeriesStore } from "../core/ports.ts";
import { findQuantity, quantitySpec } from "../core/quantity.ts";
import { parseSeriesKey } from "../core/reading.ts";
import { type CurrentValues, currentTopic } from "../core/wire.ts";

export const CURRENT_MS = 5_000;

export interface CurrentParts {
  readonly series: Pick<TimeSeriesStore, "latest">;
  readonly directory: () => Directory;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Pure: topic → payload of every device that has a value. Two devices that share a series both show it. */
export function currentMessages(latest: readonly LatestPoint[], directory: Directory): ReadonlyMap<string, string> {
  const byStation = new Map<string, LatestPoint[]>();
  for (const point of latest) {
    const { station } = parseSeriesKey(point.series);
    const known = byStation.get(station);
    if (known) known.push(point);
    else byStation.set(station, [point]);
  }
  const messages = new Map<string, string>();
  for (const device of directory.snapshot.devices) {
    const place = directory.station(device.station);
    const points = byStation.get(device.station);
    if (!place || !points) continue;
    const own = new Set(Object.keys(device.quantities).map((name) => findQuantity(name)?.id ?? name));
    const values = points.flatMap((point): CurrentValues["r"] => {
      const { quantity, fraction, aggregate } = parseSeriesKey(point.series);
      if (!own.has(quantity)) return [];
      return [
        {
          p: quantity,
          v: point.value !== null && Number.isFinite(point.value) ? point.value : null,
          u: quantitySpec(quantity, place.station.medium)?.unit ?? "",
          t: new Date(point.time).toISOString(),
          ...(point.cmp === "" ? {} : { cmp: point.cmp }),
          ...(point.qualifier === "N" ? {} : { q: point.qualifier }),
          ...(fraction === "total" ? {} : { fraction }),
          ...(aggregate === "rtd" ? {} : { agg: aggregate }),
          flag: point.flag,
        },
      ];
    });
    if (values.length === 0) continue;
    values.sort((a, b) => (a.p < b.p ? -1 : a.p > b.p ? 1 : 0));
    const payload: CurrentValues = { v: 1, device: device.id, station: device.station, r: values };
    messages.set(currentTopic(place.site, place.station, device), JSON.stringify(payload));
  }
  return messages;
}

/** Runs until the signal aborts. A store or broker that is away is asked again at the next turn. */
export async function runCurrent(parts: CurrentParts, signal: AbortSignal): Promise<void> {
  const { series, directory, publisher, clock, log, metrics } = parts;
  const published = new Map<string, string>();
  while (!signal.aborted) {
    await clock.sleep(CURRENT_MS, signal);
    if (signal.aborted) return;
    try {
      const messages = currentMessages(await series.latest(), directory());
      for (const topic of published.keys()) {
        if (messages.has(topic)) continue;
        await publisher.publish({ topic, payload: "", retain: true }); // moved or gone: the old place says nothing more
        published.delete(topic);
      }
      let changed = 0;
      for (const [topic, payload] of messages) {
        if (published.get(topic) === payload) continue;
        await publisher.publish({ topic, payload, retain: true });
        published.set(topic, payload);
        changed += 1;
      }
      metrics.count("current_published", changed);
    } catch (error) {
      log.warn({ err: error }, "current values could not be published; they will be tried again");
    }
  }
}
