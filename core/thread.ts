/** Starts worker threads from source (.ts, through tsx) and from the build (.js) alike. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type TransferListItem, Worker } from "node:worker_threads";

/**
 * @param module URL of the thread's module, built with `new URL("./x.ts", import.meta.url)`; in the build, where this
 *   file is a .js file, the extension is replaced.
 */
export function startThread(
  module: URL,
  options: {
    readonly name: string;
    readonly data: unknown;
    readonly transfer?: TransferListItem[];
    readonly heapMegabytes?: number;
    /** Bound of the heap's young part; V8's own (48 MB) when left out. A small one is collected more often, and sooner. */
    readonly youngMegabytes?: number;
  },
): Worker {
  const built = import.meta.url.endsWith(".js");
  return new Worker(built ? new URL(module.href.replace(/\.ts$/, ".js")) : throughTsx(module), {
    name: options.name,
    workerData: options.data,
    transferList: options.transfer ?? [],
    resourceLimits: {
      ...(options.heapMegabytes ? { maxOldGenerationSizeMb: options.heapMegabytes } : {}),
      ...(options.youngMegabytes ? { maxYoungGenerationSizeMb: options.youngMegabytes } : {}),
    },
  });
}

/** Node 20 does not apply `--import tsx` to workers, so the thread registers tsx itself before it loads its module. */
function throughTsx(module: URL): URL {
  const tsx = new URL(
    "dist/esm/api/index.mjs",
    pathToFileURL(createRequire(import.meta.url).resolve("tsx/package.json")),
  ).href;
  const script = `import { register } from ${JSON.stringify(tsx)}; register(); await import(${JSON.stringify(module.href)});`;
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}
