import fc from "fast-check";
import { expect, test } from "vitest";
import type { Decoded } from "../../../ingest/codecs/codec.ts";
import { decodeThingsboard, thingsboard } from "../../../ingest/codecs/thingsboard.ts";

const TOPIC = "v1/devices/me/telemetry";
const decode = (body: unknown, topic = TOPIC) =>
  decodeThingsboard(
    Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
    { quantities: {} },
    { topic, receivedAt: 0 },
  );

test.each`
  body                                                              | readings
  ${{ ph: 7.1, open: true, label: "x" }}                            | ${[["ph", 7.1, null], ["open", 1, null]]}
  ${{ ts: 1_773_000_000_500, values: { ph: 7.1, deep: { x: 1 } } }} | ${[["ph", 7.1, 1_773_000_000_500], ["deep.x", 1, 1_773_000_000_500]]}
  ${[{ ph: 7 }, { ts: 1_773_000_000_000, values: { ph: 8 } }]}      | ${[["ph", 7, null], ["ph", 8, 1_773_000_000_000]]}
  ${{ values: { ph: 7 } }}                                          | ${[["ph", 7, null]]}
`("$body", ({ body, readings }) => {
  const result = decode(body) as Decoded;
  expect(result.readings.map(({ quantity, value, time }) => [quantity, value, time])).toEqual(readings);
  expect(result.faults).toEqual([]);
});

test("one set with a wrong time does not spoil the others", () => {
  expect(decode([{ ts: 1_773_000_000, values: { ph: 7 } }, { ph: 8 }])).toMatchObject({
    readings: [{ value: 8 }],
    faults: [{ code: "TIME_NOT_A_DATE" }],
  });
});

test.each`
  body                                                                       | reason
  ${"[]"}                                                                    | ${"WRONG_SHAPE"}
  ${"[1]"}                                                                   | ${"WRONG_SHAPE"}
  ${"7"}                                                                     | ${"WRONG_SHAPE"}
  ${"{"}                                                                     | ${"MALFORMED_JSON"}
  ${Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`k${n}`, n]))} | ${"TOO_MANY_READINGS"}
`("$body: $reason", ({ body, reason }) => expect(decode(body)).toMatchObject({ refused: { code: reason } }));

test.each`
  ts
  ${'{"toString":0,"valueOf":0}'}
  ${`${"[".repeat(50_000)}${"]".repeat(50_000)}`}
`("a ts that cannot be made text is named, not thrown", ({ ts }) => {
  expect(decode(`[{"ts":${ts},"values":{"ph":7}},{"ph":8}]`)).toMatchObject({
    readings: [{ value: 8 }],
    faults: [{ code: "TIME_NOT_A_DATE" }],
  });
});

test("attributes are no readings; the sender is the account itself", () => {
  expect(decode({ fw: 1 }, "v1/devices/me/attributes")).toMatchObject({ readings: [], faults: [] });
  expect(thingsboard.sender()).toBeNull();
  expect(thingsboard.owns(TOPIC)).toBe(true);
  expect(thingsboard.owns("v1/gateway/telemetry")).toBe(false);
});

test("flat numbers round trip; whatever comes, nothing is thrown", () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z_ 0-9]{0,10}$/).filter((text) => text !== "values");
  fc.assert(
    fc.property(fc.dictionary(name, number, { minKeys: 1, maxKeys: 20 }), (body) => {
      const sent = JSON.parse(JSON.stringify(body)) as Record<string, number>; // -0 is 0 in JSON
      const { readings } = decode(sent) as Decoded;
      expect(Object.fromEntries(readings.map(({ quantity, value }) => [quantity, value]))).toEqual(sent);
    }),
  );
  fc.assert(fc.property(fc.jsonValue(), (body) => void decode(body)));
});
