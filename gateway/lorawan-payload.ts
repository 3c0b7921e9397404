/** Pure: a command as the profile of a LoRaWAN node writes it → the downlink as its network server takes it. */
import type { CommandArgs } from "../core/command.ts";
import type { CommandOp } from "../core/command-ops.ts";
import type { LorawanCommand, LorawanDownlink } from "../core/device-profile.ts";
import { ttsCorrelation } from "../core/foreign-topics.ts";

const FIELD = /\{(\w+):(u8|u16le|u16be|u32le|u32be)\}/g;
/** LoRaWAN 1.0.4 regional parameters: the largest application payload of any data rate, bytes. */
const PAYLOAD_BYTES_MAX = 242;

/** The numbers that a template may name. `now`, `from` and `to`: Unix seconds. */
function numbersOf(args: CommandArgs, now: number): Readonly<Record<string, number>> {
  const seconds = args["seconds"];
  const [from, to] = [args["from"], args["to"]];
  return {
    now: Math.floor(now / 1_000),
    ...(typeof seconds === "number" ? { seconds, minutes: seconds / 60 } : {}),
    ...(typeof from === "number" ? { from: Math.floor(from / 1_000) } : {}),
    ...(typeof to === "number" ? { to: Math.ceil(to / 1_000) } : {}),
  };
}

/** Bytes of a template; a text when a number is missing, is not whole or does not fit. */
export function fillHex(template: string, args: CommandArgs, now: number): Uint8Array | string {
  const numbers = numbersOf(args, now);
  let why: string | null = null;
  const hex = template.replace(FIELD, (_whole, name: string, type: string) => {
    const number = numbers[name];
    const bytes = type === "u8" ? 1 : type.startsWith("u16") ? 2 : 4;
    if (number === undefined) why ??= `the command has no ${name}`;
    else if (!Number.isInteger(number)) why ??= `${name} is not whole: ${number}`;
    else if (number < 0 || number >= 2 ** (8 * bytes)) why ??= `${name} ${number} does not fit into ${type}`;
    const big = (number ?? 0).toString(16).padStart(2 * bytes, "0");
    return type.endsWith("le") ? (big.match(/../g) ?? []).reverse().join("") : big;
  });
  if (why !== null) return why;
  const bytes = Buffer.from(hex, "hex");
  return bytes.length <= PAYLOAD_BYTES_MAX
    ? bytes
    : `${bytes.length} bytes; a LoRaWAN frame holds ${PAYLOAD_BYTES_MAX}`;
}

function fillObject(
  object: NonNullable<LorawanCommand["object"]>,
  args: CommandArgs,
  now: number,
): Readonly<Record<string, unknown>> | string {
  const numbers = numbersOf(args, now);
  const filled: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    const name = typeof value === "string" ? /^\{(\w+)\}$/.exec(value)?.[1] : undefined;
    if (name !== undefined && numbers[name] === undefined) return `the command has no ${name}`;
    filled[key] = name === undefined ? value : numbers[name];
  }
  return filled;
}

/**
 * The JSON that the network server takes. Null when the node's profile has no such command, a text when it cannot be
 * written with these arguments.
 *
 * ChirpStack carries our id as that of its queue item (a UUID), The Things Stack among the correlation ids: by it their events
 * are known again.
 */
export function downlinkMessage(
  command: { readonly id: string; readonly op: CommandOp; readonly args: CommandArgs },
  { devEui, downlink }: { readonly devEui: string; readonly downlink: LorawanDownlink },
  now: number,
): { readonly json: string } | string | null {
  const mapping = downlink.commands[command.op];
  if (!mapping) return null;
  const { fPort, confirmed = false } = mapping;
  const { hex, object } = mapping;
  const filled = hex === undefined ? fillObject(object ?? {}, command.args, now) : fillHex(hex, command.args, now);
  if (typeof filled === "string") return filled;
  const data = filled instanceof Uint8Array ? Buffer.from(filled).toString("base64") : null;
  if (downlink.server === "chirpstack") {
    const payload = data === null ? { object: filled } : { data };
    return { json: JSON.stringify({ id: command.id, devEui: devEui.toLowerCase(), confirmed, fPort, ...payload }) };
  }
  const payload = data === null ? { decoded_payload: filled } : { frm_payload: data };
  const [application_id] = downlink.application.split("@");
  return {
    json: JSON.stringify({
      end_device_ids: { device_id: downlink.device, application_ids: { application_id } },
      downlinks: [
        { f_port: fPort, ...payload, confirmed, priority: "NORMAL", correlation_ids: [ttsCorrelation(command.id)] },
      ],
    }),
  };
}
