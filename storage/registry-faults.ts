/** The words in which faults of a registry file are told: every one with its place. */
import { Refused } from "../core/errors.ts";

export function faultText(what: string, place: string): string {
  return `✖ ${what}\n  → at ${place}`;
}

export function invalidFile(faults: readonly string[]): Refused {
  return new Refused("REGISTRY_FILE_INVALID", {
    what: `${faults.length} fault(s):\n${faults.join("\n")}`,
    mend: "correct what is named above; nothing was imported",
  });
}
