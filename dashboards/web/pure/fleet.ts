/** Which devices need somebody, and in which order they are listed. Pure. */
import type { FleetView } from "../api-types.ts";

export const FLEET_CHOICES = ["all", "trouble", "online", "offline", "lost", "unknown"] as const;
export type FleetChoice = (typeof FLEET_CHOICES)[number];

/** 0: nothing to do. A device that is simply not connected, or never was, is no trouble while its data comes. */
export function troubleOf(device: FleetView): number {
  const { state, overdue, missingMessages, dataHoles, batteryPercent } = device;
  return (
    (overdue ? 8 : 0) +
    (state === "lost" ? 4 : 0) +
    (batteryPercent !== null && batteryPercent < 20 ? 2 : 0) +
    (missingMessages + dataHoles > 0 ? 1 : 0)
  );
}

export function byTrouble(devices: readonly FleetView[]): FleetView[] {
  return [...devices].sort((a, b) => troubleOf(b) - troubleOf(a) || (a.id < b.id ? -1 : 1));
}

export function fits(device: FleetView, choice: FleetChoice): boolean {
  if (choice === "all") return true;
  return choice === "trouble" ? troubleOf(device) > 0 : device.state === choice;
}

/** Never "100 %" while one is missing, never "0 %" while one is there. */
export function percentText(share: number): string {
  const percent = share * 100;
  if (percent > 99 && percent < 100) return "99 %";
  return `${percent > 0 && percent < 1 ? 1 : Math.round(percent)} %`;
}
