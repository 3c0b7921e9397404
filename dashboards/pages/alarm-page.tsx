/** S1, the alarm page on a phone at night: what, where, how bad, since when, what to do, and one button. No script. */
import type { VNode } from "preact";
import type { Alarm, AlarmEvent } from "../../core/alarm.ts";
import { contributorNames, seriesName } from "../../core/alarm-words.ts";
import type { Explanation } from "../../core/explanation.ts";
import { inLocale, type Locale } from "../../core/locale.ts";
import type { Directory } from "../../core/ports.ts";
import { hasOwnName, isGroupKind, ruleKindName } from "../../core/rule-kind-names.ts";
import { alarmView, type Delivery } from "../alarm-view.ts";
import { quantityName } from "../places.ts";
import type { AlarmView } from "../schemas.ts";
import { durationText, type TextKey, type Translate, translator, wordFor } from "../texts.ts";
import { shanghaiTime } from "../times.ts";
import { Chart, type DayChart, shortNumber } from "./chart.tsx";
import { renderPage } from "./layout.tsx";

export interface AlarmPage {
  readonly locale: Locale;
  readonly alarm: Alarm;
  readonly directory: Directory;
  readonly history: readonly AlarmEvent[];
  readonly deliveries: readonly Delivery[];
  /**
   * Of the alarm's series, or of those that contribute to it. Null when the series store did not answer in time: the
   * page never waits for it.
   */
  readonly charts: readonly SeriesChart[] | null;
  readonly explanation: Explanation;
  readonly otherOpen: number;
  /** CSRF token of the form; null when this person may not acknowledge. */
  readonly csrf: string | null;
  readonly notice: "pending" | "notRecorded" | "formExpired" | null;
  readonly now: number;
}

export type SeriesChart = Omit<DayChart, "label" | "limit" | "isLowerLimit"> & { readonly series: string };

const GLYPHS = { red: "■", orange: "▲", yellow: "◆", blue: "●" } as const;
/** How a value that does not pass stands to its limit. */
const CROSSED = { "<=": "＞", ">=": "＜", "<": "≥", ">": "≤" } as const;
const LOG_ROWS_MAX = 20;

export function renderAlarmPage(page: AlarmPage): string {
  const { locale, alarm } = page;
  const t = translator(locale);
  const view = alarmView(alarm, page.directory);
  const quantity = quantityName(alarm.quantity)[locale];
  const other = locale === "en" ? "zh-CN" : "en";
  return renderPage({
    locale,
    title: `${t(`level.${alarm.level}`)} ${inLocale(view.siteName, locale)} ${quantity}`,
    otherLanguageUrl: `/a/${encodeURIComponent(alarm.id)}?lang=${other}`,
    children: (
      <>
        {page.notice === null ? null : (
          <p class="notice" role="alert">
            {t(page.notice)}
          </p>
        )}
        <Headline view={view} quantity={quantity} locale={locale} t={t} />
        <Standing page={page} t={t} />
        <Facts page={page} view={view} t={t} />
        <DayView page={page} view={view} t={t} />
        <Advice page={page} t={t} />
        <Reasons page={page} t={t} />
        <Log page={page} t={t} />
        {page.otherOpen > 0 ? (
          <a class="top" href="/alarms?state=active">
            {t("others", { count: page.otherOpen })}
          </a>
        ) : null}
        <p>{t("asOf", { time: shanghaiTime(page.now) })}</p>
        <AcknowledgeBar page={page} t={t} />
      </>
    ),
  });
}

function Headline({
  view,
  quantity,
  locale,
  t,
}: {
  view: AlarmView;
  quantity: string;
  locale: Locale;
  t: Translate;
}): VNode {
  const tone = view.state === "cleared" ? "cleared" : view.level;
  const value = view.value === null ? t("noValue") : `${view.cmp}${shortNumber(view.value)}`;
  return (
    <>
      <p class={`level ${tone}`}>
        {GLYPHS[view.level]} {t(`level.${view.level}`)} · {t(`state.${view.state}`)} · {wordOf(view, locale, t)}
      </p>
      <h1>
        {inLocale(view.siteName, locale)} · {inLocale(view.stationName, locale)}
      </h1>
      <p>{quantity}</p>
      {isGroupKind(view.quantity) ? null : (
        <p class="value">
          {value} <small>{view.value === null || view.unit === "1" ? "" : view.unit}</small>
        </p>
      )}
      {view.what === null ? null : <p>{view.what[locale]}</p>}
    </>
  );
}

/** The rule's kind where its name says more than the category does; a group's name is told already. */
function wordOf({ kind, category, quantity }: AlarmView, locale: Locale, t: Translate): string {
  const isTold = isGroupKind(quantity);
  return (
    (hasOwnName(kind) && !isTold ? ruleKindName(kind)?.[locale] : null) ??
    t(isTold ? "category.group" : `category.${category}`)
  );
}

/** What has become of it: acknowledged by whom, merged, retracted, not verified. */
function Standing({ page: { alarm }, t }: { page: AlarmPage; t: Translate }): VNode {
  const { acknowledgedAt, acknowledgedBy, acknowledgedVia, supersededBy } = alarm;
  const acknowledged = {
    name: acknowledgedBy ?? "",
    time: acknowledgedAt === null ? "" : shanghaiTime(acknowledgedAt),
    via: wordFor(t, "via", acknowledgedVia ?? ""),
  };
  return (
    <>
      {acknowledgedAt === null ? null : <p class="done">✓ {t("acknowledgedText", acknowledged)}</p>}
      {alarm.verified ? null : <p class="notice">{t("unverified")}</p>}
      {supersededBy === "retracted" ? <p class="notice">{t("retracted")}</p> : null}
      {supersededBy !== null && supersededBy !== "retracted" ? (
        <p class="notice">
          <a href={`/a/${encodeURIComponent(supersededBy)}`}>{t("merged", { id: supersededBy })}</a>
        </p>
      ) : null}
    </>
  );
}

function limitText(view: AlarmView, t: Translate): string {
  if (view.limit === null) return t("noLimit");
  return `${view.passes === null ? "" : `${CROSSED[view.passes]} `}${shortNumber(view.limit)} ${view.unit}`;
}

function Facts({ page, view, t }: { page: AlarmPage; view: AlarmView; t: Translate }): VNode {
  const { alarm, now, locale } = page;
  const members = contributorNames(alarm, locale).join(locale === "en" ? ", " : "、");
  const { evidence } = alarm;
  const lateness = [
    ...(alarm.lateMs > 0 ? [t("lateText", { duration: durationText(alarm.lateMs, t) })] : []),
    ...(alarm.backfill ? [t("backfill")] : []),
  ];
  const last = evidence.readings.at(-1);
  const quality = last && {
    flag: wordFor(t, "flag", String(last.flag)),
    flagNumber: last.flag,
    qualifier: wordFor(t, "qualifier", last.qualifier),
    qualifierLetter: last.qualifier,
  };
  const basis = [evidence.clause, evidence.pack].filter((text) => text !== null).join(" · ");
  const rows: [TextKey, string | null][] = [
    ["late", lateness.length === 0 ? null : lateness.join("，")],
    ["members", members === "" ? null : members],
    ["limit", alarm.category === "pollution" && !isGroupKind(view.quantity) ? limitText(view, t) : null],
    ["basis", basis === "" ? null : basis],
    ["confidence", evidence.confidence],
    ["since", shanghaiTime(alarm.start)],
    ["until", alarm.end === null ? null : shanghaiTime(alarm.end)],
    ["duration", durationText((alarm.end ?? now) - alarm.start, t)],
    ["measured", view.value === null ? null : shanghaiTime(alarm.valueTime)],
    ["quality", quality ? t("qualityText", quality) : null],
    ["rule", t("ruleText", { rule: alarm.rule, version: evidence.ruleVersion })],
  ];
  return (
    <dl>
      {rows.map(([key, text]) =>
        text === null ? null : (
          <>
            <dt>{t(key)}</dt>
            <dd>{text}</dd>
          </>
        ),
      )}
    </dl>
  );
}

/** Of a group: a chart for each contributing series that has values, under its name and without a limit. */
function DayView({ page: { charts, locale }, view, t }: { page: AlarmPage; view: AlarmView; t: Translate }): VNode {
  const label = t("chartText", { limit: limitText(view, t) });
  const isLowerLimit = view.passes === ">=" || view.passes === ">";
  const isGroup = isGroupKind(view.quantity);
  const shown = charts?.filter(({ buckets }) => !isGroup || buckets.some(({ max }) => max !== null)) ?? [];
  return (
    <>
      <h2>{t("chart")}</h2>
      {shown.length === 0 ? <p>{t("noChart")}</p> : null}
      {shown.map((chart) => (
        <>
          {isGroup ? <p>{seriesName(chart.series, view.station, locale)}</p> : null}
          <Chart {...chart} {...{ label, isLowerLimit }} limit={view.limit} />
        </>
      ))}
    </>
  );
}

function Advice({ page: { alarm, locale }, t }: { page: AlarmPage; t: Translate }): VNode {
  const text = alarm.advice === null ? "" : inLocale(alarm.advice, locale);
  const steps = text
    .split(/[\n；;]+/)
    .map((step) => step.trim())
    .filter((step) => step !== "");
  return (
    <>
      <h2>{t("advice")}</h2>
      {steps.length === 0 ? (
        <p>{t("noAdvice")}</p>
      ) : (
        <ol>
          {steps.map((step) => (
            <li>{step}</li>
          ))}
        </ol>
      )}
    </>
  );
}

/** Folded by the browser itself: what an officer needs first stays on the first screen. */
function Reasons({ page: { explanation, locale }, t }: { page: AlarmPage; t: Translate }): VNode {
  return (
    <details>
      <summary>{t("explanation")}</summary>
      <p>{explanation.verdict[locale]}</p>
      <ol>
        {explanation.steps.map((step) => (
          <li>{step[locale]}</li>
        ))}
      </ol>
    </details>
  );
}

function Log({ page: { history, deliveries }, t }: { page: AlarmPage; t: Translate }): VNode {
  return (
    <>
      <h2>{t("deliveries")}</h2>
      {deliveries.length === 0 ? (
        <p>{t("noDeliveries")}</p>
      ) : (
        <ul>
          {deliveries.slice(-LOG_ROWS_MAX).map(({ at, dueAt, outlet, state }) => (
            <li>
              {shanghaiTime(at ?? dueAt)} {outlet} {wordFor(t, "delivery", state)}
            </li>
          ))}
        </ul>
      )}
      <h2>{t("log")}</h2>
      <ul>
        {history.slice(-LOG_ROWS_MAX).map(({ at, kind, by, note }) => (
          <li>
            {shanghaiTime(at)} {wordFor(t, "kind", kind)} {by ?? ""} {note === null ? "" : `“${note.slice(0, 200)}”`}
          </li>
        ))}
      </ul>
    </>
  );
}

function AcknowledgeBar({ page: { alarm, csrf, locale }, t }: { page: AlarmPage; t: Translate }): VNode | null {
  if (alarm.acknowledgedAt !== null || alarm.supersededBy !== null) return null;
  if (csrf === null) return <p>{t("mayNot")}</p>;
  return (
    <form method="post" action={`/a/${encodeURIComponent(alarm.id)}/acknowledge`}>
      <input type="hidden" name="csrf" value={csrf} />
      <input type="hidden" name="lang" value={locale} />
      <label>
        {t("note")}
        <input name="note" maxLength={500} autocomplete="off" />
      </label>
      <div class="bar">
        <button type="submit">{t("acknowledge")}</button>
      </div>
    </form>
  );
}
