/** The laws of ingest, on any tape: nothing is lost or doubled, and order, repeats, restarts and refusals change nothing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Metrics } from "../../../core/observe.ts";
import type { Journal } from "../../../core/ports.ts";
import { NOW } from "../../support/builders.ts";
import { aRaw, ingestAll, quarantineIn, readingsIn, stored } from "../../support/ingest.ts";
import { CrashingJournal, HastyClock, ReluctantJournal } from "../../support/ingest-journals.ts";
import { MemoryJournal } from "../../support/journal-memory.ts";

interface Message {
  readonly seq: number;
  readonly r: readonly { readonly p: string; readonly v: number | null; readonly t: number; readonly q?: string }[];
}

/** Few series, times and values, so that repeats, corrections and refusals are frequent. */
const message = (seq: number): fc.Arbitrary<Message> =>
  fc.record({
    seq: fc.constant(seq),
    r: fc.array(
      fc.record({
        p: fc.constantFrom("ph", "cd", "ph", "cd", "ec", "pb"), // pb is not the device's
        v: fc.constantFrom(1, 2, 3),
        t: fc.integer({ min: 0, max: 9 }).map((n) => NOW - n * 60_000),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  });
const tape = fc
  .integer({ min: 1, max: 12 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, seq) => message(seq))));
/** No two messages agree on a value: what a restart forgets (see warm-up.ts) cannot matter. */
function distinct(messages: readonly Message[]): Message[] {
  return messages.map(({ seq, r }) => ({ seq, r: r.map((one) => ({ ...one, v: (one.v ?? 0) + seq * 3 })) }));
}
/** The tape in another order, with repeats, cut into pieces between which the process restarts. */
const disturbed = tape.chain((messages) =>
  fc.record({
    messages: fc.constant(messages),
    order: fc.shuffledSubarray(
      messages.flatMap((_, index) => [index, index]),
      { minLength: messages.length * 2, maxLength: messages.length * 2 },
    ),
    cuts: fc.array(fc.nat({ max: messages.length * 2 }), { maxLength: 3 }),
    isHasty: fc.boolean(),
  }),
);

async function send(journal: Journal, messages: readonly Message[], receivedAt = NOW): Promise<void> {
  for (const [index, { seq, r }] of messages.entries()) {
    await journal.append("raw", aRaw({ v: 1, boot: "b1", seq, r }, { receivedAt: receivedAt + index * 1_000 }));
  }
}

const sum = async (metrics: Metrics, name: string): Promise<number> => {
  const metric = await metrics.registry.getSingleMetric(`jingtu_${name}_total`)?.get();
  return metric?.values[0]?.value ?? 0;
};

describe("the laws of ingest", () => {
  test("stored + repeated + superseded + quarantined = sent", async () => {
    await fc.assert(
      fc.asyncProperty(disturbed, async ({ messages, order }) => {
        const journal = new MemoryJournal();
        const metrics = new Metrics();
        const sent = order.map((index) => messages[index] as Message);
        await send(journal, sent);
        await ingestAll({ journal, metrics });
        const revised = await sum(metrics, "ingest_readings_revised");
        const rows = (await readingsIn(journal)).length - revised;
        const refused = (await quarantineIn(journal)).reduce((total, { readings }) => total + readings, 0);
        const repeated = await sum(metrics, "ingest_readings_repeated");
        const superseded = await sum(metrics, "ingest_readings_superseded");
        expect(rows + refused + repeated + superseded).toBe(sent.flatMap(({ r }) => r).length);
        expect(await sum(metrics, "ingest_readings_stored")).toBe(rows);
        expect(await sum(metrics, "ingest_readings_refused")).toBe(refused);
      }),
    );
  });

  test("a tape that comes twice equals one that came once: no row more, nothing quarantined again", async () => {
    await fc.assert(
      fc.asyncProperty(tape, fc.boolean(), async (messages, isRestarted) => {
        const journal = new MemoryJournal();
        await send(journal, messages);
        if (isRestarted) await ingestAll({ journal });
        await send(journal, messages, NOW + 100_000);
        await ingestAll({ journal });
        const once = new MemoryJournal();
        await send(once, messages);
        await ingestAll({ journal: once });
        expect((await readingsIn(journal)).length).toBe((await readingsIn(once)).length);
        expect((await quarantineIn(journal)).length).toBe((await quarantineIn(once)).length);
      }),
    );
  });

  test("shuffled and doubled, the store ends up the same", async () => {
    await fc.assert(
      fc.asyncProperty(disturbed, async ({ messages, order }) => {
        const [straight, journal] = [new MemoryJournal(), new MemoryJournal()];
        await send(straight, messages);
        await ingestAll({ journal: straight });
        await send(
          journal,
          order.map((index) => messages[index] as Message),
        );
        await ingestAll({ journal });
        expect(stored(await readingsIn(journal))).toEqual(stored(await readingsIn(straight)));
      }),
    );
  });

  test("shuffled, doubled and restarted anywhere, the store ends up the same", async () => {
    await fc.assert(
      fc.asyncProperty(disturbed, async ({ messages: drawn, order, cuts, isHasty }) => {
        const messages = distinct(drawn);
        const straight = new MemoryJournal();
        await send(straight, messages);
        await ingestAll({ journal: straight });

        const journal = new MemoryJournal();
        const clock = isHasty ? { clock: new HastyClock(NOW) } : {};
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), order.length]) {
          const piece = order.slice(from, cut).map((index) => messages[index] as Message);
          await send(journal, piece, NOW + from * 1_000);
          await ingestAll({ journal, ...clock });
          from = cut;
        }
        expect(stored(await readingsIn(journal))).toEqual(stored(await readingsIn(straight)));
        expect((await quarantineIn(journal)).length).toBe((await quarantineIn(straight)).length);
      }),
    );
  });

  test("a crash before or after any commit loses and doubles nothing", async () => {
    await fc.assert(
      fc.asyncProperty(
        disturbed,
        fc.nat({ max: 3 }),
        fc.boolean(),
        async ({ messages: drawn, order }, at, isDurable) => {
          const messages = distinct(drawn);
          const sent = order.map((index) => messages[index] as Message);
          const calm = new MemoryJournal();
          const journal = new CrashingJournal();
          for (const [index, one] of sent.entries()) {
            await send(calm, [one], NOW + index * 1_000);
            await ingestAll({ journal: calm });
            await send(journal, [one], NOW + index * 1_000);
            if (index === at) {
              journal.crashAt(0, isDurable);
              await expect(ingestAll({ journal, clock: new HastyClock(NOW) })).rejects.toThrow("crash");
            }
            await ingestAll({ journal, clock: new HastyClock(NOW) });
          }
          expect(await readingsIn(journal)).toEqual(await readingsIn(calm));
          expect(await quarantineIn(journal)).toEqual(await quarantineIn(calm));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("a journal that is full for a while loses nothing", async () => {
    await fc.assert(
      fc.asyncProperty(disturbed, async ({ messages, order }) => {
        const sent = order.map((index) => messages[index] as Message);
        const calm = new MemoryJournal();
        const reluctant = new ReluctantJournal();
        for (const journal of [calm, reluctant]) {
          await send(journal, sent);
          await ingestAll({ journal, clock: new HastyClock(NOW) });
        }
        expect(reluctant.refusals).toBeGreaterThan(0);
        expect(await readingsIn(reluctant)).toEqual(await readingsIn(calm));
      }),
      { numRuns: 30 },
    );
  });
});
