/**
 * The only configuration schema: defaults < YAML file < `EWS_*` environment. Strict: an unknown key is an error, all
 * faults are reported at once. Secrets come from files (`*_FILE`).
 */
import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { Misconfigured } from "./errors.ts";
import { Duration } from "./site.ts";

const Port = z.coerce.number().int().min(0).max(65_535);
const Flag = z.union([
  z.boolean(),
  z.enum(["0", "1", "true", "false"]).transform((text) => text === "1" || text === "true"),
]);
const Days = z.coerce.number().int().positive();

export const Config = z.strictObject({
  /** Folder of all embedded stores. */
  dataDir: z.string().min(1).default("data"),
  /** Address the plain listeners bind to; MQTT and HTTP without TLS stay on loopback unless `httpInsecure`/`mqttInsecure`. */
  host: z.string().min(1).default("127.0.0.1"),
  mqttPort: Port.default(1883),
  mqttsPort: Port.default(8883),
  wsPort: Port.default(9001),
  httpPort: Port.default(8080),
  hj212Port: Port.default(9212),
  httpTlsCert: z.string().optional(),
  httpTlsKey: z.string().optional(),
  /** Plain HTTP beyond loopback, for use behind a TLS proxy. */
  httpInsecure: Flag.default(false),
  mqttTlsCert: z.string().optional(),
  mqttTlsKey: z.string().optional(),
  /** CA of client certificates: one whose name is a device's lets it in without a secret. */
  mqttTlsCa: z.string().optional(),
  /** Revocation list of that CA, followed while the server runs; when not set, `ca/crl.pem` in the data folder, once there. */
  mqttTlsCrl: z.string().optional(),
  /** With a CA: whether every client over TLS must show a certificate, or may sign in with its secret alone. */
  mqttTlsClients: z.enum(["required", "optional"]).default("required"),
  /** Plain MQTT beyond loopback. */
  mqttInsecure: Flag.default(false),
  /** Connections from one address; loopback is exempt. */
  mqttConnectionsPerAddress: z.coerce.number().int().positive().default(200),
  /** Connections begun within a minute by one address; loopback is exempt. */
  mqttConnectsPerMinute: z.coerce.number().int().positive().default(1_200),
  mqttConnections: z.coerce.number().int().positive().default(10_000),
  /** With both, the HJ 212 port speaks TLS. */
  hj212TlsCert: z.string().optional(),
  hj212TlsKey: z.string().optional(),
  /** Plain HJ 212 beyond loopback, e.g. on a private network of the logger's SIM cards. */
  hj212Insecure: Flag.default(false),
  /** HJ 212 connections from one address; loopback is exempt. */
  hj212ConnectionsPerAddress: z.coerce.number().int().positive().default(200),
  /** HJ 212 connections begun within a minute by one address, which may be a NAT with many loggers; loopback is exempt. */
  hj212ConnectsPerMinute: z.coerce.number().int().positive().default(1_200),
  hj212Connections: z.coerce.number().int().positive().default(5_000),
  series: z.enum(["duckdb", "influx"]).default("duckdb"),
  influxUrl: z.url().optional(),
  influxDatabase: z.string().min(1).default("jingtu"),
  /** The whole Authorization header, e.g. "Token …" or "Basic …". */
  influxAuth: z.string().min(1).optional(),
  influxWritePath: z.string().startsWith("/").optional(),
  /** Folder of rule YAML files loaded at start and when they change; the shipped rules when absent. */
  rulesDir: z.string().min(1).optional(),
  /** Generic webhook for alarm events; signed when a secret is given. */
  webhookUrl: z.url().optional(),
  webhookSecret: z.string().min(16).optional(),
  /** First-run administrator password, else one is made and printed once. */
  adminPassword: z.string().min(12).optional(),
  /** Base of links in notifications, e.g. https://jingtu.example.org */
  publicUrl: z.url().optional(),
  rawDays: Days.default(400),
  rollupDays: Days.default(3650),
  journalDays: Days.default(7),
  journalMegabytes: z.coerce.number().int().positive().default(4096),
  /** Below this much free disk the journal refuses and says so. */
  diskReserveMegabytes: z.coerce.number().int().positive().default(512),
  logLevel: z.enum(["debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  /** Longest wait for a clean stop. */
  drain: z.union([Duration, z.number().positive()]).default(10_000),
});
export type Config = z.infer<typeof Config>;

const PREFIX = "EWS_";
/** Set by the operator or by tests, not part of the configuration. */
const FOREIGN = ["EWS_SHARED", "EWS_CONFIG"];

/** "EWS_HTTP_TLS_CERT" for "httpTlsCert". */
export function environmentName(key: string): string {
  return PREFIX + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/**
 * @param env  the environment of the process; names as `environmentName`, each also as `…_FILE` with the value in a file.
 * @param file YAML file; `EWS_CONFIG` when absent.
 * @throws Misconfigured `CONFIG_INVALID` naming every fault.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, file?: string): Config {
  const path = file ?? env["EWS_CONFIG"];
  const merged: Record<string, unknown> = path ? readYaml(path) : {};
  const known = new Map(Object.keys(Config.shape).map((key) => [environmentName(key), key]));
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (
      value === undefined ||
      value === "" ||
      !name.startsWith(PREFIX) ||
      FOREIGN.includes(name) ||
      name.startsWith("EWS_TEST_")
    )
      continue;
    const key = known.get(name);
    const fileKey = name.endsWith("_FILE") ? known.get(name.slice(0, -"_FILE".length)) : undefined;
    if (key) merged[key] = value;
    else if (fileKey) merged[fileKey] = readSecret(name, value);
    else unknown.push(name);
  }
  const parsed = Config.safeParse(merged);
  if (parsed.success && unknown.length === 0) return parsed.data;
  const faults = [
    ...unknown.map((name) => `✖ unknown variable ${name}`),
    ...(parsed.success ? [] : parsed.error.issues.map(describeIssue)),
  ];
  throw new Misconfigured("CONFIG_INVALID", {
    what: `the configuration has faults\n${faults.join("\n")}`,
    where: path ? `${path} and EWS_* variables` : "EWS_* variables",
    mend: "compare with the table in README.md, then run `jingtu config check`",
  });
}

/** Both names of the setting: of the YAML file and of the environment. */
function describeIssue({ message, path, code, ...issue }: z.core.$ZodIssue): string {
  if (code === "unrecognized_keys" && "keys" in issue)
    return `✖ unknown setting ${(issue.keys as string[]).join(", ")}`;
  const key = String(path[0] ?? "");
  return `✖ ${message}\n  → at ${key} (${environmentName(key)})`;
}

function readYaml(path: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = parseYaml(readFileSync(path, "utf8")) ?? {};
  } catch (error) {
    throw new Misconfigured(
      "CONFIG_UNREADABLE",
      { what: (error as Error).message, where: path, mend: "give a readable YAML file" },
      { cause: error },
    );
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new Misconfigured("CONFIG_INVALID", {
      what: "the file is not a mapping",
      where: path,
      mend: "write lines such as `mqttPort: 1883`",
    });
  }
  return { ...document };
}

function readSecret(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new Misconfigured(
      "CONFIG_UNREADABLE",
      { what: (error as Error).message, where: `${name}=${path}`, mend: "point it at a readable file" },
      { cause: error },
    );
  }
}
