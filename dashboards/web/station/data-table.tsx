/** The shown readings as a table, newest first, for readers of screens and for exact values. Drawn when opened. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { BucketColumns, RawColumns, ReadingsView } from "../api-types.ts";
import { t } from "../locale.ts";
import { isRaw } from "../pure/csv.ts";
import { exactReading, formatNumber, formatReading, shanghaiSecond, unitSuffix } from "../pure/format.ts";
import { wordFor } from "../texts.ts";

const ROWS_MAX = 500;

export function DataTable({ readings }: { readings: ReadingsView }): VNode {
  const [isOpen, setOpen] = useState(false);
  const { columns, unit } = readings;
  const count = columns.times.length;
  const rows = Array.from({ length: Math.min(ROWS_MAX, count) }, (_, index) => count - 1 - index);
  return (
    <details class="data" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {t("data.table")} · {t("data.count", { n: count })}
      </summary>
      {isOpen ? (
        <>
          {count > ROWS_MAX ? <p class="muted">{t("data.capped", { n: ROWS_MAX })}</p> : null}
          <section
            class="scroll"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            tabIndex={0}
            aria-label={t("data.table")}
          >
            {isRaw(columns) ? (
              <RawTable columns={columns} rows={rows} unit={unit} />
            ) : (
              <BucketTable columns={columns} rows={rows} unit={unit} />
            )}
          </section>
        </>
      ) : null}
    </details>
  );
}

function Time({ ms }: { ms: number }): VNode {
  return (
    <th scope="row">
      <time dateTime={new Date(ms).toISOString()} title={new Date(ms).toISOString()}>
        {shanghaiSecond(ms)}
      </time>
    </th>
  );
}

function RawTable({ columns, rows, unit }: { columns: RawColumns; rows: number[]; unit: string }): VNode {
  const { times, values, cmp, flag, qualifier } = columns;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{t("data.time")}</th>
          <th scope="col" class="number">
            {t("data.value")}
            {unitSuffix(unit)}
          </th>
          <th scope="col">{t("data.flag")}</th>
          <th scope="col">{t("data.qualifier")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={times[row]}>
            <Time ms={times[row] ?? 0} />
            <td class="number" title={exactReading(values[row] ?? null, cmp[row] ?? "", unit)}>
              {formatReading(values[row] ?? null, cmp[row] ?? "")}
            </td>
            <td>{wordFor(t, "flag", flag[row] ?? 2)}</td>
            <td>{wordFor(t, "qualifier", qualifier[row] ?? "N")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function BucketTable({ columns, rows, unit }: { columns: BucketColumns; rows: number[]; unit: string }): VNode {
  const { times, count, min, max, mean, censored, flag } = columns;
  const cell = (value: number | null | undefined): VNode => (
    <td class="number" title={exactReading(value ?? null, "", unit)}>
      {value === null || value === undefined ? "–" : formatNumber(value)}
    </td>
  );
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{t("data.time")}</th>
          <th scope="col" class="number">
            {t("data.mean")}
            {unitSuffix(unit)}
          </th>
          <th scope="col" class="number">
            {t("data.min")}
          </th>
          <th scope="col" class="number">
            {t("data.max")}
          </th>
          <th scope="col" class="number">
            {t("data.readings")}
          </th>
          <th scope="col" class="number">
            {t("data.censored")}
          </th>
          <th scope="col">{t("data.flag")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={times[row]}>
            <Time ms={times[row] ?? 0} />
            {cell(mean[row])}
            {cell(min[row])}
            {cell(max[row])}
            <td class="number">{count[row]}</td>
            <td class="number">{censored[row]}</td>
            <td>{wordFor(t, "flag", flag[row] ?? 2)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
