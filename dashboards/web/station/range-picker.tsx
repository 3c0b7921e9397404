/** Presets and a range of one's own; fields hold Shanghai time whatever the browser's zone. */

import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { t } from "../locale.ts";
import { shanghaiInput } from "../pure/format.ts";
import { customRange, PRESET_NAMES, type Range } from "../pure/ranges.ts";

interface Props {
  readonly range: Range;
  /** Called with the query entries of the new range. */
  readonly onChange: (query: Readonly<Record<string, string>>) => void;
}

export function RangePicker({ range, onChange }: Props): VNode {
  const [isOpen, setOpen] = useState(range.preset === "custom");
  return (
    <fieldset class="ranges">
      <legend class="unseen">{t("station.range")}</legend>
      {PRESET_NAMES.map((preset) => (
        <button
          key={preset}
          type="button"
          class="segment"
          aria-pressed={!isOpen && range.preset === preset}
          onClick={() => {
            setOpen(false);
            onChange({ range: preset });
          }}
        >
          {t(`range.${preset}`)}
        </button>
      ))}
      <button
        type="button"
        class="segment"
        aria-pressed={isOpen}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {t("range.custom")}
      </button>
      {isOpen ? <CustomFields range={range} onChange={onChange} /> : null}
    </fieldset>
  );
}

function CustomFields({ range, onChange }: Props): VNode {
  const [from, setFrom] = useState(shanghaiInput(range.from));
  const [to, setTo] = useState(shanghaiInput(range.to));
  const [isWrong, setWrong] = useState(false);
  const apply = (event: Event): void => {
    event.preventDefault();
    const custom = customRange(from, to);
    setWrong(custom === null);
    if (custom) onChange({ range: "custom", from: String(custom.from), to: String(custom.to) });
  };
  return (
    <form class="custom" onSubmit={apply}>
      <label>
        <span>{t("range.from")}</span>
        <input type="datetime-local" value={from} onInput={(event) => setFrom(event.currentTarget.value)} required />
      </label>
      <label>
        <span>{t("range.to")}</span>
        <input type="datetime-local" value={to} onInput={(event) => setTo(event.currentTarget.value)} required />
      </label>
      <button type="submit">{t("range.apply")}</button>
      {isWrong ? <p role="alert">{t("range.invalid")}</p> : null}
    </form>
  );
}
