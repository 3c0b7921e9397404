/** Labels that would lie on another marker or label are hidden; the marker keeps its name for readers and on hover. */

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Markers are in the order of drawing, the most important last: it chooses first. */
export function hideCrowdedLabels(container: HTMLElement): void {
  const markers = [...container.querySelectorAll<HTMLElement>(".marker")].reverse();
  const taken: Box[] = markers.map(
    (marker) => marker.querySelector("svg")?.getBoundingClientRect() ?? marker.getBoundingClientRect(),
  );
  for (const marker of markers) {
    const label = marker.querySelector<HTMLElement>(".label");
    if (!label) continue;
    label.hidden = false;
    const box = label.getBoundingClientRect();
    const isCrowded = taken.some((other) => overlaps(box, other));
    label.hidden = isCrowded;
    if (!isCrowded) taken.push(box);
  }
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
