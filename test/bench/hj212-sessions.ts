/**
 * `npm run bench -- hj212`: so many HJ 212 sessions on a real server, each one packet of five values a second; how long the
 * 9014 takes. Target: 2,000 sessions, p99 ≤ 50 ms, every packet answered. Needs `npm run build` before.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { systemClock as clock } from "../../core/clock.ts";
import { encodeFrame } from "../../core/hj212-frame.ts";
import { hj212Qn, hj212Time } from "../../core/hj212-time.ts";
import { aTestRegistry, removeData, startServer } from "../support/server.ts";

const ZONE = "Asia/Shanghai";
const CODES = ["w20115", "w20119", "w20120", "w01001", "w01014"];
/** Sessions send by turns, so many turns a second. */
const SLICES = 100;
const WARM_UP_SECONDS = 5;
/** For the last answers. */
const LAST_MS = 1_000;

export interface Hj212Bench {
  readonly sessions: number;
  readonly seconds: number;
  readonly answered: number;
  /** The next packet was due and the one before had no answer yet. */
  readonly unanswered: number;
  /** Without an answer at the end. */
  readonly late: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Above 95 the run is void. */
  readonly generatorCpuPercent: number;
}

export async function benchHj212({ sessions, seconds }: { sessions: number; seconds: number }): Promise<Hj212Bench> {
  const base = aTestRegistry(sessions);
  const devices = base.devices.map((device, at) => ({ ...device, profile: { hj212: { mn: mnOf(at) } } }));
  const server = await startServer({ registry: { ...base, devices } });
  const loggers = await openLoggers(server.ports.hj212, sessions);
  console.error(`${sessions} sessions are open`);
  await sendAll(loggers, WARM_UP_SECONDS);
  const startedWith = loggers.measure();
  await sendAll(loggers, seconds);
  const { user, system } = process.cpuUsage(startedWith);
  await clock.sleep(LAST_MS);
  const { waits, unanswered, late } = loggers.close();
  await server.stop();
  removeData(server);
  const at = (share: number): number =>
    Number((waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? Number.NaN).toFixed(1));
  return {
    ...{ sessions, seconds, answered: waits.length, unanswered, late },
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) },
    generatorCpuPercent: Math.round((user + system) / (seconds * 10_000)),
  };
}

const mnOf = (index: number): string => `BENCH${String(index).padStart(19, "0")}`;

interface Loggers {
  readonly count: number;
  send(index: number): void;
  /** From now on waits count. */
  measure(): NodeJS.CpuUsage;
  /** Waits in ms, shortest first. */
  close(): { readonly waits: readonly number[]; readonly unanswered: number; readonly late: number };
}

async function openLoggers(port: number, count: number): Promise<Loggers> {
  const sockets: Socket[] = [];
  const waits: number[] = [];
  /** By session: when its packet was written, monotonic ms; 0 when it has been answered. */
  const writtenAt = new Float64Array(count);
  let unanswered = 0;
  let isMeasuring = false;
  for (let index = 0; index < count; index++) {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    socket.on("data", (chunk: Buffer) => {
      const at = writtenAt[index] ?? 0;
      if (!chunk.includes("CN=9014") || at === 0) return;
      if (isMeasuring) waits.push(performance.now() - at);
      writtenAt[index] = 0;
    });
    sockets.push(socket);
  }
  return {
    count,
    send: (index) => {
      if (isMeasuring && writtenAt[index] !== 0) unanswered++;
      const frame = packet(index);
      writtenAt[index] = performance.now();
      sockets[index]?.write(frame);
    },
    measure: () => {
      isMeasuring = true;
      return process.cpuUsage();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return { waits: waits.sort((a, b) => a - b), unanswered, late: writtenAt.filter((time) => time !== 0).length };
    },
  };
}

function packet(index: number): Uint8Array {
  const now = clock.now();
  const cp = CODES.map((code) => `${code}-Rtd=0.00${1 + (index % 9)},${code}-Flag=N`).join(";");
  const head = `QN=${hj212Qn(now, ZONE)};ST=32;CN=2011;PW=123456;MN=${mnOf(index)};Flag=5;`;
  return encodeFrame(`${head}CP=&&DataTime=${hj212Time(now, ZONE)};${cp}&&`);
}

/** Each logger once a second. */
async function sendAll({ count, send }: Loggers, seconds: number): Promise<void> {
  const startedAt = performance.now();
  for (let slice = 0; slice < seconds * SLICES; slice++) {
    const wait = startedAt + slice * (1_000 / SLICES) - performance.now();
    if (wait > 0) await clock.sleep(wait);
    for (let index = slice % SLICES; index < count; index += SLICES) send(index);
  }
}
