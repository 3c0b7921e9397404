/** What every adapter of the port Accounts must keep. */
import { describe, expect, test } from "vitest";
import type { Accounts, ApiToken, AuditEntry, Session } from "../../core/ports.ts";
import { aUser, NOW } from "../support/builders.ts";

function aSession(overrides: Partial<Session> = {}): Session {
  const times = { createdAt: NOW, seenAt: NOW, expiresAt: NOW + 3_600_000 };
  return { id: "s-1", user: "officer", csrf: "c", ...times, ...overrides };
}

function anEntry(n: number): AuditEntry {
  return { at: NOW + n, actor: "ann", via: "web", action: "acknowledge", object: `alarm-${n}`, detail: "" };
}

/** @param open no accounts yet, its clock at `NOW`; whoever opens it closes it. */
export function accountsContract(name: string, open: () => Promise<Accounts>): void {
  describe(`${name} keeps the accounts contract`, () => {
    test("knows nobody at first", async () => {
      const accounts = await open();
      expect(await accounts.user("officer")).toBeNull();
      expect(await accounts.session("s-1")).toBeNull();
      expect(await accounts.token("t")).toBeNull();
      expect([await accounts.users(), await accounts.consumers(), await accounts.audits(10)]).toEqual([[], [], []]);
    });

    test("keeps users by name; the last put counts", async () => {
      const accounts = await open();
      const reset = aUser({ passwordHash: "$argon2id$new", totp: "enc", role: "enterprise", tenant: "tenant-1" });
      await accounts.putUser(aUser());
      await accounts.putUser(aUser({ name: "admin", role: "admin" }));
      await accounts.putUser(reset);
      expect(await accounts.user("officer")).toEqual(reset);
      expect((await accounts.users()).map((user) => user.name)).toEqual(["admin", "officer"]);
    });

    test("keeps sessions until they are dropped", async () => {
      const accounts = await open();
      await accounts.putSession(aSession());
      await accounts.putSession(aSession({ seenAt: NOW + 60_000 }));
      await accounts.putSession(aSession({ id: "s-2" }));
      await accounts.putSession(aSession({ id: "s-3", user: "admin" }));
      expect(await accounts.session("s-1")).toEqual(aSession({ seenAt: NOW + 60_000 }));
      await accounts.dropSession("s-1");
      expect(await accounts.session("s-1")).toBeNull();
      await accounts.dropSessionsOf("officer");
      expect(await accounts.session("s-2")).toBeNull();
      expect(await accounts.session("s-3")).not.toBeNull();
    });

    test("keeps tokens and consumers", async () => {
      const accounts = await open();
      const token: ApiToken = { hmac: "aa", name: "grafana", role: "officer", tenant: null, expiresAt: NOW };
      await accounts.putToken(token);
      await accounts.putToken({ ...token, expiresAt: NOW + 1 });
      expect(await accounts.token("aa")).toEqual({ ...token, expiresAt: NOW + 1 });
      await accounts.putConsumer({ name: "b", tenant: "tenant-1", hmac: "bb" });
      await accounts.putConsumer({ name: "a", tenant: null, hmac: "aa" });
      await accounts.putConsumer({ name: "b", tenant: "tenant-1", hmac: "cc" });
      expect(await accounts.consumers()).toEqual([
        { name: "a", tenant: null, hmac: "aa" },
        { name: "b", tenant: "tenant-1", hmac: "cc" },
      ]);
    });

    test("lists the audit log newest first", async () => {
      const accounts = await open();
      for (const n of [1, 2, 3]) await accounts.audit(anEntry(n));
      expect(await accounts.audits(2)).toEqual([anEntry(3), anEntry(2)]);
    });
  });
}
