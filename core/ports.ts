/** Contracts between the folders: order, lifetime, durability, errors. One suite a port (test/contract) runs on every adapter. */
import type { Alarm, AlarmEvent, AlarmState, Command, Level } from "./alarm.ts";
import type { MaintenanceWindow } from "./maintenance.ts";
import type { Comparison } from "./reading.ts";
import type { ReadingBlock } from "./reading-block.ts";
import type { Rule, VersionedRule } from "./rule.ts";
import type { Device, DeviceContext, Role, Site, Station, Tenant } from "./site.ts";

/**
 * Streams of the journal: what came in, what it meant, what it led to, what people asked, what could not be used, and
 * what it said of the devices themselves. The order is part of the file format: new ones go to the end.
 */
export const STREAMS = ["raw", "readings", "alarms", "commands", "quarantine", "fleet"] as const;
export type Stream = (typeof STREAMS)[number];

/** The reader of stream `raw`; the gateway paces devices by its position. */
export const INGEST_READER = "ingest";

/** Readers on the path of a warning and of the store. Others in the journal are saved states, which lag by design. */
export const WORKING_READERS = [INGEST_READER, "series", "alerts", "recorder", "dispatch", "alarm-publisher"] as const;

export interface JournalEntry {
  /** Position in its stream: 0, 1, 2, … without gaps. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What one atomic, durable change may hold. */
export interface JournalChange {
  readonly append?: readonly { readonly stream: Stream; readonly entries: readonly Uint8Array[] }[];
  /** Reader positions: every entry below `offset` is done. */
  readonly advance?: readonly { readonly reader: string; readonly stream: Stream; readonly offset: number }[];
  /** Snapshots of a reader's state as of `offset`; the newest replaces the one before. */
  readonly state?: readonly { readonly reader: string; readonly offset: number; readonly bytes: Uint8Array }[];
}

export interface JournalStats {
  readonly streams: Readonly<Record<Stream, { readonly start: number; readonly end: number; readonly bytes: number }>>;
  readonly readers: readonly { readonly reader: string; readonly stream: Stream; readonly offset: number }[];
  readonly diskFreeBytes: number;
  /** True while appends are refused because the disk is nearly full. */
  readonly full: boolean;
}

/**
 * The durable log every warning passes through. Entries of one stream keep the order of their appends.
 * A resolved `append` or `commit` survives power loss: it has been fsynced. A rejected one left nothing behind.
 */
export interface Journal {
  /**
   * Appends one entry; many callers share one group commit. The hot path of the gateway.
   * @throws Unavailable `JOURNAL_FULL` (disk nearly full), `JOURNAL_FAILED` (sync failed), `JOURNAL_BUSY` (too much is waiting).
   */
  append(stream: Stream, entry: Uint8Array): Promise<void>;
  /** Appends, advances readers and saves states, all or nothing. Same errors as `append`. */
  commit(change: JournalChange): Promise<void>;
  /** Entries from `offset` on, oldest first, until `bytesMax` is reached (at least one when there is one); empty at the end. */
  read(stream: Stream, offset: number, bytesMax: number): Promise<readonly JournalEntry[]>;
  /** Offset that the next entry of the stream will get. */
  end(stream: Stream): Promise<number>;
  /** Resolves when the stream's end is beyond `offset`, or when the signal aborts. */
  wait(stream: Stream, offset: number, signal: AbortSignal): Promise<void>;
  /** Where a reader goes on; 0, or the start of the stream after trimming, when it is new. */
  position(reader: string, stream: Stream): Promise<number>;
  loadState(reader: string): Promise<{ readonly offset: number; readonly bytes: Uint8Array } | null>;
  /** Drops entries below `offset`, whole groups only, never beyond what a reader or its state still needs. */
  trim(stream: Stream, offset: number): Promise<void>;
  stats(): Promise<JournalStats>;
  /** Writes a consistent copy into `folder` while appends go on. */
  backup(folder: string): Promise<void>;
  close(): Promise<void>;
}

/** One stored point. `value` is null when the device reported none. */
export interface Point {
  readonly time: number;
  readonly value: number | null;
  readonly cmp: Comparison;
  readonly flag: number;
  readonly qualifier: string;
}

/** One step of a roll-up. Censored points count with their reporting limit and are counted in `censored`. */
export interface Bucket {
  readonly time: number;
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  readonly censored: number;
  /** Worst flag in the bucket (9 missing counts least). */
  readonly flag: number;
}

export interface SeriesQuery {
  readonly series: string;
  /** Inclusive, ms since 1970 UTC. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface LatestPoint extends Point {
  readonly series: string;
}

/** Where a writer stands in stream `readings`; stored with the points so that a crash repeats or skips nothing. */
export interface SeriesPosition {
  readonly reader: string;
  readonly offset: number;
}

/** A point that was replaced by another value at the same series and time. */
export interface CorrectionRecord {
  readonly series: string;
  readonly time: number;
  readonly oldValue: number | null;
  readonly oldCmp: Comparison;
  readonly newValue: number | null;
  readonly newCmp: Comparison;
  /** Wall clock, ms. */
  readonly at: number;
}

/** Time-series store. Writing the same block twice equals once; a later write of (series, time) replaces the earlier. */
export interface TimeSeriesStore {
  /** Durable when resolved. @throws Unavailable `SERIES_UNAVAILABLE` when the server or file cannot take it now. */
  write(blocks: readonly ReadingBlock[], position: SeriesPosition): Promise<void>;
  /** Offset to go on reading from; 0 when this store has never been written. Null when it does not keep positions. */
  position(reader: string): Promise<number | null>;
  /** Ascending in time. */
  query(query: SeriesQuery, limit: number): Promise<readonly Point[]>;
  /** Ascending; only buckets with points. `stepMs` from an epoch-aligned grid. Uses roll-ups where they fit. */
  buckets(query: SeriesQuery, stepMs: number): Promise<readonly Bucket[]>;
  /** Newest point of each named series (those that have one), or of all series. From memory in the embedded store. */
  latest(series?: readonly string[]): Promise<readonly LatestPoint[]>;
  corrections(query: SeriesQuery): Promise<readonly CorrectionRecord[]>;
  /** Points stored in all. */
  count(): Promise<number>;
  /** Sorts, folds roll-ups of what changed, drops what is older than `before` (ms; null keeps all). */
  maintain(options: { readonly rawBefore: number | null; readonly rollupBefore: number | null }): Promise<void>;
  /** Writes a consistent copy into `folder` while writes go on. @throws Refused `BACKUP_ELSEWHERE` for a server with its own tool. */
  backup(folder: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * A device credential as kept: the secret itself is never stored. A device may have several: rotation overlaps, and one
 * that is over stays for a while, so that its use can be told from a guess and nobody can bring it back by accident.
 */
export interface DeviceCredential {
  readonly device: string;
  /** HMAC-SHA-256(pepper, secret), hex. */
  readonly hmac: string;
  /** Wall clock, ms, exclusive; absent for one without an end. */
  readonly validUntil?: number;
}

/** A device that was revoked: nothing that comes in its name is used from `since` (wall clock, ms) on. */
export interface RevokedDevice {
  readonly device: string;
  readonly since: number;
}

export interface RegistryContents {
  readonly tenants: readonly Tenant[];
  readonly sites: readonly Site[];
  readonly stations: readonly Station[];
  readonly devices: readonly Device[];
}

/** What changed since a version, and everything a reader's copy needs: readers replace their copy as a whole. */
export interface RegistrySnapshot extends RegistryContents {
  readonly version: number;
  readonly credentials: readonly DeviceCredential[];
  readonly revoked: readonly RevokedDevice[];
  readonly rules: readonly VersionedRule[];
  /** All that were ever set, those that are over too: late readings still fall into them. */
  readonly maintenance: readonly MaintenanceWindow[];
}

/** Sites, stations, devices, credentials and rules. Readers keep a copy and poll `version`. */
export interface Registry {
  /** Grows with every change, by any process. Cheap. */
  version(): Promise<number>;
  snapshot(): Promise<RegistrySnapshot>;
  /** Inserts or replaces by id, all or nothing. @throws Refused `REGISTRY_INVALID` naming every dangling reference. */
  put(contents: Partial<RegistryContents>, by: string): Promise<void>;
  /**
   * Gives each device named its credential; those it had before end `overlapMs` from now (at once when left out), or
   * earlier. A revoked device is admitted by it.
   */
  putCredentials(
    credentials: readonly Pick<DeviceCredential, "device" | "hmac">[],
    by: string,
    overlapMs?: number,
  ): Promise<void>;
  /**
   * Ends every credential of these devices now, and their open claim codes; none of them is let in by any protocol until
   * it is admitted. @throws Refused `REGISTRY_INVALID` for one that is not known.
   */
  revokeCredentials(devices: readonly string[], by: string): Promise<void>;
  /** Lets revoked devices in again; what was ended stays ended. @returns those that were revoked. */
  admitDevices(devices: readonly string[], by: string): Promise<readonly string[]>;
  /** New or changed rules get the next version; equal ones stay. Returns how many changed. */
  putRules(rules: readonly Rule[], by: string): Promise<number>;
  close(): Promise<void>;
}

export interface AlarmFilter {
  readonly state?: readonly AlarmState[];
  readonly level?: readonly Level[];
  readonly site?: string;
  readonly tenant?: string;
  readonly station?: string;
  /** Leaves out alarms of suspected data, for those who may not know of them. */
  readonly withoutIntegrity?: boolean;
  /** Opaque; from the page before. */
  readonly cursor?: string;
  readonly limit: number;
}

/** Alarms and their history, as read by pages; written only by the recorder, from stream `alarms`. */
export interface AlarmStore {
  /** Applies events and the reader position in one transaction; the same event twice equals once. */
  record(events: readonly AlarmEvent[], position: { readonly reader: string; readonly offset: number }): Promise<void>;
  position(reader: string): Promise<number>;
  /** Newest `updatedAt` first. Retracted and superseded alarms are left out unless asked for by id. */
  list(filter: AlarmFilter): Promise<{ readonly alarms: readonly Alarm[]; readonly cursor: string | null }>;
  get(id: string): Promise<Alarm | null>;
  history(id: string): Promise<readonly AlarmEvent[]>;
  counts(filter?: Pick<AlarmFilter, "tenant" | "withoutIntegrity">): Promise<Readonly<Record<AlarmState, number>>>;
  close(): Promise<void>;
}

/** One message to one outlet; the key is the same on every try. */
export interface OutboxItem {
  readonly key: string;
  readonly outlet: string;
  readonly alarm: string;
  readonly event: string;
  readonly body: string;
  readonly tries: number;
  readonly dueAt: number;
}
export type OutboxOutcome =
  | { readonly kind: "sent"; readonly at: number; readonly detail: string }
  | { readonly kind: "retry"; readonly dueAt: number; readonly detail: string }
  | { readonly kind: "given-up"; readonly at: number; readonly detail: string };

/** Notifications waiting and their fate; rows, not memory. */
export interface Outbox {
  /** Adds items and moves the reader position in one transaction; an item whose key exists is left alone. */
  enqueue(
    items: readonly Omit<OutboxItem, "tries">[],
    position: { readonly reader: string; readonly offset: number },
  ): Promise<void>;
  position(reader: string): Promise<number>;
  due(now: number, limit: number): Promise<readonly OutboxItem[]>;
  settle(key: string, outcome: OutboxOutcome): Promise<void>;
  /** Deliveries of one alarm, for its page. */
  of(alarm: string): Promise<
    readonly (OutboxItem & {
      readonly state: "queued" | "sent" | "given-up";
      readonly detail: string;
      readonly at: number | null;
    })[]
  >;
  depth(): Promise<number>;
}

/** One way out to people or machines. Never throws for what the other side does: it says so in the outcome. */
export interface Notifier {
  readonly name: string;
  send(
    item: OutboxItem,
  ): Promise<{ readonly kind: "sent" | "retry" | "given-up"; readonly detail: string; readonly retryAfterMs?: number }>;
}

/** Accepts what people ask and answers once the engine has decided. */
export interface AlarmDesk {
  /**
   * Durable before it is answered. Idempotent: a second acknowledgement returns the alarm with its first acker.
   * @throws Refused `ALARM_UNKNOWN`; Unavailable `ALARM_UNDECIDED` when the engine did not answer within 2 s (it will).
   */
  acknowledge(request: Omit<Command, "kind" | "id" | "at">): Promise<Alarm>;
}

/** MQTT messages from the server to its consumers and devices. Never blocks its caller on a slow subscriber. */
export interface Publisher {
  publish(message: { readonly topic: string; readonly payload: string; readonly retain: boolean }): Promise<void>;
}

/** Calendar work. One run of a task at a time; a run that was missed is told to `onMissed`. */
export interface Scheduler {
  /** @param expression five-field cron in Asia/Shanghai. */
  schedule(name: string, expression: string, task: () => Promise<void>): void;
  close(): Promise<void>;
}

/** Read access to who is who, for gateways and ingest: an in-memory copy of the registry. */
export interface Directory {
  readonly version: number;
  device(id: string): DeviceContext | undefined;
  station(id: string): { readonly station: Station; readonly site: Site } | undefined;
  /** Every credential of a device that is kept, those that are over too: ask `judgeSecret` in core/secret.ts. */
  credentials(device: string): readonly DeviceCredential[];
  /** Since when (wall clock, ms) the device, or the account that carries it, is revoked; undefined when neither is. */
  revokedSince(device: string): number | undefined;
  /** By a name of a foreign protocol; see `externalName` in core/directory.ts. */
  external(name: string): DeviceContext | undefined;
  /** Devices whose messages come through this account's connection. */
  carriedBy(account: string): readonly DeviceContext[];
  /** Windows of a station, oldest first; undefined when there were never any. */
  maintenance(station: string): readonly MaintenanceWindow[] | undefined;
  readonly snapshot: RegistrySnapshot;
}

/** One bound of a pack as it applies to a station, for charts and alarm pages. */
export interface LimitLine {
  readonly pack: string;
  /** Class, kind or "limit", as in `LimitRule.above`. */
  readonly above: string;
  /** In the canonical unit of the quantity at this station. */
  readonly value: number;
  readonly unit: string;
  readonly passes: "<=" | ">=" | "<" | ">";
  readonly standard: string;
  readonly clause: string;
  readonly confidence: string;
  /** False until a named person confirms a doubtful row: such a row never fires. */
  readonly enforceable: boolean;
}

/** Which limits of the law apply where. */
export interface LimitBook {
  lines(place: { readonly station: Station; readonly site: Site }, quantity: string): readonly LimitLine[];
}

/** A person as kept. `passwordHash` is argon2id in PHC form. */
export interface User {
  readonly name: string;
  readonly role: Role;
  readonly tenant: string | null;
  readonly passwordHash: string;
  /** TOTP secret, encrypted by the caller; null when not enrolled. */
  readonly totp: string | null;
}
export interface Session {
  /** SHA-256 of the opaque cookie value, hex. */
  readonly id: string;
  readonly user: string;
  readonly csrf: string;
  readonly createdAt: number;
  readonly seenAt: number;
  readonly expiresAt: number;
}
export interface ApiToken {
  /** HMAC-SHA-256(pepper, token), hex. */
  readonly hmac: string;
  readonly name: string;
  readonly role: Role;
  readonly tenant: string | null;
  readonly expiresAt: number;
}
/** An MQTT account that may read alarms and current values (of one tenant, or all). */
export interface Consumer {
  readonly name: string;
  readonly tenant: string | null;
  readonly hmac: string;
}
export interface AuditEntry {
  readonly at: number;
  readonly actor: string;
  readonly via: string;
  readonly action: string;
  readonly object: string;
  readonly detail: string;
}

/** People, sessions, tokens, consumers and the audit log. */
export interface Accounts {
  user(name: string): Promise<User | null>;
  users(): Promise<readonly User[]>;
  putUser(user: User): Promise<void>;
  session(id: string): Promise<Session | null>;
  putSession(session: Session): Promise<void>;
  dropSession(id: string): Promise<void>;
  /** Ends every session of a person, e.g. after a password reset. */
  dropSessionsOf(user: string): Promise<void>;
  putToken(token: ApiToken): Promise<void>;
  token(hmac: string): Promise<ApiToken | null>;
  putConsumer(consumer: Consumer): Promise<void>;
  consumers(): Promise<readonly Consumer[]>;
  audit(entry: AuditEntry): Promise<void>;
  audits(limit: number): Promise<readonly AuditEntry[]>;
}
