/**
 * May this message be used at all? The gateway has authenticated the device; the registry, not the topic, says where it
 * stands, and both must agree: a device moved in the registry but not in the field must not file readings anywhere.
 */
import type { RawMessage } from "../core/envelope.ts";
import type { DeviceContext } from "../core/site.ts";
import { DEVICE_CHANNELS, type DeviceChannel, devicePrefix } from "../core/wire.ts";
import { type Fault, fault } from "./codecs/codec.ts";

/** Channels that end in no readings; presence and commands are the gateway's business. */
const PASSED: ReadonlySet<string> = new Set(["event", "state", "info", "cmd/ack"]);
/** Channels with a decoder. */
const DECODED: ReadonlySet<string> = new Set(["telemetry"]);

export type ChannelVerdict =
  | { readonly kind: "decode"; readonly channel: DeviceChannel }
  | { readonly kind: "pass"; readonly channel: DeviceChannel }
  | { readonly kind: "refuse"; readonly fault: Fault };

/** Reasons: DEVICE_UNKNOWN, TOPIC_MISMATCH, CHANNEL_UNSUPPORTED. */
export function judgeChannel(
  message: Pick<RawMessage, "device" | "topic">,
  context: DeviceContext | undefined,
): ChannelVerdict {
  if (!context) return refused("DEVICE_UNKNOWN", `device "${message.device}" is not in the registry`);
  const prefix = devicePrefix(context.site, context.station, context.device);
  if (!message.topic.startsWith(prefix)) {
    return refused("TOPIC_MISMATCH", `topic "${message.topic}" is not below "${prefix}", where the registry has it`);
  }
  const channel = message.topic.slice(prefix.length);
  if (DECODED.has(channel)) return { kind: "decode", channel: channel as DeviceChannel };
  if (PASSED.has(channel)) return { kind: "pass", channel: channel as DeviceChannel };
  const known = (DEVICE_CHANNELS as readonly string[]).includes(channel);
  return refused("CHANNEL_UNSUPPORTED", `channel "${channel}" ${known ? "has no decoder yet" : "does not exist"}`);
}

function refused(code: string, detail: string): ChannelVerdict {
  return { kind: "refuse", fault: fault(code, detail) };
}
