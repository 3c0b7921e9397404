/** The claim route on the real ledger: what an installer gets, once, and what everybody else gets. */
import { expect, test } from "vitest";
import { hmacClaimCode, judgeSecret } from "../../../core/secret.ts";
import { NOW } from "../../support/builders.ts";
import { anApp, aWorld } from "../../support/dashboards-fakes.ts";

const CODE = "7QK2-M0XV-9TRA";
const URL = "/api/v1/devices/claim";

async function aSite() {
  const world = await aWorld();
  const { pepper, metrics, clock } = world.parts;
  await world.ledger.claims.put(
    [{ hmac: hmacClaimCode(pepper, CODE), device: "dev-a", expiresAt: NOW + 86_400_000 }],
    "test",
  );
  const app = await anApp(world);
  const claim = (code: unknown, remoteAddress = "192.0.2.7") =>
    app.inject({ method: "POST", url: URL, payload: { code }, remoteAddress });
  const outcomes = async (): Promise<Record<string, number>> => {
    const metric = (await metrics.registry.getMetricsAsJSON()).find(({ name }) => name === "jingtu_claims_total");
    const values = (metric?.values ?? []) as { value: number; labels: { outcome?: string } }[];
    return Object.fromEntries(values.map(({ value, labels }) => [labels.outcome ?? "", value]));
  };
  const opens = async (secret: string): Promise<string> => {
    const { credentials } = await world.ledger.registry.snapshot();
    return judgeSecret(
      pepper,
      secret,
      credentials.filter(({ device }) => device === "dev-a"),
      clock.now(),
    ).kind;
  };
  return { ...world, claim, outcomes, opens };
}

test("a code as a person types it gives id, secret, topics and addresses; the same code again gives nothing", async () => {
  const { claim, outcomes, opens, ledger } = await aSite();
  const answer = await claim(" 7qk2 moxv 9tra ");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["cache-control"]).toBe("no-store");
  const { secret, ...rest } = answer.json<{ secret: string }>();
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(await opens(secret)).toBe("right");
  expect(rest).toMatchObject({
    device: "dev-a",
    topics: {
      publish: expect.arrayContaining(["ews/1/tenant-a/site-a/mw-a/dev-a/telemetry"]),
      subscribe: expect.arrayContaining(["ews/1/tenant-a/site-a/mw-a/dev-a/cmd"]),
    },
    addresses: { host: "localhost", mqtt: 1883, mqtts: 8883, ws: null, http: "http://localhost:80/api/v1/telemetry" },
  });
  const replay = await claim(CODE);
  expect(replay.statusCode).toBe(410);
  expect(replay.json()).toMatchObject({ code: "CLAIM_USED", mend: expect.stringContaining("claim-code") });
  expect(await opens(secret)).toBe("right");
  expect(await outcomes()).toEqual({ claimed: 1, used: 1 });
  const audits = (await ledger.accounts.audits(10)).map(({ action }) => action);
  expect(audits).toEqual(expect.arrayContaining(["device.claim", "device.claim-refused"]));
  expect(JSON.stringify(await ledger.accounts.audits(50))).not.toContain(secret);
});

test("while somebody guesses, answers to wrong codes come late; a right code from the same address is answered at once", async () => {
  const { claim, outcomes, clock } = await aSite();
  const answered: number[] = [];
  const guess = async (): Promise<void> => {
    const answer = await claim("0000-0000-0000");
    answered.push(answer.statusCode);
    expect(answer.json<{ code: string }>().code).toBe("CLAIM_UNKNOWN");
  };
  for (let tries = 0; tries < 5; tries++) await guess();
  const late = Array.from({ length: 200 }, guess);
  const right = await claim(CODE);
  expect(right.statusCode).toBe(200);
  expect(answered).toHaveLength(5);
  await clock.advance(99);
  expect(answered).toHaveLength(5);
  await clock.advance(4_000);
  await Promise.all(late);
  expect(answered).toEqual(new Array(205).fill(404));
  expect(await outcomes()).toEqual({ unknown: 205, claimed: 1 });
});

test("500 wrong codes wait at a time, more are turned away at once; a right one still is not", async () => {
  const { claim, clock } = await aSite();
  for (let tries = 0; tries < 5; tries++) await claim("0000-0000-0000");
  const before = clock.pending;
  const late = Array.from({ length: 500 }, () => claim("0000-0000-0000"));
  while (clock.pending < before + 500) await new Promise((resolve) => setImmediate(resolve));
  const turnedAway = await claim("0000-0000-0000", "192.0.2.8").then(() => claim("0000-0000-0000"));
  expect([turnedAway.statusCode, turnedAway.headers["retry-after"]]).toEqual([429, "5"]);
  expect((await claim(CODE)).statusCode).toBe(200);
  await clock.advance(4_000);
  await Promise.all(late);
});

test("a code that is over, shown again and again, is audited once a minute", async () => {
  const { claim, ledger, clock } = await aSite();
  await claim(CODE);
  const refusals = async (): Promise<number> =>
    (await ledger.accounts.audits(100)).filter(({ action }) => action === "device.claim-refused").length;
  for (let tries = 0; tries < 5; tries++) expect((await claim(CODE)).statusCode).toBe(410);
  expect(await refusals()).toBe(1);
  await clock.advance(61_000);
  expect((await claim(CODE)).json()).toMatchObject({ code: "CLAIM_USED" });
  expect(await refusals()).toBe(2);
});

test("what is no code is refused by the schema and uses nothing up", async () => {
  const { claim } = await aSite();
  for (const code of [17, "", "x".repeat(65), null]) expect((await claim(code)).statusCode).toBe(400);
  expect((await claim(CODE)).statusCode).toBe(200);
});
