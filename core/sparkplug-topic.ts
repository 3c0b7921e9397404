/** Sparkplug B 3.0 topics: `spBv1.0/{group}/{type}/{edge}[/{device}]` and `spBv1.0/STATE/{host}` (chapter 4). */

export const SPARKPLUG_ROOT = "spBv1.0";
/** What an edge node publishes for itself and for the devices behind it. */
export const NODE_MESSAGES = ["NBIRTH", "NDATA", "NDEATH"] as const;
export const DEVICE_MESSAGES = ["DBIRTH", "DDATA", "DDEATH"] as const;
export type SparkplugMessage = (typeof NODE_MESSAGES)[number] | (typeof DEVICE_MESSAGES)[number];

export interface SparkplugTopic {
  readonly group: string;
  readonly type: SparkplugMessage;
  readonly edge: string;
  /** Null for the edge node itself. */
  readonly device: string | null;
}

/** Null for everything that is not a message of an edge node; commands and STATE come from hosts. */
export function parseSparkplugTopic(topic: string): SparkplugTopic | null {
  const [root, group = "", type = "", edge = "", device = "", ...more] = topic.split("/");
  if (root !== SPARKPLUG_ROOT || group === "" || edge === "" || more.length > 0) return null;
  if ((NODE_MESSAGES as readonly string[]).includes(type)) {
    return topic.split("/").length === 4 ? { group, type: type as SparkplugMessage, edge, device: null } : null;
  }
  if (!(DEVICE_MESSAGES as readonly string[]).includes(type) || device === "") return null;
  return { group, type: type as SparkplugMessage, edge, device };
}

export function nodeCommandTopic(group: string, edge: string): string {
  return `${SPARKPLUG_ROOT}/${group}/NCMD/${edge}`;
}

export function hostStateTopic(host: string): string {
  return `${SPARKPLUG_ROOT}/STATE/${host}`;
}
