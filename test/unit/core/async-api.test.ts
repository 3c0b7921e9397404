import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { alarmPayload } from "../../../alerts/publish.ts";
import { AlarmPayload, asyncApi } from "../../../core/async-api.ts";
import { anAlarm } from "../../support/builders.ts";

const specification = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json") as object;
const document = JSON.parse(JSON.stringify(asyncApi("1.2.3"))) as ReturnType<typeof asyncApi>;
// The specification is written for draft 7 and holds formats that need no check here.
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });

test("the document fits the schema of AsyncAPI 3.0.0, and a broken one does not", () => {
  const fits = ajv.compile(specification);
  expect(fits(document), JSON.stringify(fits.errors?.slice(0, 3))).toBe(true);
  expect(fits({ ...document, operations: { x: { action: "publish" } } })).toBe(false);
});

test("every reference leads somewhere, every parameter is in its address", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
  expect(references.length).toBeGreaterThan(20);
  for (const path of references.filter((reference) => /^(channels|components)\//.test(reference))) {
    const found = path.split("/").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
    expect(found, path).toBeDefined();
  }
  for (const { address, parameters } of Object.values(document.channels))
    expect([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)).toEqual(Object.keys(parameters));
});

test("what the document says of a payload is what the program takes", () => {
  const of = (key: string) => ajv.compile(document.components.schemas[key] ?? false);
  const telemetry = of("telemetry");
  expect(telemetry({ v: 1, boot: "a41f", seq: 1, r: [{ p: "ph", v: 7.1 }] })).toBe(true);
  expect(telemetry({ seq: 1, m: { ph: 7.12 } })).toBe(true);
  expect(telemetry({ v: 1, r: [] })).toBe(false);
  expect(of("command")({ id: "1", op: "setInterval", args: { seconds: 60 }, exp: "2026-03-15T00:00:00Z" })).toBe(true);
  expect(of("command")({ id: "1", op: "formatDisk", args: {}, exp: "" })).toBe(false);
});

test("the alarm payload is the one that is published", () => {
  const payload = alarmPayload(anAlarm());
  expect(AlarmPayload.parse(payload)).toEqual(payload);
});
