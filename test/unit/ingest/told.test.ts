import { expect, test } from "vitest";
import { encodeRaw } from "../../../core/envelope.ts";
import type { FleetEntry } from "../../../core/fleet.ts";
import { BatchMaker } from "../../../ingest/batch.ts";
import { toldOn } from "../../../ingest/codecs/told.ts";
import { Dedupe } from "../../../ingest/dedupe.ts";
import { DeviceFacts } from "../../../ingest/device-facts.ts";
import { aDirectory, NOW } from "../../support/builders.ts";

const decode = (payload: string) =>
  toldOn("event")(Buffer.from(payload), { quantities: {} }, { topic: "t", receivedAt: NOW });

test.each`
  payload                                      | facts
  ${'{"door":"open","ts":1700000000000}'}      | ${[{ name: "event/door", value: "open", time: 1_700_000_000_000 }]}
  ${'{"v":1,"boot":"a","seq":2,"power":12.5}'} | ${[{ name: "event/power", value: "12.5", time: NOW }]}
  ${'{"sample":{"bottle":3}}'}                 | ${[{ name: "event/sample", value: '{"bottle":3}', time: NOW }]}
`("$payload is told", ({ payload, facts }: { payload: string; facts: object[] }) => {
  expect(decode(payload)).toMatchObject({ readings: [], faults: [], facts });
});

test.each`
  payload                                                                                   | code
  ${"door open"}                                                                            | ${"MALFORMED_JSON"}
  ${"[1]"}                                                                                  | ${"WRONG_SHAPE"}
  ${'{"ts":1700000000000}'}                                                                 | ${"WRONG_SHAPE"}
  ${'{"a":1,"ts":"soon"}'}                                                                  | ${"TIME_NOT_A_DATE"}
  ${`{"a":1,"ts":${NOW + 3_600_000}}`}                                                      | ${"FUTURE_TIME"}
  ${JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`n${n}`, 1])))} | ${"TOO_MANY_FACTS"}
`("$payload is refused by name", ({ payload, code }: { payload: string; code: string }) => {
  expect(decode(payload)).toMatchObject({ refused: { code } });
});

test("nothing that was acknowledged vanishes: events and infos are facts of the device, or in quarantine", () => {
  const directory = aDirectory();
  const onBug = (error: unknown): void => {
    throw error;
  };
  const maker = new BatchMaker({ directory: () => directory, dedupe: new Dedupe(), onBug });
  const put = (channel: string, text: string): void => {
    const topic = `ews/1/tenant-1/site-1/mw-1/dev-1/${channel}`;
    maker.add(encodeRaw({ receivedAt: NOW, device: "dev-1", topic, payload: Buffer.from(text) }), NOW);
  };
  put("event", '{"door":"open"}');
  put("info", '{"firmware":"1.2"}');
  put("event", "door open");
  const { fleet, codes } = maker.take();
  const entry = JSON.parse(Buffer.from(fleet[0] ?? []).toString()) as FleetEntry;
  expect(entry.notes[0]?.facts?.map(({ name, value }) => [name, value])).toEqual([
    ["event/door", "open"],
    ["info/firmware", "1.2"],
  ]);
  expect([...codes]).toEqual([["MALFORMED_JSON", 1]]);
});

test("each event is told, even the same again; an info only when it changes", () => {
  const facts = new DeviceFacts();
  for (const time of [1, 2]) {
    facts.add({ name: "event/sample", value: "taken", time }, NOW);
    facts.add({ name: "info/firmware", value: "1.2", time }, NOW);
  }
  expect(facts.changes.map(({ name, time }) => [name, time])).toEqual([
    ["event/sample", 2],
    ["info/firmware", 1],
    ["event/sample", 1],
  ]);
});
