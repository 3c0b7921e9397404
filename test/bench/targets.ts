/** Pure: which targets a run of a bench missed. They hold for the numbers of devices that each names; smaller runs prove less. */
import type { BacklogBench } from "./backlog.ts";
import type { CodecRate } from "./codecs.ts";
import type { Hj212Bench } from "./hj212-sessions.ts";
import type { IdleBench } from "./idle.ts";
import type { QcFigures } from "./qc.ts";

/** What fell short, in words; empty when all were met. */
export type Missed = readonly string[];

const IDLE_MEGABYTES_MAX = 400;
const LIVE_P99_MS_MAX = 250;
const HJ212_P99_MS_MAX = 50;
const QC_NS_MAX = 200;

export function missedCodecs(
  rates: Readonly<Record<string, Pick<CodecRate, "messagesPerSecond" | "target" | "isMet">>>,
): Missed {
  return Object.entries(rates).flatMap(([name, { messagesPerSecond, target, isMet }]) =>
    isMet ? [] : [`${name}: ${messagesPerSecond} messages/s, target ${target}`],
  );
}

export function missedIdle({
  connections,
  stillOpen,
  rssMegabytes,
}: Pick<IdleBench, "connections" | "stillOpen" | "rssMegabytes">): Missed {
  return [
    ...atMost("resident memory, MB", Math.max(rssMegabytes.open, rssMegabytes.settled), IDLE_MEGABYTES_MAX),
    ...(stillOpen === connections ? [] : [`${stillOpen} of ${connections} connections still open`]),
  ];
}

export function missedBacklog({
  live,
  backlog,
  stored,
  expected,
  quarantined,
}: {
  readonly live: Pick<BacklogBench["live"], "p99Ms" | "lost">;
  readonly backlog: Pick<BacklogBench["backlog"], "lost">;
} & Pick<BacklogBench, "stored" | "expected" | "quarantined">): Missed {
  return [
    ...atMost("live PUBACK p99, ms", live.p99Ms, LIVE_P99_MS_MAX),
    ...atMost("messages without an answer", live.lost + backlog.lost, 0),
    ...atMost("quarantined", quarantined, 0),
    ...(stored === expected ? [] : [`${stored} readings stored of ${expected}`]),
  ];
}

export function missedHj212({
  answered,
  unanswered,
  late,
  p99Ms,
}: Pick<Hj212Bench, "answered" | "unanswered" | "late" | "p99Ms">): Missed {
  return [
    ...(answered > 0 ? [] : ["no packet was answered"]),
    ...atMost("9014 p99, ms", p99Ms, HJ212_P99_MS_MAX),
    ...atMost("packets without an answer", unanswered + late, 0),
  ];
}

export function missedQc({ nsQc }: Pick<QcFigures, "nsQc">): Missed {
  return atMost("quality control, ns a reading in order", nsQc, QC_NS_MAX);
}

/** A figure that is none has missed. */
function atMost(what: string, figure: number, most: number): Missed {
  return figure <= most ? [] : [`${what}: ${figure}, target at most ${most}`];
}
