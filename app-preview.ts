/** The thread of one rule preview: reads history through its port, judges, answers, and ends. Started by preview.ts. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { engineOf } from "./alerts/detectors.ts";
import { systemClock } from "./core/clock.ts";
import { type PackedPoints, unpackPoints } from "./core/packed-points.ts";
import type { SeriesQuery, TimeSeriesStore } from "./core/ports.ts";
import { packsOf } from "./packs.ts";
import { judgePreview, type PreviewParts } from "./preview-judge.ts";
import { remote, tellStart } from "./threads.ts";

interface PreviewData extends Pick<PreviewParts, "draft" | "request" | "snapshot" | "hasWebhook"> {
  readonly dataDir: string;
  readonly seriesPort: MessagePort;
}

/** Points cross between threads in columns: thousands of objects would be copied one by one. */
interface PackedSeries extends Pick<TimeSeriesStore, "latest"> {
  query(query: SeriesQuery, limit: number): Promise<PackedPoints>;
}

await tellStart(parentPort, () => {
  const { dataDir, seriesPort, ...task } = workerData as PreviewData;
  const far = remote<PackedSeries>(seriesPort, ["query", "latest"]);
  const series = {
    latest: () => far.latest(),
    query: async (query: SeriesQuery, limit: number) => unpackPoints(await far.query(query, limit)),
  };
  return judgePreview({ ...task, series, engine: engineOf(packsOf(dataDir), systemClock.now()) });
});
