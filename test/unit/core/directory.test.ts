import { describe, expect, test } from "vitest";
import { followRegistry } from "../../../core/directory.ts";
import type { Registry, RegistrySnapshot } from "../../../core/ports.ts";
import { aDevice, aDirectory } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { silent } from "../../support/ingest.ts";

/** A registry whose reads are counted, and which another process changes. */
function aRegistry() {
  const { snapshot } = aDirectory();
  const held = { version: 1, devices: snapshot.devices, broken: false, reads: 0 };
  const registry: Pick<Registry, "version" | "snapshot"> = {
    version: async () => {
      if (held.broken) throw new Error("locked");
      return held.version;
    },
    snapshot: async (): Promise<RegistrySnapshot> => {
      held.reads += 1;
      return { ...snapshot, version: held.version, devices: held.devices };
    },
  };
  return {
    held,
    registry: registry as Registry,
    add: (id: string): void => {
      held.version += 1;
      held.devices = [...held.devices, aDevice({ id })];
    },
  };
}

describe("followRegistry", () => {
  test("refresh: a change committed before the call is in the copy", async () => {
    const { registry, add, held } = aRegistry();
    const { directory, refresh } = await followRegistry(registry, { clock: new FakeClock(0), log: silent });
    expect(directory().device("new")).toBeUndefined();
    add("new");
    await refresh();
    expect(directory().device("new")?.device.id).toBe("new");
    await refresh();
    expect(held.reads).toBe(2); // unchanged: the whole is not read again
  });

  test("a change during a running refresh is seen by the next call, which does not share the earlier answer", async () => {
    const { registry, add } = aRegistry();
    const { directory, refresh } = await followRegistry(registry, { clock: new FakeClock(0), log: silent });
    const first = refresh();
    await Promise.resolve();
    await Promise.resolve();
    add("new");
    await Promise.all([first, refresh()]);
    expect(directory().device("new")).toBeDefined();
  });

  test("changes are noticed by themselves within half a second, until stopped", async () => {
    const clock = new FakeClock(0);
    const { registry, add } = aRegistry();
    const { directory, stop } = await followRegistry(registry, { clock, log: silent });
    add("new");
    await clock.advance(500);
    expect(directory().device("new")).toBeDefined();
    stop();
    add("newer");
    await clock.advance(5_000);
    expect(directory().device("newer")).toBeUndefined();
  });

  test("a newer copy is in force only once what must not be older has been read", async () => {
    const { registry, add } = aRegistry();
    const told: boolean[] = [];
    const followed = await followRegistry(registry, {
      ...{ clock: new FakeClock(0), log: silent },
      before: async () => {
        await Promise.resolve();
        told.push(followed.directory().device("new") !== undefined);
      },
    });
    add("new");
    await followed.refresh();
    expect([told, followed.directory().device("new") !== undefined]).toEqual([[false], true]);
    await followed.refresh();
    expect(told).toHaveLength(1);
  });

  test("a registry that cannot be read: the old copy stays, and reading goes on", async () => {
    const { registry, add, held } = aRegistry();
    const { directory, refresh } = await followRegistry(registry, { clock: new FakeClock(0), log: silent });
    add("new");
    held.broken = true;
    await refresh();
    expect(directory().device("dev-1")).toBeDefined();
    held.broken = false;
    await refresh();
    expect(directory().device("new")).toBeDefined();
  });
});
