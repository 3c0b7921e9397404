/** Trying a rule on history before it may wake anybody: what is asked, and what comes back. Times are ms since 1970 UTC. */
import type { Level } from "./alarm.ts";

export interface PreviewRequest {
  /** One rule as YAML or JSON text. */
  readonly rule: string;
  /** Inclusive. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** Only stations of these sites, or these stations. */
  readonly sites?: readonly string[] | undefined;
  readonly stations?: readonly string[] | undefined;
}

export interface PreviewAlarm {
  readonly series: string;
  readonly level: Level;
  readonly start: number;
  /** Null while it runs at `to`. */
  readonly end: number | null;
  readonly verified: boolean;
}

export interface PreviewNotices {
  /** Transitions of alarms that would have been told. */
  readonly events: number;
  readonly mqtt: number;
  /** 0 while no webhook is configured. */
  readonly webhook: number;
}

export interface PreviewReport {
  readonly rule: string;
  /** Version of the rule in force that has the same id; null when there is none. */
  readonly inForce: number | null;
  readonly rows: number;
  readonly series: number;
  readonly ms: number;
  readonly alarms: { readonly total: number; readonly listed: readonly PreviewAlarm[] };
  readonly notices: PreviewNotices;
  /** Against the rule in force. */
  readonly difference: {
    readonly noticesInForce: number;
    readonly same: number;
    readonly added: readonly PreviewAlarm[];
    readonly removed: readonly PreviewAlarm[];
    readonly changed: readonly { readonly before: PreviewAlarm; readonly after: PreviewAlarm }[];
  };
}

export interface RulePreview {
  /**
   * @throws Refused `RULES_INVALID` (the draft's faults), `PREVIEW_TOO_LARGE`, `PREVIEW_TOO_LONG`; Unavailable
   *   `PREVIEW_BUSY` while another one runs.
   */
  preview(request: PreviewRequest): Promise<PreviewReport>;
}
