import { expect, onTestFinished, test } from "vitest";
import { createServer } from "../../../dashboards/server.ts";

import { anAlarmEvent, NOW } from "../../support/builders.ts";

import type { FakeClock } from "../../support/clock.ts";
import { anAlarmOf, aWorld, PASSWORD, PEOPLE, tokenOf, withFarmland } from "../../support/dashboards-fakes.ts";

/** Tenant-bound accounts may not ask what knows no tenants. */
const ACROSS = ["/rules", "/rules/preview", "/quarantine", "/audit", "/metrics", "/health/ready"];
const BODIES: Record<string, unknown> = {
  "/api/v1/session": { name: "officer", password: "wrong password" },
  "/api/v1/devices/claim": { code: "0000-0000-0000" },
  "/api/v1/stations/{id}/farmland": { category: "safe-use", reason: "cadmium in rice" },
  "/api/v1/stations/{id}/farmland/crop": { on: "2026-01-10", samples: 3, exceeded: 1 },
  "/api/v1/stations/{id}/maintenance": {
    ...{ from: "2026-03-15T00:00:00Z", to: "2026-03-15T02:00:00Z", reason: "calibration", note: "two points" },
  },
  "/api/v1/stations/{id}/maintenance/{window}/end": { until: "2026-03-15T01:00:00Z" },
  "/api/v1/quarantine/replay": { offsets: [3] },
  "/api/v1/rules/preview": { rule: "id: x", from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z" },
  "/api/v1/devices/{id}/commands": { op: "sampleNow" },
  "/api/v1/devices/{id}/config": { values: { interval: 60 } },
};
const QUERIES: Record<string, string> = { limits: "?quantity=cd", readings: "?quantity=cd" };

const TYPES: Record<string, string> = { "/api/v1/lab-results": "text/csv" };

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly access: readonly string[];
  readonly isPage: boolean;
}
interface Caller {
  readonly name: string;
  readonly role: string;
  readonly tenant: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

test("every operation × every principal answers as its x-access says, and nothing of another tenant shows", async () => {
  const world = withFarmland(await aWorld());
  const ask = { from: NOW, to: NOW + 7_200_000, reason: "maintenance", note: "probe out" } as const;
  const { id: window } = await world.parts.maintenance.add("mw-a", ask, { by: "officer", via: "cli", at: NOW });
  const server = await createServer(world.parts);
  onTestFinished(() => server.close());
  const { url } = server.address;
  const operations = await operationsOf(url);
  expect(operations.length).toBeGreaterThanOrEqual(20);
  const callers = await callersOf(url);

  const faults: string[] = [];
  let cells = 0;
  for (const operation of operations.filter(({ method }) => method !== "DELETE")) {
    for (const caller of callers) {
      cells++;
      const path = operation.path.replace("{id}", idFor(operation.path)).replace("{window}", window);
      const isForm = operation.isPage && operation.method === "POST";
      const body = isForm ? "name=x&password=y&csrf=z" : JSON.stringify(BODIES[operation.path] ?? {});
      const stop = new AbortController();
      const waiting = world.clock.pending;
      const answering = fetch(url + path + (QUERIES[path.split("/").at(-1) ?? ""] ?? ""), {
        method: operation.method,
        redirect: "manual",
        signal: stop.signal,
        headers: {
          ...caller.headers,
          ...(operation.method === "POST"
            ? {
                "content-type": isForm
                  ? "application/x-www-form-urlencoded"
                  : (TYPES[operation.path] ?? "application/json"),
              }
            : {}),
        },
        ...(operation.method === "POST" ? { body } : {}),
      });
      if (path.endsWith("/devices/claim")) await answeredLate(answering, world.clock, waiting);
      const answer = await answering;
      const text = path.endsWith("/stream") && answer.ok ? "" : await answer.text();
      const shown = text.replace(`"where":"${idFor(operation.path)}"`, ""); // the refusal repeats what was asked
      stop.abort();
      const expected = expectedOf(operation, caller);
      const cell = `${operation.method} ${operation.path} as ${caller.name}`;
      if (!expected.includes(answer.status)) faults.push(`${cell}: ${answer.status}, not ${expected}`);
      if (caller.tenant === "tenant-b" && /site-a|tenant-a/.test(shown)) faults.push(`${cell}: shows tenant a`);
      if (caller.tenant === "tenant-b" && !operation.path.includes("{id}") && /-a\b/.test(text))
        faults.push(`${cell}: shows something of tenant a`);
    }
  }
  expect(faults).toEqual([]);
  expect(cells).toBe((operations.length - 1) * callers.length);
});

/** Wrong codes are answered late, by the world's clock: it goes on as long as one waits for it. */
async function answeredLate(answering: Promise<Response>, clock: FakeClock, waiting: number): Promise<void> {
  let isAnswered = false;
  void answering.finally(() => {
    isAnswered = true;
  });
  while (!isAnswered) {
    if (clock.pending > waiting) await clock.advance(4_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function idFor(path: string): string {
  if (path.includes("/farmland")) return "soil-a";
  if (path.includes("/sites")) return "site-a";
  if (path.includes("/stations")) return "mw-a";
  return path.includes("/devices") ? "dev-a" : "alarm-a";
}

function expectedOf({ method, path, access, isPage }: Operation, caller: Caller): number[] {
  const open = access.includes("public");
  const deniedToken = caller.name.startsWith("revoked");
  if (deniedToken) return isPage ? [303] : [401];
  if (path.endsWith("/devices/claim")) return [404, 429];
  if (access.includes("device")) return [401]; // no person and no person's token is a device
  if (open) return path.endsWith("/session") || path === "/login" ? [200, 303, 401, 429] : [200];
  if (caller.role === "public") return isPage ? [303] : [401];
  const across = ACROSS.some((end) => path.includes(end)) && caller.tenant !== null;
  if (!access.includes(caller.role) || across) return [403];
  if (path.includes("{id}") && caller.tenant === "tenant-b") return [404];
  // The form without its token: a session is refused, a bearer token needs none.
  if (isPage && method === "POST") return caller.headers["authorization"] ? [303] : [403];
  return [200];
}

async function operationsOf(url: string): Promise<Operation[]> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { "x-access"?: string[]; tags?: string[]; summary?: string }>>;
  };
  expect(document.openapi).toBe("3.1.0");
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      expect(operation, `${method} ${path}`).toMatchObject({
        "x-access": expect.any(Array),
        summary: expect.any(String),
      });
      const isPage = operation.tags?.includes("pages") ?? false;
      return { method: method.toUpperCase(), path, access: operation["x-access"] ?? [], isPage };
    }),
  );
}

/** Everybody by cookie and by token; nobody; and those whose time is over. All as if through a proxy: not loopback. */
async function callersOf(url: string): Promise<Caller[]> {
  const forwarded = { "x-forwarded-for": "203.0.113.9" };
  const callers: Caller[] = [{ name: "nobody", role: "public", tenant: null, headers: forwarded }];
  for (const person of PEOPLE) {
    const answer = await fetch(`${url}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: person.name, password: PASSWORD }),
    });
    const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    const { csrf } = (await answer.json()) as { csrf: string };
    callers.push({ ...person, headers: { ...forwarded, cookie, "x-csrf-token": csrf } });
    const authorization = `Bearer ${tokenOf(person.name)}`;
    callers.push({ ...person, name: `${person.name} by token`, headers: { ...forwarded, authorization } });
  }
  const ghost = { role: "public", tenant: null };
  callers.push({ ...ghost, name: "stranger's cookie", headers: { ...forwarded, cookie: "jingtu=made-up" } });
  callers.push({ ...ghost, name: "revoked token", headers: { ...forwarded, authorization: "Bearer gone" } });
  return callers;
}

const DOUBT = anAlarmOf("a", {
  id: "doubt-a",
  rule: "doubt-rule",
  category: "integrity",
  level: "red",
  quantity: "integrity",
  series: "mw-a/integrity/doubt-rule/rtd",
});

/** Every answer to a GET of one account, by token, in a world of its own; of one alarm the answers of all alarms. */
async function answersTo(name: string, hasDoubt: boolean): Promise<Map<string, string>> {
  const world = withFarmland(await aWorld());
  if (hasDoubt) await world.announce(anAlarmEvent({ id: "event-doubt", alarm: DOUBT }));
  const server = await createServer(world.parts);
  onTestFinished(() => server.close());
  const { url } = server.address;
  const headers = { authorization: `Bearer ${tokenOf(name)}` };
  const answers = new Map<string, string>();
  for (const { method, path } of await operationsOf(url)) {
    if (method !== "GET" || path.endsWith("/stream") || /health|metrics|docs/.test(path)) continue;
    const isAlarm = /alarms\/\{id\}|\/a\/\{id\}/.test(path);
    for (const id of isAlarm ? ["alarm-a", DOUBT.id, "nothing"] : [idFor(path)]) {
      const asked = path.replace("{id}", id) + (QUERIES[path.split("/").at(-1) ?? ""] ?? "");
      const answer = await fetch(url + asked, { headers, redirect: "manual" });
      answers.set(asked, `${answer.status} ${await answer.text()}`);
    }
  }
  return answers;
}

test("an enterprise is answered the same whether or not its data are suspected", async () => {
  const [with_, without] = [await answersTo("enterprise-a", true), await answersTo("enterprise-a", false)];
  expect(with_.get("/api/v1/alarms/doubt-a")).toMatch(/^404 /);
  expect(with_.get("/a/doubt-a")).toMatch(/^404 /);
  expect(with_.get("/api/v1/stations")).toMatch(/^200 .*"openAlarms":1/);
  expect(with_).toEqual(without);
});

test.each(["admin", "regulator", "officer"])("%s sees a suspicion in lists, counts, pages and states", async (name) => {
  const answers = await answersTo(name, true);
  expect(answers.get("/api/v1/alarms")).toMatch(/^200 .*"doubt-a".*"active":3/);
  expect(answers.get("/api/v1/alarms/doubt-a")).toMatch(/^200 /);
  expect(answers.get("/a/doubt-a")).toMatch(/^200 .*待核查/s);
  expect(answers.get("/api/v1/stations")).toMatch(/^200 .*"openAlarms":2/);
});
