/** Newest value of every series with unit, age and flags, and what the law's limit says about it. */
import type { VNode } from "preact";
import type { LatestView, LimitView, StationView } from "../api-types.ts";
import { t } from "../locale.ts";
import { clauseText } from "../pure/clause.ts";
import {
  ageText,
  exactReading,
  formatNumber,
  formatReading,
  shanghaiSecond,
  shanghaiShort,
  unitSuffix,
} from "../pure/format.ts";
import { classOf, governingLines, isClass, isUpper, type Judgement, judge, romanClass } from "../pure/limits.ts";
import type { SeriesName } from "../pure/series.ts";
import { now } from "../store.ts";
import { wordFor } from "../texts.ts";
import { seriesLabel } from "./series-label.ts";

interface Props {
  readonly station: StationView;
  readonly series: readonly SeriesName[];
  readonly limits: ReadonlyMap<string, readonly LimitView[]>;
  readonly chosen: string | undefined;
  readonly onChoose: (series: string) => void;
}

export function ValuesTable({ station, series, limits, chosen, onChoose }: Props): VNode | null {
  if (series.length === 0) return null;
  return (
    <section class="values" aria-label={t("station.latest")}>
      <h2>{t("station.latest")}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("station.quantity")}</th>
            <th scope="col" class="number">
              {t("station.value")}
            </th>
            <th scope="col">{t("station.limit")}</th>
            <th scope="col" class="wide">
              {t("station.quality")}
            </th>
            <th scope="col" class="wide">
              {t("station.time")}
            </th>
          </tr>
        </thead>
        <tbody>
          {series.map((name) => (
            <Row
              key={name.series}
              name={name}
              latest={station.latest.find((latest) => latest.series === name.series)}
              lines={limits.get(name.quantity) ?? []}
              station={station}
              isChosen={name.series === chosen}
              onChoose={onChoose}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface RowProps {
  readonly name: SeriesName;
  readonly latest: LatestView | undefined;
  readonly lines: readonly LimitView[];
  readonly station: StationView;
  readonly isChosen: boolean;
  readonly onChoose: (series: string) => void;
}

function Row({ name, latest, lines, station, isChosen, onChoose }: RowProps): VNode {
  const governing = governingLines(lines, station);
  const judgement: Judgement = latest ? judge(latest, governing) : { verdict: "none" };
  const isOver = judgement.verdict === "over" || judgement.verdict === "under";
  return (
    <tr class={isChosen ? "chosen" : ""}>
      <th scope="row">
        <button type="button" class="quiet" aria-pressed={isChosen} onClick={() => onChoose(name.series)}>
          {seriesLabel(name)}
        </button>
      </th>
      {latest ? <Value latest={latest} governing={governing} isOver={isOver} /> : <NoValue />}
      <td>
        <LimitCell judgement={judgement} governing={governing} lines={lines} latest={latest} />
      </td>
      <td class="wide">{latest ? <Quality latest={latest} /> : null}</td>
      <td class="wide">{latest ? <Times latest={latest} /> : null}</td>
    </tr>
  );
}

function NoValue(): VNode {
  return <td class="number muted">{t("station.noReading")}</td>;
}

function Value({
  latest,
  governing,
  isOver,
}: {
  latest: LatestView;
  governing: readonly LimitView[];
  isOver: boolean;
}): VNode {
  const apartFrom = governing.length === 1 ? (governing[0]?.value ?? null) : null;
  return (
    <td class="number">
      <b class={isOver ? "value over" : "value"} title={exactReading(latest.value, latest.cmp, latest.unit)}>
        {formatReading(latest.value, latest.cmp, apartFrom)}
        <small>{unitSuffix(latest.unit)}</small>
      </b>
      <span class="narrow">
        <Quality latest={latest} /> <Times latest={latest} />
      </span>
    </td>
  );
}

/** Good values need no word; everything else says what is the matter. */
function Quality({ latest: { flag, qualifier, stale } }: { latest: LatestView }): VNode {
  return (
    <>
      {flag <= 2 ? (
        <span class="muted wide">{wordFor(t, "flag", flag)}</span>
      ) : (
        <span class="badge doubtful">{wordFor(t, "flag", flag)}</span>
      )}{" "}
      {qualifier === "N" ? null : (
        <span class="badge doubtful">{`${wordFor(t, "qualifier", qualifier)} ${qualifier}`}</span>
      )}{" "}
      {stale ? <span class="badge stale">{t("state.stale")}</span> : null}
    </>
  );
}

function Times({ latest: { time } }: { latest: LatestView }): VNode {
  const ms = Date.parse(time);
  return (
    <time class="age" dateTime={time} title={`${shanghaiSecond(ms)} · ${time}`}>
      <span class="wide">{shanghaiShort(ms, now.value)} · </span>
      {ageText(now.value - ms, t)}
    </time>
  );
}

function limitWord(line: LimitView): string {
  return isClass(line.above) ? t("limits.class", { name: romanClass(line.above) }) : wordFor(t, "limits", line.above);
}

function LimitCell({
  judgement,
  governing,
  lines,
  latest,
}: {
  judgement: Judgement;
  governing: readonly LimitView[];
  lines: readonly LimitView[];
  latest: LatestView | undefined;
}): VNode {
  const [first] = governing;
  if (!first) return <span class="muted">{t("limits.none")}</span>;
  const bounds = governing.map((line) => `${isUpper(line) ? "≤" : "≥"} ${formatNumber(line.value)}`).join(", ");
  return (
    <div
      class="limit-cell"
      title={`${clauseText(first.clause, t)}${first.enforceable ? "" : ` · ${t("limits.unconfirmed")}`}`}
    >
      <Verdict judgement={judgement} lines={lines} latest={latest} />
      <span class="muted">
        {limitWord(first)} {bounds} · {first.standard}
        {first.enforceable ? "" : ` · ${t("limits.unconfirmed")}`}
      </span>
    </div>
  );
}

function Verdict({
  judgement,
  lines,
  latest,
}: {
  judgement: Judgement;
  lines: readonly LimitView[];
  latest: LatestView | undefined;
}): VNode | null {
  if (judgement.verdict === "none") return null;
  if (judgement.verdict === "unknown") return <span class="verdict unknown">? {t("limits.unknown")}</span>;
  if (judgement.verdict === "unjudged") return <span class="verdict unknown">{t("limits.notJudged")}</span>;
  const reached = latest?.cmp === "" && latest.value !== null ? classOf(latest.value, lines) : null;
  const meets =
    reached === null
      ? ""
      : ` · ${reached === "beyond" ? t("limits.beyond", { name: lastClass(lines) }) : t("limits.meets", { name: romanClass(reached) })}`;
  const { verdict, ratio } = judgement;
  if (verdict === "within") {
    return (
      <span class="verdict within">
        ○ {t("limits.within")}
        {meets}
        {ratio === null ? null : <Share ratio={ratio} />}
      </span>
    );
  }
  const text =
    verdict === "under"
      ? t("limits.under")
      : ratio === null
        ? t("limits.overSimple")
        : t("limits.over", { times: twoDigits(ratio), excess: twoDigits(ratio - 1) });
  return (
    <span class="verdict over">
      ■ {text}
      {meets}
    </span>
  );
}

/** 超标倍数 is the excess over the limit divided by the limit; English says the ratio itself. */
function twoDigits(value: number): string {
  return formatNumber(Math.round(value * 100) / 100);
}

function lastClass(lines: readonly LimitView[]): string {
  const classes = ["I", "II", "III", "IV", "V"].filter((name) => lines.some(({ above }) => above === name));
  return romanClass(classes.at(-1) ?? "");
}

/** How much of the limit is used, as a thin bar with its number. */
function Share({ ratio }: { ratio: number }): VNode {
  const percent = `${formatNumber(Math.round(ratio * 100))} %`;
  return (
    <span class="share" title={t("limits.share", { n: percent })}>
      <svg viewBox="0 0 100 6" width="64" height="6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="share-all" width="100" height="6" rx="3" />
        <rect class="share-used" width={Math.min(100, ratio * 100)} height="6" rx="3" />
      </svg>{" "}
      {percent}
    </span>
  );
}
