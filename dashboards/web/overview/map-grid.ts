/** A faint grid of degrees: without a base map it is what tells where and how far apart things are. */
import * as L from "leaflet";

const STEPS_DEGREES = [5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002];
const LINE_GAP_PX_MIN = 90;
const LINES_MAX = 60;

export function drawGrid(map: L.Map): void {
  const layer = L.layerGroup().addTo(map);
  const redraw = (): void => {
    layer.clearLayers();
    const bounds = map.getBounds().pad(0.5);
    const degreePx = map.getSize().x / (map.getBounds().getEast() - map.getBounds().getWest());
    const fitting =
      STEPS_DEGREES.filter((degrees) => degrees * degreePx >= LINE_GAP_PX_MIN).at(-1) ?? STEPS_DEGREES[0] ?? 1;
    const options = { className: "grid-line", interactive: false, weight: 1 };
    for (const lon of marks(bounds.getWest(), bounds.getEast(), fitting)) {
      L.polyline(
        [
          [bounds.getSouth(), lon],
          [bounds.getNorth(), lon],
        ],
        options,
      ).addTo(layer);
    }
    for (const lat of marks(bounds.getSouth(), bounds.getNorth(), fitting)) {
      L.polyline(
        [
          [lat, bounds.getWest()],
          [lat, bounds.getEast()],
        ],
        options,
      ).addTo(layer);
    }
  };
  map.on("moveend zoomend resize", redraw);
  redraw();
}

function marks(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step);
  const count = Math.min(LINES_MAX, Math.floor(to / step) - first + 1);
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
}
