/** Which devices of an edge node have metrics that our commands write, and what its messages say of them. */
import { externalName } from "../core/directory.ts";
import type { FleetSignal } from "../core/fleet.ts";
import type { ForeignTopic } from "../core/foreign-topics.ts";
import type { Directory } from "../core/ports.ts";
import { type MetricSeen, watchedMetrics } from "../core/sparkplug-command.ts";
import type { SeenMetric } from "./codecs/sparkplug.ts";

type SparkplugTopic = Extract<ForeignTopic, { format: "sparkplug" }>;

interface Watch {
  readonly names: ReadonlySet<string>;
  readonly devices: readonly { readonly device: string; readonly names: ReadonlySet<string> }[];
}

/** Of one batch: an edge node that repeats itself for ever must not fill the memory. */
const SIGNALS_MAX = 10_000;

/** `refused`: how many more there were. */
export interface Signals {
  readonly signals: readonly FleetSignal[];
  readonly refused: number;
}

export class SparkplugAnswers {
  #watches = new Map<string, Watch>();
  #watchesFor: Directory | null = null;
  /** By what they say: a metric that says the same again in one batch tells nothing new. */
  #signals = new Map<string, FleetSignal>();
  #refused = 0;

  /** Metrics to look out for in a message of this topic; undefined when there are none. */
  watched(topic: SparkplugTopic, directory: Directory): ReadonlySet<string> | undefined {
    return this.#watch(topic, directory)?.names;
  }

  note(topic: SparkplugTopic, seen: readonly SeenMetric[], directory: Directory, receivedAt: number): void {
    if (seen.length === 0) return;
    const isBirth = topic.type.endsWith("BIRTH");
    const of = topic.device === undefined ? "node" : "device";
    for (const { device, names } of this.#watch(topic, directory)?.devices ?? []) {
      for (const { metric, value } of seen) {
        if (!names.has(metric)) continue;
        const payload = JSON.stringify({ metric, value, of, isBirth } satisfies Omit<MetricSeen, "at">);
        const key = `${device} ${payload}`;
        if (this.#signals.size >= SIGNALS_MAX && !this.#signals.has(key)) this.#refused += 1;
        else this.#signals.set(key, { device, channel: "metric", receivedAt, payload });
      }
    }
  }

  take(): Signals {
    const signals = [...this.#signals.values()];
    const refused = this.#refused;
    if (signals.length > 0) this.#signals = new Map();
    this.#refused = 0;
    return { signals, refused };
  }

  #watch({ group, edge, device }: SparkplugTopic, directory: Directory): Watch | undefined {
    if (this.#watchesFor !== directory) {
      this.#watches = watchesOf(directory);
      this.#watchesFor = directory;
    }
    return this.#watches.get(externalName.sparkplug(group, edge, device));
  }
}

/** By the name that messages come under: a device behind an edge node may wait for a metric of the node. */
function watchesOf(directory: Directory): Map<string, Watch> {
  const found = new Map<string, { device: string; names: ReadonlySet<string> }[]>();
  const add = (name: string, device: string, names: ReadonlySet<string>): void => {
    if (names.size === 0) return;
    const others = found.get(name);
    if (others) others.push({ device, names });
    else found.set(name, [{ device, names }]);
  };
  for (const { id, profile } of directory.snapshot.devices) {
    const { sparkplug } = profile ?? {};
    if (!sparkplug) continue;
    const { group, edge, device } = sparkplug;
    add(externalName.sparkplug(group, edge), id, watchedMetrics(sparkplug, "node"));
    if (device !== undefined) {
      add(externalName.sparkplug(group, edge, device), id, watchedMetrics(sparkplug, "device"));
    }
  }
  return new Map(
    [...found].map(([name, devices]) => [name, { devices, names: new Set(devices.flatMap((one) => [...one.names])) }]),
  );
}
