/**
 * MQTT topics of other worlds that we take as they are, taken apart exactly: the gateway asks whose they may be, ingest
 * which device they speak of. A topic that is not one of these is null, however close it looks.
 */
import type { LorawanDownlink } from "./device-profile.ts";

/** ChirpStack v4, application events (chirpstack-docs, integrations/events). */
export const CHIRPSTACK_EVENTS = ["up", "join", "ack", "txack", "status", "log", "location", "integration"] as const;
/** The Things Stack v3, MQTT server (lorawan-stack-docs, integrations/other-integrations/mqtt). */
export const TTS_EVENTS = [
  "up",
  "join",
  "down/queued",
  "down/sent",
  "down/ack",
  "down/nack",
  "down/failed",
  "service/data",
  "location/solved",
] as const;
/** ThingsBoard device API: the connection is the device. */
export const THINGSBOARD_TELEMETRY = "v1/devices/me/telemetry";
export const THINGSBOARD_ATTRIBUTES = "v1/devices/me/attributes";
export const SPARKPLUG_ROOT = "spBv1.0";
/** What an edge node sends (Sparkplug B 3.0, 6.2); its commands come from the host. */
export const SPARKPLUG_TYPES = ["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"] as const;

/** Where a network server takes a downlink for one node. */
export function downlinkTopic(downlink: LorawanDownlink, devEui: string): string {
  return downlink.server === "chirpstack"
    ? // ChirpStack writes EUIs in lower case.
      `application/${downlink.application}/device/${devEui.toLowerCase()}/command/down`
    : `v3/${downlink.application}/devices/${downlink.device}/down/push`;
}

/** Our command's id among the correlation ids of a downlink, and back; null for those of others. */
export function ttsCorrelation(command: string): string {
  return `${TTS_CORRELATION}${command}`;
}
export function ofTtsCorrelation(correlation: string): string | null {
  return correlation.startsWith(TTS_CORRELATION) ? correlation.slice(TTS_CORRELATION.length) : null;
}
const TTS_CORRELATION = "jingtu:command:";

/** What a network server subscribes to for its downlinks: ChirpStack `application/+/device/+/command/+`. */
export function isDownlinkFilter(filter: string): boolean {
  const levels = filter.split("/");
  if (!levels.every((level) => level === "+" || LEVEL.test(level))) return false;
  const [root, , kind, , ...rest] = levels;
  const end = rest.join("/");
  if (root === "application") return kind === "device" && ["command/down", "command/+"].includes(end);
  return root === "v3" && kind === "devices" && ["down/push", "down/+"].includes(end);
}

export type ForeignTopic =
  /** `devEui` as sent. */
  | { readonly format: "chirpstack"; readonly devEui: string; readonly event: string }
  /** The device's EUI is in the payload only; `device` is the server's own name for it. */
  | { readonly format: "tts"; readonly application: string; readonly device: string; readonly event: string }
  | { readonly format: "thingsboard"; readonly channel: "telemetry" | "attributes" }
  | {
      readonly format: "sparkplug";
      readonly group: string;
      readonly type: string;
      readonly edge: string;
      /** Only of types that begin with D. */
      readonly device?: string;
    };

const EUI = /^[0-9A-Fa-f]{16}$/;
/** A level that is there and holds neither wildcards nor control characters. */
const LEVEL = /^[^+#/\p{Cc}]{1,128}$/u;

export function parseForeignTopic(topic: string): ForeignTopic | null {
  if (topic === THINGSBOARD_TELEMETRY) return { format: "thingsboard", channel: "telemetry" };
  if (topic === THINGSBOARD_ATTRIBUTES) return { format: "thingsboard", channel: "attributes" };
  const levels = topic.split("/");
  if (!levels.every((level) => LEVEL.test(level))) return null;
  switch (levels[0]) {
    case "application":
      return parseChirpstack(levels);
    case "v3":
      return parseTts(levels);
    case SPARKPLUG_ROOT:
      return parseSparkplug(levels);
    default:
      return null;
  }
}

/** `application/{application}/device/{devEui}/event/{event}` */
function parseChirpstack(levels: readonly string[]): ForeignTopic | null {
  const [, , device, devEui = "", event, kind = ""] = levels;
  if (levels.length !== 6 || device !== "device" || event !== "event" || !EUI.test(devEui)) return null;
  return (CHIRPSTACK_EVENTS as readonly string[]).includes(kind) ? { format: "chirpstack", devEui, event: kind } : null;
}

/** `v3/{application}[@{tenant}]/devices/{device}/{event}` */
function parseTts(levels: readonly string[]): ForeignTopic | null {
  const [, application = "", devices, device = "", ...rest] = levels;
  const event = rest.join("/");
  if (devices !== "devices" || !(TTS_EVENTS as readonly string[]).includes(event)) return null;
  return { format: "tts", application, device, event };
}

/** `spBv1.0/{group}/{type}/{edge}[/{device}]` */
function parseSparkplug(levels: readonly string[]): ForeignTopic | null {
  const [, group = "", type = "", edge = "", device] = levels;
  if (!(SPARKPLUG_TYPES as readonly string[]).includes(type)) return null;
  const ofDevice = type.startsWith("D");
  if (levels.length !== (ofDevice ? 5 : 4)) return null;
  return { format: "sparkplug", group, type, edge, ...(device === undefined ? {} : { device }) };
}
