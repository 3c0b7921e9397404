/**
 * Calls between our threads: an object's async methods offered on a MessagePort and called from the other side, with
 * errors of core/errors.ts arriving as what they were (structured clone alone would make them plain errors).
 */
import type { MessagePort, Worker } from "node:worker_threads";
import { createBirpc } from "birpc";
import { type Fault, Misconfigured, Refused, Unavailable } from "./core/errors.ts";

type Method = (...args: never[]) => Promise<unknown>;
type Methods = Record<string, Method>;

interface Failure {
  readonly kind: "refused" | "unavailable" | "misconfigured" | "bug";
  readonly code: string;
  readonly fault: Fault;
  readonly status: number;
}
type Reply = { readonly value: unknown } | { readonly failure: Failure };

/** Longest wait for an answer, unless said otherwise; a thread that hangs longer is reported as unavailable. */
const CALL_MS_MAX = 60_000;

/** Offers `methods` on the port until it closes. */
export function offer<T extends object>(port: MessagePort, methods: T): void {
  const wrapped = Object.fromEntries(
    Object.entries(methods as Methods).map(([name, method]) => [
      name,
      async (...args: never[]): Promise<Reply> => {
        try {
          return { value: await method(...args) };
        } catch (error) {
          return { failure: toFailure(error) };
        }
      },
    ]),
  );
  createBirpc(wrapped, { post: (data) => port.postMessage(data), on: (receive) => port.on("message", receive) });
}

/**
 * A stand-in for the object offered on the other side of the port. Name the methods that exist. Calls that are waiting
 * when the port closes are Unavailable. A backup may take long: `callMsMax` infinite waits as long as the port lives.
 */
export function remote<T>(
  port: MessagePort,
  names: readonly (keyof T & string)[],
  { callMsMax = CALL_MS_MAX } = {},
): T {
  const rpc = createBirpc<Record<string, (...args: unknown[]) => Promise<Reply>>>(
    {},
    {
      post: (data) => port.postMessage(data),
      on: (receive) => port.on("message", receive),
      timeout: callMsMax === Number.POSITIVE_INFINITY ? -1 : callMsMax,
    },
  );
  port.once("close", () => rpc.$close());
  const call = async (name: string, args: unknown[]): Promise<unknown> => {
    const reply = await rpc.$call(name, ...args).catch((error) => {
      throw new Unavailable(
        "THREAD_SILENT",
        { what: `no answer to ${name}`, where: "between threads" },
        { cause: error },
      );
    });
    if ("failure" in reply) throw fromFailure(reply.failure);
    return reply.value;
  };
  return Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => call(name, args)])) as T;
}

/**
 * Runs a thread's start and tells its parent: `{ value }`, or the failure in a form that keeps its class. Used with
 * `started` on the other side.
 */
export async function tellStart(parent: MessagePort | null, start: () => Promise<unknown>): Promise<void> {
  try {
    parent?.postMessage({ value: await start() } satisfies Reply);
  } catch (error) {
    parent?.postMessage({ failure: toFailure(error) } satisfies Reply);
  }
}

/** Resolves with what the thread's start returned. @throws its error, or that the thread ended without a word. */
export async function started<T>(worker: Worker): Promise<T> {
  const reply = await new Promise<Reply>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread ended with ${code} before it was ready`)));
  });
  if ("failure" in reply) throw fromFailure(reply.failure);
  return reply.value as T;
}

function toFailure(error: unknown): Failure {
  if (error instanceof Refused) return { kind: "refused", code: error.code, fault: error.fault, status: error.status };
  if (error instanceof Unavailable) return { kind: "unavailable", code: error.code, fault: error.fault, status: 503 };
  if (error instanceof Misconfigured)
    return { kind: "misconfigured", code: error.code, fault: error.fault, status: 500 };
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: "bug", code: "BUG", fault: { what }, status: 500 };
}

function fromFailure({ kind, code, fault, status }: Failure): Error {
  if (kind === "refused") return new Refused(code, fault, status);
  if (kind === "unavailable") return new Unavailable(code, fault);
  if (kind === "misconfigured") return new Misconfigured(code, fault);
  return new Error(fault.what);
}
