import fc from "fast-check";
import { expect, test } from "vitest";
import { AGGREGATES, FRACTIONS, QUALIFIERS } from "../../../core/reading.ts";
import { Telemetry } from "../../../core/wire.ts";
import { isUsual } from "../../../ingest/codecs/telemetry-usual.ts";

const time = fc.oneof(
  fc.constantFrom("2026-03-15T08:30:00+08:00", "2026-02-31T00:00:00.5Z", "2026-03-15t08:30z"),
  fc.integer({ min: 100_000_000_000, max: 2_000_000_000_000 }),
);
const reading = fc.record(
  {
    p: fc.string({ minLength: 1, maxLength: 40 }),
    v: fc.double({ noNaN: true, noDefaultInfinity: true }),
    u: fc.string({ minLength: 1, maxLength: 40 }),
    q: fc.constantFrom(...QUALIFIERS),
    cmp: fc.constantFrom("<", ">"),
    t: time,
    from: time,
    agg: fc.constantFrom(...AGGREGATES),
    fraction: fc.constantFrom(...FRACTIONS),
  },
  { requiredKeys: ["p", "v"] },
);
const message = fc.record(
  {
    v: fc.constant(1),
    r: fc.array(reading, { minLength: 1, maxLength: 20 }),
    boot: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
    seq: fc.nat(),
    ts: time,
    backfill: fc.boolean(),
  },
  { requiredKeys: ["v", "r"] },
);
/** Anything that could slip through: near misses of every field. */
const odd = fc.constantFrom<unknown>(
  null,
  "",
  "x".repeat(41),
  "N",
  "n",
  0,
  -1,
  1,
  1.5,
  1e11,
  -1e11,
  2 ** 53,
  1e300,
  true,
  [],
  {},
  "2026-03-15",
  "2026-03-15T08:30:00",
  "a b",
  "<=",
  "2",
);
const NAMES = [
  "v",
  "r",
  "boot",
  "seq",
  "ts",
  "backfill",
  "sig",
  "p",
  "u",
  "q",
  "cmp",
  "t",
  "from",
  "agg",
  "fraction",
  "__proto__",
  "constructor",
  "x",
];

test("what devices normally send is usual", () => {
  fc.assert(
    fc.property(message, (json) => {
      expect(isUsual(JSON.parse(JSON.stringify(json)))).toBe(true);
    }),
  );
});

test("nothing is usual that the schema would refuse or change", () => {
  let usual = 0;
  fc.assert(
    fc.property(message, fc.constantFrom(...NAMES), odd, fc.option(fc.nat()), (json, name, value, at) => {
      const text = JSON.stringify(json);
      const sent = JSON.parse(text) as { r: Record<string, unknown>[] } & Record<string, unknown>;
      const target = at === null ? sent : (sent.r[at % sent.r.length] as Record<string, unknown>);
      Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
      if (!isUsual(sent)) return;
      usual += 1;
      const checked = Telemetry.safeParse(sent);
      expect(checked.success).toBe(true);
      expect(checked.data).toEqual(sent);
    }),
    { numRuns: 3_000 },
  );
  expect(usual).toBeGreaterThan(50);
});
