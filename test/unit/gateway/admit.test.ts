/** The gate alone: bounds, order of resuming, one write a group commit, and the end. */
import { describe, expect, test } from "vitest";
import { decodeRaw } from "../../../core/envelope.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import {
  BUSY_IN_FLIGHT,
  Gate,
  IN_FLIGHT_BYTES_PER_CONNECTION_MAX,
  IN_FLIGHT_MAX,
  type Sender,
} from "../../../gateway/admit.ts";
import { PACED_MESSAGE_MS } from "../../../gateway/pace.ts";
import { Tally } from "../../../gateway/tally.ts";
import { FakeClock } from "../../support/clock.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

class FakeSender implements Sender {
  inFlight = 0;
  inFlightBytes = 0;
  withinShareAt = 0;
  devices = 1;
  acks: number[] = [];
  writes: number[][] = [];
  resumed = 0;
  isStuck = false;
  sendAcks(): void {
    this.writes.push(this.acks.splice(0));
  }
  takesAnswers(): boolean {
    return !this.isStuck;
  }
  resume(): void {
    this.resumed += 1;
  }
}

function aGate() {
  const pending: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const entries: Uint8Array[] = [];
  const journal = Object.assign(new MemoryJournal(), {
    append: (_stream: string, entry: Uint8Array) => {
      entries.push(entry);
      return new Promise<void>((resolve, reject) => pending.push({ resolve, reject }));
    },
  });
  const clock = new FakeClock();
  const metrics = new Metrics();
  const tally = new Tally(metrics);
  const gate = new Gate({ journal, clock, log: createLogger("silent"), tally });
  const commit = async (count = pending.length): Promise<void> => {
    for (const { resolve } of pending.splice(0, count)) resolve();
    await turn();
  };
  return { gate, commit, pending, entries, clock, metrics, tally };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const message = (bytes = 10) => ({ receivedAt: 5, device: "dev-1", topic: "t", payload: new Uint8Array(bytes) });
const ignore = (): void => {};

describe("Gate", () => {
  test("acknowledges a group commit with one write a connection, in order, and nothing before", async () => {
    const { gate, commit, entries } = aGate();
    const [one, two] = [new FakeSender(), new FakeSender()];
    for (let id = 1; id <= 4; id++) gate.admit(id % 2 ? one : two, message(), id, ignore);
    await turn();
    expect([one.writes, two.writes]).toEqual([[], []]);
    await commit();
    expect([one.writes, two.writes]).toEqual([[[1, 3]], [[2, 4]]]);
    expect(decodeRaw(entries[0] as Uint8Array)).toMatchObject({ receivedAt: 5, device: "dev-1", topic: "t" });
  });

  test("a failed append is told, and never acknowledged", async () => {
    const { gate, pending } = aGate();
    const sender = new FakeSender();
    const told: (Error | null)[] = [];
    gate.admit(sender, message(), 1, (error) => told.push(error));
    pending[0]?.reject(new Error("no space"));
    await turn();
    expect(told).toMatchObject([{ message: "no space" }]);
    expect([sender.writes, sender.acks, gate.inFlight, gate.inFlightBytes, sender.inFlightBytes]).toEqual([
      [],
      [],
      0,
      0,
      0,
    ]);
  });

  test("holds everybody while too much is in flight in all, and resumes them first come, first served", async () => {
    const { gate, commit } = aGate();
    const busy = Array.from({ length: 100 }, () => new FakeSender());
    for (let count = 0; count < IN_FLIGHT_MAX; count++)
      gate.admit(busy[count % 100] as Sender, message(), null, ignore);
    const order: string[] = [];
    const waiting = ["a", "b", "c"].map((name) => Object.assign(new FakeSender(), { resume: () => order.push(name) }));
    expect(waiting.map((sender) => gate.mayRead(sender))).toEqual([false, false, false]);
    expect(gate.held).toBe(3);
    await commit(1);
    expect(order).toEqual(["a", "b", "c"]);
    expect(gate.mayRead(new FakeSender())).toBe(true);
  });

  test("while much is in flight reads live devices before backlogs, and those again once there is less", async () => {
    const { gate, commit, clock } = aGate();
    const [live, flushing] = [new FakeSender(), new FakeSender()];
    gate.admit(live, message(), null, ignore);
    for (let count = 1; count < BUSY_IN_FLIGHT; count++)
      gate.admit(count % 200 === 0 ? flushing : new FakeSender(), message(), null, ignore);
    await clock.advance(PACED_MESSAGE_MS);
    expect([gate.mayRead(live), gate.mayRead(new FakeSender()), gate.mayRead(flushing)]).toEqual([true, true, false]);
    await commit(1);
    expect([flushing.resumed, gate.mayRead(flushing)]).toEqual([1, true]);
  });

  test("holds a connection with many bytes in flight, not its neighbour", async () => {
    const { gate, commit } = aGate();
    const [heavy, light] = [new FakeSender(), new FakeSender()];
    gate.admit(heavy, message(IN_FLIGHT_BYTES_PER_CONNECTION_MAX), 1, ignore);
    expect([gate.mayRead(heavy), gate.mayRead(light)]).toEqual([false, true]);
    await commit();
    expect([heavy.resumed, light.resumed]).toEqual([1, 0]);
    expect(gate.mayRead(heavy)).toBe(true);
  });

  test("does not read who does not read its acknowledgements", async () => {
    const { gate, commit } = aGate();
    const sender = new FakeSender();
    sender.isStuck = true;
    expect(gate.mayRead(sender)).toBe(false);
    gate.admit(new FakeSender(), message(), 1, ignore);
    await commit();
    expect(sender.resumed).toBe(0);
    sender.isStuck = false;
    gate.wake(sender);
    expect([sender.resumed, gate.mayRead(sender)]).toEqual([1, true]);
  });

  test("paced, reads who keeps to its share, and who sent much only once that is made up for", async () => {
    const { gate, commit, clock } = aGate();
    const [live, flushing] = [new FakeSender(), new FakeSender()];
    gate.admit(live, message(), 1, ignore);
    for (let id = 1; id <= 20; id++) gate.admit(flushing, message(), id, ignore);
    await commit();
    gate.pace(true);
    await clock.advance(PACED_MESSAGE_MS);
    gate.pace(true);
    expect([gate.mayRead(live), gate.mayRead(flushing)]).toEqual([true, false]);
    await clock.advance(18 * PACED_MESSAGE_MS);
    gate.pace(true);
    expect(flushing.resumed).toBe(0);
    await clock.advance(PACED_MESSAGE_MS);
    gate.pace(true);
    expect([flushing.resumed, gate.mayRead(flushing)]).toEqual([1, true]);
  });

  test("paced, a line that carries ten devices has ten shares", async () => {
    const { gate, commit, clock } = aGate();
    const [bridge, single] = [Object.assign(new FakeSender(), { devices: 10 }), new FakeSender()];
    for (let id = 1; id <= 10; id++) {
      gate.admit(bridge, message(), id, ignore);
      gate.admit(single, message(), id, ignore);
    }
    await commit();
    gate.pace(true);
    expect(gate.mayRead(bridge)).toBe(false);
    await clock.advance(PACED_MESSAGE_MS);
    expect([gate.mayRead(bridge), gate.mayRead(single)]).toEqual([true, false]);
  });

  test("paced, nobody is held longer than five seconds for what it sent, a line that carries many devices neither", async () => {
    const { gate, commit, clock } = aGate();
    const bridge = new FakeSender();
    for (let id = 1; id <= 200; id++) gate.admit(bridge, message(), id, ignore);
    await commit();
    gate.pace(true);
    await clock.advance(4_999);
    expect(gate.mayRead(bridge)).toBe(false);
    await clock.advance(1);
    expect(gate.mayRead(bridge)).toBe(true);
  });

  test("no longer paced, everybody is read at once", async () => {
    const { gate, commit } = aGate();
    const sender = new FakeSender();
    gate.admit(sender, message(), 1, ignore);
    await commit();
    gate.pace(true);
    expect(gate.mayRead(sender)).toBe(false);
    gate.pace(false);
    expect([sender.resumed, gate.mayRead(sender)]).toEqual([1, true]);
  });

  test("close waits for what is in flight and reads nothing more", async () => {
    const { gate, commit } = aGate();
    const sender = new FakeSender();
    gate.admit(sender, message(), 1, ignore);
    let isClosed = false;
    const closed = gate.close(5_000).then(() => {
      isClosed = true;
    });
    expect(gate.mayRead(sender)).toBe(false);
    await turn();
    expect(isClosed).toBe(false);
    await commit();
    await closed;
    expect(sender.writes).toEqual([[1]]);
  });

  test("close does not wait for ever", async () => {
    const { gate, clock } = aGate();
    gate.admit(new FakeSender(), message(), 1, ignore);
    const closed = gate.close(5_000);
    await clock.advance(5_000);
    await closed;
    expect(gate.inFlight).toBe(1);
  });

  test("times one append of a group, and counts messages and bytes", async () => {
    const { gate, commit, clock, metrics, tally } = aGate();
    const sender = new FakeSender();
    for (let id = 1; id <= 3; id++) gate.admit(sender, message(10), id, ignore);
    await clock.advance(20);
    await commit();
    tally.flush({ connections: 1, inFlight: 0, inFlightBytes: 0, waiting: 0 });
    const text = await metrics.registry.metrics();
    expect(text).toContain("jingtu_gateway_messages_total 3");
    expect(text).toContain("jingtu_gateway_bytes_total 30");
    expect(text).toContain("jingtu_gateway_append_seconds_count 1");
    expect(text).toContain("jingtu_gateway_append_seconds_sum 0.02");
  });
});
