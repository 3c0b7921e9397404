/**
 * `npm run test:faults -- kill [--rounds 50] [--seed 1]`: kills the server with SIGKILL at random moments while devices
 * send, lets them finish, and compares with an undisturbed run of the same tape.
 *
 * Promise: 0 acknowledged readings lost, 0 points stored twice, 0 episodes missing or doubled.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../core/clock.ts";
import type { WireReading } from "../../core/wire.ts";
import { createDevice, type SimulatedDevice } from "../../simulators/device.ts";
import { uniform } from "../../simulators/random.ts";
import { apiOf } from "../support/client.ts";
import { aTestRegistry, drained, startServer, type TestServer } from "../support/server.ts";
import { killRounds, storedOf } from "./rounds.ts";

const DEVICES = 20;
/** Wall time between two messages of a device while kills go on. */
const SEND_MS = 20;
/** Data time between two messages of a device. */
const STEP_MS = 1_000;

const RULES = `
- id: cd-limit
  kind: limit
  on: { quantity: cd, medium: groundwater }
  pack: gbt14848-2017
  above: III
  deadband: 5 %
  onDelay: 2 readings
  offDelay: 3 readings
  level: orange
- id: ph-low
  kind: level
  on: { quantity: ph }
  below: 6
  onDelay: 5s
  offDelay: 5s
  level: yellow
`;

/** What device `device` measures in its message `seq`: a pure function, so that the tape can be played again. */
function measure(seed: number, device: number, seq: number): WireReading[] {
  const high = (seq + device * 37) % 400 < 25;
  const sour = (seq + device * 53) % 600 < 40;
  const noise = (name: string): number => uniform(seed, `${device}/${name}`, seq);
  return [
    { p: "cd", v: Number(((high ? 8 : 2) + noise("cd")).toFixed(3)), u: "µg/L" },
    { p: "as", v: Number((3 + noise("as")).toFixed(3)), u: "µg/L" },
    { p: "ph", v: Number(((sour ? 5.2 : 7.1) + 0.2 * noise("ph")).toFixed(2)), u: "pH" },
    { p: "ec", v: Math.round(600 + 50 * noise("ec")), u: "µS/cm" },
  ];
}

interface Outcome {
  /** `series@time` → value, as stored. */
  readonly points: ReadonlyMap<string, number>;
  /** Rows stored in all; equals `points.size` when nothing stands twice. */
  readonly stored: number;
  readonly episodes: readonly string[];
}

export interface KillReport {
  readonly rounds: number;
  readonly messages: number;
  readonly acknowledgedReadings: number;
  readonly lost: number;
  readonly wrong: number;
  readonly doubled: number;
  readonly episodes: number;
  readonly missingEpisodes: readonly string[];
  readonly extraEpisodes: readonly string[];
  readonly restartMs: { readonly median: number; readonly max: number };
}

export async function killFaults({ rounds, seed }: { rounds: number; seed: number }): Promise<KillReport> {
  const rulesDir = mkdtempSync(join(tmpdir(), "jingtu-rules-"));
  mkdirSync(rulesDir, { recursive: true });
  writeFileSync(join(rulesDir, "rules.yaml"), RULES);
  const base = Math.floor((systemClock.now() - 86_400_000) / STEP_MS) * STEP_MS;
  try {
    const disturbed = await disturbedRun({ rounds, seed, base, rulesDir });
    const calm = await calmRun({ seed, base, rulesDir, lengths: disturbed.lengths });
    return compare({ rounds, seed, base, ...disturbed }, calm);
  } finally {
    rmSync(rulesDir, { recursive: true, force: true });
  }
}

interface Run {
  readonly seed: number;
  readonly base: number;
  readonly rulesDir: string;
}

async function disturbedRun({
  rounds,
  seed,
  base,
  rulesDir,
}: Run & { rounds: number }): Promise<{ outcome: Outcome; lengths: number[]; restarts: readonly number[] }> {
  const first = await startServer({ registry: aTestRegistry(DEVICES), env: { EWS_RULES_DIR: rulesDir } });
  const lengths = Array.from({ length: DEVICES }, () => 0);
  const devices = openDevices(first);
  let sending = true;
  const senders = devices.map(async (device, index) => {
    while (sending) {
      const seq = lengths[index] ?? 0;
      lengths[index] = seq + 1;
      void device.send(measure(seed, index, seq), { ts: base + seq * STEP_MS });
      await systemClock.sleep(SEND_MS);
    }
  });
  const sum = (key: "acknowledged" | "waiting"): number => devices.reduce((n, device) => n + device.counts()[key], 0);
  const { server, restarts } = await killRounds(first, {
    rounds,
    seed,
    tell: () => `${sum("acknowledged")} acknowledged, ${sum("waiting")} waiting`,
  });
  sending = false;
  await Promise.all(senders);
  await Promise.all(devices.map((device) => device.drained()));
  await Promise.all(devices.map((device) => device.close()));
  const outcome = await readOutcome(server, base);
  await server.stop();
  rmSync(server.dataDir, { recursive: true, force: true });
  return { outcome, lengths, restarts };
}

async function calmRun({ seed, base, rulesDir, lengths }: Run & { lengths: readonly number[] }): Promise<Outcome> {
  const server = await startServer({ registry: aTestRegistry(DEVICES), env: { EWS_RULES_DIR: rulesDir } });
  const devices = openDevices(server);
  for (const [index, device] of devices.entries()) {
    for (let seq = 0; seq < (lengths[index] ?? 0); seq++)
      void device.send(measure(seed, index, seq), { ts: base + seq * STEP_MS });
  }
  await Promise.all(devices.map((device) => device.drained()));
  await Promise.all(devices.map((device) => device.close()));
  const outcome = await readOutcome(server, base);
  await server.stop();
  rmSync(server.dataDir, { recursive: true, force: true });
  return outcome;
}

function openDevices(server: TestServer): SimulatedDevice[] {
  return aTestRegistry(DEVICES).devices.map(({ id, station, secret }) =>
    createDevice({
      url: `mqtt://127.0.0.1:${server.ports.mqtt}`,
      identity: { id, secret, prefix: `ews/1/t1/s1/${station}/${id}/` },
      boot: "boot-1",
      clock: systemClock,
    }),
  );
}

/** Waits until every reader has caught up, then reads everything through the REST interface. */
async function readOutcome(server: TestServer, base: number): Promise<Outcome> {
  const api = await apiOf(server);
  const status = await drained(server);
  const points = new Map<string, number>();
  for (let index = 0; index < DEVICES; index++) {
    for (const quantity of ["cd", "as", "ph", "ec"]) {
      const { series, values } = await storedOf(api, { station: `mw-${index + 1}`, quantity, from: base });
      for (const [time, value] of values) points.set(`${series}@${time}`, value);
    }
  }
  const episodes: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: {
      alarms: { rule: string; series: string; start: string; end: string | null; level: string }[];
      cursor: string | null;
    } = await api.get(`alarms?limit=200&state=active,acknowledged,cleared${cursor ? `&cursor=${cursor}` : ""}`);
    for (const alarm of page.alarms)
      if (alarm.rule !== "instrument")
        episodes.push([alarm.rule, alarm.series, alarm.start, alarm.end ?? "open", alarm.level].join(" "));
    cursor = page.cursor;
  }
  return { points, stored: status.points, episodes: episodes.sort() };
}

function compare(
  run: {
    rounds: number;
    seed: number;
    base: number;
    outcome: Outcome;
    lengths: readonly number[];
    restarts: readonly number[];
  },
  calm: Outcome,
): KillReport {
  const { outcome, lengths, seed, base } = run;
  let [readings, lost, wrong] = [0, 0, 0];
  for (const [index, length] of lengths.entries()) {
    for (let seq = 0; seq < length; seq++) {
      for (const { p, v } of measure(seed, index, seq)) {
        readings++;
        const value = outcome.points.get(`mw-${index + 1}/${p}/total/rtd@${base + seq * STEP_MS}`);
        const expected = p === "cd" || p === "as" ? Number(((v as number) / 1_000).toPrecision(15)) : v;
        if (value === undefined) lost++;
        else if (value !== expected) wrong++;
      }
    }
  }
  const sorted = [...run.restarts].sort((a, b) => a - b);
  return {
    rounds: run.rounds,
    messages: lengths.reduce((sum, length) => sum + length, 0),
    acknowledgedReadings: readings,
    lost,
    wrong,
    doubled: outcome.stored - outcome.points.size,
    episodes: calm.episodes.length,
    missingEpisodes: difference(calm.episodes, outcome.episodes),
    extraEpisodes: difference(outcome.episodes, calm.episodes),
    restartMs: { median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 },
  };
}

/** Entries of `a` that `b` lacks, counting repeats. */
function difference(a: readonly string[], b: readonly string[]): string[] {
  const left = [...b];
  return a.filter((entry) => {
    const at = left.indexOf(entry);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
