/** What the shapes of the chart mean; only those that are in it. */
import type { VNode } from "preact";
import { t } from "../locale.ts";
import type { ChartData, MarkKind } from "../pure/chart-data.ts";
import type { TextKey } from "../texts.ts";

/** Same shapes as chart-marks.ts draws, in a box of 16. */
const MARK_PATHS: Readonly<Record<MarkKind, string>> = {
  censored: "M8 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8",
  over: "M8 3l5 9H3z",
  suspect: "M8 2.5 13.5 8 8 13.5 2.5 8z",
  fail: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  instrument: "M4 4h8v8H4z",
  none: "M8 9v6",
};
const ORDER: readonly MarkKind[] = ["censored", "over", "suspect", "fail", "instrument", "none"];
const WORDS: Readonly<Record<MarkKind, TextKey>> = {
  censored: "chart.censored",
  over: "chart.over",
  suspect: "chart.suspect",
  fail: "chart.fail",
  instrument: "chart.instrument",
  none: "chart.missing",
};

interface Props {
  readonly data: ChartData;
  readonly isRaw: boolean;
  readonly hasLimits: boolean;
  readonly hasEpisodes: boolean;
}

export function Legend({ data, isRaw, hasLimits, hasEpisodes }: Props): VNode {
  const kinds = new Set(data.marks.map(({ kind }) => kind));
  return (
    <ul class="legend" aria-label={t("chart.legend")}>
      <Entry cls="line" path="M1 8h14" word={isRaw ? "chart.line" : "chart.mean"} />
      {isRaw ? null : <Entry cls="band" path="M1 3h14v10H1z" word="chart.band" />}
      {hasLimits ? <Entry cls="limit" path="M1 8h4M7 8h4M13 8h2" word="chart.limitLine" /> : null}
      {hasEpisodes ? <Entry cls="episode" path="M1 6h14v4H1z" word="chart.episode" /> : null}
      {ORDER.filter((kind) => kinds.has(kind)).map((kind) => (
        <Entry key={kind} cls={`mark ${kind}`} path={MARK_PATHS[kind]} word={WORDS[kind]} />
      ))}
    </ul>
  );
}

function Entry({ cls, path, word }: { cls: string; path: string; word: TextKey }): VNode {
  return (
    <li>
      <svg class={cls} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d={path} />
      </svg>{" "}
      {t(word)}
    </li>
  );
}
