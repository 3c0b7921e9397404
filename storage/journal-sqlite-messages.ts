/** Words between the writer thread of the journal and its clients in other threads. */
import type { MessagePort } from "node:worker_threads";
import type { PackedGroup } from "./journal-sqlite-group.ts";

/** One client's part of a commit: all or nothing. */
export interface Batch {
  readonly groups: readonly PackedGroup[];
  readonly advance: readonly { readonly reader: string; readonly stream: string; readonly offset: number }[];
  readonly state: readonly { readonly reader: string; readonly offset: number; readonly bytes: Uint8Array }[];
}

/** Space for the journal: free on the disk plus free inside its file, against what is to be kept free. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly reserveBytes: number;
}

export type ClientMessage =
  | { readonly kind: "batch"; readonly id: number; readonly batch: Batch }
  | { readonly kind: "trim"; readonly id: number; readonly stream: number; readonly offset: number }
  /** From now on, tell the ends of streams after every commit. */
  | { readonly kind: "watch" };

export type WriterMessage =
  | { readonly kind: "done"; readonly id: number; readonly ends: readonly number[] }
  | { readonly kind: "failed"; readonly id: number; readonly what: string }
  | { readonly kind: "ends"; readonly ends: readonly number[] }
  | { readonly kind: "disk"; readonly disk: DiskSpace };

/** From the owner of the thread to the thread. */
export type OwnerMessage =
  | { readonly kind: "connect"; readonly port: MessagePort }
  | { readonly kind: "disk"; readonly disk: DiskSpace }
  | { readonly kind: "close" };

/** What the thread tells its owner. */
export type ThreadMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "unopened"; readonly code: string; readonly what: string }
  | { readonly kind: "event"; readonly event: ThreadEvent; readonly detail: string };

/** `commit-failed`: a group was refused and the database is opened anew. The others belong to the keeper's work. */
export type ThreadEvent = "commit-failed" | "reopened" | "checkpoint-failed" | "entries-lost";

export interface ThreadData {
  readonly file: string;
}
