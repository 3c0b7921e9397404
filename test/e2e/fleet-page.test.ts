/** The page of devices in a real browser at 390 px, in both languages: what it says, that it fits, and axe. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf, connectDevice } from "../support/client.ts";
import { aTestRegistry, eventually, removeData, startServer, type TestServer } from "../support/server.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let server: TestServer;
let browser: Browser;

beforeAll(async () => {
  server = await startServer({ registry: aTestRegistry(3) });
  const api = await apiOf(server);
  const [one, two] = [await connectDevice(server, 1), await connectDevice(server, 2)];
  for (const seq of [1, 2, 6]) await one.send({ v: 1, boot: "a41f", seq, ts: Date.now(), r: [{ p: "ph", v: 7 }] });
  await two.send({ v: 1, boot: "b", seq: 1, ts: Date.now() - 3 * 3_600_000, r: [{ p: "ph", v: 7 }] });
  await two.close();
  await eventually("three devices known", async () => {
    const { devices } = await api.get<{ devices: { missingMessages: number }[] }>("fleet?gaps=true");
    const lost = await api.get<{ devices: object[] }>("fleet?state=lost&overdue=true");
    return devices.length === 1 && lost.devices.length === 1 ? true : null;
  });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  if (server) removeData(server);
});

async function open(locale: string): Promise<Page> {
  const context = await browser.newContext({ locale, viewport: { width: 390, height: 844 }, bypassCSP: true });
  const page = await context.newPage();
  await page.goto(`${server.url}/login?next=/fleet&lang=${locale}`);
  await page.locator("input[name=name]").fill("admin");
  await page.locator("input[name=password]").fill("correct horse battery");
  await page.locator("form button").first().click();
  await page.locator(".device").nth(2).waitFor();
  return page;
}

test.each`
  locale     | title        | lost      | missing         | never                | trouble
  ${"en"}    | ${"Devices"} | ${"Lost"} | ${"messages 3"} | ${"Never connected"} | ${"trouble"}
  ${"zh-CN"} | ${"设备"}    | ${"失联"} | ${"报文 3 条"}  | ${"未见连接"}        | ${"trouble"}
`("devices at 390 px, $locale", async ({ locale, title, lost, missing, never, trouble }: Record<string, string>) => {
  const page = await open(locale ?? "en");
  expect(await page.locator("h1").innerText()).toBe(title);
  const devices = await page.locator(".device").allInnerTexts();
  // What needs somebody comes first: silent and lost, then the gap, then what never came.
  expect(devices.map((text) => text.match(/dev-\d/)?.[0])).toEqual(["dev-2", "dev-1", "dev-3"]);
  expect(devices[0]).toContain(lost);
  expect(devices[1]).toContain(missing);
  expect(devices[2]).toContain(never);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
  await page.evaluate(AXE);
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const faults = await page.evaluate(
    `axe.run({ runOnly: ${JSON.stringify(rules)} }).then(({ violations }) => violations.map(({ id }) => id))`,
  );
  expect(faults).toEqual([]);
  await page.locator(".filters select").selectOption(trouble ?? "");
  await page.locator(".device").nth(2).waitFor({ state: "detached" });
  expect(await page.locator(".device").count()).toBe(2);
});

test("the AsyncAPI document is served as JSON, and as a page without script", async () => {
  const json = await fetch(`${server.url}/docs/asyncapi`);
  expect(json.headers.get("content-type")).toContain("application/json");
  const document = (await json.json()) as { servers: Record<string, { host: string }> };
  expect(document).toMatchObject({ asyncapi: "3.0.0", channels: { telemetry: {} } });
  const { mqtt, ws } = server.ports;
  expect(Object.values(document.servers).map(({ host }) => host)).toEqual([`127.0.0.1:${mqtt}`, `127.0.0.1:${ws}`]);
  const page = await fetch(`${server.url}/docs/asyncapi`, { headers: { accept: "text/html" } });
  const text = await page.text();
  expect(page.headers.get("content-type")).toContain("text/html");
  expect(text).toContain("ews/1/{tenant}/{site}/{station}/{device}/telemetry");
  expect(text).not.toContain("<script");
  expect((await fetch(`${server.url}/docs/asyncapi.json`)).status).toBe(200);
  expect((await fetch(`${server.url}/docs`)).status).toBe(200);
});
