import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { COMMANDS_OPEN_MAX, type DeviceCommand } from "../../../core/command.ts";
import type { PresenceRecord } from "../../../core/presence.ts";
import { type Ledger, openLedger } from "../../../storage/sql-sqlite.ts";
import { NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";

async function opened(file = join(temporaryFolder(), "ledger.db")): Promise<Ledger> {
  const ledger = await openLedger({ file, clock: new FakeClock(NOW) });
  onTestFinished(() => ledger.close().catch(() => {}));
  return ledger;
}
const deed = { at: NOW, actor: "ann", via: "web", action: "command.restart", object: "dev-1", detail: "{}" };
function aCommand(overrides: Partial<DeviceCommand> = {}): DeviceCommand {
  return {
    ...{ id: "c1", device: "dev-1", op: "restart", args: {}, state: "queued", detail: "", by: "ann", via: "web" },
    ...{ createdAt: NOW, expiresAt: NOW + 1_000, sentAt: null, tries: 0, updatedAt: NOW },
    ...overrides,
  };
}

test("a command is durable with its audit entry, goes its way, and survives a restart", async () => {
  const file = join(temporaryFolder(), "ledger.db");
  const { commands, accounts, close } = await opened(file);
  await commands.put(aCommand(), deed);
  await commands.put(aCommand(), deed); // the same id twice equals once
  expect(await accounts.audits(10)).toEqual([deed]);
  await commands.sent("c1", NOW + 1);
  await commands.sent("c1", NOW + 2);
  // Only what is due waits to be handed over: not what was sent a moment ago.
  const page = { after: "", limit: 10 };
  expect(await commands.dueDevices(NOW + 1, page)).toEqual([]);
  expect(await commands.dueDevices(NOW + 2, page)).toEqual(["dev-1"]);
  expect(await commands.due(["dev-1"], NOW + 1)).toEqual([]);
  expect(await commands.due(["dev-1"], NOW + 2)).toHaveLength(1);
  expect(await commands.answer("dev-2", { id: "c1", status: "done" }, NOW + 3)).toBeNull(); // not its command
  expect(await commands.answer("dev-1", { id: "c1", status: "accepted" }, NOW + 3)).toBe("accepted");
  await commands.sent("c1", NOW + 4); // has moved on
  await close();
  const again = await opened(file);
  expect(await again.commands.dueDevices(NOW + 9, { after: "", limit: 10 })).toEqual([]);
  expect(await again.commands.open("dev-1")).toHaveLength(1);
  expect(await again.commands.get("c1")).toEqual(
    aCommand({ state: "accepted", sentAt: NOW + 2, tries: 2, updatedAt: NOW + 3 }),
  );
  const detail = { left: "x\u0007".repeat(300) };
  expect(await again.commands.answer("dev-1", { id: "c1", status: "failed", detail }, NOW + 5)).toBe("failed");
  const [ended] = await again.commands.of("dev-1", 10);
  expect(ended?.detail.length).toBe(300);
  expect(ended?.detail).not.toMatch(/\p{Cc}/u);
  expect(await again.commands.open("dev-1")).toEqual([]);
  expect(await again.accounts.verifyAudit()).toBeNull();
});

test("a further word of acceptance renews the detail and nothing else", async () => {
  const { commands } = await opened();
  await commands.put(aCommand(), deed);
  await commands.answer("dev-1", { id: "c1", status: "accepted", detail: "queued" }, NOW);
  expect(await commands.answer("dev-1", { id: "c1", status: "accepted", detail: "sent" }, NOW + 1)).toBeNull();
  expect(await commands.get("c1")).toMatchObject({ state: "accepted", detail: "sent" });
  await commands.answer("dev-1", { id: "c1", status: "done", detail: "ok" }, NOW + 2);
  await commands.answer("dev-1", { id: "c1", status: "accepted", detail: "late" }, NOW + 3);
  expect(await commands.get("c1")).toMatchObject({ state: "done", detail: "ok" });
});

test("devices with commands to be handed over come in pages, each once, whatever state their commands are in", async () => {
  const { commands } = await opened();
  for (const device of ["c", "a", "e", "b", "d"]) {
    await commands.put(aCommand({ id: `${device}1`, device }), deed);
    await commands.put(aCommand({ id: `${device}2`, device, createdAt: NOW - 1 }), deed);
  }
  await commands.sent("b1", NOW);
  await commands.sent("b2", NOW);
  await commands.sent("e1", NOW);
  expect(await commands.dueDevices(NOW - 1, { after: "", limit: 10 })).toEqual(["a", "c", "d", "e"]);
  expect(await commands.dueDevices(NOW, { after: "", limit: 2 })).toEqual(["a", "b"]);
  expect(await commands.dueDevices(NOW, { after: "b", limit: 2 })).toEqual(["c", "d"]);
  expect(await commands.dueDevices(NOW, { after: "d", limit: 2 })).toEqual(["e"]);
  expect((await commands.due(["a", "e"], NOW - 1)).map(({ id }) => id)).toEqual(["a2", "e2", "a1"]);
});

test("what the server asked by itself is not due after three tries; what people ask is", async () => {
  const { commands } = await opened();
  await commands.put(aCommand({ id: "own", device: "a", via: "server" }), deed);
  await commands.put(aCommand({ id: "ann", device: "b" }), deed);
  const due = async () => [
    await commands.dueDevices(NOW, { after: "", limit: 10 }),
    (await commands.due(["a", "b"], NOW)).map(({ id }) => id).sort(),
  ];
  for (let tries = 1; tries <= 3; tries++) {
    expect(await due()).toEqual([
      ["a", "b"],
      ["ann", "own"],
    ]);
    for (const id of ["own", "ann"]) await commands.sent(id, NOW);
  }
  expect(await due()).toEqual([["b"], ["ann"]]);
});

test("a try without a word rests from its end on, and counts once; what has moved on does not", async () => {
  const { commands } = await opened();
  await commands.put(aCommand(), deed);
  await commands.rested("c1", NOW + 1);
  expect(await commands.get("c1")).toMatchObject({ state: "queued", sentAt: null });
  await commands.sent("c1", NOW + 2);
  await commands.rested("c1", NOW + 3);
  expect(await commands.get("c1")).toMatchObject({ state: "sent", sentAt: NOW + 3, tries: 1 });
  await commands.answer("dev-1", { id: "c1", status: "accepted" }, NOW + 4);
  await commands.rested("c1", NOW + 5);
  expect(await commands.get("c1")).toMatchObject({ sentAt: NOW + 3 });
});

test("what the server asked by itself and has ended is forgotten in time, in as many goes as it takes", async () => {
  const { commands } = await opened();
  for (const id of ["old", "new", "open"]) await commands.put(aCommand({ id, via: "server" }), deed);
  await commands.put(aCommand({ id: "ann" }), deed);
  for (const id of ["old", "ann"]) await commands.answer("dev-1", { id, status: "failed" }, NOW + 1);
  await commands.answer("dev-1", { id: "new", status: "done" }, NOW + 2);
  expect(await commands.forget(NOW + 2)).toBe(1);
  expect((await commands.of("dev-1", 10)).map(({ id }) => id).sort()).toEqual(["ann", "new", "open"]);
  const more = Array.from({ length: 101 }, (_, n) => ({ id: `n${n}`, device: `d${n}` }));
  await Promise.all(more.map((about) => commands.put(aCommand({ ...about, via: "server" }), deed)));
  await Promise.all(more.map(({ id, device }) => commands.answer(device, { id, status: "done" }, NOW + 3)));
  expect(await commands.forget(NOW + 4)).toBe(102);
});

test("what is open expires on the wall clock, what has ended does not", async () => {
  const { commands } = await opened();
  await commands.put(aCommand(), deed);
  await commands.put(aCommand({ id: "c2", expiresAt: NOW + 9_000 }), deed);
  await commands.put(aCommand({ id: "c3" }), deed);
  await commands.answer("dev-1", { id: "c3", status: "done" }, NOW);
  expect(await commands.expire(NOW + 999)).toBe(0);
  expect(await commands.expire(NOW + 1_000)).toBe(1);
  expect((await commands.of("dev-1", 10)).map(({ id, state }) => [id, state])).toEqual([
    ["c1", "expired"],
    ["c2", "queued"],
    ["c3", "done"],
  ]);
});

test("a device has its share of open commands, and no more", async () => {
  const { commands } = await opened();
  for (let n = 0; n < COMMANDS_OPEN_MAX; n++) await commands.put(aCommand({ id: `c${n}` }), deed);
  await expect(commands.put(aCommand({ id: "more" }), deed)).rejects.toMatchObject({ code: "COMMANDS_FULL" });
  await commands.put(aCommand({ id: "other", device: "dev-2" }), deed);
});

test("settings count their versions, and what a device reports late does not undo what is newer", async () => {
  const { commands } = await opened();
  const change = { device: "dev-1", by: "ann", at: NOW };
  expect(await commands.configure({ ...change, values: { interval: 60 } }, deed)).toMatchObject({ version: 1 });
  await commands.configure({ ...change, at: NOW + 5, values: { interval: 30, name: "井" } }, deed);
  await commands.reported("dev-1", 2, NOW + 10);
  await commands.reported("dev-1", 1, NOW + 7);
  expect(await commands.config("dev-1")).toMatchObject({
    ...{ version: 2, values: { interval: 30, name: "井" }, reported: 2, reportedAt: NOW + 10 },
  });
  expect((await commands.configs(NOW + 5)).length).toBe(1);
  expect(await commands.configs(NOW + 6)).toEqual([]);
  expect(await commands.config("nobody")).toBeNull();
});

test("presence keeps the newest record of each device", async () => {
  const { presence } = await opened();
  const record: PresenceRecord = {
    ...{ device: "d", state: "online", since: NOW, reason: "connected", address: "192.0.2.1" },
    ...{ protocol: "mqtt", until: null },
  };
  const asleep: PresenceRecord = { ...record, state: "offline", reason: "sleep", until: NOW + 1, address: null };
  await presence.put([record, { ...record, device: "e" }]);
  await presence.put([asleep]);
  expect(await presence.all()).toEqual([asleep, { ...record, device: "e" }]);
});
