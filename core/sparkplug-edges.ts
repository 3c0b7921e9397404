/**
 * What ingest finds out about Sparkplug edge nodes and the gateway acts upon: it asks for rebirths, and it knows who is
 * there. Ingest alone follows births, aliases and numbers (one truth, saved with its position); the gateway alone talks.
 */

export const EDGE_NOTICES = ["birth", "death", "rebirth-wanted", "gap", "gap-closed"] as const;
/**
 * `rebirth-wanted`: a message cannot be understood, since a birth is missing. `gap`: numbers are missing and may still come,
 * `gap-closed`: they have.
 */
export type EdgeNoticeKind = (typeof EDGE_NOTICES)[number];

export interface EdgeNotice {
  readonly kind: EdgeNoticeKind;
  readonly group: string;
  readonly edge: string;
  /** Null: the edge node itself, and with it everything behind it. */
  readonly device: string | null;
  /** Arrival of the message at the gateway, wall clock, ms. */
  readonly at: number;
  /** Stable word: `BIRTH_MISSING`, `ALIAS_UNKNOWN`, `SEQ_GAP`; empty for births and deaths. */
  readonly reason: string;
}

/** Takes notices in the order of their messages. One that is lost is made good by the next message of that edge node. */
export interface EdgeListener {
  noticeEdges(notices: readonly EdgeNotice[]): Promise<void>;
}

export function nodeCommandTopic(group: string, edge: string): string {
  return `spBv1.0/${group}/NCMD/${edge}`;
}

export function deviceCommandTopic(group: string, edge: string, device: string): string {
  return `spBv1.0/${group}/DCMD/${edge}/${device}`;
}

/** Retained `{"online":true|false,"timestamp":ms}` (Sparkplug B 3.0, 6.4.23). */
export function hostStateTopic(host: string): string {
  return `spBv1.0/STATE/${host}`;
}
