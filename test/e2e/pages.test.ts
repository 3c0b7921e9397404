/**
 * The pages in a real browser against the real server: sign-in, live values, alarms and their acknowledgement, both
 * languages, narrow and wide screens, accessibility, size, and what they say when the server is gone.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, apiOf, connectDevice, type TestDevice } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const MORE_FLAGS = ["--disable-component-update", "--disable-sync"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const LOCALES = ["zh-CN", "en"] as const;
/** A busy machine is slow, not wrong; only what has a bound of its own is measured. */
const PATIENCE = { timeout: 15_000 };

let server: TestServer;
let api: Api;
let browser: Browser;
let devices: TestDevice[];
/** Cookies of the signed-in admin, shared by all contexts. */
let cookies: Awaited<ReturnType<BrowserContext["cookies"]>>;
/** Every request that left the server's own origin, in any test. */
const foreign: string[] = [];

interface AlarmRow {
  id: string;
  station: string;
  state: string;
  quantity: string;
  acknowledgedBy: string | null;
}
const openAlarms = async (station: string): Promise<AlarmRow[]> =>
  (await api.get<{ alarms: AlarmRow[] }>(`alarms?state=active,acknowledged&station=${station}&limit=200`)).alarms;

let seq = 0;
/** Sends readings of one time; `ageMs` before now. */
async function send(
  n: number,
  values: Record<string, number>,
  more: { ageMs?: number; cmp?: "<"; q?: string } = {},
): Promise<void> {
  const { ageMs = 0, ...marks } = more;
  const r = Object.entries(values).map(([p, v]) => ({
    p,
    v,
    ...(p === "ph" ? {} : { u: p === "ec" ? "µS/cm" : "µg/L" }),
    ...marks,
  }));
  await devices[n - 1]?.send({ v: 1, boot: "pages", seq: seq++, ts: Date.now() - ageMs, r });
}

beforeAll(async () => {
  server = await startServer({ registry: aTestRegistry(4) });
  api = await apiOf(server);
  devices = await Promise.all([1, 2, 3, 4].map((n) => connectDevice(server, n)));
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: [...FLAGS, ...MORE_FLAGS] });
  for (let hour = 24; hour > 0; hour--)
    await send(1, { cd: 1 + (hour % 5) / 10, ph: 7.2 }, { ageMs: hour * 3_600_000 });
  await send(1, { as: 0.5 }, { ageMs: 30 * 60_000, cmp: "<" });
  await send(1, { cd: 1.1, ph: 7.31, ec: 612 });
});
afterAll(async () => {
  await browser?.close();
  await Promise.all(devices?.map((device) => device.close().catch(() => {})) ?? []);
  if (server && server.child.exitCode !== null) console.error(`the server ended by itself: ${server.stderr()}`);
  await server?.stop();
  if (server) removeData(server);
});

interface Look {
  readonly locale?: (typeof LOCALES)[number];
  readonly viewport?: { width: number; height: number };
  readonly dark?: boolean;
  readonly bypassCSP?: boolean;
  readonly javaScriptEnabled?: boolean;
  readonly signedIn?: boolean;
}

/** A browser of its own, with what it asked for watched; browsers live in New York to show that times do not. */
async function open({
  locale = "en",
  viewport = DESK,
  dark = false,
  signedIn = true,
  ...more
}: Look = {}): Promise<Page> {
  const context = await browser.newContext({
    locale,
    viewport,
    colorScheme: dark ? "dark" : "light",
    timezoneId: "America/New_York",
    ...more,
  });
  if (signedIn && cookies) await context.addCookies(cookies);
  const page = await context.newPage();
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== server.url && protocol !== "data:" && protocol !== "blob:") foreign.push(request.url());
  });
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("Failed to load resource")) faults.push(message.text());
  });
  return page;
}
const faults: string[] = [];
const settled = async (page: Page): Promise<void> => {
  await page.locator("h1").first().waitFor();
  await page.waitForLoadState("load");
};
const text = (page: Page): Promise<string> => page.evaluate<string>("document.body.innerText");

describe("signing in", () => {
  test("a page asks for sign-in and comes back to itself", async () => {
    const page = await open({ signedIn: false });
    await page.goto(`${server.url}/s/mw-1?range=7d`);
    await page.waitForURL(/\/login\?next=/);
    await page.fill("input[name=name]", "admin");
    await page.fill("input[name=password]", "correct horse battery");
    await page.click("button[type=submit]");
    await page.waitForURL(`${server.url}/s/mw-1?range=7d`);
    await page.getByRole("heading", { level: 1, name: /mw-1/ }).waitFor();
    cookies = await page.context().cookies();
    await page.context().close();
  });

  test("signing out ends the session of this browser and of its stream", async () => {
    const page = await open({ signedIn: false });
    await page.goto(`${server.url}/login?next=/`);
    await page.fill("input[name=name]", "admin");
    await page.fill("input[name=password]", "correct horse battery");
    await page.click("button[type=submit]");
    await page.locator(".station").first().waitFor();
    const second = await page.context().newPage();
    await second.goto(`${server.url}/alarms`);
    await settled(second);
    await page.locator(".account summary").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/login/);
    await second.waitForURL(/\/login/, { timeout: 10_000 });
    await page.context().close();
  });
});

describe("overview", () => {
  test("lists every station with state and newest value; a value arriving over MQTT shows without a reload", async () => {
    const page = await open();
    await page.goto(server.url);
    await expect.poll(() => page.locator("a.station").count(), PATIENCE).toBe(4);
    expect(await page.locator("a.station", { hasText: "mw-1" }).innerText()).toMatch(/Normal/);
    expect(await page.locator("a.station", { hasText: "mw-4" }).innerText()).toMatch(/No data[\s\S]*never reported/);
    await page.evaluate("window.notReloaded = true");
    await send(1, { as: 3.217 });
    await page.locator("a.station", { hasText: "mw-1" }).getByText("0.003217 mg/L").waitFor(PATIENCE);
    await send(4, { cd: 1.234 });
    await page.locator("a.station", { hasText: "mw-4" }).getByText("0.001234 mg/L").waitFor(PATIENCE);
    expect(await page.evaluate("window.notReloaded")).toBe(true);
    await page.context().close();
  });

  test("filters by words and state; map markers are buttons named like the list and reachable by keyboard", async () => {
    const page = await open();
    await page.goto(server.url);
    await page.locator("a.station").first().waitFor();
    await page.getByLabel("Search").fill("mw-3");
    await expect.poll(() => page.locator("a.station").count(), PATIENCE).toBe(1);
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByRole("button", { name: /^No data/ }).click();
    await expect.poll(() => page.locator("a.station").count(), PATIENCE).toBeLessThan(4);
    await page.getByRole("button", { name: "Clear filters" }).click();
    const marker = page.locator(".map .marker").first();
    await marker.waitFor();
    expect(await marker.getAttribute("aria-label")).toMatch(
      /(Pond one|mw-\d).* · (Normal|No data|Stale|Warning|Exceeds)/,
    );
    await marker.focus();
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).toBe("button");
    await page.context().close();
  });
});

describe("alarms", () => {
  test("an exceedance is in an open list within 2 s, with value, limit, clause; one tap acknowledges", async () => {
    const page = await open({ viewport: PHONE });
    await page.goto(`${server.url}/alarms`);
    await settled(page);
    await page.getByText("No alarm fits.").waitFor();
    const sentAt = performance.now();
    await send(2, { cd: 7.5 });
    const row = page.locator("li.alarm", { hasText: "mw-2" }).first();
    await row.waitFor(PATIENCE);
    expect(performance.now() - sentAt).toBeLessThan(2_000);
    await expect
      .poll(() => row.innerText(), PATIENCE)
      .toMatch(/cadmium\s+0\.0075\s*mg\/L\s+＞\s+Limit 0\.005 mg\/L · GB\/T 14848-2017 table 1/);
    await row.getByRole("button", { name: "Acknowledge" }).click();
    await row.getByText(/admin acknowledged/).waitFor();
    const [alarm] = (await openAlarms("mw-2")).filter(({ quantity }) => quantity === "cd");
    expect(alarm).toMatchObject({ state: "acknowledged", acknowledgedBy: "admin" });
    await page.context().close();
  });

  test("an alarm that is late says so first", async () => {
    const page = await open({ locale: "zh-CN" });
    await send(4, { pb: 60 }, { ageMs: 2 * 3_600_000 + 60_000 });
    await eventually("the late alarm", async () =>
      (await openAlarms("mw-4")).find(({ quantity }) => quantity === "pb"),
    );
    await page.goto(`${server.url}/alarms`);
    const row = page.locator("li.alarm", { hasText: "mw-4" }).first();
    await row.waitFor();
    expect(await row.innerText()).toMatch(/^迟到 2 小时/);
    await page.context().close();
  });

  test("all that are listed are acknowledged in three taps, and nothing said lies on a control", async () => {
    for (const n of [2, 3]) await send(n, { as: 300, pb: 300 });
    await eventually("four alarms", async () => {
      const found = [...(await openAlarms("mw-2")), ...(await openAlarms("mw-3"))].filter(
        ({ state }) => state === "active",
      );
      return found.length >= 4 ? found : null;
    });
    const page = await open({ viewport: PHONE });
    await page.goto(`${server.url}/alarms?state=active`);
    await page.locator("li.alarm").nth(3).waitFor();
    await page.getByRole("button", { name: /Acknowledge all unacknowledged/ }).click();
    await page.getByLabel("Note (optional)").fill("seen together");
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /^Acknowledge \d+$/ })
      .click();
    await page.getByText(/^Acknowledged \d+$/).waitFor();
    await eventually("no unacknowledged alarm", async () =>
      (await api.get<{ counts: { active: number } }>("alarms?limit=1")).counts.active === 0 ? true : null,
    );
    const covered = await page.evaluate<
      string[]
    >(`[...document.querySelectorAll("main a, main button, header a, header button")]
      .filter((control) => { const { top, bottom, left, width } = control.getBoundingClientRect();
        if (width === 0 || top < 0 || bottom > innerHeight) return false;
        const hit = document.elementFromPoint(left + width / 2, (top + bottom) / 2);
        return !control.contains(hit); })
      .map((control) => control.outerHTML)`);
    expect(covered).toEqual([]);
    await page.context().close();
  });

  test("the alarm page works without JavaScript; looking at it never acknowledges", async () => {
    await send(3, { cd: 9 });
    const alarm = await eventually("the alarm", async () =>
      (await openAlarms("mw-3")).find(({ quantity, state }) => quantity === "cd" && state === "active"),
    );
    const state = async (): Promise<string> =>
      (await api.get<{ alarm: { state: string } }>(`alarms/${alarm.id}`)).alarm.state;
    const page = await open({ viewport: PHONE, javaScriptEnabled: false });
    for (let look = 0; look < 3; look++) await page.goto(`${server.url}/a/${alarm.id}`);
    expect(await page.content()).not.toContain("<script");
    expect(await state()).toBe("active");
    await page.getByRole("button", { name: "Acknowledge" }).click();
    await page.getByText(/admin acknowledged/).waitFor();
    expect(await state()).toBe("acknowledged");
    await page.context().close();
  });
});

describe("station", () => {
  test("values beside limits, chart by keyboard, doubtful points in the legend, CSV", async () => {
    const page = await open();
    await page.goto(`${server.url}/s/mw-1?series=cd/total/rtd&range=7d`);
    await page.locator(".chart-box canvas").waitFor();
    await page
      .locator("tr", { hasText: "cadmium" })
      .getByText(/class Ⅲ ≤ 0\.005/)
      .waitFor();
    await page.locator(".chart-box").focus();
    await page.keyboard.press("ArrowLeft");
    await page.locator(".cursor-words").getByText("0.0011 mg/L").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download CSV" }).click(),
    ]);
    const csv = readFileSync(await download.path(), "utf8");
    expect(csv.startsWith("\uFEFFtime_asia_shanghai,time_utc,station")).toBe(true);
    expect(csv.trim().split("\r\n")).toHaveLength(26);
    await page.getByRole("tab", { name: "arsenic" }).click();
    await page.locator(".legend").getByText("Below reporting limit").waitFor();
    await send(1, { pb: 3 }, { q: "M" });
    await page.getByRole("tab", { name: "lead" }).click();
    await page.locator(".legend").getByText("Instrument flag").waitFor();
    await page.getByText(/Data table/).click();
    await page.locator(".data tr", { hasText: "maintenance" }).waitFor();
    await page.context().close();
  });

  test("times are Shanghai's in a browser in New York", async () => {
    const page = await open();
    await page.goto(`${server.url}/s/mw-1?series=ec/total/rtd`);
    const time = page.locator("tr", { hasText: "electrical conductivity" }).locator("time").last();
    await time.waitFor();
    const stamp = (await time.getAttribute("dateTime")) ?? "";
    const shanghai = new Date(Date.parse(stamp) + 8 * 3_600_000).toISOString().slice(11, 16);
    expect(await time.innerText()).toContain(shanghai);
    await page.context().close();
  });

  test("a station that is not there says so", async () => {
    const page = await open();
    await page.goto(`${server.url}/s/nowhere`);
    await page.getByText("There is no such page").waitFor();
    await page.context().close();
  });
});

const PAGES = ["/", "/map", "/s/mw-1?series=cd/total/rtd", "/s/mw-2?range=7d", "/alarms?state=all"] as const;
const ready = async (page: Page, path: string): Promise<void> => {
  await settled(page);
  if (path.startsWith("/s/")) await page.locator(".chart-box canvas").waitFor();
  else if (path.startsWith("/alarms")) await page.locator("li.alarm").first().waitFor();
  else await page.locator("a.station").first().waitFor();
  if (path === "/map") await page.locator(".marker").first().waitFor();
};

describe.each(LOCALES)("every page in %s", (locale) => {
  test.each([PHONE, DESK])("has no WCAG A/AA violation at $width px, light and dark", async (viewport) => {
    for (const dark of [false, true]) {
      const page = await open({ locale, viewport, dark, bypassCSP: true });
      const [alarm] = await openAlarms("mw-2");
      for (const path of [...PAGES, `/a/${alarm?.id}?lang=${locale}`]) {
        await page.goto(server.url + path);
        await (path.startsWith("/a/") ? settled(page) : ready(page, path));
        await page.evaluate(AXE);
        const violations = await page.evaluate<
          string[]
        >(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })
          .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map((node) => id + " " + node.html.slice(0, 160))))`);
        expect(violations, `${path} ${dark ? "dark" : "light"}`).toEqual([]);
      }
      await page.context().close();
    }
  });

  test("speaks one language", async () => {
    const page = await open({ locale });
    for (const path of PAGES) {
      await page.goto(server.url + path);
      await ready(page, path);
      const words = (await text(page)).replace(/一号库|Pond one|Tenant one|中文|English/g, "");
      if (locale === "en") expect(words, path).not.toMatch(/\p{Script=Han}/u);
      else
        expect(words.replace(/mw-\d|admin|GB\/T|mg\/L|WGS|CSV|pH|µS\/cm|NTU|[a-z]+-\d+/g, ""), path).not.toMatch(
          /[A-Za-z]{3,}/,
        );
    }
    expect(await page.evaluate("document.documentElement.lang")).toBe(locale);
    await page.context().close();
  });

  test("never scrolls sideways, not after a turn either, and controls are large enough for a thumb", async () => {
    const page = await open({ locale, viewport: PHONE });
    for (const path of PAGES) {
      await page.goto(server.url + path);
      await ready(page, path);
      for (const [width, height] of [
        [320, 640],
        [390, 844],
        [844, 390],
        [1280, 800],
      ] as const) {
        await page.setViewportSize({ width, height });
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
        expect(
          await page.evaluate<number>("document.documentElement.scrollWidth"),
          `${path} at ${width}`,
        ).toBeLessThanOrEqual(width);
      }
      await page.setViewportSize(PHONE);
      const small = await page.evaluate<
        string[]
      >(`[...document.querySelectorAll("button, select, summary, nav a, .button, a.station, input:not([type=checkbox])")]
        .filter((control) => { const { height, width } = control.getBoundingClientRect(); return width > 0 && height < 43.9; })
        .map((control) => control.outerHTML.slice(0, 120))`);
      expect(small, path).toEqual([]);
    }
    await page.context().close();
  });
});

test("the language switch changes the page at once and is remembered", async () => {
  const page = await open({ locale: "zh-CN" });
  await page.goto(server.url);
  await page.getByRole("button", { name: "English" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.context().close();
});

/** kB of JS and CSS, gzip, on the first visit; UX criterion U10. */
test.each([
  ["/", 110],
  ["/s/mw-1", 80],
  ["/alarms", 45],
] as const)("the first visit of %s loads at most %d kB of code", async (path, kilobytesMax) => {
  const page = await open();
  const sizes = new Map<string, Promise<number>>();
  page.on("response", (response) => {
    if (/\.(js|css)$/.test(new URL(response.url()).pathname)) {
      sizes.set(
        response.url(),
        response.body().then((body) => gzipSync(body).length),
      );
    }
  });
  await page.goto(server.url + path);
  await (path === "/alarms"
    ? page.locator("li.alarm").first().waitFor()
    : page
        .locator(path === "/" ? ".marker" : "canvas")
        .first()
        .waitFor());
  const total = (await Promise.all(sizes.values())).reduce((sum, size) => sum + size, 0);
  expect(total / 1_000).toBeLessThanOrEqual(kilobytesMax);
  expect(total).toBeGreaterThan(10_000);
  await page.context().close();
});

test("an enterprise sees no button that it may not press", async () => {
  const page = await open();
  await page.route("**/api/v1/session", async (route) => {
    const answer = await route.fetch();
    const session = (await answer.json()) as { may: string[] };
    await route.fulfill({
      json: { ...session, role: "enterprise", may: session.may.filter((word) => word !== "alarm.acknowledge") },
    });
  });
  await send(2, { cd: 20 }, { ageMs: 5_000 });
  await page.goto(`${server.url}/alarms?state=all`);
  await page.locator("li.alarm").first().waitFor();
  expect(await page.getByRole("button", { name: /^Acknowledge( all.*)?$/ }).count()).toBe(0);
  await page.context().close();
});

test("without the server every page says so within 30 s and calls nothing normal; afterwards missed alarms arrive once", async () => {
  const overview = await open();
  await overview.goto(server.url);
  await overview.locator("a.station").first().waitFor();
  const list = await overview.context().newPage();
  await list.goto(`${server.url}/alarms`);
  await settled(list);
  await server.kill();
  for (const page of [overview, list])
    await page.getByText(/Connection lost · data as of/).waitFor({ timeout: 31_000 });
  expect(await overview.locator("a.station .state.normal, .site > header .state.normal").count()).toBe(0);
  expect(await overview.evaluate("document.documentElement.classList.contains('disconnected')")).toBe(true);
  server = await server.restart();
  api = await apiOf(server);
  await Promise.all(devices.map((device) => device.close().catch(() => {})));
  devices = await Promise.all([1, 2, 3, 4].map((n) => connectDevice(server, n)));
  await send(1, { pb: 500 });
  const row = list.locator("li.alarm:not(.cleared)", { hasText: "mw-1" }).filter({ hasText: "lead" });
  await row.first().waitFor({ timeout: 40_000 });
  for (const page of [overview, list])
    await page.getByText(/Connection lost/).waitFor({ state: "detached", timeout: 40_000 });
  const leadAlarms = async (): Promise<number> =>
    (await openAlarms("mw-1")).filter(({ quantity }) => quantity === "pb").length;
  await expect.poll(async () => (await row.count()) - (await leadAlarms()), PATIENCE).toBe(0);
  await overview.context().close();
});

test("no request left the origin, and no page had a fault of its own", () => {
  expect(foreign).toEqual([]);
  expect(faults).toEqual([]);
});
