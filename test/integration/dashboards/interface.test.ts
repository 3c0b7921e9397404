import { describe, expect, test } from "vitest";
import { Unavailable } from "../../../core/errors.ts";
import type { LabRequest } from "../../../core/lab.ts";
import { anAlarmEvent, anOutboxItem, NOW } from "../../support/builders.ts";
import { anAlarmOf, anApp, aWorld, tokenOf, type World } from "../../support/dashboards-fakes.ts";

async function anInterface(world?: World) {
  const site = world ?? (await aWorld());
  const app = await anApp(site);
  const get = (url: string, name = "officer") =>
    app.inject({ url: `/api/v1${url}`, headers: { authorization: `Bearer ${tokenOf(name)}` } });
  const post = (url: string, payload: object | undefined, name = "admin") =>
    app.inject({
      method: "POST",
      url: `/api/v1${url}`,
      headers: { authorization: `Bearer ${tokenOf(name)}` },
      ...(payload === undefined ? {} : { payload }),
    });
  return { ...site, app, get, post };
}

describe("places", () => {
  test("stations come with state, latest values, names and age; censored stays censored", async () => {
    const { get } = await anInterface();
    const { stations, quantities, at } = (await get("/stations")).json();
    expect(at).toBe("2026-03-15T00:00:00.000Z");
    expect(quantities.cd).toEqual({ "zh-CN": "镉", en: "cadmium" });
    expect(stations).toMatchObject([
      {
        id: "mw-a",
        tenant: "tenant-a",
        state: "exceed",
        level: "orange",
        openAlarms: 1,
        stale: false,
        intervalMs: 600_000,
      },
      { id: "mw-b", latest: [{ quantity: "cd", value: 0.000025, cmp: "<", unit: "mg/L", ageMs: 60_000 }] },
    ]);
  });

  test("U7: a station silent for over three intervals is stale, and its alarm stays open", async () => {
    const { get, clock } = await anInterface();
    clock.jump(31 * 60_000);
    expect((await get("/stations/mw-a")).json().station).toMatchObject({ stale: true, state: "exceed", openAlarms: 1 });
  });

  test("an alarm that only the stream knows yet colours its station, and one that cleared no longer does", async () => {
    const world = await aWorld();
    const { get, clock } = await anInterface(world);
    const cleared = anAlarmOf("a", { state: "cleared", updatedAt: NOW + 1 });
    await world.announce(anAlarmEvent({ kind: "cleared", alarm: cleared }), { store: false });
    await clock.advance(0);
    expect((await get("/stations/mw-a")).json().station).toMatchObject({ state: "normal", openAlarms: 0 });
    await clock.advance(60_000); // the refill from the store, which still says open
    expect((await get("/stations/mw-a")).json().station).toMatchObject({ openAlarms: 0 });
  });

  test("an enterprise counts its own only", async () => {
    const { get } = await anInterface();
    const { sites, tenants } = (await get("/sites", "enterprise-b")).json();
    expect(sites).toMatchObject([{ id: "site-b", stations: 1, openAlarms: 1 }]);
    expect(tenants).toMatchObject([{ id: "tenant-b" }]);
    const { alarms, counts } = (await get("/alarms", "enterprise-b")).json();
    expect(alarms).toHaveLength(1);
    expect(counts).toEqual({ active: 1, acknowledged: 0, cleared: 0 });
  });

  test.each(["/stations?site=site-a", "/alarms?site=site-a", "/alarms?station=mw-a", "/stations?site=none"])(
    "%s of another tenant is not there",
    async (url) => {
      const { get } = await anInterface();
      expect((await get(url, "enterprise-b")).statusCode).toBe(404);
    },
  );

  test("devices show whether they have a credential, never the credential", async () => {
    const world = await aWorld();
    const { get } = await anInterface(world);
    const answer = await get("/devices", "admin");
    expect(answer.json().devices[0]).toEqual({
      id: "dev-a",
      station: "mw-a",
      site: "site-a",
      tenant: "tenant-a",
      intervalMs: 600_000,
      quantities: { cd: "mg/L", ph: "pH" },
      credential: false,
    });
  });
});

describe("readings", () => {
  const readings = "/stations/mw-a/readings?quantity=cd";

  test("raw in columns, paged by next; the pages together are the whole", async () => {
    const world = await aWorld();
    world.series.points.clear();
    const points = Array.from({ length: 25 }, (_, index) => ({ time: NOW - (25 - index) * 1_000, value: index }));
    world.series.add(
      "mw-a/cd/total/rtd",
      { time: NOW - 60_000, value: 0.5, cmp: "<", qualifier: "T", flag: 3 },
      ...points,
    );
    const { get } = await anInterface(world);
    const whole = (await get(`${readings}&bucket=raw`)).json();
    expect(whole).toMatchObject({ series: "mw-a/cd/total/rtd", unit: "mg/L", bucket: "raw", next: null });
    expect(whole.columns.times).toHaveLength(26);
    expect([whole.columns.cmp[0], whole.columns.flag[0], whole.columns.qualifier[0]]).toEqual(["<", 3, "T"]);
    const paged: number[] = [];
    for (let from: number | null = NOW - 86_400_000; from !== null; ) {
      const page: { columns: { times: number[] }; next: number | null } = (
        await get(`${readings}&bucket=raw&limit=10&from=${from}`)
      ).json();
      expect(page.columns.times.length).toBeLessThanOrEqual(10);
      paged.push(...page.columns.times);
      from = page.next;
    }
    expect(paged).toEqual(whole.columns.times);
  });

  test("buckets in columns", async () => {
    const { get } = await anInterface();
    const answer = (await get(`${readings}&bucket=1h&from=2026-03-14T00:00:00Z&to=2026-03-15T08:00:00%2B08:00`)).json();
    expect(answer).toMatchObject({ bucket: "1h", from: "2026-03-14T00:00:00.000Z", to: "2026-03-15T00:00:00.000Z" });
    expect(answer.columns).toMatchObject({ count: [1], max: [0.02], censored: [0] });
  });

  test("C9: over the budget is refused with what to do instead", async () => {
    const world = await aWorld();
    world.series.add(
      "mw-a/cd/total/rtd",
      ...Array.from({ length: 50_001 }, (_, index) => ({ time: NOW - 80_000_000 + index })),
    );
    const { get } = await anInterface(world);
    const raw = await get(`${readings}&bucket=raw`);
    expect(raw.statusCode).toBe(422);
    expect(raw.json()).toMatchObject({ code: "QUERY_TOO_LARGE", mend: expect.stringContaining("bucket=10m") });
    const buckets = await get(`${readings}&bucket=1s&from=2016-01-01T00:00:00Z`);
    expect(buckets.statusCode).toBe(422);
    expect((await get(`${readings}&bucket=raw&limit=50000`)).json().columns.times).toHaveLength(50_000);
  });

  test.each`
    query                                  | path
    ${""}                                  | ${"/quantity"}
    ${"quantity=cd&from=yesterday"}        | ${"/from"}
    ${"quantity=cd&from=2026-03-15T08:00"} | ${"/from"}
    ${"quantity=cd&limit=0"}               | ${"/limit"}
    ${"quantity=cd&fraction=all"}          | ${"/fraction"}
    ${"quantity=cd&quantity=pb"}           | ${"/quantity"}
    ${"quantity=cd/../x"}                  | ${"/quantity"}
    ${"quantity=cd&bukcet=1h"}             | ${"/"}
  `("$query is refused at $path", async ({ query, path }) => {
    const { get } = await anInterface();
    const answer = await get(`/stations/mw-a/readings?${query}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: "REQUEST_INVALID", where: "querystring" });
    expect(answer.json().issues[0].path).toBe(path);
  });

  test("a store that is away is 503 with Retry-After", async () => {
    const { get, series } = await anInterface();
    series.fault = new Unavailable("SERIES_UNAVAILABLE", { what: "the server does not answer" });
    const answer = await get(readings);
    expect([answer.statusCode, answer.headers["retry-after"]]).toEqual([503, "5"]);
  });

  test("a fault of ours shows nothing of itself", async () => {
    const { get, series } = await anInterface();
    series.fault = new Error("connect to 10.1.2.3 with secret hunter2 failed");
    const answer = await get(readings);
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toEqual({ code: "BUG", what: "the server has a fault; it has been logged" });
  });
});

describe("laboratory results", () => {
  test.each([
    ["enterprise-b", [false, true]],
    ["officer-a", [true, false]],
    ["officer", [true, true]],
  ])("%s reaches its own stations only, and the form follows the content type", async (name, reach) => {
    const asked: LabRequest[] = [];
    const lab = {
      import: async (request: LabRequest) => {
        asked.push(request);
        return { rows: 0, results: [], faults: [], imported: 0 };
      },
    };
    const { app } = await anInterface(await aWorld({ lab }));
    const send = (type: string, query = "") =>
      app.inject({
        method: "POST",
        url: `/api/v1/lab-results${query}`,
        headers: { authorization: `Bearer ${tokenOf(name)}`, "content-type": type },
        payload: "a,b",
      });
    expect((await send("text/csv; charset=utf-8", "?dryRun=true&zone=%2B08:00")).statusCode).toBe(200);
    expect((await send("application/json")).statusCode).toBe(415);
    expect((await send("text/csv", "?dryrun=1")).statusCode).toBe(400);
    expect(asked).toMatchObject([
      { form: "csv", dryRun: true, partial: false, zone: "+08:00", by: `token:${name}`, via: "api" },
    ]);
    expect(["mw-a", "mw-b"].map((station) => asked[0]?.mayUse(station))).toEqual(reach);
    expect(asked[0]?.mayUse("mw-none")).toBe(false);
  });
});

describe("alarms", () => {
  test("come by state and level, page by page, every one once", async () => {
    const world = await aWorld();
    for (let index = 0; index < 25; index++) {
      const alarm = anAlarmOf("a", { id: `more-${index}`, level: index % 2 ? "red" : "blue", updatedAt: NOW + index });
      await world.announce(anAlarmEvent({ alarm }));
    }
    const { get } = await anInterface(world);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: { alarms: { id: string; level: string }[]; cursor: string | null } = (
        await get(
          `/alarms?state=active,acknowledged&level=red&limit=5${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
        )
      ).json();
      expect(page.alarms.every(({ level }) => level === "red")).toBe(true);
      seen.push(...page.alarms.map(({ id }) => id));
      cursor = page.cursor;
    }
    expect(seen).toHaveLength(12);
    expect(new Set(seen).size).toBe(12);
    for (const query of ["state=open", "level=", "limit=201", "state=active,,"])
      expect((await get(`/alarms?${query}`)).statusCode).toBe(400);
  });

  test("one comes with its explanation and its record; enterprises do not see the rule's scope", async () => {
    const world = await aWorld();
    const { get } = await anInterface(world);
    const mine = await get("/alarms/alarm-a");
    expect(mine.json().explanation.steps.length).toBeGreaterThan(3);
    expect(mine.json().explanation.text["zh-CN"]).toContain("规则 cd-high");
    expect(mine.json().record).toEqual(anAlarmOf("a"));
    const rule = { id: "cd-high", kind: "level", on: { station: ["mw-a", "mw-b"] } };
    const alarm = anAlarmOf("a", { id: "scoped", evidence: { ...anAlarmOf("a").evidence, rule } });
    await world.announce(anAlarmEvent({ alarm }));
    expect((await get("/alarms/scoped")).json().record.evidence.rule).toEqual(rule);
    const theirs = await get("/alarms/scoped", "enterprise-a");
    expect(theirs.json().record.evidence.rule).toEqual({ ...rule, on: {} });
    expect(theirs.body).not.toContain("mw-b");
  });

  test("one comes with evidence, history and deliveries; outlets' answers are for staff", async () => {
    const world = await aWorld();
    const item = anOutboxItem({ key: "k", alarm: "alarm-a", event: "e" });
    await world.ledger.outbox.enqueue([item], { reader: "dispatch", offset: 1 });
    await world.ledger.outbox.settle("k", { kind: "sent", at: NOW + 1, detail: "200 from https://inside/hook" });
    const { get } = await anInterface(world);
    expect((await get("/alarms/alarm-a")).json()).toMatchObject({
      alarm: { id: "alarm-a", limit: 0.01, passes: "<=", start: "2026-03-15T00:00:00.000Z", end: null },
      evidence: { ruleVersion: 1 },
      history: [{ kind: "raised", state: "active" }],
      deliveries: [
        { outlet: "webhook", state: "sent", at: "2026-03-15T00:00:00.001Z", detail: "200 from https://inside/hook" },
      ],
      quantities: { cd: { en: "cadmium" } },
    });
    expect((await get("/alarms/alarm-a", "enterprise-a")).json().deliveries[0].detail).toBe("");
  });

  test("an alarm that the stream has and the store has not yet can be read and acknowledged", async () => {
    const site = await aWorld();
    const { get, announce } = await anInterface(site);
    const alarm = { ...anAlarmOf("a"), id: "just-raised" };
    const { journal } = site;
    const read = journal.read.bind(journal);
    let letRead: () => void = () => undefined;
    const isHeld = new Promise<void>((resolve) => {
      letRead = resolve;
    });
    journal.read = (...args) => isHeld.then(() => read(...args)); // the tail lags as well
    await announce(anAlarmEvent({ id: "just-raised-1", alarm }), { store: false });
    const end = journal.end.bind(journal);
    journal.end = (stream) => {
      setImmediate(letRead);
      return end(stream);
    };
    expect((await get("/alarms/just-raised")).json().alarm).toMatchObject({ id: "just-raised" });
    expect((await get("/alarms/never-raised")).statusCode).toBe(404);
  });

  test("acknowledging is idempotent, audited, and shown by the list before the store has it", async () => {
    const world = await aWorld();
    const { get, post, ledger } = await anInterface(world);
    const stored = await ledger.alarms.get("alarm-a");
    expect((await post("/alarms/alarm-a/acknowledge", { note: "seen" }, "officer")).json().alarm).toMatchObject({
      state: "acknowledged",
    });
    expect((await post("/alarms/alarm-a/acknowledge", undefined)).json().alarm).toMatchObject({
      acknowledgedBy: "token:officer",
    });
    expect((await get("/audit?limit=2", "admin")).json().entries).toMatchObject([
      { action: "alarm.acknowledge", actor: "token:admin", object: "alarm-a" },
      { action: "alarm.acknowledge", actor: "token:officer", object: "alarm-a", detail: "seen" },
    ]);
    Object.assign(ledger.alarms, { list: async () => ({ alarms: [stored], cursor: null }) });
    expect((await get("/alarms?state=active")).json().alarms).toEqual([]);
    expect((await get("/alarms")).json().alarms).toMatchObject([{ state: "acknowledged" }]);
    expect((await post("/alarms/none/acknowledge", {})).statusCode).toBe(404);
    expect((await post("/alarms/alarm-a/acknowledge", { note: "x".repeat(2_001) })).statusCode).toBe(400);
  });
});

describe("operations", () => {
  test("quarantine is listed by reason and replayed with a record", async () => {
    const asked: unknown[] = [];
    const world = await aWorld({
      quarantine: {
        list: async (query) => {
          asked.push(query);
          return [];
        },
        replay: async () => 2,
      },
    });
    const { get, post } = await anInterface(world);
    expect((await get("/quarantine?code=PAYLOAD_NOT_JSON&limit=7", "admin")).json()).toEqual({ items: [] });
    expect(asked).toEqual([{ limit: 7, code: "PAYLOAD_NOT_JSON" }]);
    expect((await post("/quarantine/replay", { offsets: [3, 4] })).json()).toEqual({ replayed: 2 });
    expect((await get("/audit?limit=1", "admin")).json().entries).toMatchObject([
      { action: "quarantine.replay", detail: "offsets 3 4; replayed 2" },
    ]);
    expect((await post("/quarantine/replay", { offsets: [] })).statusCode).toBe(400);
  });

  test("readiness is 503 with its reasons when something is wrong, and also when it cannot be told", async () => {
    const failing = { ready: false, checks: [{ name: "disk", ok: false, detail: "0 MiB free" }] };
    const { get } = await anInterface(await aWorld({ health: async () => failing }));
    const answer = await get("/health/ready");
    expect([answer.statusCode, answer.json()]).toEqual([503, failing]);
    const gone = await anInterface(
      await aWorld({ health: () => Promise.reject(new Unavailable("PIPELINE_AWAY", { what: "no answer" })) }),
    );
    expect((await gone.get("/health/ready")).json()).toMatchObject({ code: "PIPELINE_AWAY" });
  });

  test("metrics of all threads are added up", async () => {
    const { app } = await anInterface(
      await aWorld({
        metricsOf: async () => {
          const { Metrics } = await import("../../../core/observe.ts");
          const threads = [new Metrics(), new Metrics()];
          for (const thread of threads) {
            thread.count("readings", 5, { outcome: "stored" });
            thread.observeSeconds("query", 0.02);
          }
          return Promise.all(threads.map((thread) => thread.snapshot()));
        },
      }),
    );
    const { body, headers } = await app.inject({ url: "/metrics" });
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(body).toContain('jingtu_readings_total{outcome="stored"} 10');
    expect(body).toContain("jingtu_query_seconds_count 2");
  });

  test("metrics and readiness answer loopback, but not what a proxy on this machine hands on", async () => {
    const { app } = await anInterface();
    for (const url of ["/metrics", "/api/v1/health/ready"]) {
      expect((await app.inject({ url })).statusCode).toBe(200);
      expect((await app.inject({ url, headers: { "x-forwarded-for": "127.0.0.1" } })).statusCode).toBe(401);
      expect((await app.inject({ url, remoteAddress: "10.0.0.1" })).statusCode).toBe(401);
    }
  });
});
