import { describe, expect, test } from "vitest";
import { WAITING_MAX, WorkQueue } from "../../../storage/series-queue.ts";

function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("the work queue", () => {
  test("runs one task a worker, in order", async () => {
    const queue = new WorkQueue("test", ["a", "b"]);
    const gates = [gate(), gate(), gate()];
    const started: string[] = [];
    const tasks = gates.map(({ opened }, i) =>
      queue.run(async (worker) => {
        started.push(`${i}${worker}`);
        await opened;
      }),
    );
    expect(started).toEqual(["0b", "1a"]);
    gates[1]?.open();
    await tasks[1];
    await Promise.resolve();
    expect(started).toEqual(["0b", "1a", "2a"]);
    gates[0]?.open();
    gates[2]?.open();
    await Promise.all(tasks);
  });

  test("goes on after a task that failed", async () => {
    const queue = new WorkQueue("test", [1]);
    const failing = queue.run(() => Promise.reject(new Error("no")));
    const next = queue.run(async () => "done");
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe("done");
  });

  test("is bounded, and says so", async () => {
    const queue = new WorkQueue("test", [1]);
    const { open, opened } = gate();
    const tasks = Array.from({ length: WAITING_MAX + 1 }, () => queue.run(() => opened));
    await expect(queue.run(async () => undefined)).rejects.toMatchObject({ code: "SERIES_BUSY" });
    open();
    await Promise.all(tasks);
    expect(await queue.run(async () => "again")).toBe("again");
  });

  test("finishes what it took before it closes, and takes no more", async () => {
    const queue = new WorkQueue("test", [1]);
    const { open, opened } = gate();
    const done: number[] = [];
    void queue.run(() => opened.then(() => void done.push(1)));
    void queue.run(async () => void done.push(2));
    const closing = queue.close().then(() => done.push(3));
    await expect(queue.run(async () => undefined)).rejects.toMatchObject({ code: "SERIES_CLOSED" });
    open();
    await closing;
    expect(done).toEqual([1, 2, 3]);
  });
});
