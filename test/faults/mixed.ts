/**
 * `npm run test:faults -- mixed [--rounds 10] [--seed 1]`: kills the server with SIGKILL at random moments under the load
 * of all protocols at once, lets the senders finish, and looks for every reading that was acknowledged.
 *
 * Promise: 0 acknowledged lost, 0 wrong, 0 stored twice; a 9014, a 202 and a PUBACK are worth the same.
 */
import { rmSync } from "node:fs";
import { systemClock } from "../../core/clock.ts";
import { uniform } from "../../simulators/random.ts";
import { apiOf } from "../support/client.ts";
import { drained, eventually, startServer, type TestServer } from "../support/server.ts";
import { type Mixed, mixedRegistry, openMixed, PROTOCOLS, type Protocol, QUANTITY } from "./mixed-senders.ts";
import { killRounds, storedOf } from "./rounds.ts";

/** Wall time between two messages of a device while kills go on. */
const SEND_MS = 50;
/** Data time between two messages of a device. */
const STEP_MS = 1_000;
/** How long the last senders may take to be acknowledged once the kills are over. */
const FINISH_MS_MAX = 60_000;

interface Outcome {
  made: number;
  acknowledged: number;
  /** Acknowledged and not in the store. */
  lost: number;
  wrong: number;
}

export interface MixedReport {
  readonly rounds: number;
  readonly protocols: Readonly<Record<Protocol, Outcome>>;
  /** Acknowledged before the last kill: those could have been lost. */
  readonly acknowledgedBeforeLastKill: number;
  readonly doubled: number;
  readonly quarantined: number;
  readonly restartMsMax: number;
}

/** Electrical conductivity, µS/cm, of a station's message: a pure function, so that the store can be compared with it. */
function measure(seed: number, station: string, seq: number): number {
  return Math.round(600 + 50 * uniform(seed, station, seq));
}

export async function killMixed({ rounds, seed }: { rounds: number; seed: number }): Promise<MixedReport> {
  const first = await startServer({ registry: mixedRegistry() });
  const base = Math.floor(systemClock.now() / STEP_MS) * STEP_MS - 10 * 86_400_000;
  const mixed = openMixed(first.ports, seed);
  const load = startLoad(mixed, { seed, base });
  const count = (): number => load.acknowledged.reduce((sum, { size }) => sum + size, 0);
  let acknowledgedBeforeLastKill = 0;
  const { server, restarts } = await killRounds(first, {
    rounds,
    seed,
    tell: () => {
      acknowledgedBeforeLastKill = count();
      return `${count()} acknowledged`;
    },
  });
  const lengths = await load.stop();
  const made = lengths.reduce((sum, length) => sum + length, 0);
  // Who is never acknowledged is told by the report, not by an endless wait.
  await eventually("every acknowledgement", async () => (count() === made ? true : null), FINISH_MS_MAX).catch(
    (error: unknown) => console.error(String(error)),
  );
  await mixed.close();
  const compared = await compare(server, { mixed, lengths, seed, base, acknowledged: load.acknowledged });
  await server.stop();
  rmSync(server.dataDir, { recursive: true, force: true });
  return { rounds, ...compared, acknowledgedBeforeLastKill, restartMsMax: Math.max(0, ...restarts) };
}

export function mixedKept({ protocols, doubled, acknowledgedBeforeLastKill }: MixedReport): boolean {
  return (
    doubled === 0 &&
    acknowledgedBeforeLastKill > 0 &&
    Object.values(protocols).every(
      ({ made, acknowledged, lost, wrong }) => acknowledged > 0 && acknowledged === made && lost + wrong === 0,
    )
  );
}

interface Load {
  /** By sender: numbers of the messages that were acknowledged. */
  readonly acknowledged: readonly Set<number>[];
  /** @returns by sender, how many messages were made. */
  stop(): Promise<readonly number[]>;
}

function startLoad({ senders }: Mixed, { seed, base }: { seed: number; base: number }): Load {
  const acknowledged = senders.map(() => new Set<number>());
  let isSending = true;
  const loops = senders.map(async ({ station, send }, at) => {
    let seq = 0;
    for (; isSending; seq++) {
      const number = seq;
      void send(measure(seed, station, number), base + number * STEP_MS).then(
        () => acknowledged[at]?.add(number),
        () => undefined, // never acknowledged then, which the report tells
      );
      await systemClock.sleep(SEND_MS);
    }
    return seq;
  });
  return {
    acknowledged,
    stop: () => {
      isSending = false;
      return Promise.all(loops);
    },
  };
}

async function compare(
  server: TestServer,
  run: {
    readonly mixed: Mixed;
    readonly lengths: readonly number[];
    readonly acknowledged: readonly Set<number>[];
    readonly seed: number;
    readonly base: number;
  },
): Promise<Pick<MixedReport, "protocols" | "doubled" | "quarantined">> {
  const { seed, base } = run;
  const status = await drained(server);
  const api = await apiOf(server);
  const protocols = Object.fromEntries(
    PROTOCOLS.map((name): [string, Outcome] => [name, { made: 0, acknowledged: 0, lost: 0, wrong: 0 }]),
  ) as Record<Protocol, Outcome>;
  let points = 0;
  for (const [at, { protocol, station }] of run.mixed.senders.entries()) {
    const { values } = await storedOf(api, { station, quantity: QUANTITY, from: base });
    points += values.size;
    const outcome = protocols[protocol];
    outcome.made += run.lengths[at] ?? 0;
    for (const seq of run.acknowledged[at] ?? []) {
      outcome.acknowledged += 1;
      const value = values.get(base + seq * STEP_MS);
      if (value === undefined) outcome.lost += 1;
      else if (value !== measure(seed, station, seq)) outcome.wrong += 1;
    }
  }
  return { protocols, doubled: status.points - points, quarantined: status.journal.streams["quarantine"]?.end ?? 0 };
}
