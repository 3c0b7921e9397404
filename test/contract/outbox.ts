/** What every adapter of the port Outbox must keep. */
import { describe, expect, test } from "vitest";
import type { Outbox } from "../../core/ports.ts";
import { anOutboxItem, NOW } from "../support/builders.ts";

const READER = "dispatch";

/** @param open an empty outbox; whoever opens it closes it. */
export function outboxContract(name: string, open: () => Promise<Outbox>): void {
  const holding = async (...items: Parameters<typeof anOutboxItem>[0][]): Promise<Outbox> => {
    const outbox = await open();
    await outbox.enqueue(
      items.map((item) => anOutboxItem(item)),
      { reader: READER, offset: 1 },
    );
    return outbox;
  };
  const keys = (items: readonly { readonly key: string }[]) => items.map(({ key }) => key);

  describe(`${name} keeps the outbox contract`, () => {
    test("is empty at position 0", async () => {
      const outbox = await open();
      expect(await outbox.position(READER)).toBe(0);
      expect(await outbox.due(NOW, 10)).toEqual([]);
      expect(await outbox.of("alarm-1")).toEqual([]);
      expect(await outbox.depth()).toBe(0);
    });

    test("hands out what is due, earliest first, again and again until it is settled", async () => {
      const outbox = await open();
      const items = [
        anOutboxItem({ key: "later", dueAt: NOW + 1 }),
        anOutboxItem({ key: "second", dueAt: NOW }),
        anOutboxItem({ key: "first", dueAt: NOW - 1 }),
      ];
      await outbox.enqueue(items, { reader: READER, offset: 7 });
      expect(await outbox.position(READER)).toBe(7);
      expect(keys(await outbox.due(NOW, 10))).toEqual(["first", "second"]);
      expect(keys(await outbox.due(NOW, 1))).toEqual(["first"]);
      expect(await outbox.due(NOW - 1, 10)).toEqual([items[2]]);
      expect(await outbox.depth()).toBe(3);
    });

    test("an item whose key exists is left alone, whatever became of it", async () => {
      const outbox = await holding({ key: "k", body: "one" });
      await outbox.enqueue([anOutboxItem({ key: "k", body: "two" })], { reader: READER, offset: 2 });
      expect((await outbox.due(NOW, 10))[0]?.body).toBe("one");
      await outbox.settle("k", { kind: "sent", at: NOW, detail: "200" });
      await outbox.enqueue([anOutboxItem({ key: "k" })], { reader: READER, offset: 3 });
      expect(await outbox.due(NOW, 10)).toEqual([]);
      expect(await outbox.position(READER)).toBe(3);
    });

    test("a retry comes back at its time with its tries counted", async () => {
      const outbox = await holding({ key: "k" });
      await outbox.settle("k", { kind: "retry", dueAt: NOW + 500, detail: "503" });
      expect(await outbox.due(NOW + 499, 10)).toEqual([]);
      expect(await outbox.due(NOW + 500, 10)).toEqual([anOutboxItem({ key: "k", tries: 1, dueAt: NOW + 500 })]);
      expect(await outbox.of("alarm-1")).toMatchObject([{ state: "queued", detail: "503", at: null }]);
    });

    test.each(["sent", "given-up"] as const)("what is %s is out of the queue for good", async (kind) => {
      const outbox = await holding({ key: "k" }, { key: "other" });
      await outbox.settle("k", { kind, at: NOW + 1, detail: "done" });
      await outbox.settle("k", { kind: "retry", dueAt: NOW, detail: "a late answer" });
      expect(keys(await outbox.due(NOW + 9, 10))).toEqual(["other"]);
      expect(await outbox.depth()).toBe(1);
      const [item] = (await outbox.of("alarm-1")).filter(({ key }) => key === "k");
      expect(item).toMatchObject({ state: kind, detail: "done", at: NOW + 1, tries: 1 });
    });

    test("lists the deliveries of one alarm only", async () => {
      const outbox = await holding({ key: "b" }, { key: "a" }, { key: "x", alarm: "alarm-2" });
      expect(keys(await outbox.of("alarm-1"))).toEqual(["a", "b"]);
    });
  });
}
