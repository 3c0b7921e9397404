/**
 * Rule previews for the web thread: one at a time, each in a thread of its own that can be ended, so that neither ingest
 * nor the pages wait for it. Readings come from the series store by way of the web thread.
 */
import { MessageChannel } from "node:worker_threads";
import type { Packs } from "./alerts/packs/load.ts";
import { parseRules } from "./alerts/rules.ts";
import type { Clock } from "./core/clock.ts";
import type { Config } from "./core/config.ts";
import { Misconfigured, Refused, Unavailable } from "./core/errors.ts";
import { packPoints } from "./core/packed-points.ts";
import type { Directory, SeriesQuery, TimeSeriesStore } from "./core/ports.ts";
import type { Rule } from "./core/rule.ts";
import type { PreviewReport, RulePreview } from "./core/rule-preview.ts";
import { startThread } from "./core/thread.ts";
import { offer, started } from "./threads.ts";

const PREVIEW_MS_MAX = 30_000;
const HEAP_MEGABYTES = 512;

export interface PreviewDeskParts {
  readonly series: Pick<TimeSeriesStore, "query" | "latest">;
  readonly directory: () => Directory;
  readonly packs: Packs;
  readonly config: Pick<Config, "dataDir" | "webhookUrl">;
  readonly clock: Clock;
  /** Longest time a preview may take, ms. */
  readonly msMax?: number;
}

export function createRulePreview(parts: PreviewDeskParts): RulePreview {
  let isBusy = false;
  return {
    preview: async ({ rule: text, ...request }) => {
      const draft = parseDraft(text, parts.packs);
      if (isBusy) {
        throw new Unavailable("PREVIEW_BUSY", { what: "another preview is running", mend: "ask again in a moment" });
      }
      isBusy = true;
      try {
        return await inThread(parts, { draft, request });
      } finally {
        isBusy = false;
      }
    },
  };
}

/** @throws Refused `RULES_INVALID` with every fault. */
export function parseDraft(text: string, packs: Packs): Rule {
  try {
    const written = /^\s*(-|\[)/.test(text) ? text : `- ${text.trim().replaceAll("\n", "\n  ")}`;
    const rules = parseRules(written, "the draft", packs);
    const [rule] = rules;
    if (rule && rules.length === 1) return rule;
    throw new Refused("RULES_INVALID", { what: `${rules.length} rules`, mend: "send exactly one" }, 422);
  } catch (error) {
    if (!(error instanceof Misconfigured)) throw error;
    throw new Refused(error.code, error.fault, 422);
  }
}

async function inThread(
  { series, directory, config, clock, msMax = PREVIEW_MS_MAX }: PreviewDeskParts,
  task: { readonly draft: Rule; readonly request: object },
): Promise<PreviewReport> {
  const startedAt = clock.monotonic();
  const { port1, port2 } = new MessageChannel();
  offer(port1, {
    query: async (query: SeriesQuery, limit: number) => packPoints(await series.query(query, limit)),
    latest: () => series.latest(),
  });
  const { snapshot } = directory();
  const worker = startThread(new URL("./app-preview.ts", import.meta.url), {
    name: "preview",
    heapMegabytes: HEAP_MEGABYTES,
    data: {
      ...task,
      dataDir: config.dataDir,
      hasWebhook: config.webhookUrl !== undefined,
      snapshot: { ...snapshot, credentials: [] },
      seriesPort: port2,
    },
    transfer: [port2],
  });
  const stop = new AbortController();
  const tooLong = clock.sleep(msMax, stop.signal).then(() => {
    if (stop.signal.aborted) return new Promise<never>(() => undefined);
    const what = `not done after ${msMax / 1_000} s`;
    throw new Refused("PREVIEW_TOO_LONG", { what, mend: "ask for a shorter time, or name sites or stations" }, 422);
  });
  try {
    const report = await Promise.race([started<Omit<PreviewReport, "ms">>(worker), tooLong]);
    return { ...report, ms: Math.round(clock.monotonic() - startedAt) };
  } finally {
    stop.abort();
    port1.close();
    await worker.terminate();
  }
}
