/**
 * `tsx test/bench/hj212-sessions.ts [--sessions 2000] [--seconds 30]`: that many HJ 212 sessions on a real server, each
 * one packet of five values a second; how long the 9014 takes. The generator's own CPU is printed: above 95 % the run is
 * void. Needs `npm run build` before.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { systemClock } from "../../core/clock.ts";
import { encodeFrame } from "../../core/hj212-frame.ts";
import { hj212Qn, hj212Time } from "../../core/hj212-time.ts";
import { aTestRegistry, removeData, startServer } from "../support/server.ts";

const ZONE = "Asia/Shanghai";
const { values } = parseArgs({ options: { sessions: { type: "string" }, seconds: { type: "string" } } });
const sessions = Number(values.sessions ?? 2_000);
const seconds = Number(values.seconds ?? 30);

const CODES = ["w20115", "w20119", "w20120", "w01001", "w01014"];
const mnOf = (index: number): string => `BENCH${String(index).padStart(19, "0")}`;

const base = aTestRegistry(sessions);
const server = await startServer({
  registry: {
    ...base,
    devices: base.devices.map((device, index) => ({ ...device, profile: { hj212: { mn: mnOf(index) } } })),
  },
});
const sockets: Socket[] = [];
const waits: number[] = [];
/** By session: when its packet was written, monotonic ms; 0 when it has been answered. */
const writtenAt = new Float64Array(sessions);
let unanswered = 0;
let isMeasuring = false;
for (let index = 0; index < sessions; index++) {
  const socket = connect({ host: "127.0.0.1", port: server.ports.hj212, noDelay: true });
  await once(socket, "connect");
  socket.on("data", (chunk: Buffer) => {
    if (!chunk.includes("CN=9014") || writtenAt[index] === 0) return;
    if (isMeasuring) waits.push(performance.now() - (writtenAt[index] ?? 0));
    writtenAt[index] = 0;
  });
  sockets.push(socket);
}
console.error(`${sessions} sessions are open`);

function send(index: number): void {
  if (writtenAt[index] !== 0) unanswered++;
  const now = systemClock.now();
  const cp = CODES.map((code) => `${code}-Rtd=0.00${1 + (index % 9)},${code}-Flag=N`).join(";");
  const head = `QN=${hj212Qn(now, ZONE)};ST=32;CN=2011;PW=123456;MN=${mnOf(index)};Flag=5;`;
  const frame = encodeFrame(`${head}CP=&&DataTime=${hj212Time(now, ZONE)};${cp}&&`);
  writtenAt[index] = performance.now();
  sockets[index]?.write(frame);
}

const SLICES = 100;
const warmUpMs = 5_000;
let cpu = process.cpuUsage();
let startedAt = performance.now();
for (let slice = 0; ; slice++) {
  const dueAt = startedAt + slice * (1_000 / SLICES);
  if (!isMeasuring && performance.now() - startedAt > warmUpMs) {
    isMeasuring = true;
    cpu = process.cpuUsage();
    unanswered = 0;
    startedAt = performance.now();
    slice = -1;
    continue;
  }
  if (isMeasuring && performance.now() - startedAt > seconds * 1_000) break;
  const wait = dueAt - performance.now();
  if (wait > 0) await systemClock.sleep(wait);
  for (let index = slice % SLICES; index < sessions; index += SLICES) send(index);
}
const used = process.cpuUsage(cpu);
await systemClock.sleep(1_000);
waits.sort((a, b) => a - b);
const at = (share: number): number => Number((waits[Math.floor(waits.length * share)] ?? Number.NaN).toFixed(1));
const cpuPercent = Math.round((used.user + used.system) / (seconds * 10_000));
const report = {
  ...{ sessions, seconds, answered: waits.length, unanswered, late: writtenAt.filter((time) => time !== 0).length },
  ...{ p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(0.999999), generatorCpuPercent: cpuPercent },
};
console.log(JSON.stringify(report));
if (cpuPercent > 95) console.error("VOID: the generator was the bottleneck");
for (const socket of sockets) socket.destroy();
await server.stop();
removeData(server);
process.exit(report.p99Ms <= 50 && unanswered === 0 ? 0 : 1);
