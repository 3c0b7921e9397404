import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAuthorization } from "../../../gateway/http-doorman.ts";
import { readBody } from "../../../gateway/http-formats.ts";

const split = (text: string | Buffer, type = "application/json") => {
  const answer = readBody(type, {}, Buffer.from(text));
  if ("refused" in answer) return `${answer.refused.status} ${answer.refused.code}`;
  return { ...answer, payloads: answer.payloads.map((payload) => Buffer.from(payload).toString()) };
};
const telemetry = (...payloads: string[]) => ({ channel: "telemetry", payloads });

describe("messages of a body", () => {
  test.each([
    ["one message as it was sent", '{ "v": 1.10 }', telemetry('{ "v": 1.10 }')],
    ["an array", '[{"a":1.10},\n {"b":"],[{"}]', telemetry('{"a":1.10}', '\n {"b":"],[{"}')],
    ["quotes and backslashes in texts", '[{"a":"\\\\"},{"b":"\\",["}]', telemetry('{"a":"\\\\"}', '{"b":"\\",["}')],
    ["arrays inside", '[{"r":[{"p":"cd"},{"p":"ph"}]},{}]', telemetry('{"r":[{"p":"cd"},{"p":"ph"}]}', "{}")],
    ["no message", "[]", "400 BODY_EMPTY"],
    ["a number", "17", "400 BODY_NOT_A_MESSAGE"],
    ["an array of arrays", '[{},[{"a":1}]]', "400 BODY_NOT_A_MESSAGE"],
    ["null", "null", "400 BODY_NOT_A_MESSAGE"],
    ["nothing", "", "400 BODY_NOT_JSON"],
    ["a torn body", '[{"a":1},', "400 BODY_NOT_JSON"],
    ["NaN", '{"a":NaN}', "400 BODY_NOT_JSON"],
  ])("%s", (_why, body, outcome) => {
    expect(split(body)).toEqual(outcome);
  });

  test("lines: each as it was sent, empty ones left out, a fault named with its line", () => {
    expect(split('{"a":1}\r\n\n  \n{"b":2}', "application/x-ndjson")).toEqual(telemetry('{"a":1}\r', '{"b":2}'));
    const broken = readBody("application/x-ndjson", {}, Buffer.from('{"a":1}\n\n{"b":'));
    expect(broken).toMatchObject({ refused: { what: expect.stringContaining("line 3") } });
    expect(split("\n\n", "application/x-ndjson")).toBe("400 BODY_EMPTY");
  });

  test("SenML is one message of its own channel, an array or not", () => {
    expect(split('[{"n":"cd","v":1}]', "application/senml+json")).toEqual({
      channel: "senml",
      payloads: ['[{"n":"cd","v":1}]'],
    });
  });

  test.each([
    [undefined, "415 CONTENT_TYPE_UNKNOWN"],
    ["application/octet-stream", "415 CONTENT_TYPE_UNKNOWN"],
    ["application/jsonx", "415 CONTENT_TYPE_UNKNOWN"],
    ["constructor", "415 CONTENT_TYPE_UNKNOWN"],
    [" Application/JSON ; charset=utf-8", telemetry("{}")],
  ])("content type %s", (type, outcome) => {
    expect(split("{}", type ?? "")).toEqual(outcome);
  });

  test("bounds: 1,000 messages, 128 KiB each; bytes that are no UTF-8 are named so", () => {
    const many = (count: number): string => `[${new Array<string>(count).fill("{}").join(",")}]`;
    expect(split(many(1_000))).toMatchObject({ channel: "telemetry" });
    expect(split(many(1_001))).toBe("413 TOO_MANY_MESSAGES");
    expect(split(JSON.stringify({ a: "x".repeat(128 * 1024) }))).toBe("413 MESSAGE_TOO_LARGE");
    expect(split(Buffer.from([0x7b, 0xff, 0x7d]))).toBe("400 BODY_NOT_UTF8");
  });

  test("depth is no bomb", () => {
    const deep = `[{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}]`;
    expect(split(deep)).toBe("413 MESSAGE_TOO_LARGE");
  });

  test("whatever objects are sent in an array, the pieces parse to the same objects", () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1, maxLength: 8 }), (objects) => {
        const answer = split(JSON.stringify(objects, null, 1));
        const payloads = typeof answer === "string" ? [] : answer.payloads;
        expect(payloads.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(JSON.stringify(objects)));
      }),
    );
  });
});

test.each([
  ["Bearer dev-1.abc_-", { device: "dev-1", secret: "abc_-" }],
  ["bearer a.b.c", { device: "a.b", secret: "c" }],
  [`Basic ${Buffer.from("a.b:c:d.e").toString("base64")}`, { device: "a.b", secret: "c:d.e" }],
  [`Basic ${Buffer.from("水:密").toString("base64")}`, { device: "水", secret: "密" }],
  ["Bearer nodot", null],
  ["Bearer .secret", null],
  ["Digest dev-1.abc", null],
  ["Bearer a.b c", null],
  ["", null],
  [undefined, null],
])("authorization %j", (header, outcome) => {
  expect(readAuthorization(header)).toEqual(outcome);
});
