/**
 * What HJ 212 packets without readings say of the equipment: states of facilities (2021 `SB1-RS`), run hours (2041 `SB1-RT`), the
 * logger's start (2081), sampling and analysis times (3017, 3018), instruments' numbers (3019), logs, states and settings of
 * instruments (3020 `i…-Info`), the logger's hardware (1001): HJ 212-2017 tables 4 and 9. Alarms of the 2005 edition (2071), checks
 * with a standard sample (2062) and kept samples (3015) are told whole, whatever their fields are called.
 */
import type { DeviceFact } from "../../core/fleet.ts";
import { FACT_CHARACTERS_MAX, FACTS_MAX } from "../../core/fleet.ts";
import { isUpload } from "../../core/hj212-answer.ts";
import type { Hj212Segment } from "../../core/hj212-segment.ts";
import { type Fault, fault } from "./codec.ts";

const COMMANDS: ReadonlySet<string> = new Set("1001 2021 2041 2081 3017 3018 3019 3020".split(" "));
/** Every field of these is told. */
const TOLD_WHOLE: ReadonlySet<string> = new Set(["2062", "2071", "3015"]);
/** These say of which instrument, when, or how an exchange goes. */
const FRAMEWORK: ReadonlySet<string> = new Set("DataTime BeginTime EndTime PolId QN QnRtn ExeRtn".split(" "));
const SUFFIXES: ReadonlySet<string> = new Set(["RS", "RT", "SN", "Info"]);
const NAMES: ReadonlySet<string> = new Set(["RestartTime", "CstartTime", "Ctime", "Stime", "VaseNo"]);

/** Data packets that gave no reading (2011 with `SB1-RS` only) may tell of the equipment too. @param time of the packet, ms. At most `FACTS_MAX`; what belongs to one instrument carries its code before it. */
export function factsOf({ header: { CN = "" }, groups }: Hj212Segment, time: number, isData: boolean): DeviceFact[] {
  const isWhole = TOLD_WHOLE.has(CN);
  if (!isData && !isWhole && !COMMANDS.has(CN)) return [];
  const facts: DeviceFact[] = [];
  let instrument = "";
  for (const [name, value] of groups.flat()) {
    if (name === "PolId") instrument = value;
    const suffix = name.slice(name.lastIndexOf("-") + 1);
    const isTold = isWhole ? !FRAMEWORK.has(name) : (name.includes("-") ? SUFFIXES : NAMES).has(suffix);
    if (!isTold || facts.length >= FACTS_MAX) continue;
    // `w01018-SN` names its instrument by itself, `i11001-Info` does not.
    const full = instrument === "" || name.startsWith(`${instrument}-`) ? name : `${instrument}/${name}`;
    facts.push({ name: shown(full), value: shown(value.replace(/^\/\/(.*)\/\/$/s, "$1")), time });
  }
  return facts;
}

/** An upload is answered, and then the device forgets it: one of which nothing was used goes to quarantine, so that it is not lost. */
export function unusedFault(segment: Hj212Segment): Fault | null {
  if (!isUpload(segment)) return null;
  const names = segment.groups.flat().flatMap(([name]) => (FRAMEWORK.has(name) ? [] : [name]));
  if (names.length === 0) return null;
  return fault("UPLOAD_UNUSED", `nothing of command ${segment.header.CN} could be used: ${names.join(", ")}`);
}

function shown(text: string): string {
  return text.slice(0, FACT_CHARACTERS_MAX).replace(/[\p{Cc}\p{Cs}]/gu, "\uFFFD");
}
