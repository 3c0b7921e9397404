/** A device that speaks HTTP and keeps what has not been answered with 202. */
import { systemClock } from "../../core/clock.ts";

/** Under the 600 requests a minute of a device. */
const POST_MS = 120;
const BATCH_MAX = 200;

export interface HttpSender {
  /** One telemetry message, without its number; resolves at 202. */
  send(message: object): Promise<void>;
  /** Answers other than 202; none at all is not counted. */
  refusals(): number;
  close(): Promise<void>;
}

export function createHttpSender(parts: { url: string; id: string; secret: string }): HttpSender {
  const queue: { readonly message: object; readonly done: () => void }[] = [];
  const closing = new AbortController();
  const headers = { authorization: `Bearer ${parts.id}.${parts.secret}`, "content-type": "application/json" };
  let refusals = 0;
  let seq = 0;
  const post = async (body: string): Promise<boolean> => {
    try {
      const response = await fetch(parts.url, { method: "POST", headers, body });
      await response.arrayBuffer();
      if (response.status !== 202) refusals += 1;
      return response.status === 202;
    } catch {
      return false; // not there at the moment
    }
  };
  const work = (async () => {
    while (!closing.signal.aborted) {
      const batch = queue.slice(0, BATCH_MAX);
      const isTaken = batch.length > 0 && (await post(JSON.stringify(batch.map(({ message }) => message))));
      if (isTaken) for (const { done } of queue.splice(0, batch.length)) done();
      await systemClock.sleep(POST_MS, closing.signal);
    }
  })();
  return {
    send: (message) =>
      new Promise((done) => {
        queue.push({ message: { v: 1, boot: "http-1", seq: seq++, ...message }, done });
      }),
    refusals: () => refusals,
    close: async () => {
      closing.abort();
      await work;
    },
  };
}
