import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Unavailable } from "../../../core/errors.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { TimeSeriesStore } from "../../../core/ports.ts";
import { type InfluxSeriesOptions, openInfluxSeries } from "../../../storage/series-influx.ts";
import { aBlock, aReading, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

interface Heard {
  readonly method: string;
  readonly url: URL;
  readonly lines: readonly string[];
  readonly authorization: string | undefined;
  readonly encoding: string | undefined;
}
type Answer = (response: ServerResponse, heard: Heard) => void;

const noContent: Answer = (response) => response.writeHead(204).end();
const status =
  (code: number, body = "", headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, { "content-type": "application/json", ...headers }).end(body);
const silence: Answer = () => undefined;

/** A server that answers writes by script (the last answer stays) and queries with nothing. */
class ScriptedServer {
  readonly writes: Heard[] = [];
  readonly queries: Heard[] = [];
  script: Answer[] = [noContent];
  answerQuery: Answer = status(200, '{"results":[{"statement_id":0}]}');
  readonly server: Server = createServer((request, response) => void this.#hear(request, response));

  async listen(): Promise<string> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const heard = {
      method: request.method ?? "",
      url: new URL(request.url ?? "", "http://scripted"),
      lines: Buffer.concat(chunks).toString().split("\n").filter(Boolean),
      authorization: request.headers.authorization,
      encoding: request.headers["content-encoding"],
    };
    if (heard.url.pathname === "/query") {
      this.queries.push(heard);
      this.answerQuery(response, heard);
    } else {
      this.writes.push(heard);
      const answer = this.script.length > 1 ? this.script.shift() : this.script[0];
      answer?.(response, heard);
    }
  }
}

describe("InfluxDB that misbehaves", () => {
  let server: ScriptedServer;
  let url: string;
  let clock: FakeClock;
  let metrics: Metrics;
  let stores: TimeSeriesStore[];

  beforeEach(async () => {
    server = new ScriptedServer();
    url = await server.listen();
    clock = new FakeClock();
    metrics = new Metrics();
    stores = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    await server.close().catch(() => undefined);
  });

  async function open(overrides: Partial<InfluxSeriesOptions> = {}): Promise<TimeSeriesStore> {
    const store = await openInfluxSeries({
      url,
      database: "jing tu",
      describe: () => ({ tenant: "tenant-1", site: "site-1" }),
      clock,
      log: createLogger("silent"),
      metrics,
      ...overrides,
    });
    stores.push(store);
    return store;
  }
  const block = (count: number) =>
    aBlock(Array.from({ length: count }, (_, i) => aReading({ time: NOW + i, value: i })));
  const write = (store: TimeSeriesStore, count = 1) => store.write([block(count)], { reader: "series", offset: 1 });
  const refusedLines = async () =>
    (await metrics.registry.getSingleMetric("jingtu_series_refused_lines_total")?.get())?.values[0]?.value ?? 0;
  const failureOf = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    );

  test.each([
    ["1.x by default", undefined, "/write", { db: "jing tu", precision: "ms" }],
    ["2.x", "/api/v2/write?org=o&bucket=b%2F1", "/api/v2/write", { org: "o", bucket: "b/1", precision: "ms" }],
    [
      "2.x with another precision",
      "/api/v2/write?bucket=b&precision=s",
      "/api/v2/write",
      { bucket: "b", precision: "ms" },
    ],
    ["3.x", "/api/v3/write_lp?db=d", "/api/v3/write_lp", { db: "d", precision: "millisecond" }],
  ])("writes where %s wants it", async (_, writePath, path, parameters) => {
    const store = await open({ authorization: "Basic abc", ...(writePath ? { writePath } : {}) });
    await write(store, 300);
    const [heard] = server.writes;
    expect(heard?.url.pathname).toBe(path);
    expect(Object.fromEntries(heard?.url.searchParams ?? [])).toEqual(parameters);
    expect(heard?.authorization).toBe("Basic abc");
    expect(heard?.encoding).toBeUndefined();
    expect(heard?.lines).toHaveLength(300);
    expect(server.queries.every(({ authorization }) => authorization === "Basic abc")).toBe(true);
    expect(heard?.lines[1]).toBe(
      `readings,agg=rtd,fraction=total,quantity=cd,site=site-1,station=mw-1,tenant=tenant-1 v=1,q=1i ${NOW + 1}`,
    );
  });

  test.each<[string, Answer]>([
    ["a server fault", status(500)],
    ["overload", status(503)],
    ["a rate limit", status(429)],
    ["a wrong password", status(401, '{"error":"authorization failed"}')],
    ["a missing right", status(403)],
    ["a missing database or path", status(404, '{"error":"database not found"}')],
    ["a success that is none", status(200)],
    ["a redirect to a sign-in page", status(302, "", { location: "/login" })],
    ["a cut connection", (response) => response.destroy()],
    ["silence", silence],
  ])("%s is Unavailable, loses nothing, and the same write succeeds later", async (_, answer) => {
    const store = await open({ timeoutMs: 300 });
    server.script = [answer, noContent];
    const failure = await failureOf(write(store, 3));
    expect(failure).toBeInstanceOf(Unavailable);
    expect((failure as Unavailable).code).toBe("SERIES_UNAVAILABLE");
    expect(server.writes).toHaveLength(1);
    expect(await store.latest()).toEqual([]);
    await write(store, 3);
    expect(server.writes[1]?.lines).toEqual(server.writes[0]?.lines);
    expect((await store.latest())[0]?.value).toBe(2);
    expect(await refusedLines()).toBe(0);
  });

  test("Retry-After counts seconds, and is heeded without asking the server", async () => {
    const store = await open();
    server.script = [status(503, "", { "retry-after": "7" }), noContent];
    await failureOf(write(store));
    await clock.advance(6_999);
    expect(await failureOf(write(store))).toBeInstanceOf(Unavailable);
    expect(server.writes).toHaveLength(1);
    await clock.advance(1);
    await write(store);
    expect(server.writes).toHaveLength(2);
  });

  test.each([
    [400, '{"error":"partial write: unable to parse \'x\' dropped=0"}'],
    [422, '{"code":"unprocessable entity","message":"field type conflict"}'],
  ])("after a %i the bad lines are found, counted and skipped; the rest is stored", async (code, body) => {
    const bad = [0, 17, 18, 99].map((i) => ` ${NOW + i}`);
    const stored = new Set<string>();
    server.script = [
      (response, heard) => {
        const isBad = heard.lines.some((line) => bad.some((end) => line.endsWith(end)));
        if (!isBad) for (const line of heard.lines) stored.add(line);
        (isBad ? status(code, body) : noContent)(response, heard);
      },
    ];
    const store = await open();
    await write(store, 100);
    expect(stored.size).toBe(96);
    expect(await refusedLines()).toBe(4);
    expect(server.writes.length).toBeLessThan(60);
  });

  test("when every line is refused the fault is not in the lines: nothing is skipped", async () => {
    server.script = [status(400, '{"error":"database is required"}')];
    const store = await open();
    expect(await failureOf(write(store, 1_000))).toBeInstanceOf(Unavailable);
    expect(await refusedLines()).toBe(0);
    expect(server.writes.length).toBeLessThan(100);
  });

  test("one request is in flight at a time, in order, in batches", async () => {
    let inFlight = 0;
    let inFlightMax = 0;
    server.script = [
      (response) => {
        inFlight++;
        inFlightMax = Math.max(inFlightMax, inFlight);
        setImmediate(() => {
          inFlight--;
          response.writeHead(204).end();
        });
      },
    ];
    const store = await open({ batchLines: 10 });
    await Promise.all([write(store, 25), write(store, 25), write(store, 5)]);
    expect(inFlightMax).toBe(1);
    expect(server.writes.map(({ lines }) => lines.length)).toEqual([10, 10, 5, 10, 10, 5, 5]);
  });

  test("opens without a server, and works when it comes", async () => {
    await server.close();
    const store = await open();
    const failure = await failureOf(write(store));
    expect(failure).toBeInstanceOf(Unavailable);
    expect((failure as Unavailable).fault.mend).toContain("start the server");
    expect(await failureOf(store.query({ series: "mw-1/cd/total/rtd", from: 0, to: NOW }, 1))).toBeInstanceOf(
      Unavailable,
    );
    const { port } = new URL(url);
    server.server.listen(Number(port), "127.0.0.1");
    await once(server.server, "listening");
    await write(store);
    expect(server.writes).toHaveLength(1);
  });

  test("a server that forbids CREATE DATABASE and DELETE is used all the same", async () => {
    server.answerQuery = (response, heard) =>
      (heard.method === "POST" ? status(405) : status(200, '{"results":[{"statement_id":0}]}'))(response, heard);
    const store = await open();
    await write(store);
    await store.maintain({ rawBefore: NOW, rollupBefore: null });
    expect(server.writes).toHaveLength(1);
  });

  test("an error inside a 200 of a query is Unavailable, not an empty answer", async () => {
    const store = await open();
    server.answerQuery = status(200, '{"results":[{"statement_id":0,"error":"timeout"}]}');
    const failure = await failureOf(store.query({ series: "mw-1/cd/total/rtd", from: 0, to: NOW }, 10));
    expect(failure).toBeInstanceOf(Unavailable);
  });

  test.each([
    "mw-1/cd/total/rtd' OR '1'='1",
    "mw-1/cd/total",
    "mw-1/cd/total/rtd/x",
    "mw 1/cd/total/rtd",
    "//total/rtd",
    "",
  ])("the key %j is never sent", async (series) => {
    const store = await open();
    server.queries.length = 0;
    expect(await store.query({ series, from: 0, to: NOW }, 10)).toEqual([]);
    expect(await store.buckets({ series, from: 0, to: NOW }, 1_000)).toEqual([]);
    expect(await store.corrections({ series, from: 0, to: NOW })).toEqual([]);
    await store.write([aBlock([aReading({ series }), aReading()])], { reader: "series", offset: 1 });
    expect(server.queries).toEqual([]);
    expect(server.writes.flatMap(({ lines }) => lines)).toHaveLength(1);
    expect(await refusedLines()).toBe(1);
  });

  test("names its own tool for backups", async () => {
    const store = await open();
    await expect(store.backup("/nowhere")).rejects.toMatchObject({ code: "BACKUP_ELSEWHERE" });
  });
});
