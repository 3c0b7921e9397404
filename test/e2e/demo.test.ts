/** `npm run demo` as a newcomer runs it, with less history: prints what it promises, raises the alarm, cleans up after itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
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
/** Stations whose devices do not speak our own format. */
const FIELD: Readonly<Record<string, string>> = {
  "hj212, well": "smelter-park-well-6",
  "hj212, river": "source-laoying-river-2",
  sparkplug: "plating-park-well-6",
  "sparkplug, second device": "plating-park-well-7",
  "chirpstack, Cayenne LPP": "farmland-1-probe-1",
  "chirpstack, second device": "farmland-1-probe-2",
  "chirpstack, decoded object": "background-piezometer-1",
  "the things stack": "livestock-1-piezometer-1",
};

/** Resolves with the protocols of whose stations every quantity is newer than `begin`. */
async function liveFields({ url, cookie }: Demo, begin: number): Promise<string[]> {
  const live: string[] = [];
  for (const [protocol, station] of Object.entries(FIELD)) {
    const answer = await fetch(`${url}/api/v1/stations/${station}/latest`, { headers: { cookie } });
    const { latest } = (await answer.json()) as { latest: { time: string; value: number | null }[] };
    const isLive = latest.length >= 4 && latest.every(({ time, value }) => Date.parse(time) >= begin && value !== null);
    if (isLive) live.push(protocol);
  }
  return live;
}

/** Takes the port, unless somebody has it already. */
async function block(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.once("error", () => resolve()).listen(port, "127.0.0.1", resolve);
  });
  return server;
}

const demoFolders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("jingtu-demo-"));

test("the plume scenario raises a cadmium alarm within 3 minutes; busy ports are replaced; Ctrl-C removes the data", async () => {
  const before = new Set(demoFolders());
  const blockers = await Promise.all([8080, 9212].map(block));
  const demo = await startDemo();
  try {
    expect(demo.text()).toMatch(/HTTP port 8080 is busy; using \d+/);
    expect(demo.text()).toMatch(/HJ 212 port 9212 is busy; using \d+/);
    expect(demo.text()).toMatch(/readings in [\d.]+ s, every one acknowledged/);
    const { stations } = (await (
      await fetch(`${demo.url}/api/v1/stations`, { headers: { cookie: demo.cookie } })
    ).json()) as { stations: { newestAt: string | null }[] };
    expect(stations.length).toBeGreaterThanOrEqual(60);
    const begin = Date.now();
    await eventually(
      "live values over every protocol",
      async () => ((await liveFields(demo, begin)).length === Object.keys(FIELD).length ? true : null),
      60_000,
    );
    const alarm = await eventually(
      "a cadmium alarm",
      async () => (await alarmsOf(demo)).find(({ quantity }) => quantity === "cd"),
      170_000,
    );
    expect(alarm).toMatchObject({ station: "tailings-1-well-2", category: "pollution" });
  } finally {
    expect(await demo.stop()).toBe(0);
    for (const blocker of blockers) blocker.close();
  }
  expect(demoFolders().filter((name) => !before.has(name))).toEqual([]);
  expect(existsSync(tmpdir())).toBe(true);
}, 300_000);

test("the calm scenario raises no pollution or instrument alarm over history and two minutes of live values", async () => {
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
    expect((await alarmsOf(demo)).filter(({ category }) => category !== "absence")).toEqual([]);
  } finally {
    expect(await demo.stop()).toBe(0);
  }
}, 300_000);
