/** Calendar work in the time of Shanghai, against node-cron with its timers moved by hand. */
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Scheduler } from "../../../core/ports.ts";
import { openScheduler } from "../../../storage/scheduler-cron.ts";
import { FakeClock } from "../../support/clock.ts";
import { rememberingLog, type Told } from "../../support/journal-sqlite.ts";

const HOUR = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({
    now: Date.UTC(2026, 5, 1, 15, 50),
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

function aScheduler(): { scheduler: Scheduler; told: Told[] } {
  const told: Told[] = [];
  const scheduler = openScheduler({ log: rememberingLog(told), clock: new FakeClock() });
  onTestFinished(() => scheduler.close());
  return { scheduler, told };
}

test("a task runs at its hour in Asia/Shanghai, each day", async () => {
  const { scheduler } = aScheduler();
  const ranAt: string[] = [];
  scheduler.schedule("nightly", "15 2 * * *", async () => {
    ranAt.push(new Date(Date.now()).toISOString().slice(0, 16));
  });
  await vi.advanceTimersByTimeAsync(48 * HOUR);
  expect(ranAt).toEqual(["2026-06-01T18:15", "2026-06-02T18:15"]);
});

test("a run that is not done when the next is due is not joined by a second, and that is logged", async () => {
  const { scheduler, told } = aScheduler();
  const finish: (() => void)[] = [];
  scheduler.schedule("slow", "0 * * * *", () => new Promise((resolve) => finish.push(resolve)));
  await vi.advanceTimersByTimeAsync(3 * HOUR);
  expect(finish).toHaveLength(1);
  expect(told.filter(({ level }) => level === "warn")).toMatchObject([
    { fields: { task: "slow" }, message: "scheduled task left out, the run before is not done" },
    { fields: { task: "slow" } },
  ]);
  finish[0]!();
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(finish).toHaveLength(2);
  finish[1]!();
});

test("runs that were missed while the process could not act are logged, and the next one comes", async () => {
  const { scheduler, told } = aScheduler();
  let runs = 0;
  scheduler.schedule("hourly", "0 * * * *", async () => {
    runs++;
  });
  vi.setSystemTime(Date.UTC(2026, 5, 1, 17, 30));
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(told.filter(({ level }) => level === "warn")[0]).toMatchObject({
    fields: { task: "hourly", dueAt: "2026-06-01T16:00:00.000Z" },
    message: "scheduled task was missed",
  });
  await vi.advanceTimersByTimeAsync(HOUR);
  expect(runs).toBeGreaterThan(0);
});

test("a run that fails is logged and the next one comes", async () => {
  const { scheduler, told } = aScheduler();
  let runs = 0;
  scheduler.schedule("failing", "0 * * * *", async () => {
    runs++;
    throw new Error("no disk");
  });
  await vi.advanceTimersByTimeAsync(2 * HOUR);
  expect(runs).toBe(2);
  expect(told.filter(({ level }) => level === "error")).toMatchObject([
    { fields: { task: "failing" }, message: "scheduled task failed" },
    { fields: { task: "failing" } },
  ]);
});

test("closing waits for the run that is under way and starts no other", async () => {
  const { scheduler } = aScheduler();
  const finish: (() => void)[] = [];
  scheduler.schedule("slow", "0 * * * *", () => new Promise((resolve) => finish.push(resolve)));
  await vi.advanceTimersByTimeAsync(HOUR);
  let isClosed = false;
  const closing = scheduler.close().then(() => {
    isClosed = true;
  });
  await vi.advanceTimersByTimeAsync(2 * HOUR);
  expect(isClosed).toBe(false);
  finish[0]!();
  await closing;
  expect(finish).toHaveLength(1);
});

test.each(["", "* * * *", "61 * * * *", "0 0 2 * * *", "nightly"])("%j is not a calendar expression", (expression) => {
  const { scheduler } = aScheduler();
  expect(() => scheduler.schedule("bad", expression, async () => undefined)).toThrow(/SCHEDULE_INVALID/);
});

test("two tasks of one name are refused", () => {
  const { scheduler } = aScheduler();
  scheduler.schedule("one", "0 * * * *", async () => undefined);
  expect(() => scheduler.schedule("one", "0 * * * *", async () => undefined)).toThrow(/SCHEDULE_TWICE/);
});
