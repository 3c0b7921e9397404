/** Labels that would lie on a marker or on another label are hidden; a marker keeps its name for readers and on hover. */

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Between a county's name and its outermost site, px. */
const AREA_GAP_PX = 30;

/** Markers are in the order of drawing, the most important last: it chooses first; counties choose among what is left. */
export function hideCrowdedLabels(container: HTMLElement): void {
  const markers = [...container.querySelectorAll<HTMLElement>(".marker")].reverse();
  const taken: Box[] = markers.map((marker) => (marker.querySelector("svg") ?? marker).getBoundingClientRect());
  const inside = container.getBoundingClientRect();
  for (const marker of markers) {
    const label = marker.querySelector<HTMLElement>(".label");
    if (!label) continue;
    label.classList.remove("left");
    if (keepIfFree(label, taken, inside)) continue;
    label.classList.add("left");
    keepIfFree(label, taken, inside);
  }
  for (const name of container.querySelectorAll<HTMLElement>(".area-label span")) {
    const away = Number(name.dataset["half"]) + AREA_GAP_PX;
    name.style.top = `${-away}px`;
    if (keepIfFree(name, taken, inside)) continue;
    name.style.top = `${away}px`;
    keepIfFree(name, taken, inside);
  }
}

function keepIfFree(label: HTMLElement, taken: Box[], inside: Box): boolean {
  label.hidden = false;
  const box = label.getBoundingClientRect();
  const isWhole = box.left > inside.left && box.right < inside.right;
  const isFree = isWhole && !taken.some((other) => overlaps(box, other));
  label.hidden = !isFree;
  if (isFree) taken.push(box);
  return isFree;
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
