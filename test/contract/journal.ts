/** What every adapter of the port Journal must keep. */
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Journal, JournalEntry, Stream } from "../../core/ports.ts";

/** Other views of a journal, where the adapter has them. */
export interface JournalViews<J extends Journal> {
  /** The same journal as another thread or process sees it. */
  readonly connect?: (journal: J) => Promise<Journal>;
  /** Closes the journal and opens again what it stored. */
  readonly reopen?: (journal: J) => Promise<Journal>;
}

const MEBIBYTE = 1_024 * 1_024;

/** @param open an empty journal; the suite closes it. */
export function journalContract<J extends Journal>(
  name: string,
  open: () => Promise<J> | J,
  views: JournalViews<J> = {},
): void {
  const opened = async (): Promise<J> => closedAfterTest(await open());

  describe(`${name} keeps the journal contract`, () => {
    test("is empty at first", async () => {
      const journal = await opened();
      expect(await journal.end("raw")).toBe(0);
      expect(await journal.position("nobody", "raw")).toBe(0);
      expect(await journal.loadState("nobody")).toBeNull();
      expect(await journal.read("raw", 0, MEBIBYTE)).toEqual([]);
      expect((await journal.stats()).streams.raw).toEqual({ start: 0, end: 0, bytes: 0 });
    });

    test("keeps the order of appends, gapless, stream by stream", async () => {
      const journal = await opened();
      const words = Array.from({ length: 500 }, (_, index) => `entry ${index}`);
      await Promise.all(words.map((word, index) => journal.append(index % 2 ? "raw" : "alarms", bytesOf(word))));
      const raw = await journal.read("raw", 0, MEBIBYTE);
      expect(raw.map(textOf)).toEqual(words.filter((_, index) => index % 2));
      expect(raw.map(({ offset }) => offset)).toEqual(raw.map((_, index) => index));
      expect((await journal.read("alarms", 0, MEBIBYTE)).map(textOf)).toEqual(words.filter((_, index) => !(index % 2)));
      expect(await journal.end("raw")).toBe(250);
      expect(await journal.end("readings")).toBe(0);
    });

    test("copies what it is given: a buffer may be used again at once", async () => {
      const journal = await opened();
      const buffer = bytesOf("first");
      const appended = journal.append("raw", buffer);
      buffer.set(bytesOf("other"));
      await appended;
      expect((await journal.read("raw", 0, MEBIBYTE)).map(textOf)).toEqual(["first"]);
    });

    test("hands out again what was read but not committed", async () => {
      const journal = await opened();
      await append(journal, "raw", ["a", "b", "c"]);
      await journal.commit({ advance: [{ reader: "ingest", stream: "raw", offset: 1 }] });
      for (const _ of [1, 2]) {
        const position = await journal.position("ingest", "raw");
        expect((await journal.read("raw", position, MEBIBYTE)).map(textOf)).toEqual(["b", "c"]);
      }
      await journal.commit({ advance: [{ reader: "ingest", stream: "raw", offset: 3 }] });
      expect(await journal.position("ingest", "raw")).toBe(3);
      expect(await journal.position("other", "raw")).toBe(0);
    });

    test("commits output, position and state together", async () => {
      const journal = await opened();
      await append(journal, "raw", ["a"]);
      await journal.commit({
        append: [
          { stream: "readings", entries: [bytesOf("A1"), bytesOf("A2")] },
          { stream: "alarms", entries: [bytesOf("!")] },
        ],
        advance: [{ reader: "ingest", stream: "raw", offset: 1 }],
        state: [{ reader: "ingest", offset: 1, bytes: bytesOf("memory") }],
      });
      expect((await journal.read("readings", 0, MEBIBYTE)).map(textOf)).toEqual(["A1", "A2"]);
      expect((await journal.read("alarms", 0, MEBIBYTE)).map(textOf)).toEqual(["!"]);
      expect(await journal.position("ingest", "raw")).toBe(1);
      const state = await journal.loadState("ingest");
      expect(state && { offset: state.offset, text: Buffer.from(state.bytes).toString() }).toEqual({
        offset: 1,
        text: "memory",
      });
      expect((await journal.stats()).readers).toEqual([{ reader: "ingest", stream: "raw", offset: 1 }]);
    });

    test("the newest state and position replace those before", async () => {
      const journal = await opened();
      await append(journal, "raw", ["a", "b", "c", "d"]);
      await Promise.all(
        [1, 2, 3].map((offset) =>
          journal.commit({
            advance: [{ reader: "r", stream: "raw", offset }],
            state: [{ reader: "r", offset, bytes: bytesOf(`state ${offset}`) }],
          }),
        ),
      );
      expect(await journal.position("r", "raw")).toBe(3);
      expect(Buffer.from((await journal.loadState("r"))?.bytes ?? []).toString()).toBe("state 3");
    });

    test.each`
      why                                       | bytesMax | expected
      ${"as many as fit"}                       | ${10}    | ${["aaaa", "bbbb"]}
      ${"exactly full"}                         | ${8}     | ${["aaaa", "bbbb"]}
      ${"at least one, even when it is larger"} | ${1}     | ${["aaaa"]}
      ${"everything, when there is room"}       | ${100}   | ${["aaaa", "bbbb", "cccc", "dddd"]}
    `("reads $why ($bytesMax bytes)", async ({ bytesMax, expected }: { bytesMax: number; expected: string[] }) => {
      const journal = await opened();
      await append(journal, "raw", ["aaaa", "bbbb"]);
      await append(journal, "raw", ["cccc"]);
      await append(journal, "raw", ["dddd"]);
      expect((await journal.read("raw", 0, bytesMax)).map(textOf)).toEqual(expected);
      const from1 = await journal.read("raw", 1, bytesMax);
      expect(from1[0]?.offset).toBe(1);
      expect(from1.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)).toBeLessThanOrEqual(Math.max(4, bytesMax));
      expect(await journal.read("raw", 4, bytesMax)).toEqual([]);
    });

    test("takes an empty entry and entries of 1 MiB", async () => {
      const journal = await opened();
      const large = Buffer.alloc(MEBIBYTE, "large");
      await Promise.all([
        journal.append("raw", large),
        journal.append("raw", new Uint8Array(0)),
        journal.append("raw", large),
        journal.append("raw", bytesOf("small")),
      ]);
      const entries = await readAll(journal, "raw", 300_000);
      expect(entries.map(({ bytes }) => bytes.byteLength)).toEqual([MEBIBYTE, 0, MEBIBYTE, 5]);
      expect(Buffer.from(entries[2]!.bytes).equals(large)).toBe(true);
    });

    test("wait resolves at once for what is there, later for what comes, and when aborted", async () => {
      const journal = await opened();
      const forever = new AbortController();
      await append(journal, "raw", ["a"]);
      await journal.wait("raw", 0, forever.signal);
      const seen: string[] = [];
      const coming = journal.wait("raw", 1, forever.signal).then(() => seen.push("came"));
      const aborted = new AbortController();
      const leaving = journal.wait("raw", 5, aborted.signal).then(() => seen.push("left"));
      await append(journal, "readings", ["another stream"]);
      expect(seen).toEqual([]);
      await append(journal, "raw", ["b"]);
      await coming;
      expect(seen).toEqual(["came"]);
      aborted.abort();
      await leaving;
      await journal.wait("raw", 99, AbortSignal.abort());
    });

    test("trims nothing that a reader or its state still needs", async () => {
      const journal = await opened();
      for (let index = 0; index < 10; index++) await append(journal, "raw", [`${index}`]);
      await journal.commit({
        advance: [
          { reader: "fast", stream: "raw", offset: 9 },
          { reader: "slow", stream: "raw", offset: 7 },
          { reader: "slow", stream: "alarms", offset: 0 },
        ],
        state: [{ reader: "slow", offset: 4, bytes: bytesOf("as of 4") }],
      });
      await journal.trim("raw", 2);
      expect(await firstOffset(journal)).toBe(2);
      await journal.trim("raw", 10);
      expect(await firstOffset(journal)).toBe(4);
      await journal.commit({ state: [{ reader: "slow", offset: 7, bytes: bytesOf("as of 7") }] });
      await journal.trim("raw", 10);
      expect(await firstOffset(journal)).toBe(7);
      expect((await journal.stats()).streams.raw).toMatchObject({ start: 7, end: 10 });
      expect(await journal.position("new", "raw")).toBe(7);
      expect((await journal.read("raw", 0, MEBIBYTE)).map(textOf)).toEqual(["7", "8", "9"]);
    });

    test("goes on counting after everything was trimmed", async () => {
      const journal = await opened();
      await append(journal, "raw", ["a", "b"]);
      await journal.trim("raw", 99);
      expect(await journal.read("raw", 0, MEBIBYTE)).toEqual([]);
      expect((await journal.stats()).streams.raw).toEqual({ start: 2, end: 2, bytes: 0 });
      await append(journal, "raw", ["c"]);
      expect(await journal.read("raw", 0, MEBIBYTE)).toMatchObject([{ offset: 2 }]);
      expect(await journal.end("raw")).toBe(3);
    });
  });

  if (views.reopen)
    describe(`${name} is durable`, () => {
      test("opening again finds entries, positions, states and the next offset", async () => {
        const first = await opened();
        await append(first, "raw", ["a", "b", "c"]);
        await append(first, "alarms", ["x"]);
        await first.commit({
          append: [{ stream: "readings", entries: [bytesOf("A")] }],
          advance: [{ reader: "ingest", stream: "raw", offset: 1 }],
          state: [{ reader: "ingest", offset: 1, bytes: bytesOf("memory") }],
        });
        await first.trim("alarms", 1);
        const journal = closedAfterTest(await views.reopen!(first));
        expect((await journal.read("raw", 0, MEBIBYTE)).map(textOf)).toEqual(["a", "b", "c"]);
        expect(await journal.position("ingest", "raw")).toBe(1);
        expect(Buffer.from((await journal.loadState("ingest"))?.bytes ?? []).toString()).toBe("memory");
        await append(journal, "alarms", ["y"]);
        expect(await journal.read("alarms", 0, MEBIBYTE)).toMatchObject([{ offset: 1 }]);
        expect(await journal.end("raw")).toBe(3);
      });
    });

  if (views.connect)
    describe(`${name} is shared`, () => {
      test("each client sees at once what the other has committed, and is woken by it", async () => {
        const journal = await opened();
        const other = closedAfterTest(await views.connect!(journal));
        const woken = other.wait("raw", 0, new AbortController().signal);
        await append(journal, "raw", ["a"]);
        await woken;
        expect((await other.read("raw", 0, MEBIBYTE)).map(textOf)).toEqual(["a"]);
        await other.commit({
          append: [{ stream: "readings", entries: [bytesOf("A")] }],
          advance: [{ reader: "ingest", stream: "raw", offset: 1 }],
        });
        expect(await journal.position("ingest", "raw")).toBe(1);
        expect(await journal.end("readings")).toBe(1);
      });

      test("any interleaving of two clients gives gapless offsets and keeps each client's order", async () => {
        const journal = await opened();
        const clients = [journal, closedAfterTest(await views.connect!(journal))];
        let end = 0;
        const step = fc.record({
          client: fc.integer({ min: 0, max: 1 }),
          count: fc.integer({ min: 1, max: 5 }),
          pause: fc.boolean(),
        });
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
            const sent: string[][] = [[], []];
            const waiting: Promise<void>[] = [];
            for (const { client, count, pause } of steps) {
              const words = Array.from({ length: count }, (_, index) => `${client}:${sent[client]!.length + index}`);
              sent[client]!.push(...words);
              const done =
                count % 2
                  ? clients[client]!.commit({ append: [{ stream: "raw", entries: words.map(bytesOf) }] })
                  : Promise.all(words.map((word) => clients[client]!.append("raw", bytesOf(word)))).then(
                      () => undefined,
                    );
              waiting.push(done);
              if (pause) await done;
            }
            await Promise.all(waiting);
            const entries = await readAll(clients[1]!, "raw", 64, end);
            expect(entries.map(({ offset }) => offset)).toEqual(entries.map((_, index) => end + index));
            for (const [client, words] of sent.entries()) {
              expect(entries.map(textOf).filter((text) => text.startsWith(`${client}:`))).toEqual(words);
            }
            end += entries.length;
          }),
          { numRuns: 25 },
        );
      });
    });
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(entry: JournalEntry): string {
  return Buffer.from(entry.bytes).toString();
}

async function append(journal: Journal, stream: Stream, words: readonly string[]): Promise<void> {
  await journal.commit({ append: [{ stream, entries: words.map(bytesOf) }] });
}

async function firstOffset(journal: Journal): Promise<number | undefined> {
  return (await journal.read("raw", 0, MEBIBYTE))[0]?.offset;
}

async function readAll(journal: Journal, stream: Stream, bytesMax: number, from = 0): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for (;;) {
    const next = await journal.read(stream, (entries.at(-1)?.offset ?? from - 1) + 1, bytesMax);
    if (next.length === 0) return entries;
    entries.push(...next);
  }
}

function closedAfterTest<J extends Journal>(journal: J): J {
  onTestFinished(() => journal.close());
  return journal;
}
