/**
 * The writer thread of the journal: the only one that changes `journal.db`.
 *
 * Whatever waits when a commit starts, from every client, goes into one transaction with one sync; the next starts when
 * it has ended. After a failed commit the connection is not trusted again (a second fsync of the same file can succeed
 * although the data is gone): the group is refused, and the database is opened anew before the next one.
 */
import { type MessagePort, parentPort, type Worker, workerData } from "node:worker_threads";
import { Misconfigured } from "../core/errors.ts";
import { startThread } from "../core/thread.ts";
import type { KeeperData, KeeperMessage } from "./journal-sqlite-keeper.ts";
import type {
  Batch,
  ClientMessage,
  DiskSpace,
  OwnerMessage,
  ThreadData,
  ThreadEvent,
  ThreadMessage,
  WriterMessage,
} from "./journal-sqlite-messages.ts";
import { isSqliteError, openForWriting } from "./journal-sqlite-schema.ts";
import { JournalTables, type TrimRequest } from "./journal-sqlite-tables.ts";
import { setDamagedLogAside } from "./journal-sqlite-wal.ts";

/** The keeper is sent after so many new pages (4 KiB) in the write-ahead log. */
const CHECKPOINT_PAGES = 1_024;
/** Beyond this the writer itself copies what the keeper has left over, so that the log can start over. */
const WAL_PAGES_MAX = 4_096;
/** When readers keep the log from starting over, the writer tries again only after so many more pages. */
const WAL_RETRY_PAGES = 4_096;

interface Client {
  readonly port: MessagePort;
  watching: boolean;
}
interface Waiting<T> {
  readonly client: Client;
  readonly id: number;
  readonly value: T;
}

class Writer {
  readonly #file: string;
  readonly #clients = new Set<Client>();
  readonly #keeper: Worker;
  #open: { readonly tables: JournalTables; close(): void } | undefined;
  #disk: DiskSpace | undefined;
  #batches: Waiting<Batch>[] = [];
  #trims: Waiting<TrimRequest>[] = [];
  #scheduled = false;
  #keeperBusy = false;
  #checkpointedAtPages = 0;
  #inlineFromPages = WAL_PAGES_MAX;

  constructor(file: string) {
    this.#file = file;
    this.#open = this.#openTables();
    const data: KeeperData = { task: "checkpoint", file };
    this.#keeper = startThread(new URL("./journal-sqlite-keeper.ts", import.meta.url), {
      name: "journal-keeper",
      data,
      heapMegabytes: 64,
    });
    this.#keeper.on("message", (message: KeeperMessage) => {
      this.#keeperBusy = false;
      if (message.kind === "failed") tell("checkpoint-failed", message.what);
    });
  }

  connect(port: MessagePort): void {
    const client: Client = { port, watching: false };
    this.#clients.add(client);
    port.on("message", (message: ClientMessage) => this.#receive(client, message));
    port.on("close", () => this.#clients.delete(client));
    if (this.#disk) send(client, { kind: "disk", disk: this.#disk });
  }

  setDisk(disk: DiskSpace): void {
    this.#disk = disk;
    for (const client of this.#clients) send(client, { kind: "disk", disk });
  }

  async close(): Promise<void> {
    while (this.#batches.length > 0) this.#commit();
    for (const client of this.#clients) client.port.close();
    // A checkpoint that runs is finished first; its connection is closed with the thread.
    await this.#keeper.terminate();
    this.#open?.close();
  }

  #receive(client: Client, message: ClientMessage): void {
    if (message.kind === "watch") {
      client.watching = true;
      send(client, { kind: "ends", ends: this.#open?.tables.ends() ?? [] });
      return;
    }
    const { id } = message;
    if (message.kind === "batch") this.#batches.push({ client, id, value: message.batch });
    else this.#trims.push({ client, id, value: { stream: message.stream, offset: message.offset } });
    this.#schedule();
  }

  /** After the messages that have arrived already, so that they share the commit. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commit();
      if (this.#batches.length > 0 || this.#trims.length > 0) this.#schedule();
    });
  }

  #commit(): void {
    const batches = this.#batches;
    const trims = this.#trims;
    this.#batches = [];
    this.#trims = [];
    try {
      this.#open ??= this.#reopen();
      const { tables } = this.#open;
      const values = batches.map(({ value }) => value);
      const finished = tables.commit(
        values,
        trims.map(({ value }) => value),
      );
      this.#trims.push(...trims.filter((_, index) => !finished[index]));
      this.#acknowledge([...batches, ...trims.filter((_, index) => finished[index])], tables.ends());
    } catch (error) {
      this.#distrust();
      const what = error instanceof Error ? error.message : String(error);
      for (const { client, id } of [...batches, ...trims]) send(client, { kind: "failed", id, what });
      if (!isSqliteError(error, "SQLITE_")) throw error;
      tell("commit-failed", `${error.code}: ${what}`);
      return;
    }
    this.#keepLogShort(this.#open.tables);
  }

  #acknowledge(done: readonly Waiting<unknown>[], ends: readonly number[]): void {
    const told = new Set<Client>();
    for (const { client, id } of done) {
      send(client, { kind: "done", id, ends });
      told.add(client);
    }
    for (const client of this.#clients) if (client.watching && !told.has(client)) send(client, { kind: "ends", ends });
  }

  #keepLogShort(tables: JournalTables): void {
    const { log, checkpointed } = tables.walPages();
    if (log < this.#checkpointedAtPages) {
      this.#checkpointedAtPages = 0;
      this.#inlineFromPages = WAL_PAGES_MAX;
    }
    if (this.#keeperBusy) return;
    if (log > this.#inlineFromPages) {
      this.#inlineFromPages = log + WAL_RETRY_PAGES;
      try {
        tables.checkpoint();
      } catch (error) {
        if (!isSqliteError(error, "SQLITE_")) throw error;
        tell("checkpoint-failed", `${error.code}: ${error.message}`);
      }
    } else if (log - Math.max(checkpointed, this.#checkpointedAtPages) > CHECKPOINT_PAGES) {
      this.#checkpointedAtPages = log;
      this.#keeperBusy = true;
      this.#keeper.postMessage("checkpoint");
    }
  }

  #openTables(): { readonly tables: JournalTables; close(): void } {
    const db = openForWriting(this.#file);
    const tables = new JournalTables(db);
    for (const { stream, first, end } of tables.lost) tell("entries-lost", `${stream} ${first} to ${end - 1}`);
    return { tables, close: () => db.close() };
  }

  #reopen(): { readonly tables: JournalTables; close(): void } {
    const opened = this.#openTables();
    tell("reopened", this.#file);
    return opened;
  }

  #distrust(): void {
    try {
      this.#open?.close();
    } catch {
      // A connection that cannot even be closed is left to the end of the process; it is not used again.
    }
    this.#open = undefined;
  }
}

function send(client: Client, message: WriterMessage): void {
  client.port.postMessage(message);
}

function toOwner(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}

function tell(event: ThreadEvent, detail: string): void {
  toOwner({ kind: "event", event, detail });
}

function serve(data: ThreadData): void {
  let writer: Writer;
  try {
    const damage = setDamagedLogAside(`${data.file}-wal`);
    if (damage) tell("entries-lost", damage);
    writer = new Writer(data.file);
  } catch (error) {
    if (!(error instanceof Misconfigured) && !isSqliteError(error, "SQLITE_")) throw error;
    toOwner({ kind: "unopened", code: error.code, what: error.message });
    return;
  }
  parentPort?.on("message", (message: OwnerMessage) => {
    if (message.kind === "connect") writer.connect(message.port);
    else if (message.kind === "disk") writer.setDisk(message.disk);
    else void writer.close().then(() => parentPort?.close());
  });
  toOwner({ kind: "ready" });
}

serve(workerData as ThreadData);
