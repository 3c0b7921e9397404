/**
 * The only caller of the InfluxDB client: sends lines and asks questions, and sorts failures by reaction.
 *
 * The client's own retry is off (it keeps lines in memory and then drops them; the journal is our buffer), its batches
 * are ours, gzip is off (slower than a local network), and each flush is awaited before the next starts, because two
 * requests in flight may overtake each other.
 */
import { HttpError, InfluxDB, type WriteApi } from "@influxdata/influxdb-client";
import type { Clock } from "../core/clock.ts";
import { Unavailable } from "../core/errors.ts";
import type { InfluxTable } from "./series-influx-ql.ts";

const RETRY_AFTER_MS_MAX = 60_000;
/** Lines refused one by one, with none accepted, after which the fault is not in the lines. */
const REFUSED_LINES_MAX = 20;
/** Statuses that mean "these lines", so that halving finds the bad ones; any other refusal is about all lines. */
const LINE_FAULTS = [400, 413, 422];

export interface InfluxClientOptions {
  readonly url: string;
  readonly database: string;
  readonly authorization?: string | undefined;
  readonly writePath?: string | undefined;
  readonly timeoutMs: number;
  /** Bound of the lines of one `write`. */
  readonly linesMax: number;
  readonly clock: Clock;
}
export interface RefusedLine {
  readonly line: string;
  readonly reason: string;
}
export type Precision = "ms" | "ns";

export class InfluxClient {
  readonly #options: InfluxClientOptions;
  readonly #influx: InfluxDB;
  readonly #writers: Readonly<Record<Precision, WriteApi>>;
  #notBefore = Number.NEGATIVE_INFINITY;

  constructor(options: InfluxClientOptions) {
    this.#options = options;
    this.#influx = new InfluxDB({
      url: options.url,
      timeout: options.timeoutMs,
      // Given whole, never as `token`: that would become "Token …", which 1.x does not know.
      headers: options.authorization ? { authorization: options.authorization } : {},
    });
    this.#writers = { ms: this.#writer("ms"), ns: this.#writer("ns") };
  }

  /**
   * Stores lines durably. Returns those that the server refuses whatever is done, found by halving.
   * @throws Unavailable `SERIES_UNAVAILABLE`: nothing is known of the lines, send them again.
   */
  async write(lines: readonly string[], precision: Precision): Promise<readonly RefusedLine[]> {
    const { clock, url } = this.#options;
    if (clock.monotonic() < this.#notBefore) {
      throw new Unavailable("SERIES_UNAVAILABLE", { what: "the InfluxDB server asked for a pause", where: url });
    }
    const refused: RefusedLine[] = [];
    const progress = { accepted: 0 };
    await this.#halve(lines, precision, refused, progress);
    return refused;
  }

  /** Tables of each statement. @param epoch unit of times in the answer. */
  async ask(ql: string, epoch: "ms" | "u" = "ms"): Promise<readonly (readonly InfluxTable[])[]> {
    return this.#query("GET", ql, epoch);
  }
  /**
   * A statement that changes something. False when this server or account does not allow it, as 2.x and 3.x do for
   * databases and deletes.
   */
  async order(ql: string): Promise<boolean> {
    try {
      await this.#query("POST", ql, "ms");
      return true;
    } catch (error) {
      const cause = error instanceof Unavailable ? error.cause : undefined;
      if (cause instanceof StatementError) return false;
      if (cause instanceof HttpError && cause.statusCode < 500 && cause.statusCode !== 429) return false;
      throw error;
    }
  }

  async #halve(
    lines: readonly string[],
    precision: Precision,
    refused: RefusedLine[],
    progress: { accepted: number },
  ): Promise<void> {
    const fault = await this.#send(lines, precision);
    if (fault === null) {
      progress.accepted += lines.length;
      return;
    }
    if (lines.length > 1) {
      const middle = lines.length >> 1;
      await this.#halve(lines.slice(0, middle), precision, refused, progress);
      await this.#halve(lines.slice(middle), precision, refused, progress);
      return;
    }
    refused.push({ line: lines[0] ?? "", reason: fault.body?.slice(0, 300) ?? fault.message });
    if (refused.length >= REFUSED_LINES_MAX && progress.accepted === 0) throw this.#unavailable(fault);
  }

  /** Null when stored; the error when the server refuses these very lines. */
  async #send(lines: readonly string[], precision: Precision): Promise<HttpError | null> {
    const writer = this.#writers[precision];
    try {
      writer.writeRecords(lines as string[]);
      await writer.flush();
      return null;
    } catch (error) {
      if (error instanceof HttpError && LINE_FAULTS.includes(error.statusCode)) return error;
      this.#heedRetryAfter(error);
      throw this.#unavailable(error);
    }
  }

  async #query(method: "GET" | "POST", ql: string, epoch: "ms" | "u"): Promise<readonly (readonly InfluxTable[])[]> {
    const path = `/query?db=${encodeURIComponent(this.#options.database)}&epoch=${epoch}&q=${encodeURIComponent(ql)}`;
    try {
      const answer = (await this.#influx.transport.request(path, "", {
        method,
        headers: { accept: "application/json" },
      })) as { error?: string; results?: { error?: string; series?: InfluxTable[] }[] };
      const fault = answer.error ?? answer.results?.find(({ error }) => error)?.error;
      if (fault) throw new StatementError(fault);
      return (answer.results ?? []).map(({ series = [] }) => series);
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  #writer(precision: Precision): WriteApi {
    const { database, writePath, linesMax } = this.#options;
    const writer = this.#influx.getWriteApi("", database, precision, {
      maxRetries: 0,
      flushInterval: 0,
      // One more than ever handed over: reaching it would send a batch that no flush awaits.
      batchSize: linesMax + 1,
      maxBatchBytes: Number.MAX_SAFE_INTEGER,
      gzipThreshold: Number.MAX_SAFE_INTEGER,
      // Its result is what `flush` rejects with; without it the client writes to the console.
      writeFailed: (error) => Promise.reject(error),
    });
    writer.path = writePathOf(database, writePath, precision);
    return writer;
  }

  /** The header counts seconds; the client reads it as milliseconds. */
  #heedRetryAfter(error: unknown): void {
    if (!(error instanceof HttpError)) return;
    const seconds = Number(error.headers?.["retry-after"] ?? 0);
    if (seconds > 0) this.#notBefore = this.#options.clock.monotonic() + Math.min(seconds * 1_000, RETRY_AFTER_MS_MAX);
  }

  #unavailable(cause: unknown): Unavailable {
    const { url } = this.#options;
    const status = cause instanceof HttpError ? cause.statusCode : undefined;
    const mend =
      status === 401 || status === 403
        ? "set EWS_INFLUX_AUTH to the whole Authorization header of an account that may read and write the database"
        : status === 404
          ? "check EWS_INFLUX_DATABASE, and EWS_INFLUX_WRITE_PATH for 2.x and 3.x"
          : "start the server; readings wait in the journal meanwhile";
    const detail = cause instanceof Error ? cause.message : String(cause);
    return new Unavailable(
      "SERIES_UNAVAILABLE",
      {
        what: `the InfluxDB server does not take or answer this now: ${status ? `HTTP ${status} ` : ""}${detail}`,
        where: url,
        mend,
      },
      { cause },
    );
  }
}

/** A statement that was understood but failed, told inside a 200. */
class StatementError extends Error {}

/** Pure. The configured path with the precision forced; 3.x spells it out on its own path. */
export function writePathOf(database: string, configured: string | undefined, precision: Precision): string {
  const path = configured ?? `/write?db=${encodeURIComponent(database)}`;
  const [route = "", search = ""] = path.split("?", 2);
  const parameters = new URLSearchParams(search);
  const isVersion3 = route.includes("/api/v3/");
  parameters.set("precision", isVersion3 ? { ms: "millisecond", ns: "nanosecond" }[precision] : precision);
  return `${route}?${parameters.toString()}`;
}
