/**
 * May this message be used at all, whose is it, and which decoder reads it? The gateway has authenticated the account;
 * the registry, not the topic, says where a device stands, and both must agree: a device moved in the registry but not in
 * the field must not file readings anywhere. What speaks of another device counts only when that one is registered as
 * carried by the account (`via`).
 */
import type { RawMessage } from "../core/envelope.ts";
import type { Directory } from "../core/ports.ts";
import type { DeviceContext } from "../core/site.ts";
import { DEVICE_CHANNELS, devicePrefix } from "../core/wire.ts";
import { type Codec, type Fault, fault } from "./codecs/codec.ts";
import type { ForeignFormat, Formats } from "./formats.ts";

/** Channels that end in no readings; presence and commands are the gateway's business. */
const PASSED: ReadonlySet<string> = new Set(["state", "cmd/ack"]);

export type Route =
  /** `context`: of the device whose readings they are. */
  | { readonly kind: "decode"; readonly codec: Codec; readonly context: DeviceContext }
  | { readonly kind: "pass"; readonly channel: string }
  | { readonly kind: "refuse"; readonly fault: Fault };

/**
 * Reasons: DEVICE_UNKNOWN, TOPIC_MISMATCH, CHANNEL_UNSUPPORTED, SENDER_UNKNOWN, SENDER_NOT_CARRIED,
 * DEVICE_REVOKED, and those of a foreign format that cannot tell its sender.
 */
export function routeMessage(message: RawMessage, directory: Directory, formats: Formats): Route {
  const { device: account, topic } = message;
  const context = directory.device(account);
  if (!context) return refused("DEVICE_UNKNOWN", `device "${account}" is not in the registry`);
  if (isRevoked(account, message, directory)) return revoked(account);
  const prefix = devicePrefix(context.site, context.station, context.device);
  if (!topic.startsWith(prefix)) {
    const foreign = formats.foreign.find((format) => format.owns(topic));
    foreign?.follow?.(message, directory);
    if (foreign) return routeForeign(foreign, message, context, directory);
    return refused("TOPIC_MISMATCH", `topic "${topic}" is not below "${prefix}", where the registry has it`);
  }
  const channel = topic.slice(prefix.length);
  const codec = formats.channels.get(channel);
  if (codec) return { kind: "decode", codec, context };
  if (PASSED.has(channel)) return { kind: "pass", channel };
  const known = (DEVICE_CHANNELS as readonly string[]).includes(channel);
  return refused("CHANNEL_UNSUPPORTED", `channel "${channel}" ${known ? "has no decoder yet" : "does not exist"}`);
}

function routeForeign(
  { name, sender, decode: codec }: ForeignFormat,
  message: RawMessage,
  account: DeviceContext,
  directory: Directory,
): Route {
  const { topic, payload } = message;
  const found = sender(payload, topic);
  if (found === null) return { kind: "decode", codec, context: account };
  if (typeof found !== "string") return { kind: "refuse", fault: found.refused };
  const context = directory.external(found);
  if (!context) return refused("SENDER_UNKNOWN", `${name}: no device in the registry goes by "${found}"`);
  const { id, via } = context.device;
  if (id !== account.device.id && via !== account.device.id) {
    return refused("SENDER_NOT_CARRIED", `${name}: "${found}" does not send through ${account.device.id} (via)`);
  }
  return isRevoked(id, message, directory) ? revoked(id) : { kind: "decode", codec, context };
}

/** What was taken before the revocation is used: it was acknowledged, and the device was trusted then. */
function isRevoked(device: string, { receivedAt }: RawMessage, directory: Directory): boolean {
  const since = directory.revokedSince(device);
  return since !== undefined && receivedAt >= since;
}

function revoked(device: string): Route {
  return refused("DEVICE_REVOKED", `device "${device}", or the account that carries it, is revoked`);
}

function refused(code: string, detail: string): Route {
  return { kind: "refuse", fault: fault(code, detail) };
}
