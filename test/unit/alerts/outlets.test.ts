/** From stream `alarms` to MQTT, outbox and webhook: what each shows, when it waits, and when it gives up. */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createAlarmDesk } from "../../../alerts/desk.ts";
import { runDispatch } from "../../../alerts/dispatch.ts";
import { noticeTexts } from "../../../alerts/notify/texts.ts";
import { createWebhook, judgeAnswer } from "../../../alerts/notify/webhook.ts";
import { Board, runAlarmPublisher } from "../../../alerts/publish.ts";
import { runRecorder } from "../../../alerts/record.ts";
import { outcomeOf, pauseMs } from "../../../alerts/send.ts";
import type { Alarm, AlarmEvent } from "../../../core/alarm.ts";
import { Unavailable } from "../../../core/errors.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import type { AlarmStore, Notifier, Outbox, OutboxItem, OutboxOutcome, Publisher } from "../../../core/ports.ts";
import { anAlarm, anAlarmEvent, anEvidence, anOutboxItem, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

const log = createLogger("silent");
const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

class MemoryOutbox implements Outbox {
  readonly items = new Map<string, OutboxItem & { outcome?: OutboxOutcome }>();
  readonly positions = new Map<string, number>();
  async enqueue(
    items: readonly Omit<OutboxItem, "tries">[],
    position: { reader: string; offset: number },
  ): Promise<void> {
    for (const item of items) if (!this.items.has(item.key)) this.items.set(item.key, { ...item, tries: 0 });
    this.positions.set(position.reader, position.offset);
  }
  position = async (reader: string): Promise<number> => this.positions.get(reader) ?? 0;
  async due(now: number, limit: number): Promise<readonly OutboxItem[]> {
    const waiting = [...this.items.values()].filter(
      (item) => item.dueAt <= now && (item.outcome?.kind ?? "retry") === "retry",
    );
    return waiting.sort((a, b) => a.dueAt - b.dueAt).slice(0, limit);
  }
  async settle(key: string, outcome: OutboxOutcome): Promise<void> {
    const item = this.items.get(key);
    if (!item) return;
    const dueAt = outcome.kind === "retry" ? outcome.dueAt : item.dueAt;
    this.items.set(key, { ...item, outcome, dueAt, tries: item.tries + 1 });
  }
  of = async (): Promise<[]> => [];
  depth = async (): Promise<number> => this.items.size;
}

class RecordingPublisher implements Publisher {
  readonly retained = new Map<string, string>();
  readonly log: string[] = [];
  async publish({ topic, payload, retain }: { topic: string; payload: string; retain: boolean }): Promise<void> {
    if (!retain) this.log.push(payload);
    else if (payload === "") this.retained.delete(topic);
    else this.retained.set(topic, payload);
  }
}

function storeOf(open: readonly Alarm[]): AlarmStore {
  const recorded: AlarmEvent[] = [];
  let offset = 0;
  return {
    record: async (events, position) => {
      recorded.push(...events);
      offset = position.offset;
    },
    position: async () => offset,
    list: async () => ({ alarms: open, cursor: null }),
    get: async (id) =>
      [...open, ...recorded.map(({ alarm }) => alarm)].reverse().find((alarm) => alarm.id === id) ?? null,
    history: async () => recorded,
    counts: async () => ({ active: 0, acknowledged: 0, cleared: 0 }),
    close: async () => {},
  };
}

/** A dispatcher over memory; `send` answers for the outlet. */
function dispatching(
  open: readonly Alarm[] = [],
  send: Notifier["send"] = async () => ({ kind: "sent", detail: "ok" }),
) {
  const [journal, clock, outbox, publisher] = [
    new MemoryJournal(),
    new FakeClock(NOW),
    new MemoryOutbox(),
    new RecordingPublisher(),
  ];
  const sent: OutboxItem[] = [];
  const notifier: Notifier = {
    name: "webhook",
    send: (item) => {
      sent.push(item);
      return send(item);
    },
  };
  const stop = new AbortController();
  const metrics = new Metrics();
  const errors: unknown[] = [];
  const parts = {
    journal,
    publisher,
    outbox,
    clock,
    log: { ...log, error: (said: unknown) => void errors.push(said) } as unknown as typeof log,
    alarms: storeOf(open),
    metrics,
    random: () => 0.5,
  };
  const running = runDispatch(
    { ...parts, notifiers: [notifier], publicUrl: "https://jingtu.example.org/" },
    stop.signal,
  );
  return {
    ...{ journal, clock, outbox, publisher, sent, metrics, errors },
    tell: async (...events: AlarmEvent[]) => {
      await journal.commit({ append: [{ stream: "alarms", entries: events.map(encode) }] });
      await clock.advance(0);
    },
    end: async () => {
      stop.abort();
      await clock.advance(0);
      await running;
    },
  };
}

const TOPIC = "ews/1/tenant-1/alerts/site-1/mw-1/cd-high/cd";

describe("MQTT", () => {
  test("a raised alarm is retained with the agreed keys, told once on the log, and stays as cleared", async () => {
    const d = dispatching();
    const alarm = anAlarm({ evidence: anEvidence({ clause: "own level" }) });
    await d.tell(anAlarmEvent({ alarm }));
    expect(JSON.parse(d.publisher.retained.get(TOPIC) ?? "")).toEqual({
      ...{ id: "alarm-1", rule: "cd-high", level: "orange", state: "active", verified: true },
      ...{ series: "mw-1/cd/total/rtd", value: 0.02, cmp: "", unit: "mg/L", limit: 0.01, clause: "own level" },
      ...{ start: NOW, end: null, lateMs: 0, updated: NOW },
    });
    await d.tell(anAlarmEvent({ id: "2", kind: "cleared", alarm: { ...alarm, state: "cleared", end: NOW + 1 } }));
    expect(JSON.parse(d.publisher.retained.get(TOPIC) ?? "")).toMatchObject({ state: "cleared", end: NOW + 1 });
    expect(d.publisher.log.map((text) => JSON.parse(text).kind)).toEqual(["raised", "cleared"]);
    await d.end();
  });

  test("an alarm of suspected data is on no topic of its tenant, neither at the start nor when it is raised", async () => {
    const doubt = anAlarm({ category: "integrity", quantity: "integrity" });
    const d = dispatching([doubt]);
    await d.tell(anAlarmEvent({ alarm: doubt }));
    expect([d.publisher.retained.size, d.publisher.log]).toEqual([0, []]);
    await d.end();
  });

  test("open alarms are retained again at the start", async () => {
    const d = dispatching([anAlarm({ state: "acknowledged" })]);
    await d.clock.advance(0);
    expect(JSON.parse(d.publisher.retained.get(TOPIC) ?? "")).toMatchObject({ id: "alarm-1", state: "acknowledged" });
    await d.end();
  });

  test("what was published but not recorded before a crash is retained again", async () => {
    const journal = new MemoryJournal();
    const event = anAlarmEvent({ alarm: anAlarm() });
    await journal.commit({
      append: [{ stream: "alarms", entries: [encode(event)] }],
      advance: [{ reader: "alarm-publisher", stream: "alarms", offset: 1 }],
    });
    const publisher = new RecordingPublisher();
    const stop = new AbortController();
    const running = runAlarmPublisher({ journal, publisher, alarms: storeOf([]) }, stop.signal);
    await new FakeClock(NOW).advance(0);
    expect(JSON.parse(publisher.retained.get(TOPIC) ?? "null")).toMatchObject({ id: "alarm-1" });
    expect(await journal.position("alarm-publisher", "alarms")).toBe(1);
    stop.abort();
    await running;
  });

  test("a retracted alarm leaves nothing behind", async () => {
    const d = dispatching([anAlarm()]);
    await d.tell(
      anAlarmEvent({ kind: "retracted", alarm: anAlarm({ state: "cleared", end: NOW, supersededBy: "retracted" }) }),
    );
    expect(d.publisher.retained.has(TOPIC)).toBe(false);
    await d.end();
  });

  test("several alarms of one condition: the most severe open one is shown, old news does not hide it", () => {
    const board = new Board();
    const yellow = anAlarm({ id: "y", level: "yellow" });
    const red = anAlarm({ id: "r", level: "red" });
    expect(board.put(yellow)).toBe(yellow);
    expect(board.put(red)).toBe(red);
    expect(board.put({ ...yellow, value: 1 })).toBe("unchanged");
    expect(board.put(anAlarm({ id: "old", level: "red", start: NOW - 9, end: NOW - 5, state: "cleared" }))).toBe(
      "unchanged",
    );
    expect(board.put({ ...red, end: NOW + 5, state: "cleared" })).toMatchObject({ id: "y" });
    expect(board.put({ ...yellow, end: NOW + 9, supersededBy: "r", state: "cleared" })).toBe("nothing");
  });

  test("a hanging webhook does not hold MQTT up", async () => {
    const d = dispatching([], () => new Promise(() => {}));
    for (let index = 0; index < 10; index++) {
      await d.tell(anAlarmEvent({ id: `e${index}`, alarm: anAlarm({ id: `a${index}` }) }));
    }
    expect(d.publisher.log).toHaveLength(10);
    expect(d.sent).toHaveLength(4);
  });
});

describe("outbox", () => {
  test("an event is queued once for each outlet, body fixed, with text in both languages and a link", async () => {
    const d = dispatching();
    await d.tell(anAlarmEvent({ id: "alarm-1-1" }));
    await d.clock.advance(0);
    expect(d.sent).toHaveLength(1);
    expect(d.sent[0]).toMatchObject({ key: "alarm-1-1:webhook", alarm: "alarm-1", event: "alarm-1-1" });
    expect(JSON.parse(d.sent[0]?.body ?? "")).toMatchObject({
      kind: "raised",
      text: { "zh-CN": expect.stringContaining("橙色报警"), en: expect.stringContaining("ORANGE alarm") },
      alarm: { id: "alarm-1", station: "mw-1", url: "https://jingtu.example.org/a/alarm-1" },
    });
    await d.end();
  });

  test("a failing outlet is tried again with growing pauses and the same key", async () => {
    const answers = ["retry", "retry", "sent"] as const;
    let tries = 0;
    const d = dispatching([], async () => ({ kind: answers[tries++] ?? "sent", detail: "HTTP 503" }));
    await d.tell(anAlarmEvent());
    await d.clock.advance(10_000);
    expect(d.sent.map(({ key }) => key)).toEqual(Array(3).fill(d.sent[0]?.key));
    expect([...d.outbox.items.values()][0]?.outcome).toMatchObject({ kind: "sent" });
    await d.end();
  });

  test("what is given up is counted and logged as an error", async () => {
    const d = dispatching([], async () => ({ kind: "given-up", detail: "HTTP 422" }));
    await d.tell(anAlarmEvent());
    await d.clock.advance(1_000);
    expect(d.errors).toMatchObject([{ outlet: "webhook", detail: "HTTP 422" }]);
    expect(await d.metrics.registry.metrics()).toMatch(/notify_given_up\S*\{outlet="webhook"\} 1/);
    await d.end();
  });

  test("a bulk back-fill is one notice a station, once it is quiet", async () => {
    const d = dispatching();
    const late = (id: string, station: string) =>
      anAlarmEvent({
        id,
        at: NOW,
        alarm: anAlarm({ id, station, backfill: true, start: NOW - 9e6, end: NOW - 8e6, state: "cleared" }),
      });
    await d.tell(late("a", "mw-1"), late("b", "mw-2"), late("c", "mw-1"), anAlarmEvent({ id: "live" }));
    await d.clock.advance(1_000);
    expect(d.sent.map(({ key }) => key)).toEqual(["live:webhook"]);
    await d.clock.advance(20_000);
    expect(d.sent.map(({ key }) => key)).toEqual(["live:webhook", "a:webhook", "b:webhook"]);
    expect(JSON.parse(d.sent[1]?.body ?? "")).toMatchObject({ kind: "back-fill", station: "mw-1", count: 2 });
    await d.end();
  });

  test.each`
    why                               | tries | answer                                                  | outcome
    ${"taken"}                        | ${0}  | ${{ kind: "sent", detail: "HTTP 200" }}                 | ${{ kind: "sent", at: NOW }}
    ${"first retry"}                  | ${0}  | ${{ kind: "retry", detail: "x" }}                       | ${{ kind: "retry", dueAt: NOW + 2_000 }}
    ${"fifth retry"}                  | ${4}  | ${{ kind: "retry", detail: "x" }}                       | ${{ kind: "retry", dueAt: NOW + 32_000 }}
    ${"the receiver asks for longer"} | ${0}  | ${{ kind: "retry", detail: "x", retryAfterMs: 90_000 }} | ${{ kind: "retry", dueAt: NOW + 90_000 }}
    ${"refused for good"}             | ${0}  | ${{ kind: "given-up", detail: "HTTP 422" }}             | ${{ kind: "given-up", at: NOW }}
  `("$why", ({ tries, answer, outcome }) => {
    const item = anOutboxItem({ tries, body: JSON.stringify({ at: NOW }) });
    expect(outcomeOf(item, answer, NOW, 0.5)).toMatchObject(outcome);
  });

  test("given up after a day; pauses are spread and end at an hour", () => {
    const old = anOutboxItem({ tries: 30, body: JSON.stringify({ at: NOW - 24 * 3_600_000 }) });
    expect(outcomeOf(old, { kind: "retry", detail: "HTTP 503" }, NOW, 0)).toMatchObject({
      kind: "given-up",
      detail: expect.stringContaining("24 h"),
    });
    expect([pauseMs(99, 0, 0), pauseMs(99, 1, 0)]).toEqual([2_700_000, 4_500_000]);
  });
});

describe("webhook", () => {
  test.each`
    status | after                              | answer
    ${200} | ${null}                            | ${{ kind: "sent" }}
    ${204} | ${null}                            | ${{ kind: "sent" }}
    ${301} | ${null}                            | ${{ kind: "retry", detail: "HTTP 301 (redirects are not followed)" }}
    ${401} | ${null}                            | ${{ kind: "retry" }}
    ${403} | ${null}                            | ${{ kind: "retry" }}
    ${404} | ${null}                            | ${{ kind: "retry", detail: "HTTP 404" }}
    ${405} | ${null}                            | ${{ kind: "retry" }}
    ${409} | ${null}                            | ${{ kind: "retry" }}
    ${410} | ${null}                            | ${{ kind: "retry" }}
    ${425} | ${null}                            | ${{ kind: "retry" }}
    ${400} | ${null}                            | ${{ kind: "given-up", detail: "HTTP 400" }}
    ${413} | ${null}                            | ${{ kind: "given-up" }}
    ${415} | ${null}                            | ${{ kind: "given-up" }}
    ${422} | ${null}                            | ${{ kind: "given-up" }}
    ${408} | ${null}                            | ${{ kind: "retry" }}
    ${429} | ${"120"}                           | ${{ kind: "retry", retryAfterMs: 120_000 }}
    ${503} | ${"Sun, 15 Mar 2026 00:01:00 GMT"} | ${{ kind: "retry", retryAfterMs: 60_000 }}
    ${503} | ${"999999"}                        | ${{ kind: "retry", retryAfterMs: 3_600_000 }}
    ${500} | ${"soon"}                          | ${{ kind: "retry", detail: "HTTP 500" }}
  `("HTTP $status, retry after $after", ({ status, after, answer }) => {
    expect(judgeAnswer(status, after, NOW)).toMatchObject(answer);
  });

  test("signs id, time and body; without a secret it does not pretend to", async () => {
    const seen: Headers[] = [];
    const fetch = async (_url: unknown, init?: RequestInit): Promise<Response> => {
      seen.push(new Headers(init?.headers));
      return new Response(null, { status: 200 });
    };
    const clock = new FakeClock(NOW);
    const item = anOutboxItem({ key: "k1", body: '{"a":"报警"}' });
    const signed = createWebhook({
      url: "https://duty.example.org/hook",
      secret: "a secret of the duty desk",
      fetch,
      clock,
    });
    expect(await signed.send(item)).toEqual({ kind: "sent", detail: "HTTP 200" });
    const timestamp = String(NOW / 1_000);
    const expected = createHmac("sha256", "a secret of the duty desk")
      .update(`k1.${timestamp}.${item.body}`)
      .digest("hex");
    expect(seen[0]?.get("x-ews-signature")).toBe(`v1=${expected}`);
    expect([seen[0]?.get("x-ews-id"), seen[0]?.get("x-ews-timestamp")]).toEqual(["k1", timestamp]);
    await createWebhook({ url: "https://duty.example.org/hook", fetch, clock }).send(item);
    expect(seen[1]?.has("x-ews-signature")).toBe(false);
  });

  test("no answer in time is tried again", async () => {
    const clock = new FakeClock(NOW);
    const fetch = (_url: unknown, init?: RequestInit): Promise<Response> =>
      new Promise((_, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    const answer = createWebhook({ url: "http://localhost/hook", fetch, clock, timeoutMs: 5_000 }).send(anOutboxItem());
    await clock.advance(0);
    await clock.advance(5_000);
    expect(await answer).toEqual({ kind: "retry", detail: "no answer in 5000 ms" });
    expect(clock.pending).toBe(0);
  });

  test.each(["ftp://x/y", "https://user:word@x/y", "nonsense"])("refuses %s", (url) => {
    expect(() => createWebhook({ url, fetch, clock: new FakeClock() })).toThrow(/WEBHOOK_INVALID/);
  });
});

describe("texts", () => {
  test("lateness comes first, doubt and end are said", () => {
    const alarm = anAlarm({ lateMs: 3 * 3_600_000 + 240_000, verified: false, end: NOW + 60_000, advice: "call" });
    const { "zh-CN": zh, en } = noticeTexts("raised", alarm);
    expect(zh).toMatch(
      /^【迟到 3 小时 4 分】橙色报警：点位 mw-1，镉 0.02 mg\/L，限值 ≤ 0.01 mg\/L，自 2026-03-15 08:00 UTC\+8 起。已于 2026-03-15 08:01 UTC\+8 恢复。未核实/,
    );
    expect(en).toMatch(
      /^\[3 h 4 min late\] ORANGE alarm at station mw-1: cadmium 0.02 mg\/L.*Not verified.*To do: call$/,
    );
  });
});

describe("desk", () => {
  const request = { alarm: "alarm-1", by: "officer", via: "web" } as const;
  const deskOver = (open: readonly Alarm[], journal = new MemoryJournal(), clock = new FakeClock(NOW)) => ({
    journal,
    clock,
    desk: createAlarmDesk({ journal, clock, alarms: storeOf(open), newId: () => "c1" }),
  });

  test("writes the command down and answers with the engine's decision", async () => {
    const { desk, journal, clock } = deskOver([anAlarm()]);
    const answer = desk.acknowledge(request);
    await clock.advance(0);
    const [entry] = await journal.read("commands", 0, 1e6);
    expect(JSON.parse(Buffer.from(entry?.bytes ?? []).toString())).toEqual({
      ...request,
      kind: "acknowledge",
      id: "c1",
      at: NOW,
    });
    const acknowledged = anAlarm({ state: "acknowledged", acknowledgedBy: "officer" });
    await journal.append("alarms", encode(anAlarmEvent({ kind: "acknowledged", command: "c1", alarm: acknowledged })));
    expect(await answer).toEqual(acknowledged);
    await clock.advance(0);
    expect(clock.pending).toBe(0);
  });

  test("says within 2 s that it does not know", async () => {
    const { desk, clock } = deskOver([anAlarm()]);
    const answer = desk.acknowledge(request).catch((error) => error);
    await clock.advance(0);
    await clock.advance(2_000);
    expect(await answer).toMatchObject({ name: "Unavailable", code: "ALARM_UNDECIDED" });
  });

  test("an alarm acknowledged before is returned with its first acker, nothing is written", async () => {
    const { desk, journal } = deskOver([anAlarm({ acknowledgedBy: "first" })]);
    expect(await desk.acknowledge(request)).toMatchObject({ acknowledgedBy: "first" });
    expect(await journal.end("commands")).toBe(0);
  });

  test("two at once: both hear who was first", async () => {
    const { desk, journal, clock } = deskOver([anAlarm()]);
    const answers = [desk.acknowledge(request), desk.acknowledge({ ...request, by: "second" })];
    await clock.advance(0);
    const acknowledged = anAlarm({ state: "acknowledged", acknowledgedBy: "officer" });
    await journal.append("alarms", encode(anAlarmEvent({ kind: "acknowledged", command: "c0", alarm: acknowledged })));
    for (const answer of answers) expect(await answer).toMatchObject({ acknowledgedBy: "officer" });
  });

  test("follows an alarm that was joined to another; a retracted or unknown one is refused", async () => {
    const joined = anAlarm({ id: "late", supersededBy: "alarm-1" });
    const { desk } = deskOver([
      joined,
      anAlarm({ acknowledgedBy: "first" }),
      anAlarm({ id: "gone", supersededBy: "retracted" }),
    ]);
    expect(await desk.acknowledge({ ...request, alarm: "late" })).toMatchObject({ id: "alarm-1" });
    for (const alarm of ["gone", "nobody"]) {
      await expect(desk.acknowledge({ ...request, alarm })).rejects.toMatchObject({
        code: "ALARM_UNKNOWN",
        status: 404,
      });
    }
  });
});

describe("recorder", () => {
  test("hands events on in order, goes on where the store stands, and lets the journal trim", async () => {
    const journal = new MemoryJournal();
    const alarms = storeOf([]);
    const events = ["a", "b", "c"].map((id) => anAlarmEvent({ id }));
    for (const event of events) await journal.append("alarms", encode(event));
    await alarms.record([], { reader: "recorder", offset: 1 });
    const stop = new AbortController();
    const clock = new FakeClock(NOW);
    const running = runRecorder({ journal, alarms, clock, log }, stop.signal);
    await clock.advance(0);
    expect((await alarms.history("")).map(({ id }) => id)).toEqual(["b", "c"]);
    expect(await journal.position("recorder", "alarms")).toBe(3);
    stop.abort();
    await running;
  });

  test("a store that is away is for the caller to wait out", async () => {
    const journal = new MemoryJournal();
    await journal.append("alarms", encode(anAlarmEvent()));
    const away = {
      ...storeOf([]),
      record: () => Promise.reject(new Unavailable("LEDGER_UNAVAILABLE", { what: "locked" })),
    };
    const running = runRecorder(
      { journal, alarms: away, clock: new FakeClock(NOW), log },
      new AbortController().signal,
    );
    await expect(running).rejects.toMatchObject({ code: "LEDGER_UNAVAILABLE" });
    expect(await journal.position("recorder", "alarms")).toBe(0);
  });
});
