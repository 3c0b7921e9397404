/**
 * What HJ 212 packets without readings say of the equipment: states of facilities (2021 `SB1-RS`), run hours (2041 `SB1-RT`), the
 * logger's start (2081), sampling and analysis times (3017, 3018), instruments' numbers (3019), logs, states and settings of
 * instruments (3020 `i…-Info`). HJ 212-2017 tables 4 and 9.
 */
import type { DeviceFact } from "../../core/fleet.ts";
import { FACT_CHARACTERS_MAX, FACTS_MAX } from "../../core/fleet.ts";
import type { Hj212Segment } from "../../core/hj212-segment.ts";

const COMMANDS: ReadonlySet<string> = new Set(["2021", "2041", "2081", "3017", "3018", "3019", "3020"]);
const SUFFIXES: ReadonlySet<string> = new Set(["RS", "RT", "SN", "Info"]);
const NAMES: ReadonlySet<string> = new Set(["RestartTime", "CstartTime", "Ctime", "Stime", "VaseNo"]);

/** @param time of the packet, ms. At most `FACTS_MAX`; what belongs to one instrument carries its code before it. */
export function factsOf({ header, groups }: Hj212Segment, time: number): readonly DeviceFact[] {
  if (!COMMANDS.has(header.CN ?? "")) return [];
  const facts: DeviceFact[] = [];
  let instrument = "";
  for (const [name, value] of groups.flat()) {
    if (name === "PolId") instrument = value;
    const suffix = name.slice(name.lastIndexOf("-") + 1);
    if (!(name.includes("-") ? SUFFIXES : NAMES).has(suffix) || facts.length >= FACTS_MAX) continue;
    // `w01018-SN` names its instrument by itself, `i11001-Info` does not.
    const full = instrument === "" || name.startsWith(`${instrument}-`) ? name : `${instrument}/${name}`;
    facts.push({ name: shown(full), value: shown(value.replace(/^\/\/(.*)\/\/$/s, "$1")), time });
  }
  return facts;
}

function shown(text: string): string {
  return text.slice(0, FACT_CHARACTERS_MAX).replace(/[\p{Cc}\p{Cs}]/gu, "\uFFFD");
}
