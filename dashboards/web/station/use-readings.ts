/** Readings and alarm episodes of a range: loaded once, then kept up with the live stream. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api.ts";
import type { AlarmPage, AlarmView, LatestView, LiveValue, ReadingsView, StationView } from "../api-types.ts";
import { appendLive, stepOf } from "../pure/chart-data.ts";
import { isRaw } from "../pure/csv.ts";
import type { Range } from "../pure/ranges.ts";
import type { SeriesName } from "../pure/series.ts";
import { onAlarm, reloads, serverNow } from "../store.ts";

/** Buckets are made by the server; the newest one is asked for again this often at most. */
const BUCKET_RELOAD_MS_MIN = 60_000;

export function useReadings(
  station: StationView,
  { series, quantity, fraction, agg }: SeriesName,
  range: Range,
): { readonly readings: ReadingsView | null; readonly fault: unknown; readonly retry: () => void } {
  const [readings, setReadings] = useState<ReadingsView | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const [tries, setTries] = useState(0);
  const again = reloads.value;

  useEffect(() => {
    const leaving = new AbortController();
    const load = (): void => {
      const length = range.to - range.from;
      const to = range.live ? serverNow() : range.to;
      const query = new URLSearchParams({
        quantity,
        fraction,
        agg,
        from: String(Math.floor(to - length)),
        to: String(Math.ceil(to)),
      });
      get<ReadingsView>(`stations/${encodeURIComponent(station.id)}/readings?${query}`, leaving.signal).then(
        (answer) => {
          setFault(null);
          setReadings(answer);
          const stepMs = stepOf(answer.bucket);
          if (range.live && stepMs > 0) timer = setTimeout(load, Math.max(BUCKET_RELOAD_MS_MIN, stepMs / 4));
        },
        (error) => {
          if (!leaving.signal.aborted) setFault(error);
        },
      );
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    load();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [station.id, series, range, tries, again]);

  const latest = station.latest.find((one) => one.series === series);
  useEffect(() => {
    if (latest && range.live) setReadings((before) => (before === null ? null : withLatest(before, latest)));
  }, [latest?.time, latest?.value, readings === null]);
  return { readings, fault, retry: () => setTries(tries + 1) };
}

function withLatest(readings: ReadingsView, { series, time, value, cmp, flag, qualifier }: LatestView): ReadingsView {
  if (!isRaw(readings.columns)) return readings;
  const live: LiveValue = [series, Date.parse(time), value, cmp, flag, qualifier];
  const columns = appendLive(readings.columns, live);
  return columns === readings.columns ? readings : { ...readings, columns };
}

/** Alarms of the series that overlap the range, oldest first; at most 200. */
export function useEpisodes(station: string, series: string, range: Range): readonly AlarmView[] {
  const [alarms, setAlarms] = useState<ReadonlyMap<string, AlarmView>>(new Map());
  const again = reloads.value;
  useEffect(() => {
    const leaving = new AbortController();
    get<AlarmPage>(`alarms?station=${encodeURIComponent(station)}&limit=200`, leaving.signal).then(
      (page) => setAlarms(new Map(page.alarms.map((alarm) => [alarm.id, alarm]))),
      () => {}, // the chart stands without them; the next alarm or reconnection brings them
    );
    const stop = onAlarm(({ alarm }) => {
      if (alarm.station === station) setAlarms((before) => new Map(before).set(alarm.id, alarm));
    });
    return () => {
      leaving.abort();
      stop();
    };
  }, [station, again]);
  const shown = useRef<readonly AlarmView[]>([]);
  const next = [...alarms.values()]
    .filter((alarm) => alarm.series === series && alarm.supersededBy === null && overlaps(alarm, range))
    .sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
  // The same list keeps its identity, so that the chart is not drawn anew for nothing.
  if (next.length !== shown.current.length || next.some((alarm, index) => alarm !== shown.current[index])) {
    shown.current = next;
  }
  return shown.current;
}

function overlaps({ start, end }: AlarmView, range: Range): boolean {
  const to = range.live ? Number.POSITIVE_INFINITY : range.to;
  return Date.parse(start) < to && (end === null || Date.parse(end) >= range.from);
}
