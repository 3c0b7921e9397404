/** What an HJ 212 connection may ask of the server that holds it. */

import type { Clock } from "../core/clock.ts";
import type { DeviceContext } from "../core/site.ts";
import type { Gate } from "./admit.ts";
import type { FieldDevice } from "./hj212-devices.ts";
import type { Refused } from "./refusals.ts";

export interface Desk {
  readonly clock: Clock;
  readonly gate: Gate;
  contextOf(mn: string): DeviceContext | undefined;
  deviceOf(context: DeviceContext): FieldDevice;
  isRevoked(device: string): boolean;
  /** A device without a password believes everybody who knows its MN. */
  hasPassword(device: string): boolean;
  /** An SM4 key is kept: where there is no password it alone proves the device. */
  hasKey(device: string): boolean;
  /** True also when no password of the device is kept. */
  passwordFits(device: string, password: string | undefined): boolean;
  decrypt(device: string, segment: Uint8Array): Uint8Array | null;
  /** A packet of a device that nobody registered. */
  unclaimed(mn: string, address: string): void;
  /** How long a password that comes from there is not looked at, ms; infinite when it should not be kept for that. */
  guessWait(address: string, device: string): number;
  guessed(address: string, device: string, isRight: boolean): void;
  /** A device's packets now come over this connection, or over none any more. */
  came(device: string, address: string): void;
  went(device: string): void;
  /** A device asks for the time. */
  setClock(device: FieldDevice): void;
  /** The reason becomes a label of a metric. */
  refuse(reason: string, who?: Refused): void;
  counted(changes: Partial<Record<"frames" | "resent" | "badCrc" | "noiseBytes" | "badLength", number>>): void;
}
