import { describe, expect, test } from "vitest";
import { type OutgoingMetric, REBIRTH, writeSparkplug } from "../../../core/sparkplug-write.ts";
import { SparkplugDecoder, type SparkplugOutcome } from "../../../ingest/codecs/sparkplug.ts";
import { NOW } from "../../support/builders.ts";

const PH = { name: "pH", alias: 1, type: "Double", value: 7, time: NOW } as const;
const COUNT = { name: "count", alias: 2, type: "Int16", value: -3, time: NOW } as const;
const TOPICS = {
  NBIRTH: "spBv1.0/park/NBIRTH/edge-1",
  NDEATH: "spBv1.0/park/NDEATH/edge-1",
  NDATA: "spBv1.0/park/NDATA/edge-1",
  DBIRTH: "spBv1.0/park/DBIRTH/edge-1/well-1",
  DDATA: "spBv1.0/park/DDATA/edge-1/well-1",
  DDEATH: "spBv1.0/park/DDEATH/edge-1/well-1",
};

/** A decoder and a clock that moves one second a message. */
class Bench {
  decoder = new SparkplugDecoder();
  at = NOW;

  say(
    type: keyof typeof TOPICS,
    metrics: readonly OutgoingMetric[],
    options: { seq?: number; at?: number; topic?: string; time?: number } = {},
  ): SparkplugOutcome {
    const { seq, time } = options;
    const bytes = writeSparkplug({
      metrics,
      ...(seq === undefined ? {} : { seq }),
      ...(time === undefined ? {} : { time }),
    });
    if (options.at === undefined) this.at += 1_000;
    const receivedAt = options.at ?? this.at;
    return this.decoder.decode(bytes, { topic: options.topic ?? TOPICS[type], receivedAt });
  }
  /** NBIRTH with seq 0 and DBIRTH with seq 1. */
  beBorn(bdSeq = 0, metrics: readonly OutgoingMetric[] = [PH, COUNT]): void {
    this.nodeBirth(bdSeq);
    this.say("DBIRTH", metrics, { seq: 1 });
  }
  nodeBirth(bdSeq = 0): SparkplugOutcome {
    const control = [
      { name: "bdSeq", type: "UInt64", value: bdSeq },
      { name: REBIRTH, type: "Boolean", value: false },
    ] as const;
    return this.say("NBIRTH", control, { seq: 0 });
  }
}

const byAlias = (value: number | null, extra: Partial<OutgoingMetric> = {}): OutgoingMetric => ({
  alias: 1,
  type: "Double",
  isTyped: false,
  value,
  ...extra,
});
const short = ({ decoded }: SparkplugOutcome) =>
  decoded.readings.map(({ quantity, value, time, qualifier }) => [quantity, value, time, qualifier]);
const kinds = ({ notices }: SparkplugOutcome) =>
  notices.map(({ kind, reason }) => (reason ? `${kind} ${reason}` : kind));

function born(): Bench {
  const bench = new Bench();
  bench.beBorn();
  return bench;
}

describe("births and data", () => {
  test("a node's birth of session control holds no readings; a device's does, and numbers carry no identity", () => {
    const bench = new Bench();
    expect(bench.nodeBirth(7)).toMatchObject({ kind: "birth", bdSeq: 7, decoded: { readings: [], faults: [] } });
    const birth = bench.say("DBIRTH", [PH, COUNT, { name: "site", type: "String", value: "北" }], { seq: 1 });
    expect(short(birth)).toEqual([
      ["pH", 7, NOW, "N"],
      ["count", -3, NOW, "N"],
    ]);
    expect(birth.decoded).toMatchObject({ boot: "", seq: -1, backfill: false });
    expect(kinds(birth)).toEqual(["birth"]);
  });

  test("data by alias without datatype takes name, type and sign from the birth", () => {
    const bench = born();
    const data = bench.say("DDATA", [byAlias(7.5), { alias: 2, type: "Int16", isTyped: false, value: -40 }], {
      seq: 2,
      time: NOW + 5,
    });
    expect(short(data)).toEqual([
      ["pH", 7.5, NOW + 5, "N"],
      ["count", -40, NOW + 5, "N"],
    ]);
    expect(data.notices).toEqual([]);
  });

  test("history is apart from what is live, and needs a time of its own", () => {
    const bench = born();
    const old = byAlias(6, { isHistorical: true, time: NOW - 3_600_000 });
    const data = bench.say("DDATA", [byAlias(7, { time: NOW }), old, byAlias(5, { isHistorical: true })], {
      seq: 2,
      time: NOW,
    });
    expect(data.decoded).toMatchObject({ backfill: false, readings: [{ value: 7 }] });
    expect(data.decoded.history).toMatchObject({
      backfill: true,
      readings: [{ value: 6, time: NOW - 3_600_000 }],
      faults: [],
    });
    expect(data.decoded.faults.map(({ code }) => code)).toEqual(["HISTORY_WITHOUT_TIME"]);
    expect(bench.say("DDATA", [old], { seq: 3 }).decoded).toMatchObject({ backfill: true, readings: [{ value: 6 }] });
  });

  test.each<[string, Partial<OutgoingMetric> & { value: number | null }, unknown[]]>([
    ["null is no 0: communication fault", { value: null }, [["pH", null, NOW, "B"]]],
    ["null of bad quality is a fault", { value: null, quality: 0 }, [["pH", null, NOW, "D"]]],
    ["bad", { value: 1, quality: 0 }, [["pH", 1, NOW, "D"]]],
    ["stale", { value: 1, quality: 500 }, [["pH", 1, NOW, "B"]]],
    ["good", { value: 1, quality: 192 }, [["pH", 1, NOW, "N"]]],
    ["transient is not stored", { value: 1, isTransient: true }, []],
  ])("%s", (_what, { value, ...extra }, expected) => {
    expect(short(born().say("DDATA", [byAlias(value, { ...extra, time: NOW })], { seq: 2 }))).toEqual(expected);
  });

  test.each<[string, OutgoingMetric, string]>([
    ["not a number", byAlias(Number.NaN), "VALUE_NOT_FINITE"],
    [
      "text where the birth said Double",
      { alias: 1, type: "String", isTyped: false, value: "7" },
      "VALUE_OF_OTHER_TYPE",
    ],
    ["beyond the type", { alias: 2, type: "UInt32", isTyped: false, value: 70_000 }, "VALUE_OF_OTHER_TYPE"],
  ])("%s is refused, the others are used", (_what, metric, code) => {
    const data = born().say("DDATA", [metric, byAlias(7, { time: NOW })], { seq: 2 });
    expect(data.decoded.faults.map((found) => found.code)).toEqual([code]);
    expect(short(data)).toEqual([["pH", 7, NOW, "N"]]);
  });

  test("an Int8 cut to one byte keeps its sign", () => {
    const bench = new Bench();
    bench.beBorn(0, [{ name: "rssi", alias: 1, type: "Int8", value: -1, time: NOW }]);
    expect(
      short(bench.say("DDATA", [{ alias: 1, type: "UInt8", isTyped: false, value: 0xb9, time: NOW }], { seq: 2 })),
    ).toEqual([["rssi", -71, NOW, "N"]]);
  });
});

describe("what asks for a rebirth", () => {
  test("data before any birth, of a device whose birth has not come, and after a death", () => {
    const bench = new Bench();
    expect(bench.say("DDATA", [byAlias(1)], { seq: 4 })).toMatchObject({ refused: { code: "BIRTH_MISSING" } });
    bench.nodeBirth();
    const early = bench.say("DDATA", [byAlias(1)], { seq: 1 });
    expect(early).toMatchObject({ kind: "refused", refused: { code: "BIRTH_MISSING" } });
    expect(kinds(early)).toEqual(["rebirth-wanted BIRTH_MISSING"]);
    bench.beBorn();
    expect(bench.say("DDEATH", [], { seq: 2 }).kind).toBe("death");
    expect(bench.say("DDATA", [byAlias(1)], { seq: 3 })).toMatchObject({ refused: { code: "BIRTH_MISSING" } });
  });

  test("an unknown alias; known ones of the message are used", () => {
    const data = born().say("DDATA", [byAlias(1, { alias: 99 }), byAlias(7, { time: NOW })], { seq: 2 });
    expect(kinds(data)).toEqual(["rebirth-wanted ALIAS_UNKNOWN"]);
    expect(data.decoded.faults.map(({ code }) => code)).toEqual(["ALIAS_UNKNOWN"]);
    expect(short(data)).toHaveLength(1);
  });

  test("an alias of another device, or of an earlier birth, is unknown", () => {
    const bench = born();
    const other = "spBv1.0/park/DBIRTH/edge-1/well-2";
    bench.say("DBIRTH", [{ ...PH, alias: 5 }], { seq: 2, topic: other });
    expect(kinds(bench.say("DDATA", [byAlias(1, { alias: 5 })], { seq: 3 }))).toEqual(["rebirth-wanted ALIAS_UNKNOWN"]);
    bench.beBorn(1, [{ ...PH, alias: 8 }]);
    expect(kinds(bench.say("DDATA", [byAlias(1)], { seq: 2 }))).toEqual(["rebirth-wanted ALIAS_UNKNOWN"]);
  });

  test("a gap; it closes when all that is missing comes after all, and data is used throughout", () => {
    const bench = born();
    const gap = bench.say("DDATA", [byAlias(7)], { seq: 4 });
    expect(kinds(gap)).toEqual(["gap SEQ_GAP"]);
    expect(short(gap)).toHaveLength(1);
    expect(kinds(bench.say("DDATA", [byAlias(8)], { seq: 3 }))).toEqual([]);
    expect(kinds(bench.say("DDATA", [byAlias(8)], { seq: 2 }))).toEqual(["gap-closed"]);
    expect(kinds(bench.say("DDATA", [byAlias(9)], { seq: 5 }))).toEqual([]);
  });

  test("numbers wrap from 255 to 0, and the one just seen is a repeat", () => {
    const bench = born();
    for (let seq = 2; seq < 600; seq++) expect(kinds(bench.say("DDATA", [byAlias(1)], { seq: seq % 256 }))).toEqual([]);
    expect(kinds(bench.say("DDATA", [byAlias(1)], { seq: 599 % 256 }))).toEqual([]);
    expect(kinds(bench.say("DDATA", [byAlias(1)], { seq: 601 % 256 }))).toEqual(["gap SEQ_GAP"]);
  });
});

describe("deaths", () => {
  const death = (bdSeq: number): readonly OutgoingMetric[] => [{ name: "bdSeq", type: "UInt64", value: bdSeq }];

  test("counts only with the number of the last birth: the will of an old connection comes late", () => {
    const bench = new Bench();
    bench.beBorn(3);
    bench.beBorn(4);
    expect(bench.say("NDEATH", death(3))).toMatchObject({ kind: "ignored", notices: [] });
    expect(short(bench.say("DDATA", [byAlias(1)], { seq: 2 }))).toHaveLength(1);
    expect(bench.say("NDEATH", death(4))).toMatchObject({ kind: "death", notices: [{ kind: "death", device: null }] });
    expect(bench.say("NDEATH", death(4))).toMatchObject({ kind: "ignored" });
    expect(bench.say("DDATA", [byAlias(1)], { seq: 3 })).toMatchObject({ refused: { code: "BIRTH_MISSING" } });
  });
});

describe("replays from quarantine", () => {
  test("are read by the births of after, and move neither numbers nor births", () => {
    const bench = new Bench();
    const at = bench.at + 500;
    expect(bench.say("DDATA", [byAlias(6)], { seq: 9, at }).refused?.code).toBe("BIRTH_MISSING");
    bench.at += 60_000;
    bench.beBorn(5);
    const again = bench.say("DDATA", [byAlias(6)], { seq: 9, at });
    expect(short(again)).toHaveLength(1);
    expect(again.notices).toEqual([]);
    const oldBirth = bench.say("DBIRTH", [{ ...PH, alias: 2, value: 1 }], { seq: 1, at });
    expect(short(oldBirth)).toEqual([["pH", 1, NOW, "N"]]);
    expect(kinds(bench.say("DDATA", [byAlias(7)], { seq: 2 }))).toEqual([]);
  });

  test("are refused when an alias means something else by now", () => {
    const bench = born();
    const at = bench.at;
    bench.at += 60_000;
    bench.beBorn(1, [
      { ...PH, alias: 2 },
      { ...COUNT, alias: 1 },
    ]);
    expect(bench.say("DDATA", [byAlias(6)], { seq: 2, at })).toMatchObject({ refused: { code: "ALIASES_CHANGED" } });
  });

  test("the next session's birth counts although the wall clock was set back", () => {
    const bench = born();
    bench.at -= 3_600_000;
    bench.beBorn(1, [{ ...PH, alias: 6 }]);
    expect(short(bench.say("DDATA", [byAlias(7, { alias: 6 })], { seq: 2 }))).toHaveLength(1);
  });
});

describe("memory", () => {
  test("a snapshot taken at any moment continues as if nothing had happened", () => {
    const script = (bench: Bench): SparkplugOutcome[] => [
      bench.nodeBirth(2),
      bench.say("DBIRTH", [PH, COUNT], { seq: 1 }),
      bench.say("DDATA", [byAlias(7)], { seq: 2 }),
      bench.say("DDATA", [byAlias(7)], { seq: 5 }),
      bench.say("DDATA", [byAlias(8)], { seq: 3 }),
      bench.say("DDATA", [byAlias(8)], { seq: 4 }),
      bench.say("DDATA", [byAlias(8, { alias: 77 })], { seq: 6 }),
      bench.say("NDEATH", [{ name: "bdSeq", type: "UInt64", value: 2 }]),
    ];
    const expected = script(new Bench());
    for (let cut = 1; cut < expected.length; cut++) {
      const bench = new Bench();
      let said = 0;
      const say = bench.say.bind(bench);
      bench.say = (...call) => {
        if (said++ === cut) {
          const saved = bench.decoder.snapshot();
          bench.decoder = new SparkplugDecoder();
          bench.decoder.restore(saved);
        }
        return say(...call);
      };
      expect(script(bench)).toEqual(expected);
    }
  });

  test("is bounded: a birth of more than is kept is refused, and the node is not born", () => {
    const bench = new Bench();
    bench.nodeBirth();
    const metrics = (part: number): OutgoingMetric[] =>
      Array.from({ length: 4_000 }, (_, at) => ({ name: `m${at}`, alias: part * 4_000 + at, type: "Int8", value: 1 }));
    const births = [1, 2, 3, 4].map((part) =>
      bench.say("DBIRTH", metrics(part), { topic: `spBv1.0/park/DBIRTH/edge-1/d${part}` }),
    );
    expect(births.map(({ refused }) => refused?.code)).toEqual([
      undefined,
      undefined,
      "BIRTH_TOO_LARGE",
      "BIRTH_TOO_LARGE",
    ]);
    expect(() => bench.decoder.restore(Buffer.from("{}"))).toThrow(RangeError);
  });

  test.each([
    ["another topic", "ews/1/a/b/c/d/telemetry", "NOT_SPARKPLUG"],
    ["a command", "spBv1.0/park/NCMD/edge-1", "NOT_SPARKPLUG"],
    ["a node message with a device", "spBv1.0/park/NDATA/edge-1/well-1", "NOT_SPARKPLUG"],
  ])("%s is refused", (_what, topic, code) => {
    expect(new Bench().say("NDATA", [], { topic })).toMatchObject({ kind: "refused", refused: { code } });
  });

  test("a compressed payload is named as such", () => {
    const bytes = Buffer.concat([Buffer.from([0x22, 18]), Buffer.from("SPBV1.0_COMPRESSED")]);
    const outcome = new SparkplugDecoder().decode(bytes, { topic: TOPICS.NDATA, receivedAt: NOW });
    expect(outcome.refused?.code).toBe("COMPRESSED");
  });
});
