/** The listed alarms: pages from the server in the order of the screen, then changes from the live stream. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api.ts";
import type { AlarmPage, AlarmView } from "../api-types.ts";
import { type AlarmFilter, type Listed, mergeAlarms, segmentsOf } from "../pure/alarms.ts";
import { addNames, counts, loadSites, onAlarm, reloads, sites } from "../store.ts";

const PAGE_ALARMS = 200;
/** Short segments are joined until the screen has this many. */
const ENOUGH = 50;

/** Where the next page begins: segment of `segmentsOf`, and the server's cursor inside it. */
interface Place {
  readonly segment: number;
  readonly cursor: string | null;
}

export interface AlarmList {
  readonly list: readonly Listed[];
  readonly fault: unknown;
  readonly isLoading: boolean;
  readonly hasMore: boolean;
  readonly loadMore: () => void;
  readonly retry: () => void;
  /** Takes a changed alarm into the list. */
  readonly put: (alarm: AlarmView) => void;
}

export function useAlarmList(filter: AlarmFilter): AlarmList {
  const [list, setList] = useState<readonly Listed[]>([]);
  const [place, setPlace] = useState<Place | null>({ segment: 0, cursor: null });
  const [fault, setFault] = useState<unknown>(null);
  const [isLoading, setLoading] = useState(true);
  const [tries, setTries] = useState(0);
  const leaving = useRef(new AbortController());
  /** What the stream said while a page was on its way: the page may be older. */
  const heard = useRef<AlarmView[]>([]);
  const again = reloads.value;

  const load = (from: Place, before: readonly Listed[]): void => {
    const { signal } = leaving.current;
    setLoading(true);
    heard.current = [];
    loadPages(filter, from, signal).then(
      ({ alarms, next }) => {
        setFault(null);
        setLoading(false);
        setPlace(next);
        setList((now) => mergeAlarms(before.length === 0 ? [] : now, [...alarms, ...heard.current], filter));
      },
      (error) => {
        if (signal.aborted) return;
        setLoading(false);
        setFault(error);
      },
    );
  };

  useEffect(() => setList([]), [filter]);
  useEffect(() => {
    leaving.current = new AbortController();
    load({ segment: 0, cursor: null }, []);
    return () => leaving.current.abort();
  }, [filter, again, tries]);

  const put = (alarm: AlarmView): void => {
    heard.current.push(alarm);
    setList((now) => mergeAlarms(now, [alarm], filter));
  };
  useEffect(() => onAlarm(({ alarm }) => put(alarm)), [filter]);
  useEffect(() => {
    if (sites.value === null) loadSites().catch(() => {}); // only the choice of sites is missing then
  }, []);

  return {
    list,
    fault,
    isLoading,
    hasMore: place !== null,
    loadMore: () => place && load(place, list),
    retry: () => setTries(tries + 1),
    put,
  };
}

async function loadPages(
  filter: AlarmFilter,
  from: Place,
  signal: AbortSignal,
): Promise<{ readonly alarms: AlarmView[]; readonly next: Place | null }> {
  const segments = segmentsOf(filter);
  const alarms: AlarmView[] = [];
  let at: Place | null = from;
  while (at !== null && alarms.length < ENOUGH) {
    const segment: number = at.segment;
    const after: string = at.cursor === null ? "" : `&cursor=${encodeURIComponent(at.cursor)}`;
    const page: AlarmPage = await get(`alarms?${segments[segment]}&limit=${PAGE_ALARMS}${after}`, signal);
    addNames(page.quantities);
    counts.value = page.counts;
    alarms.push(...page.alarms);
    if (page.cursor !== null) at = { segment, cursor: page.cursor };
    else at = segment + 1 < segments.length ? { segment: segment + 1, cursor: null } : null;
  }
  return { alarms, next: at };
}
