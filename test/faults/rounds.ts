/** What the faults with kills share: the kills themselves, and what the store holds afterwards. */
import { systemClock } from "../../core/clock.ts";
import { uniform } from "../../simulators/random.ts";
import type { Api } from "../support/client.ts";
import type { TestServer } from "../support/server.ts";

/**
 * SIGKILL at seeded random moments, 50 to 1,550 ms after the server was up, and a restart on the same ports each time.
 *
 * @param tell how the senders stand, for the line of each round.
 * @returns the server that runs last, and how long each took to be up, ms.
 */
export async function killRounds(
  first: TestServer,
  { rounds, seed, tell }: { readonly rounds: number; readonly seed: number; readonly tell: () => string },
): Promise<{ readonly server: TestServer; readonly restarts: readonly number[] }> {
  let server = first;
  const restarts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await systemClock.sleep(50 + 1_500 * uniform(seed, "kill", round));
    await server.kill();
    const startedAt = systemClock.monotonic();
    server = await server.restart();
    restarts.push(Math.round(systemClock.monotonic() - startedAt));
    console.error(`round ${round}: up after ${restarts.at(-1)} ms, ${tell()}`);
  }
  return { server, restarts };
}

export interface Stored {
  readonly series: string;
  /** Time, ms → value. */
  readonly values: ReadonlyMap<number, number>;
}

/** Raw readings of a station's quantity from `from` on, through the REST interface. */
export async function storedOf(
  api: Api,
  { station, quantity, from }: { readonly station: string; readonly quantity: string; readonly from: number },
): Promise<Stored> {
  const range = `from=${from}&to=${systemClock.now() + 3_600_000}`;
  const { series, columns } = await api.get<{ series: string; columns: { times: number[]; values: number[] } }>(
    `stations/${station}/readings?quantity=${quantity}&bucket=raw&${range}&limit=50000`,
  );
  return { series, values: new Map(columns.times.map((time, row) => [time, columns.values[row] as number])) };
}
