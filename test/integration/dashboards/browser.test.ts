import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type BrowserContextOptions, chromium } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { createServer } from "../../../dashboards/server.ts";
import { anAlarmEvent, anEvidence, NOW } from "../../support/builders.ts";
import { anAlarmOf, aWorld, PASSWORD } from "../../support/dashboards-fakes.ts";

const CHROMIUM = "/usr/bin/chromium";
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function aPhone(options: BrowserContextOptions = {}) {
  const world = await aWorld();
  const evidence = anEvidence({
    clause: "GB/T 14848-2017 table 1 no. 24 class III",
    readings: [
      { time: NOW, value: 0.02, cmp: "", flag: 1, qualifier: "N", device: "dev-a", boot: "", seq: 1, receivedAt: NOW },
    ],
  });
  const advice = {
    "zh-CN": "复测并采平行样；核查上游污染源；通知饮用水源地。",
    en: "Resample in duplicate; check upgradient sources; tell the water source.",
  };
  const alarm = anAlarmOf("a", { level: "red", evidence, advice, lateMs: 7_200_000, updatedAt: NOW + 1 });
  await world.announce(anAlarmEvent({ id: "second", kind: "updated", alarm }));
  world.series.points.clear();
  const day = Array.from({ length: 144 }, (_, index) => ({
    time: NOW - (144 - index) * 600_000,
    value: 0.004 + (index > 110 ? (index - 110) / 2_000 : 0) + (index % 7) / 5_000,
  }));
  world.series.add("mw-a/cd/total/rtd", ...day);
  const server = await createServer(world.parts);
  onTestFinished(() => server.close());
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  onTestFinished(() => browser.close());
  const context = await browser.newContext({ ...PHONE, locale: "zh-CN", ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  const signIn = async () => {
    await page.locator("input[name=name]").fill("officer");
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.locator("button").tap();
  };
  return { page, url: server.address.url, requests, complaints, signIn, ...world };
}

describe.skipIf(!existsSync(CHROMIUM))("the alarm page in a real browser", () => {
  test("U1, U2: from the link to acknowledged in one tap, one request a page, without JavaScript", async () => {
    const { page, url, requests, complaints, signIn, ledger } = await aPhone({ javaScriptEnabled: false });
    await page.goto(`${url}/a/alarm-a`);
    await signIn();
    await page.getByRole("button", { name: "确认收到" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/a/alarm-a");
    requests.length = 0;
    await page.reload();
    expect(requests).toEqual(["GET /a/alarm-a"]);
    const button = await page.getByRole("button", { name: "确认收到" }).boundingBox();
    expect(button?.height).toBeGreaterThanOrEqual(60);
    expect((button?.y ?? 0) + (button?.height ?? 0)).toBeLessThanOrEqual(844);
    await page.getByRole("button", { name: "确认收到" }).tap();
    await page.getByText("officer 已于 2026-03-15 08:01 确认收到（网页）").waitFor();
    expect(await ledger.alarms.get("alarm-a")).toMatchObject({ state: "acknowledged", acknowledgedBy: "officer" });
    expect(complaints).toEqual([]);
  });

  test.each(["zh-CN", "en"])("U12, U13: no horizontal scroll at 320 px and no axe fault (%s)", async (lang) => {
    const { page, url, complaints, signIn } = await aPhone();
    await page.setViewportSize({ width: 320, height: 700 });
    const check = async () => {
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
      await page.evaluate(axe);
      const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
      const faults = await page.evaluate(
        `axe.run({ runOnly: ${JSON.stringify(rules)} }).then(({ violations }) => violations.map(({ id }) => id))`,
      );
      expect(faults).toEqual([]);
    };
    await page.goto(`${url}/login?next=${encodeURIComponent(`/a/alarm-a?lang=${lang}`)}&lang=${lang}`);
    await check();
    await signIn();
    await page.getByRole("button").waitFor();
    await check();
    expect(complaints).toEqual([]);
  });

  test("the documentation page draws under its policy, without a request elsewhere", async () => {
    const { page, url, complaints } = await aPhone();
    await page.goto(`${url}/docs`);
    await page.getByText("/api/v1/alarms/{id}/acknowledge").first().waitFor();
    expect(complaints.filter((text) => /content security policy|refused/i.test(text))).toEqual([]);
  });
});
