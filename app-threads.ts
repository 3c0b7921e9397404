/** Starts and watches the pipeline and the web thread: their ports, their ends, their restart. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import { systemClock } from "./core/clock.ts";
import type { Config } from "./core/config.ts";
import type { Logger } from "./core/observe.ts";
import type { Publisher } from "./core/ports.ts";
import type { Shutdown } from "./core/service.ts";
import type { EdgeListener } from "./core/sparkplug-edges.ts";
import { startThread } from "./core/thread.ts";
import type { SqliteJournal } from "./storage/journal-sqlite.ts";
import {
  PIPELINE_CONTROL,
  type PipelineControl,
  WEB_CONTROL,
  type WebControl,
  type WebReady,
  type WebSupport,
} from "./thread-contracts.ts";
import { offer, remote, started } from "./threads.ts";

export interface Pipeline {
  readonly worker: Worker;
  readonly control: PipelineControl;
  readonly ready: Promise<void>;
}

/** A pipeline that ends without being asked to is a bug: `onFatal`, and the process should exit with 70. */
export function startPipeline(parts: {
  readonly config: Config;
  readonly journal: SqliteJournal;
  readonly publisher: Publisher;
  readonly edges: EdgeListener;
  readonly shutdown: Shutdown;
  readonly onFatal: (error: Error) => void;
}): Pipeline {
  const { config, journal, publisher, edges, shutdown, onFatal } = parts;
  const [publishing, controlling] = [new MessageChannel(), new MessageChannel()];
  offer<Publisher & EdgeListener>(publishing.port1, {
    publish: (message) => publisher.publish(message),
    noticeEdges: (notices) => edges.noticeEdges(notices),
  });
  const journalPort = journal.connect();
  const worker = startThread(new URL("./app-pipeline.ts", import.meta.url), {
    name: "pipeline",
    youngMegabytes: 24,
    data: { config, journalPort, publisherPort: publishing.port2, controlPort: controlling.port2 },
    transfer: [journalPort, publishing.port2, controlling.port2],
  });
  const control = remote<PipelineControl>(controlling.port1, PIPELINE_CONTROL, { callMsMax: Number.POSITIVE_INFINITY });
  let state: "starting" | "running" | "stopping" = "starting";
  shutdown.onStop("pipeline", async () => {
    if (state === "running") {
      state = "stopping";
      await control.stop().catch(() => undefined);
    }
    state = "stopping";
    await worker.terminate();
    closePorts(publishing.port1, controlling.port1);
  });
  const ready = started<null>(worker).then(() => {
    state = "running";
    worker.on("error", onFatal);
    worker.on("exit", (code) => {
      if (state !== "running") return;
      state = "stopping"; // nobody is left to be asked to stop
      onFatal(new Error(`the pipeline thread ended with ${code}`));
    });
  });
  return { worker, control, ready };
}

const RESTART_MS = 1_000;

/** A web thread that ends without being asked to is started again on the same port; nothing else is disturbed. */
export function startWeb(parts: {
  readonly config: Config;
  readonly version: string;
  readonly journal: SqliteJournal;
  readonly pipeline: Worker;
  readonly support: WebSupport;
  readonly shutdown: Shutdown;
  readonly log: Logger;
}): { readonly ready: Promise<WebReady> } {
  const { config, version, journal, pipeline, support, shutdown, log } = parts;
  const built = import.meta.url.endsWith(".js") ? new URL("./dashboards/web/", import.meta.url).pathname : null;
  const webRoot = built && existsSync(join(built, "index.html")) ? built : null;
  const stopping = new AbortController();
  let stopCurrent: () => Promise<void> = async () => undefined;
  shutdown.onStop("web", async () => {
    stopping.abort();
    await stopCurrent();
  });

  const launch = async (httpPort: number): Promise<WebReady> => {
    const [series, supporting, controlling] = [new MessageChannel(), new MessageChannel(), new MessageChannel()];
    offer(supporting.port1, support);
    pipeline.postMessage({ seriesPort: series.port1 }, [series.port1]);
    const journalPort = journal.connect();
    const worker = startThread(new URL("./app-web.ts", import.meta.url), {
      name: "web",
      youngMegabytes: 12,
      data: {
        config: { ...config, httpPort },
        version,
        webRoot,
        journalPort,
        seriesPort: series.port2,
        supportPort: supporting.port2,
        controlPort: controlling.port2,
      },
      transfer: [journalPort, series.port2, supporting.port2, controlling.port2],
    });
    const control = remote<WebControl>(controlling.port1, WEB_CONTROL);
    let isRunning = false;
    stopCurrent = async () => {
      if (isRunning) await control.stop().catch(() => undefined);
      await worker.terminate();
      closePorts(supporting.port1, controlling.port1);
    };
    const ready = await started<WebReady>(worker);
    isRunning = true;
    worker.on("error", (error) => log.error({ err: error }, "the web thread failed and will be started again"));
    worker.on("exit", () => {
      isRunning = false;
      closePorts(supporting.port1, controlling.port1);
      if (!stopping.signal.aborted) void relaunch(ready.address.port);
    });
    return ready;
  };
  const relaunch = async (port: number): Promise<void> => {
    while (!stopping.signal.aborted) {
      await systemClock.sleep(RESTART_MS, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await launch(port);
        return;
      } catch (error) {
        await stopCurrent();
        log.error({ err: error }, "the web thread did not start");
      }
    }
  };
  return { ready: launch(config.httpPort) };
}

function closePorts(...ports: readonly MessagePort[]): void {
  for (const port of ports) port.close();
}
