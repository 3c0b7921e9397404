/** `jingtu serve`: the production start. No simulators, no default passwords. */
import { startApp } from "../app.ts";
import { systemClock } from "../core/clock.ts";
import { EXIT } from "../core/errors.ts";
import { createLogger, type Logger } from "../core/observe.ts";
import { VERSION } from "../version.ts";
import type { Verb } from "./verb.ts";

export const serveVerb: Verb = {
  name: "serve",
  summary: "start broker, ingest, alarms and web on this machine",
  operands: "",
  options: {},
  run: async ({ config: readConfig, out, signal }) => {
    const config = readConfig();
    const log = createLogger(config.logLevel, "main");
    let fatal: ((error: Error) => void) | undefined;
    const failed = new Promise<Error>((resolve) => (fatal = resolve));
    const app = await startApp({
      config,
      version: VERSION,
      log,
      onFirstPassword: (name, password) =>
        out.say(
          `First run. Sign in as ${name} with password ${password} (shown once; \`jingtu user reset ${name}\` makes a new one).`,
        ),
      onFatal: (error) => fatal?.(error),
    });
    out.document(`${JSON.stringify({ ready: app.addresses })}\n`);
    const error = await Promise.race([failed, stopAsked(signal)]);
    if (error) log.fatal({ err: error }, "a thread failed; the process stops and the journal will replay");
    const drained = new AbortController();
    await Promise.race([app.stop(), drainOver(Number(config.drain), log, drained.signal)]);
    drained.abort();
    return error ? EXIT.bug : EXIT.ok;
  },
};

function stopAsked(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

async function drainOver(ms: number, log: Logger, drained: AbortSignal): Promise<void> {
  await systemClock.sleep(ms, drained);
  if (!drained.aborted) log.error({ ms }, "the drain took too long; exiting, the journal holds what was acknowledged");
}
