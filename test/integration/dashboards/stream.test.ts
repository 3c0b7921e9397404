import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { AlarmEvent } from "../../../core/alarm.ts";
import { createServer } from "../../../dashboards/server.ts";
import { aBlockEncoded, anAlarmEvent, anOrigin, aReading, NOW } from "../../support/builders.ts";
import { anAlarmOf, aWorld, PASSWORD, tokenOf, type World } from "../../support/dashboards-fakes.ts";

interface Frame {
  readonly event: string;
  readonly id: number | null;
  readonly data: {
    readonly at?: string;
    readonly reason?: string;
    readonly newestReceivedAt?: string | null;
    readonly lag?: unknown;
    readonly values?: unknown[][];
    readonly event?: { readonly id: string; readonly note: string | null };
    readonly alarm?: { readonly id: string; readonly tenant: string };
  };
}

async function aLiveServer() {
  const world = await aWorld();
  const server = await createServer(world.parts);
  onTestFinished(() => server.close());
  return { world, server, url: server.address.url };
}

/** Opens the stream and hands out its events one by one; null at its end. */
async function listen(url: string, headers: Record<string, string>, query = "") {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const answer = await fetch(`${url}/api/v1/stream${query}`, { headers, signal: stop.signal });
  if (!answer.ok || !answer.body) throw new Error(`stream: ${answer.status}`);
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const next = async (): Promise<Frame | null> => {
    for (let end = text.indexOf("\n\n"); ; end = text.indexOf("\n\n")) {
      if (end >= 0) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const id = field("id");
        return {
          event: field("event") ?? "",
          id: id === undefined ? null : Number(id),
          data: JSON.parse(field("data") ?? "{}"),
        };
      }
      const { value, done } = await reader.read();
      if (done) return null;
      text += decoder.decode(value, { stream: true });
    }
  };
  const nextOf = async (...kinds: string[]): Promise<Frame> => {
    for (let frame = await next(); frame; frame = await next()) if (kinds.includes(frame.event)) return frame;
    throw new Error(`the stream ended before ${kinds}`);
  };
  return { next, nextOf, answer, stop: () => stop.abort() };
}

const as = (name: string): Record<string, string> => ({ authorization: `Bearer ${tokenOf(name)}` });
const anEvent = (letter: string, index: number, note: string | null = null): AlarmEvent =>
  anAlarmEvent({ id: `event-${letter}-${index}`, note, alarm: anAlarmOf(letter, { updatedAt: NOW + index }) });
const announce = (world: World, event: AlarmEvent) => world.announce(event, { store: false });

describe("the live stream", () => {
  test("tells a suspicion to who checks it, and an enterprise only what comes after it, live and resumed", async () => {
    const { world, url } = await aLiveServer();
    const [officer, suspect] = [await listen(url, as("officer")), await listen(url, as("enterprise-a"))];
    await Promise.all([officer.nextOf("beat"), suspect.nextOf("beat")]);
    const doubt = anAlarmOf("a", { id: "doubt-a", category: "integrity", quantity: "integrity" });
    await announce(world, anAlarmEvent({ id: "event-doubt", alarm: doubt }));
    await announce(world, anEvent("a", 1));
    expect((await officer.nextOf("alarm")).data.event?.id).toBe("event-doubt");
    expect((await suspect.nextOf("alarm")).data.event?.id).toBe("event-a-1");
    const resumed = await listen(url, { ...as("enterprise-a"), "last-event-id": "1" });
    expect((await resumed.nextOf("alarm")).data.event?.id).toBe("event-a-1");
    const resumedOfficer = await listen(url, { ...as("officer"), "last-event-id": "1" });
    expect((await resumedOfficer.nextOf("alarm")).data.event?.id).toBe("event-doubt");
  });

  test("greets with the place in the alarms, then with how fresh the data is, then tells each alarm", async () => {
    const { world, url } = await aLiveServer();
    const origin = anOrigin({ receivedAt: NOW - 5_000 });
    await world.journal.append("readings", aBlockEncoded([aReading({ series: "mw-a/cd/total/rtd", origin })]));
    await world.journal.commit({ advance: [{ reader: "recorder", stream: "alarms", offset: 1 }] });
    const saved = { reader: "alerts-3", stream: "alarms", offset: 0 } as const; // lags by design, so it does not count
    await world.journal.commit({ advance: [saved] });
    const stream = await listen(url, as("officer"));
    expect(stream.answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(stream.answer.headers.get("x-accel-buffering")).toBe("no");
    expect(await stream.next()).toMatchObject({
      event: "hello",
      id: 1,
      data: { version: "0.0.0-test", beatMs: 15_000 },
    });
    expect(await stream.next()).toMatchObject({
      event: "beat",
      id: null,
      data: { newestReceivedAt: "2026-03-14T23:59:55.000Z", lag: { raw: 0, readings: 0, alarms: 1 } },
    });
    await announce(world, anEvent("a", 1, "line one\nline two"));
    expect(await stream.next()).toMatchObject({
      event: "alarm",
      id: 2,
      data: {
        event: { id: "event-a-1", kind: "raised", note: "line one\nline two" },
        alarm: { id: "alarm-a", siteName: { en: "Park One" } },
      },
    });
    await world.clock.advance(15_000);
    expect(await stream.nextOf("beat")).toMatchObject({ data: { at: "2026-03-15T00:00:15.000Z" } });
  });

  test("readings come once a second as the newest of each series, own tenant only", async () => {
    const { world, url } = await aLiveServer();
    const all = await listen(url, as("officer"));
    const own = await listen(url, as("enterprise-b"));
    for (const stream of [all, own]) await stream.nextOf("beat");
    for (let round = 0; round < 50; round++) {
      const readings = ["a", "b"].map((letter) =>
        aReading({ series: `mw-${letter}/cd/total/rtd`, time: NOW + round, value: round }),
      );
      await world.journal.append("readings", aBlockEncoded(readings));
    }
    await world.clock.advance(0); // the tail gets its turn
    await world.clock.advance(1_000);
    const newest = (letter: string) => [`mw-${letter}/cd/total/rtd`, NOW + 49, 49, "", 1, "N"];
    expect((await all.next())?.data.values).toEqual([newest("a"), newest("b")]);
    expect((await own.next())?.data.values).toEqual([newest("b")]);
    await world.clock.advance(14_000);
    expect((await all.next())?.event).toBe("beat"); // nothing new: no readings in between
  });

  test("U5: after a break each missed alarm comes once and in order, also those that come meanwhile", async () => {
    const { world, url } = await aLiveServer();
    for (let index = 0; index < 300; index++) await announce(world, anEvent(index % 3 === 0 ? "b" : "a", index));
    // A journal that takes its time, and alarms that keep coming while the browser is catching up.
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const read = world.journal.read.bind(world.journal);
    world.journal.read = async (stream, offset, bytesMax) => {
      for (let wait = 0; wait < 5; wait++) await turn();
      return read(stream, offset, Math.min(bytesMax, 20_000));
    };
    const meanwhile = (async () => {
      for (let index = 300; index < 600; index++) {
        await announce(world, anEvent("a", index));
        await turn();
      }
    })();
    const resumed = await listen(url, { ...as("officer"), "last-event-id": "101" });
    expect(await resumed.next()).toMatchObject({ event: "hello", id: 101 });
    const ids: (number | null)[] = [];
    while (ids.length < 500) ids.push((await resumed.nextOf("alarm")).id);
    await meanwhile;
    expect(ids).toEqual(Array.from({ length: 500 }, (_, index) => 102 + index));
    await announce(world, anEvent("a", 600));
    expect((await resumed.nextOf("alarm")).id).toBe(602);

    const foreign = await listen(url, { ...as("enterprise-b"), "last-event-id": "101" });
    const first = await foreign.nextOf("alarm");
    expect(first).toMatchObject({ id: 104, data: { alarm: { tenant: "tenant-b" } } });
  });

  test("what cannot be replayed is said: ids of another journal, too many, trimmed away", async () => {
    const { world, url } = await aLiveServer();
    const lost = await listen(url, { ...as("officer"), "last-event-id": "99999" });
    expect(await lost.nextOf("gap")).toMatchObject({ id: 1, data: { reason: "trimmed" } });
    for (let index = 0; index < 12; index++) await announce(world, anEvent("a", index));
    await world.journal.trim("alarms", 5);
    const trimmed = await listen(url, as("officer"), "?after=1");
    expect(await trimmed.nextOf("gap", "alarm")).toMatchObject({ event: "gap", data: { reason: "trimmed" } });
    expect((await trimmed.nextOf("alarm")).id).toBe(5);
    const entries = Array.from({ length: 10_001 }, (_, index) => Buffer.from(JSON.stringify(anEvent("a", index))));
    await world.journal.commit({ append: [{ stream: "alarms", entries }] });
    const tooMany = await listen(url, as("officer"), "?after=5");
    expect(await tooMany.nextOf("gap", "alarm")).toMatchObject({ event: "gap", data: { reason: "too-many" } });
    await announce(world, anEvent("a", 1, "after the gap"));
    expect(await tooMany.nextOf("alarm")).toMatchObject({ data: { event: { note: "after the gap" } } });
  });

  test("C6: a browser that does not read is dropped; the others go on", async () => {
    const { world, url, server } = await aLiveServer();
    const slow = connect(server.address.port, "127.0.0.1");
    onTestFinished(() => void slow.destroy());
    const head = `GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: ${as("officer")["authorization"]}\r\n\r\n`;
    await new Promise<void>((resolve) => slow.write(head, () => resolve()));
    const closed = new Promise<void>((resolve) => slow.once("close", () => resolve()));
    slow.on("error", () => {}); // the reset is what this test waits for
    slow.pause();
    const good = await listen(url, as("officer"));
    await good.nextOf("beat");
    const note = "n".repeat(100_000);
    for (let index = 0; index < 150; index++) {
      await announce(world, anEvent("a", index, note));
      expect((await good.nextOf("alarm")).data.event?.id).toBe(`event-a-${index}`);
    }
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain("jingtu_live_browsers_dropped_total 1");
    slow.resume();
    await closed;
  });

  test.each`
    why                              | end
    ${"signs out"}                   | ${"sign-out"}
    ${"is reset by another process"} | ${"reset"}
    ${"is given another tenant"}     | ${"role"}
    ${"is idle too long"}            | ${"idle"}
  `("ends with its session when the person $why", async ({ end }) => {
    const { world, url } = await aLiveServer();
    const answer = await fetch(`${url}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "officer", password: PASSWORD }),
    });
    const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    const { csrf } = (await answer.json()) as { csrf: string };
    const stream = await listen(url, { cookie });
    await stream.nextOf("beat");
    if (end === "sign-out")
      await fetch(`${url}/api/v1/session`, { method: "DELETE", headers: { cookie, "x-csrf-token": csrf } });
    if (end === "reset") await world.ledger.accounts.dropSessionsOf("officer");
    const user = await world.ledger.accounts.user("officer");
    if (end === "role" && user) await world.ledger.accounts.putUser({ ...user, tenant: "tenant-b" });
    if (end === "idle") world.clock.jump(30 * 60_000);
    if (end !== "sign-out") await world.clock.advance(1_000);
    expect(await stream.nextOf("bye")).toMatchObject({ data: { reason: "session-ended" } });
    expect(await stream.next()).toBeNull();
    if (end !== "role") expect((await fetch(`${url}/api/v1/stream`, { headers: { cookie } })).status).toBe(401);
  });

  test("ends when its token runs out", async () => {
    const { world, url } = await aLiveServer();
    const stream = await listen(url, as("officer"));
    await stream.nextOf("beat");
    world.clock.jump(86_400_000);
    await world.clock.advance(1_000);
    expect(await stream.nextOf("bye")).toMatchObject({ data: { reason: "session-ended" } });
  });

  test("closing the server says goodbye and does not wait for browsers", async () => {
    const world = await aWorld();
    const server = await createServer(world.parts);
    const stream = await listen(server.address.url, as("officer"));
    await stream.nextOf("beat");
    await server.close();
    expect(await stream.nextOf("bye")).toMatchObject({ data: { reason: "closing" } });
    expect(await stream.next()).toBeNull();
  });

  test("without browsers no readings are read; the first one learns at once how fresh they are", async () => {
    const { world, url } = await aLiveServer();
    let reads = 0;
    const read = world.journal.read.bind(world.journal);
    world.journal.read = (stream, ...rest) => {
      if (stream === "readings") reads++;
      return read(stream, ...rest);
    };
    for (let round = 0; round < 5; round++)
      await world.journal.append(
        "readings",
        aBlockEncoded([aReading({ series: "mw-a/cd/total/rtd", time: NOW + round })]),
      );
    await world.clock.advance(3_000);
    expect(reads).toBe(0);
    const stream = await listen(url, as("officer"));
    expect((await stream.nextOf("beat")).data.newestReceivedAt).toBe("2026-03-15T00:00:01.004Z");
    expect(reads).toBe(1);
  });
});
