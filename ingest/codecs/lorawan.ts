/**
 * What the LoRaWAN network servers have in common: an uplink, however its server writes it, → readings by the device's
 * profile: from the server's decoded object, or from Cayenne LPP bytes.
 */
import { READINGS_MAX } from "../../core/wire.ts";
import { cayenneObject, parseCayenne } from "./cayenne.ts";
import {
  type Decoded,
  type DeviceHealth,
  type Fault,
  fault,
  type Refusal,
  refuse,
  type SenderProfile,
} from "./codec.ts";
import { anyTimeMs } from "./instant.ts";
import { base64Bytes, field, isObject, type JsonObject, numberField } from "./json-fields.ts";
import { leavesOf, readLeaves } from "./value-tree.ts";

export interface Uplink {
  /** Upper case. */
  readonly devEui: string;
  readonly fPort: number;
  readonly fCnt: number;
  /** Base64; empty when the frame carried nothing. */
  readonly data: string;
  /** As the server's payload formatter decoded it. */
  readonly object: JsonObject | undefined;
  /** Best time of reception known, ms; null: none was sent. */
  readonly time: number | null;
  /** The session and number of the frame, or the server's own message id, so that a repeat is known. */
  readonly boot: string;
  readonly seq: number;
  /** Session of `seq`, where `boot` is an id of the message. */
  readonly countedBy?: string;
  readonly health: DeviceHealth;
}

/** A server's event that holds no readings by its nature. */
export const NO_READINGS: Decoded = { boot: "", seq: -1, backfill: false, readings: [], faults: [] };

/**
 * Reasons: TOO_MANY_READINGS; for parts of it NOT_BASE64, NO_DECODED_OBJECT (bytes came, but nobody decoded them), those
 * of Cayenne LPP, and the time reasons when the profile's time path is at fault (then the time of reception counts).
 */
export function decodeUplink(uplink: Uplink, sender: SenderProfile): Decoded | Refusal {
  const faults: Fault[] = [];
  const { object, units } = valuesOf(uplink, sender, faults);
  const path = sender.profile?.lorawan?.timePath;
  const { leaves, isTooMany } = leavesOf(object, sender);
  if (isTooMany) return refuse("TOO_MANY_READINGS", `the decoded object holds over ${READINGS_MAX} values`);
  let { time } = uplink;
  if (path !== undefined && leaves.length > 0) {
    const own = anyTimeMs(valueAt(object, path), path);
    if (typeof own === "number") time = own;
    else faults.push(own);
  }
  const { readings, health } = readLeaves(
    leaves.filter((leaf) => leaf.path !== path),
    time,
    sender,
    units,
  );
  return {
    boot: uplink.boot,
    seq: uplink.seq,
    ...(uplink.countedBy === undefined ? {} : { countedBy: uplink.countedBy }),
    backfill: false,
    readings,
    faults,
    health: { ...health, ...uplink.health },
  };
}

function valuesOf(
  { object, data, fPort }: Uplink,
  { profile }: SenderProfile,
  faults: Fault[],
): { readonly object: object; readonly units?: ReadonlyMap<string, string> } {
  if (profile?.lorawan?.payload === "cayenne") {
    const bytes = base64Bytes(data);
    if (!bytes) faults.push(fault("NOT_BASE64", "the frame's bytes are not base64"));
    const { items, fault: found } = parseCayenne(bytes ?? new Uint8Array(0));
    if (found) faults.push(found);
    return cayenneObject(items);
  }
  if (object) return { object };
  // LoRaWAN 1.0.4, 4.3.2: port 0 carries commands of the network itself.
  if (data !== "" && fPort > 0) {
    faults.push(fault("NO_DECODED_OBJECT", `port ${fPort} brought bytes, and the network server decoded none of them`));
  }
  return { object: {} };
}

function valueAt(object: object, path: string): unknown {
  let at: unknown = object;
  for (const key of path.split(".")) at = isObject(at) ? field(at, key) : undefined;
  return at;
}

const EUI = /^[0-9A-Fa-f]{16}$/;

/** Upper case; null when it is none. */
export function euiOf(value: unknown): string | null {
  return typeof value === "string" && EUI.test(value) ? value.toUpperCase() : null;
}

/** A frame counter or port; protobuf JSON leaves out 0. Null when it is none. */
export function countOf(object: JsonObject, name: string): number | null {
  const value = field(object, name) ?? 0;
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

/** Of the gateway that heard it best. */
export function signalOf(gateways: readonly JsonObject[]): DeviceHealth {
  let best: { rssi: number; snr: number | undefined } | undefined;
  for (const gateway of gateways) {
    const rssi = numberField(gateway, "rssi");
    if (rssi !== undefined && (best === undefined || rssi > best.rssi))
      best = { rssi, snr: numberField(gateway, "snr") };
  }
  if (!best) return {};
  return { rssi: best.rssi, ...(best.snr === undefined ? {} : { snr: best.snr }) };
}
