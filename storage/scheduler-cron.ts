/** Calendar work through node-cron, in the time of the sites: Asia/Shanghai, whatever the server's time zone is. */
import { type ScheduledTask, schedule as scheduleCron, validate } from "node-cron";
import { type Clock, systemClock } from "../core/clock.ts";
import { Misconfigured } from "../core/errors.ts";
import type { Logger } from "../core/observe.ts";
import type { Scheduler } from "../core/ports.ts";

const TIMEZONE = "Asia/Shanghai";
const FIELDS = 5;
/** What node-cron would print, this file logs itself. */
const QUIET = { info: nothing, warn: nothing, error: nothing, debug: nothing };

/** A run that was missed or still runs when the next is due is logged; a failed run is logged and the next one comes. */
export function openScheduler({ log, clock = systemClock }: { log: Logger; clock?: Clock }): Scheduler {
  const scheduled = new Map<string, ScheduledTask>();
  const running = new Set<Promise<void>>();
  let isClosed = false;

  const run = async (name: string, task: () => Promise<void>): Promise<void> => {
    const startedAt = clock.monotonic();
    try {
      await task();
      log.info({ task: name, ms: Math.round(clock.monotonic() - startedAt) }, "scheduled task done");
    } catch (error) {
      log.error({ task: name, err: error }, "scheduled task failed");
    }
  };

  return {
    schedule(name, expression, task) {
      if (isClosed)
        throw new Misconfigured("SCHEDULE_CLOSED", { what: `task ${name} came after the scheduler closed` });
      check(name, expression, scheduled.has(name));
      const start = async (): Promise<void> => {
        const done = run(name, task);
        running.add(done);
        await done;
        running.delete(done);
      };
      const cron = scheduleCron(expression, start, {
        name,
        timezone: TIMEZONE,
        noOverlap: true,
        suppressMissedWarning: true,
        logger: QUIET,
        unref: true,
      });
      cron.on("execution:missed", ({ date }) => {
        log.warn({ task: name, dueAt: date.toISOString() }, "scheduled task was missed");
      });
      cron.on("execution:overlap", () => {
        log.warn({ task: name }, "scheduled task left out, the run before is not done");
      });
      scheduled.set(name, cron);
    },
    async close() {
      isClosed = true;
      for (const cron of scheduled.values()) await cron.destroy();
      scheduled.clear();
      await Promise.all(running);
    },
  };
}

function check(name: string, expression: string, isTaken: boolean): void {
  if (isTaken) throw new Misconfigured("SCHEDULE_TWICE", { what: `there are two tasks of the name "${name}"` });
  if (expression.trim().split(/\s+/).length === FIELDS && validate(expression)) return;
  throw new Misconfigured("SCHEDULE_INVALID", {
    what: `"${expression}" is not a calendar expression`,
    where: `task ${name}`,
    mend: "five fields: minute hour day month weekday, e.g. 15 2 * * *",
  });
}

function nothing(): void {}
