/** Plans, zones, classes and farmland over HTTP: on the real ledger and the real engine. */
import { expect, test } from "vitest";
import { PlanFile } from "../../../core/plan.ts";
import { anApp, aWorld, tokenOf, type World, withFarmland } from "../../support/dashboards-fakes.ts";

const day = (date: string): number => Date.parse(`${date}T04:00:00Z`);

async function anInterface(prepare: (world: World) => Promise<void> = async () => {}) {
  const world = withFarmland(await aWorld());
  await prepare(world);
  const app = await anApp(world);
  const get = (url: string, name = "officer") =>
    app.inject({ url: `/api/v1${url}`, headers: { authorization: `Bearer ${tokenOf(name)}` } });
  const post = (url: string, payload: object, name = "officer") =>
    app.inject({
      ...{ method: "POST", url: `/api/v1${url}`, payload },
      headers: { authorization: `Bearer ${tokenOf(name)}` },
    });
  return { ...world, get, post };
}

const file = PlanFile.parse({
  plans: [
    {
      ...{ id: "plan-a", site: "site-a", from: "2025-01-01", sensitive: true },
      units: [{ id: "u1", class: 1, concerns: ["cd"] }],
      points: [{ id: "w1", station: "mw-a", unit: "u1", object: "groundwater" }],
    },
  ],
  zones: [
    {
      id: "zone-b",
      site: "site-b",
      name: "B",
      state: "in-force",
      since: "2026-01-01",
      stations: ["mw-b"],
      media: ["groundwater", "air"],
    },
  ],
});

test("a site's plan: due dates, the finding behind a doubled frequency, remarks; another tenant's is not there", async () => {
  const { get } = await anInterface(async ({ ledger, series }) => {
    await ledger.regulation.putPlans(file, "ann");
    series.points.delete("mw-a/cd/total/rtd");
    series.add("mw-a/cd/total/rtd", { time: day("2026-01-10"), value: 0.02 });
  });
  const answer = await get("/sites/site-a/plan?on=2026-03-15");
  expect(answer.statusCode).toBe(200);
  const [plan] = answer.json().plans;
  expect(plan).toMatchObject({ id: "plan-a", version: 1, on: "2026-03-15" });
  // Sensitive class 1: a quarter; doubled: a month and a half after 2026-01-10. What was never measured is due since 2026-01-01.
  expect(plan.points).toMatchObject([
    {
      ...{ point: "w1", baseMonths: 3, everyMonths: 1.5, doubled: true },
      due: "2026-01-01",
      status: "overdue",
      daysOverdue: 73,
    },
  ]);
  expect(plan.points[0].findings).toMatchObject([{ rule: "groundwater-above-limit", quantity: "cd", limit: 0.005 }]);
  expect(plan.remarks.map(({ code }: { code: string }) => code)).toContain("control-well-missing");
  expect((await get("/sites/site-a/plan", "enterprise-a")).json().plans).toHaveLength(1);
  expect((await get("/sites/site-a/plan", "enterprise-b")).statusCode).toBe(404);
  expect((await get("/sites/nowhere/plan")).statusCode).toBe(404);
  expect((await get("/sites/site-b/plan")).json()).toEqual({ site: "site-b", plans: [] });
  expect((await get("/sites/site-a/plan?on=tomorrow")).statusCode).toBe(400);
});

test("control zones with what they lack, to those who may see the site", async () => {
  const { get } = await anInterface(({ ledger }) => ledger.regulation.putPlans(file, "ann").then(() => undefined));
  const { zones } = (await get("/zones")).json();
  expect(zones).toMatchObject([{ version: 1, zone: { id: "zone-b", state: "in-force" } }]);
  expect(zones[0].remarks.map(({ code }: { code: string }) => code)).toEqual([
    ...["medium-unwatched", "polygon-missing", "sign-missing", "notice-missing"],
  ]);
  expect((await get("/zones", "enterprise-a")).json()).toEqual({ zones: [] });
  expect((await get("/zones?site=site-b", "enterprise-a")).statusCode).toBe(404);
});

test("water classes by date, each by the edition in force then", async () => {
  const { get } = await anInterface(async ({ series }) => {
    series.points.delete("mw-a/cd/total/rtd");
    series.add(
      "mw-a/cd/total/rtd",
      { time: day("2017-06-30"), value: 0.003 },
      { time: day("2026-01-10"), value: 0.02 },
    );
  });
  expect((await get("/stations/mw-a/class")).json().classes).toMatchObject([
    { date: "2017-06-30", class: "III", pack: "gbt14848-2017", inForce: false },
    { date: "2026-01-10", class: "V", deciding: ["cd"], inForce: true },
  ]);
});

test("farmland: suggested, confirmed by a person with name, time and reason, asked again when results change", async () => {
  const { get, post, series, ledger } = await anInterface(async (world) => {
    world.series.add("soil-a/cd/total/rtd", { time: day("2025-05-10"), value: 0.35 });
  });
  const first = (await get("/farmland", "enterprise-a")).json().farmland;
  // pH 6, paddy: cadmium screening 0.4 mg/kg.
  expect(first).toMatchObject([
    { station: "soil-a", toConfirm: true, confirmed: null, suggestion: { category: "priority-protection" } },
  ]);
  expect((await post("/stations/soil-a/farmland", { category: "safe-use" })).statusCode).toBe(400);
  expect(
    (await post("/stations/soil-a/farmland", { category: "safe-use", reason: "x" }, "enterprise-a")).statusCode,
  ).toBe(403);
  expect((await post("/stations/mw-a/farmland", { category: "safe-use", reason: "x" })).statusCode).toBe(404);
  const decision = { category: "priority-protection", reason: "soil and rice of 2025" };
  expect((await post("/stations/soil-a/farmland", decision)).json()).toMatchObject({
    toConfirm: false,
    confirmed: {
      ...decision,
      by: "token:officer",
      via: "api",
      at: "2026-03-15T00:00:00.000Z",
      suggested: "priority-protection",
    },
  });
  expect((await ledger.accounts.audits(1))[0]).toMatchObject({
    actor: "token:officer",
    action: "farmland.confirm",
    object: "soil-a",
  });

  series.add("soil-a/cd/total/rtd", { time: day("2026-03-01"), value: 0.41 });
  expect((await get("/stations/soil-a/farmland")).json()).toMatchObject({
    ...{ toConfirm: true, suggestion: { category: "safe-use", deciding: ["cd"] } },
    history: [{ date: "2025-05-10" }, { date: "2026-03-01" }],
  });
  const { counties } = (await get("/farmland/trend?year=2026")).json();
  expect(counties).toMatchObject([{ area: "512021", year: 2026, reasons: ["points-worsened"] }]);
  expect(counties[0].years.at(-1)).toMatchObject({ worsened: ["soil-a"], worsenedShare: 1 });
  expect((await get("/farmland/trend?year=2026", "enterprise-b")).json().counties).toEqual([]);

  const crop = await post("/stations/soil-b/farmland/crop", { on: "2026-01-10", samples: 3, exceeded: 4 });
  expect(crop.statusCode).toBe(400);
});
