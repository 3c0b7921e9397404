import { describe, expect, test } from "vitest";
import { Unavailable } from "../../../core/errors.ts";
import { anAlarmEvent, NOW } from "../../support/builders.ts";
import { anAlarmOf, anApp, aWorld, PASSWORD, signIn, undecided, type World } from "../../support/dashboards-fakes.ts";

const FORM = { "content-type": "application/x-www-form-urlencoded" };

async function onDuty(name = "officer", world?: World) {
  const site = world ?? (await aWorld());
  const app = await anApp(site);
  const me = await signIn(app, name);
  const open = (url = "/a/alarm-a") => app.inject({ url, headers: { cookie: me.cookie } });
  const press = (fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
    app.inject({
      method: "POST",
      url: "/a/alarm-a/acknowledge",
      headers: { ...FORM, cookie: me.cookie, ...headers },
      payload: new URLSearchParams({ csrf: me.csrf, ...fields }).toString(),
    });
  return { ...site, app, me, open, press };
}

describe("the alarm page", () => {
  test("U1: link, button: acknowledged in one POST, shown at once although the store has not heard of it", async () => {
    const world = await aWorld();
    const { app, press, open, ledger } = await onDuty("officer", world);
    const lagging = await ledger.alarms.get("alarm-a");
    if (!lagging) throw new Error("no alarm");
    Object.assign(world.parts.alarms, { get: async () => lagging });
    const by = { acknowledgedBy: "officer", acknowledgedVia: "web", acknowledgedAt: NOW + 60_000 };
    const answered = { ...lagging, ...by, state: "acknowledged", updatedAt: NOW + 1 };
    Object.assign(world.desk, { acknowledge: async () => answered }); // neither store nor stream has it yet
    const answer = await press({ note: " on my way " });
    expect(answer).toMatchObject({ statusCode: 303 });
    expect(answer.headers.location).toBe("/a/alarm-a");
    const page = await open("/a/alarm-a?lang=en");
    expect(page.body).toContain("officer acknowledged at 2026-03-15 08:01 (web page)");
    expect(page.body).not.toContain("<form");
    expect(await ledger.accounts.audits(1)).toMatchObject([
      { action: "alarm.acknowledge", actor: "officer", object: "alarm-a", detail: "on my way" },
    ]);
    const gzip = await app.inject({
      url: "/a/alarm-b",
      headers: { cookie: (await signIn(app, "officer")).cookie, "accept-encoding": "gzip" },
    });
    expect(gzip.headers["content-encoding"]).toBe("gzip");
    expect(gzip.rawPayload.length).toBeLessThan(6_000);
  });

  test("U2: no script runs and nothing may be loaded", async () => {
    const { open } = await onDuty();
    const page = await open();
    expect(page.headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(page.headers["referrer-policy"]).toBe("same-origin");
    expect(page.body).not.toMatch(/<script|<link rel="(?!icon)/);
  });

  test("U3: GET and HEAD never acknowledge, in any spelling", async () => {
    const { app, me, desk } = await onDuty();
    for (const method of ["GET", "HEAD"] as const)
      for (const url of [
        "/a/alarm-a",
        "/a/alarm-a/acknowledge",
        "/a/alarm-a/acknowledge?csrf=x",
        "/api/v1/alarms/alarm-a/acknowledge",
      ])
        await app.inject({ method, url, headers: me.headers });
    expect(desk.asked).toHaveLength(0);
  });

  test("U3: a second press is answered like the first and shows the first acker", async () => {
    const { app, press, open } = await onDuty();
    await press();
    const other = await signIn(app, "admin");
    const second = await app.inject({
      method: "POST",
      url: "/a/alarm-a/acknowledge",
      headers: { ...FORM, cookie: other.cookie },
      payload: `csrf=${other.csrf}`,
    });
    expect(second.statusCode).toBe(303);
    const page = await open("/a/alarm-a?lang=en");
    expect(page.body).toContain("officer acknowledged");
    expect(page.body).not.toContain("admin acknowledged");
  });

  test.each`
    why                     | fields           | headers                                   | status
    ${"a wrong token"}      | ${{ csrf: "x" }} | ${{}}                                     | ${403}
    ${"another site"}       | ${{}}            | ${{ "sec-fetch-site": "cross-site" }}     | ${403}
    ${"a JSON body"}        | ${{}}            | ${{ "content-type": "application/json" }} | ${400}
    ${"another media type"} | ${{}}            | ${{ "content-type": "text/plain" }}       | ${415}
  `("a press with $why is refused ($status) and changes nothing", async ({ fields, headers, status }) => {
    const { press, desk } = await onDuty();
    const answer = await press(fields, headers);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toContain("text/html");
    expect(desk.asked).toHaveLength(0);
  });

  test("a page that went stale shows itself again with a fresh token", async () => {
    const { press, me } = await onDuty();
    const answer = await press({ csrf: "old" });
    expect(answer.body).toContain(`value="${me.csrf}"`);
    expect(answer.body).toContain("页面已过期");
  });

  test.each`
    fault                                                | text
    ${undecided()}                                       | ${"已记下您的确认"}
    ${new Unavailable("JOURNAL_FULL", { what: "full" })} | ${"未能记下您的确认"}
  `("when the engine answers $fault.code the page says so", async ({ fault, text }) => {
    const { press, desk } = await onDuty();
    desk.fault = fault;
    const answer = await press();
    expect(answer.statusCode).toBe(503);
    expect(answer.body).toContain(text);
  });

  test.each([
    ["hangs", { hang: true }],
    ["fails", { fault: new Unavailable("SERIES_UNAVAILABLE", { what: "away" }) }],
  ] as const)("comes with its button though the series store %s", async (_how, trouble) => {
    const { open, series, clock } = await onDuty();
    Object.assign(series, trouble);
    let isDone = false;
    const asked = open().finally(() => {
      isDone = true;
    });
    for (let waited = 0; !isDone && waited < 2_000; waited++) await clock.advance(100);
    const page = await asked;
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain("暂时取不到曲线");
    expect(page.body).toContain("<button");
  });

  test("an enterprise reads its own alarm without a button, and finds no other", async () => {
    const { open, press } = await onDuty("enterprise-a");
    expect((await open()).body).not.toContain("<form");
    expect((await press()).statusCode).toBe(403);
    expect((await open("/a/alarm-b")).statusCode).toBe(404);
    expect((await open("/a/no-such-alarm")).statusCode).toBe(404);
  });

  test("counts the other unacknowledged alarms that the reader may see", async () => {
    const world = await aWorld();
    await world.announce(anAlarmEvent({ alarm: anAlarmOf("a", { id: "alarm-a2" }) }));
    const { open } = await onDuty("enterprise-a", world);
    expect((await open("/a/alarm-a?lang=en")).body).toContain("1 other unacknowledged alarms");
    const officer = await onDuty("officer", world);
    expect((await officer.open("/a/alarm-a?lang=en")).body).toContain("2 other unacknowledged alarms");
  });

  test("names in the registry that look like markup arrive as text", async () => {
    const world = await aWorld();
    const evil = anAlarmOf("a", { id: "evil", advice: "<script>alert(1)</script>", updatedAt: NOW + 1 });
    await world.announce(anAlarmEvent({ alarm: evil, note: "<img src=x onerror=alert(1)>" }));
    const { open } = await onDuty("officer", world);
    expect((await open("/a/evil")).body).not.toMatch(/<script|<img/);
  });
});

describe("signing in on the way", () => {
  test("leads to the sign-in page and back to the alarm, without a script", async () => {
    const app = await anApp(await aWorld());
    const away = await app.inject({ url: "/a/alarm-a?lang=en" });
    expect(away.statusCode).toBe(303);
    expect(away.headers.location).toBe(`/login?next=${encodeURIComponent("/a/alarm-a?lang=en")}`);
    const page = await app.inject({ url: String(away.headers.location), headers: { "accept-language": "en" } });
    expect(page.body).toContain('value="/a/alarm-a?lang=en"');
    const login = await app.inject({
      method: "POST",
      url: "/login",
      headers: FORM,
      payload: new URLSearchParams({ name: "officer", password: PASSWORD, next: "/a/alarm-a?lang=en" }).toString(),
    });
    expect(login.statusCode).toBe(303);
    expect(login.headers.location).toBe("/a/alarm-a?lang=en");
    const headers = { cookie: `jingtu=${login.cookies[0]?.value}` };
    expect((await app.inject({ url: "/a/alarm-a?lang=en", headers })).body).toContain("Unacknowledged");
    expect((await app.inject({ url: "/login?next=/alarms", headers })).headers.location).toBe("/alarms");
  });

  test.each(["https://evil.example", "//evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)"])(
    "never goes on to %s",
    async (next) => {
      const app = await anApp(await aWorld());
      const page = await app.inject({ url: `/login?next=${next.includes("%") ? next : encodeURIComponent(next)}` });
      expect(page.body).toContain('name="next" value="/"');
      const payload = new URLSearchParams({ name: "officer", password: PASSWORD, next: decodeURIComponent(next) });
      const login = await app.inject({ method: "POST", url: "/login", headers: FORM, payload: payload.toString() });
      expect(login.headers.location).toBe("/");
    },
  );

  test("answers unknown people and wrong passwords with the same page, and says when to come back", async () => {
    const app = await anApp(await aWorld());
    const tryIn = (name: string) =>
      app.inject({ method: "POST", url: "/login", headers: FORM, payload: `name=${name}&password=wrong` });
    const [wrong, unknown] = [await tryIn("officer"), await tryIn("nobody1")];
    expect([wrong.statusCode, unknown.statusCode]).toEqual([401, 401]);
    expect(unknown.body.replace("nobody1", "officer")).toBe(wrong.body);
    for (let more = 0; more < 9; more++) await tryIn("officer");
    const limited = await tryIn("officer");
    expect(limited.statusCode).toBe(429);
    expect(limited.body).toContain("15 分钟");
  });
});
