/** Asks the journal how far ingest is and says whether senders are to be held, see pace.ts. */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/observe.ts";
import { INGEST_READER, type Journal } from "../core/ports.ts";
import { nextPace, PACE_MS, START } from "./pace.ts";

/** Told every `PACE_MS`. @returns a function that stops it. */
export function keepPace(
  { journal, clock, log }: { readonly journal: Journal; readonly clock: Clock; readonly log: Logger },
  tell: (isHeld: boolean) => void,
): () => void {
  let pace = START;
  let isAsking = false;
  return clock.every(PACE_MS, () => {
    if (isAsking) return;
    isAsking = true;
    Promise.all([journal.end("raw"), journal.position(INGEST_READER, "raw")])
      .then(([end, position]) => {
        pace = nextPace(pace, { end, position });
        tell(pace.isHeld);
      })
      .catch((error: unknown) => {
        tell(false);
        log.warn({ err: error }, "the journal did not say how far ingest is; devices are not paced");
      })
      .finally(() => {
        isAsking = false;
      });
  });
}
