/** What a simulated logger says when it is asked to read something: CP of its packet. HJ 212-2017 Annex C. */

export interface ReadState {
  readonly intervalSeconds: number;
  readonly averageMinutes: number;
  /** `w01018` → hhmmss and hours; midnight and 2 h until set. */
  readonly sampling: ReadonlyMap<string, readonly [start: string, hours: string]>;
  /** `w01018 i13004` → what was set. */
  readonly settings: ReadonlyMap<string, string>;
}

/** Null for a request that is no question. @param time the device's own, as it writes it. */
export function hj212Reading(
  code: string,
  asked: ReadonlyMap<string, string | null>,
  { state, time }: { readonly state: ReadState; readonly time: string },
): string | null {
  const parameter = asked.get("PolId") ?? "";
  const info = asked.get("InfoId") ?? "";
  const [start, hours] = state.sampling.get(parameter) ?? ["000000", "2"];
  switch (code) {
    case "1011":
      return `SystemTime=${time}`;
    case "1061":
      return `RtdInterval=${state.intervalSeconds}`;
    case "1063":
      return `MinInterval=${state.averageMinutes}`;
    case "2041":
      return `DataTime=${asked.get("BeginTime") ?? time};SB1-RT=23.5`;
    case "3015":
      return `DataTime=${time};VaseNo=1`;
    case "3017":
      return `PolId=${parameter};CstartTime=${start},Ctime=${hours}`;
    case "3018":
      return `PolId=${parameter};Stime=30`;
    case "3019":
      return `PolId=${parameter};${parameter}-SN=SN0001`;
    case "3020":
      return `DataTime=${time};PolId=${parameter};${info}-Info=${state.settings.get(`${parameter} ${info}`) ?? "0"}`;
    default:
      return null;
  }
}

/** Keeps what a request sets, so that it can be read again. */
export function keepSetting(
  code: string,
  asked: ReadonlyMap<string, string | null>,
  state: {
    intervalSeconds: number;
    averageMinutes: number;
    readonly sampling: Map<string, readonly [string, string]>;
    readonly settings: Map<string, string>;
  },
): void {
  const word = (name: string): string => asked.get(name) ?? "";
  if (code === "1062") state.intervalSeconds = Number(word("RtdInterval"));
  else if (code === "1064") state.averageMinutes = Number(word("MinInterval"));
  else if (code === "3016") state.sampling.set(word("PolId"), [word("CstartTime"), word("Ctime")]);
  else if (code === "3021") state.settings.set(`${word("PolId")} ${word("InfoId")}`, word(`${word("InfoId")}-Info`));
}
