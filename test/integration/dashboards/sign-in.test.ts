import { describe, expect, test } from "vitest";
import { anApp, aWorld, PASSWORD, signIn, tokenOf } from "../../support/dashboards-fakes.ts";

const SESSION = "/api/v1/session";
const MINUTE = 60_000;

async function aSite() {
  const world = await aWorld();
  const app = await anApp(world);
  const tryIn = (name: string, password: string, remoteAddress = "127.0.0.1") =>
    app.inject({ method: "POST", url: SESSION, payload: { name, password }, remoteAddress });
  const whoIs = (cookie: string) => app.inject({ url: SESSION, headers: { cookie } });
  return { ...world, app, tryIn, whoIs };
}

describe("sign-in", () => {
  test("sets an opaque HttpOnly cookie that the store knows only as a hash, and says who and which CSRF token", async () => {
    const { tryIn, ledger } = await aSite();
    const answer = await tryIn("officer", PASSWORD);
    expect(answer.json()).toMatchObject({ name: "officer", role: "officer", tenant: null, via: "session" });
    expect(answer.headers["set-cookie"]).toMatch(/^jingtu=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(answer.headers["cache-control"]).toBe("no-store");
    const value = answer.cookies[0]?.value ?? "";
    expect(await ledger.accounts.session(value)).toBeNull();
    expect(await ledger.accounts.audits(1)).toMatchObject([{ action: "sign-in", actor: "officer" }]);
  });

  test("answers unknown people and wrong passwords alike, byte for byte", async () => {
    const { tryIn, ledger } = await aSite();
    const wrong = await tryIn("officer", "wrong password 1");
    const unknown = await tryIn("nobody\r\nhere", "wrong password 1");
    expect([wrong.statusCode, unknown.statusCode]).toEqual([401, 401]);
    expect(unknown.body).toBe(wrong.body);
    const names = (answer: typeof wrong) => Object.keys(answer.headers).sort();
    expect(names(unknown)).toEqual(names(wrong));
    expect(await ledger.accounts.audits(2)).toMatchObject([
      { action: "sign-in.failed", actor: "nobody  here" },
      { action: "sign-in.failed", actor: "officer" },
    ]);
  });

  test("ten wrong tries close the account for that address only, also when they come at once", async () => {
    const { tryIn, clock } = await aSite();
    const tries = await Promise.all(Array.from({ length: 25 }, () => tryIn("officer", "wrong password")));
    const codes = tries.map(({ statusCode }) => statusCode);
    expect(codes.filter((code) => code === 401)).toHaveLength(10);
    expect(codes.filter((code) => code === 429)).toHaveLength(15);
    const closed = await tryIn("officer", PASSWORD);
    expect(closed.statusCode).toBe(429);
    expect(Number(closed.headers["retry-after"])).toBeGreaterThan(800);
    expect((await tryIn("officer", PASSWORD, "127.0.0.2")).statusCode).toBe(200);
    expect((await tryIn("admin", PASSWORD)).statusCode).toBe(200);
    clock.jump(15 * MINUTE);
    expect((await tryIn("officer", PASSWORD)).statusCode).toBe(200);
  });

  test("guessing over many accounts from one address is stopped too", async () => {
    const { tryIn } = await aSite();
    const codes: number[] = [];
    for (let round = 0; round < 12; round++) {
      const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => tryIn(`user-${round}-${n}`, "guess")));
      codes.push(...answers.map(({ statusCode }) => statusCode));
    }
    expect(codes.filter((code) => code === 401)).toHaveLength(100);
    expect(codes.filter((code) => code === 429)).toHaveLength(20);
  });

  test("a session fixed beforehand dies at sign-in, and the new id is another", async () => {
    const { app, tryIn, whoIs } = await aSite();
    const planted = await signIn(app, "enterprise-b");
    const victim = await app.inject({
      method: "POST",
      url: SESSION,
      headers: { cookie: planted.cookie },
      payload: { name: "officer", password: PASSWORD },
    });
    const fresh = `jingtu=${victim.cookies[0]?.value}`;
    expect(fresh).not.toBe(planted.cookie);
    expect((await whoIs(planted.cookie)).statusCode).toBe(401);
    expect((await whoIs(fresh)).json()).toMatchObject({ name: "officer" });
    const invented = await app.inject({
      method: "POST",
      url: SESSION,
      headers: { cookie: "jingtu=chosen-by-attacker" },
      payload: { name: "officer", password: PASSWORD },
    });
    expect(invented.cookies[0]?.value).not.toBe("chosen-by-attacker");
    expect((await tryIn("officer", PASSWORD)).statusCode).toBe(200);
  });
});

describe("a session", () => {
  test("ends at sign-out, on the next call", async () => {
    const { app, whoIs, ledger } = await aSite();
    const me = await signIn(app, "officer");
    expect((await app.inject({ method: "DELETE", url: SESSION, headers: me.headers })).statusCode).toBe(204);
    expect((await whoIs(me.cookie)).statusCode).toBe(401);
    expect(await ledger.accounts.audits(1)).toMatchObject([{ action: "sign-out", actor: "officer" }]);
  });

  test.each`
    why                      | steps                          | alive
    ${"used all the time"}   | ${Array(20).fill(29 * MINUTE)} | ${true}
    ${"idle for 30 minutes"} | ${[30 * MINUTE]}               | ${false}
    ${"12 hours old"}        | ${Array(25).fill(29 * MINUTE)} | ${false}
  `("$why: alive is $alive", async ({ steps, alive }) => {
    const { app, clock, whoIs } = await aSite();
    const { cookie } = await signIn(app, "officer");
    let status = 0;
    for (const step of steps as number[]) {
      clock.jump(step);
      status = (await whoIs(cookie)).statusCode;
    }
    expect(status).toBe(alive ? 200 : 401);
  });

  test("ends when the person is reset elsewhere, and follows a change of role at once", async () => {
    const { app, ledger, whoIs } = await aSite();
    const me = await signIn(app, "officer");
    const user = await ledger.accounts.user("officer");
    if (!user) throw new Error("no officer");
    await ledger.accounts.putUser({ ...user, role: "enterprise", tenant: "tenant-b" });
    expect((await app.inject({ url: "/api/v1/alarms/alarm-a", headers: me.headers })).statusCode).toBe(404);
    await ledger.accounts.dropSessionsOf("officer");
    expect((await whoIs(me.cookie)).statusCode).toBe(401);
  });

  test("does not come back when it is dropped while its last use is being written", async () => {
    const { app, ledger, clock, parts, whoIs } = await aSite();
    const me = await signIn(app, "officer");
    const { putSession } = ledger.accounts;
    Object.assign(parts.accounts, {
      putSession: async (session: Parameters<typeof putSession>[0]) => {
        Object.assign(parts.accounts, { putSession });
        await app.inject({ method: "DELETE", url: SESSION, headers: me.headers });
        await putSession(session);
      },
    });
    clock.jump(2 * MINUTE);
    expect((await whoIs(me.cookie)).statusCode).toBe(401);
    expect((await whoIs(me.cookie)).statusCode).toBe(401);
  });

  test("an enterprise account without a tenant cannot sign in", async () => {
    const { tryIn, ledger } = await aSite();
    const user = await ledger.accounts.user("officer");
    if (!user) throw new Error("no officer");
    await ledger.accounts.putUser({ ...user, name: "half-made", role: "enterprise" });
    expect((await tryIn("half-made", PASSWORD)).statusCode).toBe(401);
  });
});

describe("a token", () => {
  test("speaks for its role without CSRF, until it runs out; a wrong one is refused though a good cookie came along", async () => {
    const { app, clock } = await aSite();
    const authorization = `Bearer ${tokenOf("officer")}`;
    const acknowledge = (headers: Record<string, string>) =>
      app.inject({ method: "POST", url: "/api/v1/alarms/alarm-a/acknowledge", headers });
    expect((await acknowledge({ authorization })).json().alarm).toMatchObject({
      acknowledgedBy: "token:officer",
      acknowledgedVia: "api",
    });
    const me = await signIn(app, "officer");
    for (const wrong of ["Bearer gone", "Bearer ", "Basic b2ZmaWNlcjp4", tokenOf("officer")])
      expect((await acknowledge({ ...me.headers, authorization: wrong })).statusCode).toBe(401);
    clock.jump(24 * 60 * MINUTE);
    expect((await acknowledge({ authorization })).statusCode).toBe(401);
  });
});

describe("CSRF", () => {
  test.each`
    why                         | headers                                                               | status
    ${"with its token"}         | ${{}}                                                                 | ${200}
    ${"without a token"}        | ${{ "x-csrf-token": "" }}                                             | ${403}
    ${"with a wrong token"}     | ${{ "x-csrf-token": "x".repeat(43) }}                                 | ${403}
    ${"from another site"}      | ${{ "sec-fetch-site": "cross-site" }}                                 | ${403}
    ${"from another origin"}    | ${{ origin: "https://evil.example" }}                                 | ${403}
    ${"from a sandboxed frame"} | ${{ origin: "null" }}                                                 | ${403}
    ${"from our own page"}      | ${{ "sec-fetch-site": "same-origin", origin: "http://localhost:80" }} | ${200}
  `("a change $why: $status", async ({ headers, status }) => {
    const { app, desk } = await aSite();
    const me = await signIn(app, "officer");
    const url = "/api/v1/alarms/alarm-a/acknowledge";
    const answer = await app.inject({ method: "POST", url, headers: { ...me.headers, ...headers } });
    expect(answer.statusCode).toBe(status);
    expect(desk.asked).toHaveLength(status === 200 ? 1 : 0);
  });

  test("sign-in itself cannot be started by another site", async () => {
    const { app } = await aSite();
    const payload = { name: "officer", password: PASSWORD };
    const headers = { origin: "https://evil.example" };
    expect((await app.inject({ method: "POST", url: SESSION, payload, headers })).statusCode).toBe(403);
  });

  test("the token of one session does not serve another", async () => {
    const { app } = await aSite();
    const [one, two] = [await signIn(app, "officer"), await signIn(app, "admin")];
    const headers = { cookie: one.cookie, "x-csrf-token": two.csrf };
    const url = "/api/v1/alarms/alarm-a/acknowledge";
    expect((await app.inject({ method: "POST", url, headers })).statusCode).toBe(403);
  });
});
