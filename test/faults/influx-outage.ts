/**
 * `npm run test:faults -- influx [--minutes 5]`: a real InfluxDB is stopped under load and started again.
 *
 * Promise: acknowledgements and alarms go on while it is away; afterwards the store is complete.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock as clock } from "../../core/clock.ts";
import { createDevice } from "../../simulators/device.ts";
import { apiOf, watchAlarms } from "../support/client.ts";
import { aTestRegistry, drained, eventually, startServer } from "../support/server.ts";

const DEVICES = 20;
const SEND_MS = 100;
/** Every so many messages device 1 exceeds the limit for as many again. */
const HIGH_EVERY = 50;

export interface OutageReport {
  readonly outageSeconds: number;
  readonly messages: number;
  readonly acknowledgedDuringOutage: number;
  readonly slowestAckMs: number;
  readonly alarmEventsDuringOutage: number;
  readonly readings: number;
  readonly stored: number;
  readonly catchUpSeconds: number;
}

export async function influxOutage({ minutes }: { minutes: number }): Promise<OutageReport> {
  const folder = mkdtempSync(join(tmpdir(), "jingtu-influx-"));
  const [httpPort, rpcPort] = [await freePort(), await freePort()];
  const start = (): Promise<ChildProcess> => startInflux(folder, httpPort, rpcPort);
  let influx = await start();
  const server = await startServer({
    registry: aTestRegistry(DEVICES),
    env: { EWS_SERIES: "influx", EWS_INFLUX_URL: `http://127.0.0.1:${httpPort}`, EWS_INFLUX_DATABASE: "outage" },
  });
  try {
    const watch = await watchAlarms(server);
    const devices = aTestRegistry(DEVICES).devices.map(({ id, station, secret }) =>
      createDevice({
        url: `mqtt://127.0.0.1:${server.ports.mqtt}`,
        identity: { id, secret, prefix: `ews/1/t1/s1/${station}/${id}/` },
        boot: "o",
        clock,
      }),
    );
    let sending = true;
    let slowestAckMs = 0;
    const senders = devices.map(async (device, index) => {
      for (let seq = 0; sending; seq++) {
        const isHigh = index === 0 && Math.floor(seq / HIGH_EVERY) % 2 === 1;
        const sentAt = clock.monotonic();
        void device
          .send(
            [
              { p: "cd", v: isHigh ? 30 : 1, u: "µg/L" },
              { p: "ph", v: 7, u: "pH" },
            ],
            { ts: clock.now() },
          )
          .then(() => (slowestAckMs = Math.max(slowestAckMs, clock.monotonic() - sentAt)));
        await clock.sleep(SEND_MS);
      }
    });
    const acknowledged = (): number => devices.reduce((sum, device) => sum + device.counts().acknowledged, 0);
    await clock.sleep(10_000);

    influx.kill("SIGTERM");
    await once(influx, "exit");
    slowestAckMs = 0;
    const [ackedBefore, eventsBefore, downAt] = [acknowledged(), watch.log.length, clock.monotonic()];
    await clock.sleep(minutes * 60_000);
    const [ackedAfter, eventsAfter] = [acknowledged(), watch.log.length];
    const outageSeconds = Math.round((clock.monotonic() - downAt) / 1_000);
    const slowest = Math.round(slowestAckMs);
    influx = await start();

    await clock.sleep(5_000);
    sending = false;
    await Promise.all(senders);
    await Promise.all(devices.map((device) => device.drained()));
    const upAt = clock.monotonic();
    await drained(server, 300_000);
    const readings = acknowledged() * 2;
    const stored = await eventually("the store is complete", async () => {
      const { points } = JSON.parse((await server.cli("status", "--json")).stdout) as { points: number };
      return points >= readings ? points : null;
    });
    const api = await apiOf(server);
    await api.get("health/ready");
    await Promise.all(devices.map((device) => device.close()));
    await watch.close();
    return {
      outageSeconds,
      messages: acknowledged(),
      acknowledgedDuringOutage: ackedAfter - ackedBefore,
      slowestAckMs: slowest,
      alarmEventsDuringOutage: eventsAfter - eventsBefore,
      readings,
      stored,
      catchUpSeconds: Number(((clock.monotonic() - upAt) / 1_000).toFixed(1)),
    };
  } finally {
    await server.stop();
    influx.kill("SIGTERM");
    rmSync(server.dataDir, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startInflux(folder: string, httpPort: number, rpcPort: number): Promise<ChildProcess> {
  const config = join(folder, "influx.conf");
  writeFileSync(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
[http]
  bind-address = "127.0.0.1:${httpPort}"
  log-enabled = false
[logging]
  level = "error"
`,
  );
  const child = spawn("influxd", ["-config", config], { stdio: "ignore" });
  await eventually("influxd answers", async () =>
    (await fetch(`http://127.0.0.1:${httpPort}/ping`).catch(() => null))?.status === 204 ? true : null,
  );
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address ? address.port : 0;
}
