/** Waiting for a stream, but not for ever. */
import type { Clock } from "../core/clock.ts";
import type { Journal, Stream } from "../core/ports.ts";

/** True when the stream has grown beyond `offset` within `ms`. */
export async function waitAtMost(
  { journal, clock }: { readonly journal: Journal; readonly clock: Clock },
  { stream, offset, ms }: { readonly stream: Stream; readonly offset: number; readonly ms: number },
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false; // an abort of before tells no listener
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([journal.wait(stream, offset, stop.signal), clock.sleep(ms, stop.signal)]);
  signal.removeEventListener("abort", onAbort);
  stop.abort();
  return (await journal.end(stream)) > offset;
}
