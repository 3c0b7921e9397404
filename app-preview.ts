/** The thread of one rule preview: reads history through its port, judges, answers, and ends. Started by preview.ts. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { createLimitBinder } from "./alerts/bind.ts";
import type { TimeSeriesStore } from "./core/ports.ts";
import { packsOf } from "./packs.ts";
import { judgePreview, type PreviewParts } from "./preview-judge.ts";
import { remote, tellStart } from "./threads.ts";

interface PreviewData extends Pick<PreviewParts, "draft" | "request" | "snapshot" | "hasWebhook"> {
  readonly dataDir: string;
  readonly seriesPort: MessagePort;
}

await tellStart(parentPort, () => {
  const { dataDir, seriesPort, ...task } = workerData as PreviewData;
  const series = remote<Pick<TimeSeriesStore, "query" | "latest">>(seriesPort, ["query", "latest"]);
  return judgePreview({ ...task, series, bindLimit: createLimitBinder(packsOf(dataDir)) });
});
