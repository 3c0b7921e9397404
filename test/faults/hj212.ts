/**
 * `npm run test:faults -- hj212 [--rounds 50] [--seed 1]`: kills the server with SIGKILL at random moments while HJ 212
 * loggers send, lets them finish, and looks for every packet that was answered with 9014.
 *
 * Promise: 0 answered packets lost, 0 points stored twice, 0 wrong values.
 */
import { rmSync } from "node:fs";
import { systemClock } from "../../core/clock.ts";
import { createHj212Logger, type Hj212Logger } from "../../simulators/hj212.ts";
import { uniform } from "../../simulators/random.ts";
import { apiOf } from "../support/client.ts";
import { aTestRegistry, drained, startServer, type TestRegistry, type TestServer } from "../support/server.ts";
import { killRounds, storedOf } from "./rounds.ts";

const LOGGERS = 20;
/** Wall time between two packets of a logger while kills go on. */
const SEND_MS = 20;
/** Data time between two packets of a logger. */
const STEP_MS = 1_000;

export interface Hj212KillReport {
  readonly rounds: number;
  /** Packets made; all of them are answered at the end. */
  readonly packets: number;
  /** Times a packet was sent again. */
  readonly resent: number;
  readonly lost: number;
  readonly wrong: number;
  readonly doubled: number;
  readonly quarantined: number;
}

/** Electrical conductivity, µS/cm, of packet `seq`: a pure function, so that the store can be compared with it. */
function measure(seed: number, logger: number, seq: number): number {
  return Math.round(600 + 50 * uniform(seed, `${logger}/ec`, seq));
}

function mnOf(index: number): string {
  return `KILL${String(index + 1).padStart(20, "0")}`;
}

function registry(): TestRegistry {
  const base = aTestRegistry(LOGGERS);
  return {
    ...base,
    devices: base.devices.map((device, index) => ({
      ...device,
      profile: { hj212: { mn: mnOf(index) }, map: { w01014: { quantity: "ec", unit: "µS/cm" } } },
    })),
  };
}

export async function killHj212({ rounds, seed }: { rounds: number; seed: number }): Promise<Hj212KillReport> {
  const first = await startServer({ registry: registry() });
  const base = Math.floor(systemClock.now() / STEP_MS) * STEP_MS - 10 * 86_400_000;
  const port = first.ports.hj212;
  const loggers = Array.from({ length: LOGGERS }, (_, index) =>
    createHj212Logger({
      ...{ host: "127.0.0.1", port, mn: mnOf(index), password: "123456", clock: systemClock },
      ...{ windowMax: 8, answerMs: 2_000, tear: { seed: seed + index } },
    }),
  );
  const lengths = Array.from({ length: LOGGERS }, () => 0);
  let isSending = true;
  const senders = loggers.map(async (logger, index) => {
    while (isSending) {
      const seq = lengths[index] ?? 0;
      lengths[index] = seq + 1;
      void logger.send({ w01014: measure(seed, index, seq) }, { time: base + seq * STEP_MS });
      await systemClock.sleep(SEND_MS);
    }
  });
  const sum = (key: "answered" | "waiting"): number => loggers.reduce((n, { state }) => n + state[key], 0);
  const { server } = await killRounds(first, {
    rounds,
    seed,
    tell: () => `${sum("answered")} answered, ${sum("waiting")} waiting`,
  });
  isSending = false;
  await Promise.all(senders);
  await Promise.all(loggers.map((logger) => logger.drained()));
  const report = await compare(server, { seed, base, rounds, lengths, loggers });
  await Promise.all(loggers.map((logger) => logger.close()));
  await server.stop();
  rmSync(server.dataDir, { recursive: true, force: true });
  return report;
}

async function compare(
  server: TestServer,
  run: {
    readonly seed: number;
    readonly base: number;
    readonly rounds: number;
    readonly lengths: readonly number[];
    readonly loggers: readonly Hj212Logger[];
  },
): Promise<Hj212KillReport> {
  const { seed, base, rounds, lengths, loggers } = run;
  const status = await drained(server);
  const api = await apiOf(server);
  let [lost, wrong, points] = [0, 0, 0];
  for (const [index, length] of lengths.entries()) {
    const { values: stored } = await storedOf(api, { station: `mw-${index + 1}`, quantity: "ec", from: base });
    points += stored.size;
    for (let seq = 0; seq < length; seq++) {
      const value = stored.get(base + seq * STEP_MS);
      if (value === undefined) lost++;
      else if (value !== measure(seed, index, seq)) wrong++;
    }
  }
  const packets = lengths.reduce((sum, length) => sum + length, 0);
  return {
    rounds,
    packets,
    resent: loggers.reduce((sum, { state }) => sum + state.sent, 0) - packets,
    lost,
    wrong,
    doubled: status.points - points,
    quarantined: status.journal.streams["quarantine"]?.end ?? 0,
  };
}
