/** Administration without a browser: configuration, registry, people, tokens, consumers. Works beside a running server. */
import { writeFileSync } from "node:fs";
import { systemClock } from "../core/clock.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { hmacSecret, loadPepper, newSecret } from "../core/secret.ts";
import { Duration, Id, ROLES, type Role } from "../core/site.ts";
import { hashPassword } from "../dashboards/passwords.ts";
import { exportedRegistry, registryFormat, surveyRegistry } from "../storage/registry-file.ts";
import { importRegistry } from "../storage/registry-import.ts";
import type { Ledger } from "../storage/sql-sqlite.ts";
import { ACTOR, audit, withLedger } from "./ledger.ts";
import { type Call, operand, readBytes, readText, UsageError, type Verb } from "./verb.ts";

const configCheck: Verb = {
  name: "config check",
  summary: "check the configuration and show what is in force",
  operands: "",
  options: {},
  run: async (call) => {
    const config = call.config();
    const secrets = ["influxAuth", "webhookSecret", "adminPassword"];
    call.out.result(
      Object.fromEntries(Object.entries(config).map(([key, value]) => [key, secrets.includes(key) ? "[set]" : value])),
    );
    return EXIT.ok;
  },
};

const registryImport: Verb = {
  name: "registry import",
  summary: "import tenants, sites, stations and devices; prints new device secrets once",
  operands: "FILE.yaml|csv|xlsx",
  options: { "dry-run": { type: "boolean", help: "report every fault and what would change, change nothing" } },
  run: async (call) => {
    const file = operand(call, 0, "FILE");
    const format = registryFormat(file);
    const surveyed = await ofFile(file, () => surveyRegistry(readBytes(file), format));
    return withLedger(call, async (ledger, dataDir) => {
      const dryRun = call.flag("dry-run");
      const ours = { registry: ledger.registry, pepper: loadPepper(dataDir), dryRun, by: ACTOR };
      const report = await ofFile(file, () => importRegistry({ ...surveyed, ...ours }));
      if (!dryRun) await audit(ledger, "registry.import", file, `${report.added} added, ${report.changed} changed`);
      call.out.result(report, `${dryRun ? "would be " : ""}${report.added} added, ${report.changed} changed`);
      if (report.secrets.length > 0 && !call.flag("json")) {
        call.out.say("Secrets of new devices, shown once:");
        for (const { device, secret } of report.secrets) call.out.document(`${device} ${secret}\n`);
      }
      if (report.ended.length > 0)
        call.out.say(`Left out, since rotated or revoked before: the secrets written for ${report.ended.join(", ")}`);
      return EXIT.ok;
    });
  },
};

/** Names the file in a fault of its contents. */
async function ofFile<T>(file: string, parse: () => Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (error instanceof Refused && !error.fault.where) throw new Refused(error.code, { ...error.fault, where: file });
    throw error;
  }
}

const registryExport: Verb = {
  name: "registry export",
  summary: "print the registry, without secrets; `registry import` reads it back",
  operands: "",
  options: {
    format: { type: "string", value: "FORMAT", help: "yaml (default), csv or xlsx" },
    out: { type: "string", value: "FILE", help: "write it here; xlsx needs it, unless stdout is no terminal" },
  },
  run: (call) =>
    withLedger(call, async (ledger) => {
      const snapshot = await ledger.registry.snapshot();
      const out = call.text("out");
      const format = call.text("format") ?? (out === undefined ? "yaml" : registryFormat(out));
      if (format !== "yaml" && format !== "csv" && format !== "xlsx")
        throw new UsageError(`--format takes yaml, csv or xlsx, not "${format}"`);
      if (call.flag("json"))
        call.out.result({
          tenants: snapshot.tenants,
          sites: snapshot.sites,
          stations: snapshot.stations,
          devices: snapshot.devices,
        });
      else {
        const document = await exportedRegistry(snapshot, format);
        if (out !== undefined) writeFileSync(out, document);
        else if (format === "xlsx" && process.stdout.isTTY) throw new UsageError("give --out FILE.xlsx");
        else call.out.document(document);
      }
      return EXIT.ok;
    }),
};

/** From `--password-file`, or made and printed once. */
async function choosePassword(call: Call): Promise<{ readonly password: string; readonly made: boolean }> {
  const file = call.text("password-file");
  const password = file ? readText(file).trim() : newSecret().slice(0, 20);
  return { password, made: !file };
}

const PASSWORD_FILE = {
  "password-file": { type: "string", value: "FILE", help: "read the password from here instead of making one" },
} as const;

const userAdd: Verb = {
  name: "user add",
  summary: "add a person, or change role and tenant of one",
  operands: "NAME",
  options: {
    role: { type: "string", value: "ROLE", help: ROLES.join(", ") },
    tenant: { type: "string", value: "ID", help: "needed for role enterprise" },
    ...PASSWORD_FILE,
  },
  run: async (call) => {
    const name = idOf(operand(call, 0, "NAME"));
    const role = roleOf(call);
    const { password, made } = await choosePassword(call);
    return withLedger(call, async (ledger) => {
      await ledger.accounts.putUser({
        name,
        role,
        tenant: await tenantOf(call, ledger, role),
        passwordHash: await hashPassword(password),
        totp: null,
      });
      await ledger.accounts.dropSessionsOf(name);
      await audit(ledger, "user.add", name, role);
      call.out.result(
        { user: name, role, ...(made ? { password } : {}) },
        made ? `${name} (${role}) password ${password}` : `${name} (${role})`,
      );
      return EXIT.ok;
    });
  },
};

const userReset: Verb = {
  name: "user reset",
  summary: "give a person a new password and end all their sessions",
  operands: "NAME",
  options: PASSWORD_FILE,
  run: async (call) => {
    const name = idOf(operand(call, 0, "NAME"));
    const { password, made } = await choosePassword(call);
    return withLedger(call, async (ledger) => {
      const user = await ledger.accounts.user(name);
      if (!user)
        throw new Refused("USER_UNKNOWN", {
          what: `there is no user ${name}`,
          mend: "`jingtu user list` shows all; `jingtu user add` makes one",
        });
      await ledger.accounts.putUser({ ...user, passwordHash: await hashPassword(password), totp: null });
      await ledger.accounts.dropSessionsOf(name);
      await audit(ledger, "user.reset", name);
      call.out.result({ user: name, ...(made ? { password } : {}) }, made ? `${name} password ${password}` : name);
      return EXIT.ok;
    });
  },
};

const userList: Verb = {
  name: "user list",
  summary: "list people with role and tenant",
  operands: "",
  options: {},
  run: (call) =>
    withLedger(call, async (ledger) => {
      for (const { name, role, tenant } of await ledger.accounts.users())
        call.out.result({ name, role, tenant }, `${name}\t${role}\t${tenant ?? ""}`);
      return EXIT.ok;
    }),
};

const tokenCreate: Verb = {
  name: "token create",
  summary: "make an API token (Authorization: Bearer), printed once",
  operands: "",
  options: {
    role: { type: "string", value: "ROLE", help: ROLES.join(", ") },
    tenant: { type: "string", value: "ID", help: "needed for role enterprise" },
    ttl: { type: "string", value: "90d", help: "how long it lives, default 90d" },
    name: { type: "string", value: "NAME", help: "for the audit log" },
  },
  run: async (call) => {
    const role = roleOf(call);
    const ttl = Duration.safeParse(call.text("ttl") ?? "90d");
    if (!ttl.success) throw new UsageError(`--ttl takes a duration such as 90d, not "${call.text("ttl")}"`);
    return withLedger(call, async (ledger, dataDir) => {
      const token = newSecret();
      const name = call.text("name") ?? `token-${systemClock.now().toString(36)}`;
      const expiresAt = systemClock.now() + ttl.data;
      await ledger.accounts.putToken({
        hmac: hmacSecret(loadPepper(dataDir), token),
        name,
        role,
        tenant: await tenantOf(call, ledger, role),
        expiresAt,
      });
      await audit(ledger, "token.create", name, role);
      call.out.result({ token, name, role, expiresAt: new Date(expiresAt).toISOString() }, token);
      return EXIT.ok;
    });
  },
};

const consumerAdd: Verb = {
  name: "consumer add",
  summary: "make an MQTT account that may read alarms and current values",
  operands: "NAME",
  options: { tenant: { type: "string", value: "ID", help: "only this tenant's; all when absent" } },
  run: async (call) => {
    const name = idOf(operand(call, 0, "NAME"));
    return withLedger(call, async (ledger, dataDir) => {
      const secret = newSecret();
      const tenant = call.text("tenant") ?? null;
      if (tenant) await knownTenant(ledger, tenant);
      await ledger.accounts.putConsumer({ name, tenant, hmac: hmacSecret(loadPepper(dataDir), secret) });
      await audit(ledger, "consumer.add", name);
      call.out.result({ consumer: name, tenant, secret }, `${name} ${secret}`);
      return EXIT.ok;
    });
  },
};

function idOf(name: string): string {
  const parsed = Id.safeParse(name);
  if (!parsed.success) throw new UsageError(`"${name}" is not a name: ${parsed.error.issues[0]?.message}`);
  return parsed.data;
}

function roleOf(call: Call): Role {
  const role = call.text("role");
  const known = ROLES.find((name) => name === role);
  if (!known) throw new UsageError(`--role takes one of ${ROLES.join(", ")}`);
  return known;
}

async function tenantOf(call: Call, ledger: Ledger, role: Role): Promise<string | null> {
  const tenant = call.text("tenant") ?? null;
  if (role === "enterprise" && !tenant) throw new UsageError("role enterprise needs --tenant");
  if (role !== "enterprise" && tenant) throw new UsageError(`role ${role} sees every tenant: leave --tenant out`);
  if (tenant) await knownTenant(ledger, tenant);
  return tenant;
}

async function knownTenant(ledger: Ledger, tenant: string): Promise<void> {
  const { tenants } = await ledger.registry.snapshot();
  if (tenants.some(({ id }) => id === tenant)) return;
  throw new Refused("TENANT_UNKNOWN", {
    what: `there is no tenant ${tenant}`,
    mend: `known: ${tenants.map(({ id }) => id).join(", ") || "none; import a registry first"}`,
  });
}

export const adminVerbs: readonly Verb[] = [
  configCheck,
  registryImport,
  registryExport,
  userAdd,
  userReset,
  userList,
  tokenCreate,
  consumerAdd,
];
