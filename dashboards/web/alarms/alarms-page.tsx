/** The alarm list: what is not acknowledged comes first; one tap acknowledges, three acknowledge all that are listed. */

import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { useLocation } from "preact-iso";
import { localText, t } from "../locale.ts";
import { Fault, Loading, SaidLast } from "../parts/notices.tsx";
import { type AlarmFilter, filterFromQuery, LEVELS, queryOfFilter, STATE_CHOICES } from "../pure/alarms.ts";
import { counts, may, sites } from "../store.ts";
import type { TextKey } from "../texts.ts";
import { AlarmRow } from "./alarm-row.tsx";
import { GroupAcknowledge } from "./group-acknowledge.tsx";
import { useAlarmList } from "./use-alarm-list.ts";
import "../styles/alarms.css";

export function AlarmsPage(): VNode {
  const { query, route, path } = useLocation();
  const text = JSON.stringify(query);
  const filter = useMemo(() => filterFromQuery(query), [text]);
  const { list, fault, isLoading, hasMore, loadMore, retry, put } = useAlarmList(filter);
  document.title = `${t("alarms.title")} · ${t("product")}`;
  const change = (next: AlarmFilter): void => route(`${path}${queryOfFilter(next)}`, true);
  const waiting = list.filter(({ alarm }) => alarm.state === "active").map(({ alarm }) => alarm);
  return (
    <div class="page alarms-page">
      <div class="title-line">
        <h1>{t("alarms.title")}</h1>
        {counts.value ? <p class="muted">{t("alarms.counts", { ...counts.value })}</p> : null}
      </div>
      <Filters filter={filter} onChange={change} />
      {may("alarm.acknowledge") && waiting.length > 1 ? <GroupAcknowledge alarms={waiting} onDone={put} /> : null}
      <SaidLast />
      {fault === null ? null : <Fault fault={fault} onRetry={retry} />}
      <ol class="alarm-list" aria-label={t("alarms.list")}>
        {list.map(({ alarm }) => (
          <AlarmRow key={alarm.id} alarm={alarm} onChange={put} />
        ))}
      </ol>
      {isLoading ? <Loading /> : null}
      {!isLoading && fault === null && list.length === 0 ? <p class="empty">{t("alarms.none")}</p> : null}
      {hasMore && !isLoading ? (
        <button type="button" class="more" onClick={loadMore}>
          {t("alarms.more")}
        </button>
      ) : null}
      {!hasMore && !isLoading && list.length > 0 ? (
        <p class="muted end">
          {t("alarms.end")} · {t("allTimes")}
        </p>
      ) : null}
    </div>
  );
}

function Filters({ filter, onChange }: { filter: AlarmFilter; onChange: (filter: AlarmFilter) => void }): VNode {
  const stateWord = (choice: (typeof STATE_CHOICES)[number]): TextKey =>
    choice === "all" ? "alarms.all" : `alarms.state.${choice}`;
  return (
    <div class="filters">
      <fieldset class="ranges">
        <legend class="unseen">{t("alarms.state")}</legend>
        {STATE_CHOICES.map((choice) => (
          <button
            key={choice}
            type="button"
            class="segment"
            aria-pressed={filter.state === choice}
            onClick={() => onChange({ ...filter, state: choice })}
          >
            {t(stateWord(choice))}
          </button>
        ))}
      </fieldset>
      <label>
        <span>{t("alarms.level")}</span>
        <select
          value={filter.level ?? ""}
          onChange={(event) => {
            const level = LEVELS.find((word) => word === event.currentTarget.value) ?? null;
            onChange({ ...filter, level });
          }}
        >
          <option value="">{t("alarms.all")}</option>
          {LEVELS.map((level) => (
            <option key={level} value={level}>
              {t(`level.${level}`)}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("alarms.site")}</span>
        <select
          value={filter.site ?? ""}
          onChange={(event) => onChange({ ...filter, site: event.currentTarget.value || null })}
        >
          <option value="">{t("alarms.all")}</option>
          {(sites.value ?? []).map((site) => (
            <option key={site.id} value={site.id}>
              {localText(site.name)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
