/** Shapes of states and levels. A word always stands beside a glyph, and every glyph differs in shape, not only colour. */
import type { VNode } from "preact";
import type { Level } from "../../../core/alarm.ts";
import type { PlaceState } from "../api-types.ts";
import { t } from "../locale.ts";

/** Paths in a square of 16; dashed circle and question mark say that nothing is known any more. */
const STATE_PATHS: Readonly<Record<PlaceState, string>> = {
  exceed: '<path d="M2 2h12v12H2z" fill="currentColor"/>',
  warning: '<path d="M8 1.5 15 14H1z" fill="currentColor"/>',
  stale:
    '<circle cx="8" cy="8" r="6.5" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2.6 1.5"/><path d="M6 6.4a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.3M8 11.6v.1" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/>',
  normal: '<circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="2"/>',
  idle: '<path d="M3 8h10" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>',
};
const LEVEL_PATHS: Readonly<Record<Level, string>> = {
  red: STATE_PATHS.exceed,
  orange: STATE_PATHS.warning,
  yellow: '<path d="M8 1 15 8 8 15 1 8z" fill="currentColor"/>',
  blue: '<circle cx="8" cy="8" r="6.5" fill="currentColor"/>',
};

/** As text, for the map, which takes HTML. */
export function stateSvg(state: PlaceState): string {
  return `<svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">${STATE_PATHS[state]}</svg>`;
}

function Shape({ paths }: { paths: string }): VNode {
  return (
    <svg
      class="glyph"
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
      dangerouslySetInnerHTML={{ __html: paths }}
    />
  );
}

export function StateGlyph({ state }: { state: PlaceState }): VNode {
  return (
    <span class={`state ${state}`}>
      <Shape paths={STATE_PATHS[state]} />
    </span>
  );
}
export function StateMark({ state }: { state: PlaceState }): VNode {
  return (
    <span class={`state ${state}`}>
      <Shape paths={STATE_PATHS[state]} /> {t(`state.${state}`)}
    </span>
  );
}
export function LevelMark({ level }: { level: Level }): VNode {
  return (
    <span class={`level ${level}`}>
      <Shape paths={LEVEL_PATHS[level]} /> {t(`level.${level}`)}
    </span>
  );
}
