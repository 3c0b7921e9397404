import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { get as httpsGet } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createServer } from "../../../dashboards/server.ts";
import { anApp, aWorld, signIn, tokenOf } from "../../support/dashboards-fakes.ts";
import { temporaryFolder } from "../../support/folders.ts";

const ACKNOWLEDGE = "/api/v1/alarms/alarm-a/acknowledge";

describe("bodies", () => {
  test.each`
    why                         | type                                   | body                                                     | status
    ${"JSON"}                   | ${"application/json"}                  | ${'{"note":"x"}'}                                        | ${200}
    ${"JSON with parameters"}   | ${"application/json; charset=utf-8"}   | ${'{"note":"x"}'}                                        | ${200}
    ${"a number for a text"}    | ${"application/json"}                  | ${'{"note":1}'}                                          | ${400}
    ${"an unknown key"}         | ${"application/json"}                  | ${'{"not":"x"}'}                                         | ${400}
    ${"a type with a tab"}      | ${"application/json\ta"}               | ${'{"note":1}'}                                          | ${415}
    ${"another case"}           | ${"APPLICATION/JSON"}                  | ${'{"note":1}'}                                          | ${400}
    ${"a trailing semicolon"}   | ${"application/json;"}                 | ${'{"note":1}'}                                          | ${400}
    ${"a form"}                 | ${"application/x-www-form-urlencoded"} | ${"note=x"}                                              | ${415}
    ${"plain text"}             | ${"text/plain"}                        | ${'{"note":"x"}'}                                        | ${415}
    ${"a multipart form"}       | ${"multipart/form-data; boundary=x"}   | ${"--x--"}                                               | ${415}
    ${"XML"}                    | ${"application/xml"}                   | ${"<a/>"}                                                | ${415}
    ${"broken JSON"}            | ${"application/json"}                  | ${'{"note":'}                                            | ${400}
    ${"a poisoned prototype"}   | ${"application/json"}                  | ${'{"__proto__":{"note":"x"}}'}                          | ${400}
    ${"a poisoned constructor"} | ${"application/json"}                  | ${'{"constructor":{"prototype":{"a":1}}}'}               | ${400}
    ${"depth 10,000"}           | ${"application/json"}                  | ${`{"note":${"[".repeat(10_000)}${"]".repeat(10_000)}}`} | ${400}
    ${"over 256 KiB"}           | ${"application/json"}                  | ${`{"note":"${"x".repeat(300_000)}"}`}                   | ${413}
  `("$why: $status", async ({ type, body, status }) => {
    const { app, desk } = await anAppWithDesk();
    const headers = { authorization: `Bearer ${tokenOf("officer")}`, "content-type": type };
    const answer = await app.inject({ method: "POST", url: ACKNOWLEDGE, headers, payload: body });
    expect(answer.statusCode).toBe(status);
    expect(desk.asked).toHaveLength(status === 200 ? 1 : 0);
    expect(answer.json()).toEqual(
      status === 200 ? expect.anything() : expect.objectContaining({ code: expect.any(String) }),
    );
    expect(({} as Record<string, unknown>)["note"]).toBeUndefined();
  });

  async function anAppWithDesk() {
    const world = await aWorld();
    return { app: await anApp(world), desk: world.desk };
  }
});

describe("paths and headers", () => {
  test.each([
    "/api/v1/stations/..%2f..%2fetc%2fpasswd",
    "/api/v1/stations/__proto__",
    "/api/v1/stations/%00",
    `/api/v1/stations/${"x".repeat(500)}`,
    "/api/v1/alarms/a%27%20OR%201=1--",
    "/api/v1/nothing",
    "/api/v1/stations/mw-a/readings?quantity=__proto__",
    "/a/%3Cscript%3E",
  ])("%s is refused and not a fault", async (url) => {
    const app = await anApp(await aWorld());
    const answer = await app.inject({ url, headers: { authorization: `Bearer ${tokenOf("officer")}` } });
    expect([200, 400, 404, 414]).toContain(answer.statusCode);
    expect(answer.body).not.toMatch(/<script|at \w+ \(/);
  });

  test("every answer carries the protective headers; HSTS only with TLS", async () => {
    const app = await anApp(await aWorld());
    for (const url of ["/api/v1/session", "/login", "/docs/", "/nothing", "/openapi.json"]) {
      const { headers } = await app.inject({ url });
      expect(headers, url).toMatchObject({ "x-content-type-options": "nosniff", "x-frame-options": "DENY" });
      expect(headers["content-security-policy"], url).toMatch(/^default-src 'none'/);
      expect(headers["content-security-policy"], url).not.toMatch(/unsafe-(inline|eval)|https:|\*/);
      expect(headers["strict-transport-security"]).toBeUndefined();
    }
  });

  test("the documentation loads nothing from elsewhere and no script of the page itself", async () => {
    const app = await anApp(await aWorld());
    const { body } = await app.inject({ url: "/docs/" });
    expect(body).not.toMatch(/(src|href)="https?:|<script>|<style>/);
    expect((await app.inject({ url: "/docs/static/swagger-ui-bundle.js" })).statusCode).toBe(200);
    expect((await app.inject({ url: "/docs/json" })).json()).toMatchObject({ openapi: "3.1.0" });
  });

  test("a flood from one address beyond this machine is slowed down", async () => {
    const app = await anApp(await aWorld());
    const ask = (remoteAddress: string) => app.inject({ url: "/api/v1/health/live", remoteAddress });
    for (let n = 0; n < 6_000; n++) await ask("10.0.0.1");
    const limited = await ask("10.0.0.1");
    expect(limited.statusCode).toBe(429);
    expect(limited.json()).toMatchObject({ code: "TOO_MANY" });
    expect(Number(limited.headers["retry-after"])).toBeGreaterThan(0);
    expect((await ask("10.0.0.2")).statusCode).toBe(200);
    expect((await ask("127.0.0.1")).statusCode).toBe(200);
  });
});

describe("listening", () => {
  test("a busy port says so", async () => {
    const other = createNetServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    onTestFinished(() => void other.close());
    const world = await aWorld();
    const config = { ...world.parts.config, httpPort: (other.address() as AddressInfo).port };
    await expect(createServer({ ...world.parts, config })).rejects.toMatchObject({
      name: "Misconfigured",
      code: "PORT_IN_USE",
    });
  });

  test("plain HTTP beyond loopback is refused before anything listens", async () => {
    const world = await aWorld();
    const config = { ...world.parts.config, host: "0.0.0.0" };
    await expect(createServer({ ...world.parts, config })).rejects.toMatchObject({ code: "HTTP_PLAIN" });
  });

  test("with TLS the cookie is pinned to the host and HSTS is sent", async () => {
    const folder = temporaryFolder();
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
        "-keyout",
        key,
        "-out",
        cert,
      ],
      { stdio: "ignore" },
    );
    const world = await aWorld();
    const config = { ...world.parts.config, httpTlsCert: cert, httpTlsKey: key };
    const server = await createServer({ ...world.parts, config });
    onTestFinished(() => server.close());
    expect(server.address.url).toMatch(/^https:/);
    const headers = await new Promise<NodeJS.Dict<string | string[]>>((resolve, reject) => {
      const options = { rejectUnauthorized: false };
      httpsGet(`${server.address.url}/api/v1/health/live`, options, (answer) => resolve(answer.headers)).on(
        "error",
        reject,
      );
    });
    expect(headers["strict-transport-security"]).toBe("max-age=31536000");
    const app = await anApp({ ...world, parts: { ...world.parts, config } });
    const me = await signIn(app, "officer");
    expect(me.cookie).toMatch(/^__Host-jingtu=/);
    expect(
      (await app.inject({ url: "/api/v1/session", headers: { cookie: me.cookie.replace("__Host-", "") } })).statusCode,
    ).toBe(401);
    await expect(createServer({ ...world.parts, config: { ...config, httpTlsKey: cert } })).rejects.toMatchObject({
      code: "HTTP_TLS",
    });
    const text = { httpTlsCert: readFileSync(cert, "utf8"), httpTlsKey: readFileSync(key, "utf8").trim() };
    const fromText = await createServer({ ...world.parts, config: { ...config, ...text } }); // as from EWS_…_FILE
    onTestFinished(() => fromText.close());
    expect(fromText.address.url).toMatch(/^https:/);
  });
});

describe("the built web UI", () => {
  async function withUi() {
    const webRoot = temporaryFolder();
    mkdirSync(join(webRoot, "assets"));
    writeFileSync(join(webRoot, "index.html"), `<!doctype html><title>Jingtu</title>${" ".repeat(2_000)}`);
    writeFileSync(join(webRoot, "assets", "index-BxYz1234.js"), `export const x = 1;${" ".repeat(2_000)}`);
    return anApp(await aWorld({ webRoot }));
  }
  test.each`
    url                                | status | type                                 | cache
    ${"/"}                             | ${200} | ${"text/html; charset=utf-8"}        | ${"no-cache"}
    ${"/map"}                          | ${200} | ${"text/html; charset=utf-8"}        | ${"no-cache"}
    ${"/s/mw-1"}                       | ${200} | ${"text/html; charset=utf-8"}        | ${"no-cache"}
    ${"/assets/index-BxYz1234.js"}     | ${200} | ${"text/javascript; charset=utf-8"}  | ${"public, max-age=31536000, immutable"}
    ${"/assets/gone-12345678.js"}      | ${404} | ${"application/json; charset=utf-8"} | ${undefined}
    ${"/assets/../../etc/passwd.txt"}  | ${404} | ${"application/json; charset=utf-8"} | ${undefined}
    ${"/%2e%2e/%2e%2e/etc/passwd.txt"} | ${404} | ${"application/json; charset=utf-8"} | ${undefined}
    ${"/api/v2/x"}                     | ${404} | ${"application/json; charset=utf-8"} | ${undefined}
  `("$url is $status", async ({ url, status, type, cache }) => {
    const answer = await (await withUi()).inject({ url });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toBe(type);
    if (cache) expect(answer.headers["cache-control"]).toBe(cache);
  });

  test("is sent once, compressed, and again only when it changed", async () => {
    const app = await withUi();
    const first = await app.inject({ url: "/", headers: { "accept-encoding": "br, gzip" } });
    expect(first.headers["content-encoding"]).toBe("gzip");
    const again = await app.inject({ url: "/", headers: { "if-none-match": String(first.headers.etag) } });
    expect([again.statusCode, again.body]).toEqual([304, ""]);
    expect(
      (await app.inject({ url: "/", headers: { "accept-encoding": "gzip;q=0" } })).headers["content-encoding"],
    ).toBeUndefined();
  });

  test("a folder without index.html stops the start", async () => {
    const world = await aWorld({ webRoot: temporaryFolder() });
    await expect(createServer(world.parts)).rejects.toMatchObject({ code: "WEB_ROOT" });
  });
});
