import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeAll } from "../../../cli/decode.ts";
import { FORMATS, parseProfile, type Show, showFrames } from "../../../cli/decode-formats.ts";
import { NOW } from "../../support/builders.ts";
import { shared } from "../../support/vectors.ts";

const show = (format: string, profile = ""): Show => {
  const [make, parsed] = [FORMATS[format], parseProfile(profile)];
  if (!make || !parsed) throw new Error(`no ${format} or no ${profile}`);
  return make(parsed);
};
const decode = (format: string, input: string | Uint8Array, { topic = "", isJsonl = false, profile = "" } = {}) => [
  ...decodeAll(Buffer.from(input as string), show(format, profile), { topic, receivedAt: NOW, isJsonl }),
];

describe("jingtu decode", () => {
  test("one message: readings, or what is wrong, where, and how to mend it", () => {
    expect(decode("telemetry", '{"boot":"a","seq":3,"m":{"ph":7.1}}')).toMatchObject([
      { boot: "a", seq: 3, readings: [{ quantity: "ph", value: 7.1, time: null }] },
    ]);
    expect(decode("telemetry", "{", { topic: "ews/1/t/s/st/d/telemetry" })).toEqual([
      {
        error: {
          code: "MALFORMED_JSON",
          what: expect.any(String),
          where: "ews/1/t/s/st/d/telemetry",
          mend: "send one JSON value, whole",
        },
      },
    ]);
    expect(decode("telemetry", '{"v":1,"r":[{"p":"ph","v":7},{"p":"cd","v":null}]}')).toMatchObject([
      { readings: [{ quantity: "ph" }], faults: [{ code: "NULL_WITHOUT_QUALIFIER", mend: expect.any(String) }] },
    ]);
  });

  test("lines of vectors in order, comments passed over, a broken line named by number", () => {
    const lines = ["# comment", '{"id":"one","hex":"03670110"}', "", "nonsense", '{"id":"two","hex":"05"}'].join("\n");
    expect(decode("cayenne", lines, { isJsonl: true })).toMatchObject([
      {
        id: "one",
        items: [{ channel: 3, type: "temperature", value: 27.2 }],
        readings: [{ quantity: "temperature_3" }],
      },
      { error: { code: "VECTOR_UNREADABLE", where: "line 4" } },
      { id: "two", error: { code: "CAYENNE_CUT" } },
    ]);
  });

  test("state is kept from line to line: an alias means what the birth said", () => {
    const birth = "120b0a02704810012001200a"; // not a birth; see below
    const lines = [
      { topic: "spBv1.0/g/NDATA/e", hex: "0880d095ffbc311801" },
      { topic: "spBv1.0/g/NDATA/e", hex: birth },
    ].map((line) => JSON.stringify(line));
    const [first] = decode("sparkplug", lines.join("\n"), { isJsonl: true });
    expect(first).toMatchObject({ error: { code: "BIRTH_MISSING" }, rebirthWanted: true });
  });

  test("an unknown key of the profile is not passed over", () => {
    expect(parseProfile("crc=modbus-be,payload=cayenne")).not.toBeNull();
    expect(parseProfile("crc=crc32")).toBeNull();
    expect(parseProfile("speed=9")).toBeNull();
    expect(parseProfile("crc")).toBeNull();
  });

  test("whatever comes in, there are lines of JSON and no exception", () => {
    const topic = fc.constantFrom(
      "",
      "spBv1.0/g/NBIRTH/e",
      "spBv1.0/STATE/h",
      "application/a/device/00aabbccddeeff01/event/up",
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(FORMATS)),
        fc.uint8Array({ maxLength: 200 }),
        topic,
        fc.boolean(),
        (format, bytes, at, isJsonl) => {
          for (const line of decode(format, bytes, { topic: at, isJsonl }))
            expect(JSON.parse(JSON.stringify(line))).toBeTypeOf("object");
        },
      ),
    );
  });
});

describe.skipIf(shared === undefined)("[shared] vector files through jingtu decode --jsonl", () => {
  interface Line {
    readonly id: string;
    readonly error?: { readonly code: string };
    readonly readings?: readonly { readonly quantity: string; readonly value: number }[];
  }
  const file = (name: string) => readFileSync(join(shared ?? "", "protocols", name));
  const run = (maker: Show, name: string) =>
    [...decodeAll(file(name), maker, { topic: "", receivedAt: NOW, isJsonl: true })] as unknown as Line[];

  test("every line is answered under its id, and only what is wrong is an error", () => {
    expect(
      run(show("senml"), "payload-vectors/senml.jsonl")
        .filter(({ error }) => error)
        .map(({ id }) => id),
    ).toEqual(["senml-bver11", "senml-mustunderstand"]);
    const cayenne = run(show("cayenne"), "payload-vectors/cayenne-lpp.jsonl");
    expect(cayenne.filter(({ error }) => error).map(({ id }) => id)).toEqual(["lpp-bad-type", "lpp-short"]);
    expect(cayenne).toHaveLength(23);
    expect(
      run(show("sparkplug"), "payload-vectors/sparkplug.jsonl")
        .filter(({ error }) => error)
        .map(({ id }) => id),
    ).toEqual(["spb-garbage"]);
  });

  test("LoRaWAN uplinks show what the vectors expect", () => {
    const vectors = file("payload-vectors/lorawan.jsonl")
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    for (const { id, topic, payload, expect: expected } of vectors) {
      const format = topic.startsWith("v3/") ? "tts" : "chirpstack";
      const [line] = decode(format, JSON.stringify(payload), { topic }) as unknown as (Line &
        Record<string, unknown>)[];
      if (!line) throw new Error(id);
      for (const key of ["devEui", "fPort", "fCnt", "rawHex", "dedupeKey", "ignored", "event"])
        if (expected[key] !== undefined) expect(line[key], `${id} ${key}`).toEqual(expected[key]);
      if (expected.drop) expect(line["dropped"]).toBe("simulated");
      else
        expect(
          line.readings?.map(({ quantity, value }) => [quantity, value]),
          id,
        ).toEqual(expected.readings);
    }
  });

  test("HJ 212 frames by the check of each vector", () => {
    const vectors = file("hj212-vectors-public.txt")
      .toString()
      .split("\n")
      .filter((line) => line.startsWith("{"));
    expect(vectors).toHaveLength(63);
    for (const vector of vectors) {
      const { id, expect: expected } = JSON.parse(vector);
      const verdict: string = expected.frames[0]?.verdict ?? "ok";
      const profile = verdict.startsWith("modbus") ? `crc=${verdict}` : `sm4=${"30".repeat(16)}`;
      const parsed = parseProfile(profile);
      if (!parsed) throw new Error(profile);
      const lines = [
        ...decodeAll(Buffer.from(vector), showFrames(parsed), { topic: "", receivedAt: NOW, isJsonl: true }),
      ];
      const frames = lines.filter((line) => "header" in line);
      expect(frames, id).toHaveLength(expected.frames.length);
      // The one encrypted frame is stated as its plain segment.
      for (const [at, { header, flag, groups, ack, plainSegment }] of expected.frames.entries()) {
        const found = frames[at] ?? {};
        if (plainSegment !== undefined) {
          const text = Object.entries(found["header"] as object).map(([name, value]) => `${name}=${value};`);
          expect(plainSegment, id).toContain(text.join(""));
        } else expect(pick(found), id).toEqual({ header, flag, groups, ack });
      }
    }
  });
});

function pick({ header, flag, groups, ack }: Readonly<Record<string, unknown>>): object {
  return { header, flag, groups, ack };
}
