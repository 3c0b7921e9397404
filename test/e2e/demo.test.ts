/** `npm run demo` as a newcomer runs it, with less history: prints what it promises, raises the alarm, cleans up after itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { eventually, MAIN } from "../support/server.ts";

interface Demo {
  readonly child: ChildProcess;
  readonly url: string;
  readonly cookie: string;
  readonly text: () => string;
  readonly stop: () => Promise<number | null>;
}

async function startDemo(...args: string[]): Promise<Demo> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [MAIN, "demo", "--days", "3", ...args], {
    env: { PATH, HOME },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout?.on("data", (chunk) => (text += chunk));
  child.stderr?.on("data", (chunk) => (text += chunk));
  const url = await eventually("the URL", async () => /^Open (\S+)/m.exec(text)?.[1], 120_000);
  const password = /^ {2}admin\s+(\S+)/m.exec(text)?.[1] ?? "";
  const signIn = await fetch(`${url}/api/v1/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "admin", password }),
  });
  expect(signIn.status).toBe(200);
  return {
    child,
    url,
    cookie: signIn.headers.get("set-cookie")?.split(";")[0] ?? "",
    text: () => text,
    stop: async () => {
      child.kill("SIGINT");
      return ((await once(child, "exit")) as [number | null])[0];
    },
  };
}

interface Alarm {
  station: string;
  quantity: string;
  category: string;
}
const alarmsOf = async ({ url, cookie }: Demo): Promise<Alarm[]> =>
  (
    (await (
      await fetch(`${url}/api/v1/alarms?state=active,acknowledged,cleared&limit=200`, { headers: { cookie } })
    ).json()) as { alarms: Alarm[] }
  ).alarms;
const demoFolders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("jingtu-demo-"));

test("the plume scenario raises a cadmium alarm within 3 minutes; a busy port is replaced; Ctrl-C removes the data", async () => {
  const before = new Set(demoFolders());
  const blocker = createServer().listen(8080, "127.0.0.1");
  await Promise.race([once(blocker, "listening"), once(blocker, "error")]);
  const demo = await startDemo();
  try {
    expect(demo.text()).toMatch(/HTTP port 8080 is busy; using \d+/);
    expect(demo.text()).toMatch(/readings in [\d.]+ s, every one acknowledged/);
    const { stations } = (await (
      await fetch(`${demo.url}/api/v1/stations`, { headers: { cookie: demo.cookie } })
    ).json()) as { stations: { newestAt: string | null }[] };
    expect(stations.length).toBeGreaterThanOrEqual(60);
    const alarm = await eventually(
      "a cadmium alarm",
      async () => (await alarmsOf(demo)).find(({ quantity }) => quantity === "cd"),
      170_000,
    );
    expect(alarm).toMatchObject({ station: "tailings-1-well-2", category: "pollution" });
  } finally {
    expect(await demo.stop()).toBe(0);
    blocker.close();
  }
  expect(demoFolders().filter((name) => !before.has(name))).toEqual([]);
  expect(existsSync(tmpdir())).toBe(true);
}, 300_000);

test("the calm scenario raises no pollution alarm over history and two minutes of live values", async () => {
  const demo = await startDemo("--scenario", "calm");
  try {
    const begin = Date.now();
    const live = await eventually(
      "two minutes of live values",
      async () => {
        const { stations } = (await (
          await fetch(`${demo.url}/api/v1/stations`, { headers: { cookie: demo.cookie } })
        ).json()) as { stations: { newestAt: string | null }[] };
        return stations.every(({ newestAt }) => Date.parse(newestAt ?? "") >= begin + 110_000) ? stations : null;
      },
      200_000,
    );
    expect(live.length).toBeGreaterThanOrEqual(60);
    expect((await alarmsOf(demo)).filter(({ category }) => category === "pollution")).toEqual([]);
  } finally {
    expect(await demo.stop()).toBe(0);
  }
}, 300_000);
