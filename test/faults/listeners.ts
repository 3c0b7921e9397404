/**
 * `npm run test:faults -- listeners [--inputs 1000000] [--listener http] [--seed 1]`: mutated frames against each listener of a real server,
 * over many connections, while one good device of each protocol sends.
 *
 * Promise: the server lives, its memory is bounded, no connection gets stuck, and no good device is ever refused or left
 * without an answer. Frames behind one that made the server close are written but judged by nobody.
 */
import { connect } from "node:net";
import { systemClock } from "../../core/clock.ts";
import { createDevice } from "../../simulators/device.ts";
import { createHj212Logger } from "../../simulators/hj212.ts";
import { rssOf } from "../support/process.ts";
import { aTestRegistry, drained, eventually, removeData, startServer, type TestServer } from "../support/server.ts";
import { type Noise, noise } from "./fuzz-noise.ts";
import { createHttpSender } from "./http-sender.ts";
import { type FuzzAccount, LISTENERS, type Listener } from "./listeners-frames.ts";

const GOOD = 4;
/** Many, since an account that keeps coming back is answered late, and one device's HTTP requests are counted. */
const FUZZ_ACCOUNTS = 2_000;
const CONNECTIONS = 64;
/** A connection that the server has not closed so long after its end is stuck: a failed sign-in is answered 4 s late. */
const CLOSE_MS_MAX = 60_000;
const SEND_MS = 100;
/** MiB. */
const GROWTH_MAX = 250;
const RSS_MAX = 1_200;

interface GoodReport {
  readonly made: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly slowestMs: number;
}
interface ListenerReport {
  readonly frames: number;
  readonly connections: number;
  /** Not closed within `CLOSE_MS_MAX`. */
  readonly stuck: number;
  readonly megabytes: number;
  readonly answerBytes: number;
  readonly seconds: number;
  /** What the server counted meanwhile, the good devices' messages too: how much of it was judged. */
  readonly counted: Readonly<Record<string, number>>;
  /** Of the server, MiB: before, after a tenth of the frames, at most, and at the end. */
  readonly rss: { readonly before: number; readonly tenth: number; readonly max: number; readonly after: number };
  readonly good: Readonly<Record<string, GoodReport>>;
}
export type ListenersReport = Readonly<Record<string, ListenerReport>>;

/** @param only one of them, or all when left out. */
export async function fuzzListeners(run: {
  inputs: number;
  seed: number;
  only?: string | undefined;
}): Promise<ListenersReport> {
  const { inputs, seed, only } = run;
  const server = await startServer({ registry: registry(), env: { EWS_LOG_LEVEL: "error", MALLOC_ARENA_MAX: "2" } });
  const reports: Record<string, ListenerReport> = {};
  const { mqtt, ws, hj212, http } = server.ports;
  const ports = { mqtt, websocket: ws, hj212, http };
  for (const name of ["mqtt", "websocket", "hj212", "http"] as const) {
    if (only !== undefined && only !== name) continue;
    const before = await countersOf(server);
    const good = startGood(server, name);
    const fuzzed = await fuzz(server, { port: ports[name], listener: LISTENERS[name], inputs, random: noise(seed) });
    const sent = await good.stop();
    await drained(server, 600_000);
    const after = await countersOf(server);
    const counted = Object.fromEntries(COUNTERS.map((key) => [key, (after[key] ?? 0) - (before[key] ?? 0)]));
    reports[name] = { ...fuzzed, counted, rss: { ...fuzzed.rss, after: rssOf(server.child) }, good: sent };
    console.error(name, JSON.stringify(reports[name]));
  }
  if ((await server.stop()) !== 0) throw new Error(`the server did not end in order: ${server.stderr().slice(-2_000)}`);
  removeData(server);
  return reports;
}

export function listenersKept(report: ListenersReport): boolean {
  const all = Object.values(report);
  return (
    all.length > 0 &&
    all.every(
      ({ rss, good, stuck, answerBytes }) =>
        stuck === 0 &&
        answerBytes > 0 &&
        rss.max <= RSS_MAX &&
        rss.after - rss.tenth <= GROWTH_MAX &&
        Object.values(good).every(
          ({ made, acknowledged, refused }) => made > 0 && acknowledged === made && refused === 0,
        ),
    )
  );
}

const secretOf = (n: number): string => `secret-of-device-${n}-0123456789abcdef`;
const prefixOf = (n: number): string => `ews/1/t1/s1/mw-${n}/dev-${n}/`;
const MN = "GOOD00000000000000000001";

const euiOf = (n: number): string => n.toString(16).padStart(16, "0");

/**
 * Devices 1 to GOOD are the good ones; the next is the one that the HJ 212 frames speak of. The others are LoRaWAN devices
 * and edge nodes as well, so that every format is theirs to send.
 */
function registry(): ReturnType<typeof aTestRegistry> {
  const base = aTestRegistry(GOOD + FUZZ_ACCOUNTS);
  const profiles: Record<string, object> = { "dev-3": { hj212: { mn: MN } }, "dev-5": { hj212: { mn: "A1" } } };
  return {
    ...base,
    devices: base.devices.map((device, at) => {
      const isFuzzed = at > GOOD;
      const foreign = { lorawan: { devEui: euiOf(at + 1) }, sparkplug: { group: "fuzz", edge: device.id } };
      const profile = profiles[device.id] ?? (isFuzzed ? foreign : undefined);
      return { ...device, ...(profile ? { profile } : {}) };
    }),
  };
}

function accountOf(at: number): FuzzAccount {
  const n = GOOD + 2 + (at % (FUZZ_ACCOUNTS - 1));
  return { id: `dev-${n}`, secret: secretOf(n), prefix: prefixOf(n), eui: euiOf(n) };
}

const COUNTERS = ["gateway_messages", "gateway_refused", "hj212_frames", "hj212_crc_errors", "http_messages"] as const;

/** By name, over all labels. */
async function countersOf(server: TestServer): Promise<Record<string, number>> {
  const lines = (await (await fetch(`${server.url}/metrics`)).text()).split("\n");
  const sum = (name: string): number =>
    lines
      .filter((line) => new RegExp(`^jingtu_${name}_total[ {]`).test(line))
      .reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
  return Object.fromEntries(COUNTERS.map((name) => [name, sum(name)]));
}

async function fuzz(
  server: TestServer,
  run: { port: number; listener: Listener; inputs: number; random: Noise },
): Promise<Omit<ListenerReport, "good" | "counted">> {
  const { port, listener, inputs, random } = run;
  const startedAt = systemClock.monotonic();
  const rss = { before: rssOf(server.child), tenth: 0, max: 0, after: 0 };
  let [frames, connections, stuck, bytes, answered] = [0, 0, 0, 0, 0];
  const worker = async (): Promise<void> => {
    while (frames < inputs) {
      frames += listener.batch;
      const batch = Buffer.concat(listener.bytes(accountOf(connections++), random));
      bytes += batch.length;
      const { answerBytes, isStuck } = await throwAt(port, batch);
      answered += answerBytes;
      if (isStuck) stuck += 1;
      if (frames > inputs / 10) rss.tenth ||= rssOf(server.child);
      if (connections % 64 === 0) rss.max = Math.max(rss.max, rssOf(server.child));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  const seconds = Math.round((systemClock.monotonic() - startedAt) / 1_000);
  const megabytes = Math.round(bytes / 1e6);
  return { frames, connections, stuck, megabytes, answerBytes: answered, seconds, rss };
}

/** One connection, one write, and its end: the server reads everything before it sees the end. */
function throwAt(port: number, bytes: Buffer): Promise<{ readonly answerBytes: number; readonly isStuck: boolean }> {
  return new Promise((resolve) => {
    let isStuck = false;
    let answerBytes = 0;
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    const late = new AbortController();
    void systemClock.sleep(CLOSE_MS_MAX, late.signal).then(() => {
      isStuck = !late.signal.aborted;
      socket.resetAndDestroy();
    });
    socket.on("error", () => undefined); // "close" follows
    socket.on("data", ({ length }) => {
      answerBytes += length;
    });
    socket.once("close", () => {
      late.abort();
      resolve({ answerBytes, isStuck });
    });
    socket.end(bytes);
  });
}

/** One good device of each protocol; `round` makes the messages of one run unlike those of another. */
function startGood(server: TestServer, round: string): { stop(): Promise<Record<string, GoodReport>> } {
  const { ports } = server;
  let troubles = { mqtt: 0, websocket: 0 };
  const overMqtt = (n: number, url: string, name: keyof typeof troubles): ReturnType<typeof createDevice> =>
    createDevice({
      url,
      identity: { id: `dev-${n}`, secret: secretOf(n), prefix: prefixOf(n) },
      ...{ boot: round, clock: systemClock },
      onTrouble: () => {
        troubles = { ...troubles, [name]: troubles[name] + 1 };
      },
    });
  const mqtt = overMqtt(1, `mqtt://127.0.0.1:${ports.mqtt}`, "mqtt");
  const websocket = overMqtt(2, `ws://127.0.0.1:${ports.ws}/mqtt`, "websocket");
  const hj212 = createHj212Logger({
    ...{ host: "127.0.0.1", port: ports.hj212, mn: MN, password: "123456", clock: systemClock },
    ...{ windowMax: 8 },
  });
  const http = createHttpSender({ url: `${server.url}/api/v1/telemetry`, id: "dev-4", secret: secretOf(4) });
  const r = [{ p: "ec", v: 600, u: "µS/cm" }];
  const sends: Record<string, () => Promise<void>> = {
    mqtt: () => mqtt.send(r, { ts: systemClock.now() }),
    websocket: () => websocket.send(r, { ts: systemClock.now() }),
    hj212: () => hj212.send({ w01014: 600 }),
    http: () => http.send({ boot: round, ts: systemClock.now(), r }),
  };
  const refused: Record<string, () => number> = {
    mqtt: () => troubles.mqtt,
    websocket: () => troubles.websocket,
    hj212: () => hj212.state.sent - hj212.state.made,
    http: http.refusals,
  };
  let isSending = true;
  const loops = Object.entries(sends).map(async ([name, send]) => {
    let [made, acknowledged, slowestMs] = [0, 0, 0];
    while (isSending) {
      made += 1;
      const sentAt = systemClock.monotonic();
      void send().then(() => {
        acknowledged += 1;
        slowestMs = Math.max(slowestMs, Math.round(systemClock.monotonic() - sentAt));
      });
      await systemClock.sleep(SEND_MS);
    }
    await eventually(`${name}: every answer`, async () => (acknowledged === made ? true : null)).catch(
      (error: unknown) => console.error(String(error)),
    );
    return [name, { made, acknowledged, refused: refused[name]?.() ?? 0, slowestMs }] as const;
  });
  return {
    stop: async () => {
      isSending = false;
      const reports = Object.fromEntries(await Promise.all(loops));
      await Promise.all([mqtt, websocket, hj212, http].map((device) => device.close()));
      return reports;
    },
  };
}
