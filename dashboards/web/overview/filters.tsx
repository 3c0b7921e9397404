/** Filters of the overview: states with their counts, county, kind, words. */
import type { VNode } from "preact";
import type { PlaceState } from "../api-types.ts";
import { t } from "../locale.ts";
import { StateGlyph } from "../parts/glyphs.tsx";
import { countStates, type PlaceFilter, STATES } from "../pure/places.ts";
import { rows, sites } from "../store.ts";
import { wordFor } from "../texts.ts";

interface Props {
  readonly filter: PlaceFilter;
  readonly onChange: (filter: PlaceFilter) => void;
}

export function StateFilter({ filter, onChange }: Props): VNode {
  const counts = countStates(rows.value);
  const toggle = (state: PlaceState): void => {
    const states = new Set(filter.states);
    if (!states.delete(state)) states.add(state);
    onChange({ ...filter, states });
  };
  return (
    <fieldset class="states">
      <legend class="unseen">{t("overview.states")}</legend>
      {STATES.map((state) => (
        <button
          key={state}
          type="button"
          class={counts[state] === 0 ? "chip none" : `chip ${state}`}
          aria-pressed={filter.states.has(state)}
          onClick={() => toggle(state)}
        >
          <StateGlyph state={state} /> {t(`state.${state}`)} <b>{counts[state]}</b>
        </button>
      ))}
    </fieldset>
  );
}

export function Filters({ filter, onChange }: Props): VNode {
  const places = sites.value ?? [];
  const areas = [...new Set(places.map(({ area }) => area))].sort();
  const kinds = [...new Set(places.map(({ kind }) => kind))].sort();
  return (
    <div class="filters">
      <label>
        <span>{t("overview.area")}</span>
        <select
          value={filter.area ?? ""}
          onChange={(event) => onChange({ ...filter, site: null, area: event.currentTarget.value || null })}
        >
          <option value="">{t("overview.all")}</option>
          {areas.map((area) => (
            <option key={area} value={area}>
              {wordFor(t, "area", area)}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("overview.kind")}</span>
        <select
          value={filter.kind ?? ""}
          onChange={(event) => onChange({ ...filter, site: null, kind: event.currentTarget.value || null })}
        >
          <option value="">{t("overview.all")}</option>
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {wordFor(t, "kind", kind)}
            </option>
          ))}
        </select>
      </label>
      <label class="search">
        <span>{t("overview.search")}</span>
        <input
          type="search"
          value={filter.text}
          placeholder={t("overview.searchHint")}
          onInput={(event) => onChange({ ...filter, text: event.currentTarget.value })}
        />
      </label>
    </div>
  );
}
