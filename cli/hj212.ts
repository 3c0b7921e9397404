/** HJ 212 devices from the command line: their passwords and keys, what is connected, and commands down. */
import { join } from "node:path";
import { callControl } from "../control.ts";
import { systemClock } from "../core/clock.ts";
import { EXIT, Refused, Unavailable } from "../core/errors.ts";
import { type FieldSecretKind, fieldSecretPurpose } from "../core/field-secret.ts";
import type { FieldCommand, FieldOutcome, FieldSession, UnclaimedDevice } from "../core/field-session.ts";
import { loadSealingKey, seal } from "../core/sealed.ts";
import { loadPepper } from "../core/secret.ts";
import { openLedger } from "../storage/sql-sqlite.ts";
import { type Call, operand, readText, UsageError, type Verb } from "./verb.ts";

/** HJ 212-2017 table 3: 6 characters; devices with up to 24 exist. Nothing that would end the field. */
const PASSWORD = /^[\x21-\x25\x27-\x3a\x3c-\x7e]{1,24}$/;
const SM4_KEY = /^[0-9A-Fa-f]{32}$/;

async function keepSecret(
  call: Call,
  kind: FieldSecretKind,
  option: string,
  isValid: (text: string) => boolean,
): Promise<number> {
  const device = operand(call, 0, "DEVICE");
  const file = call.text(option);
  const remove = call.flag("remove");
  if (remove === (file !== undefined)) throw new UsageError(`give --${option} FILE or --remove`);
  const { dataDir } = call.config();
  loadPepper(dataDir); // makes the folder on first use
  const ledger = await openLedger({ file: join(dataDir, "ledger.db"), clock: systemClock });
  try {
    if (file === undefined) {
      if (!(await ledger.fieldSecrets.drop(device, kind, "cli")))
        throw new Refused("SECRET_UNKNOWN", { what: `no ${kind} of device ${device} is kept` });
    } else {
      const plain = readText(file).trim();
      if (!isValid(plain)) throw new Refused("SECRET_INVALID", { what: `this is no ${kind}`, where: file });
      const sealed = seal(loadSealingKey(dataDir), plain, fieldSecretPurpose({ device, kind }));
      await ledger.fieldSecrets.put({ device, kind, sealed }, "cli");
    }
    call.out.result({ device, [kind]: remove ? "removed" : "set" }, `${device}: ${kind} ${remove ? "removed" : "set"}`);
    return EXIT.ok;
  } finally {
    await ledger.close();
  }
}

const REMOVE = { remove: { type: "boolean", help: "forget it" } } as const;

const password: Verb = {
  name: "hj212 password",
  summary: "set the access password (PW) of an HJ 212 device; packets with another one are then not answered",
  operands: "DEVICE",
  options: { "password-file": { type: "string", value: "FILE", help: "read the password from here" }, ...REMOVE },
  run: (call) => keepSecret(call, "hj212-password", "password-file", (text) => PASSWORD.test(text)),
};

const sm4Key: Verb = {
  name: "hj212 key",
  summary: "set the SM4 key of an HJ 212-2025 device: 32 hexadecimal digits",
  operands: "DEVICE",
  options: { "key-file": { type: "string", value: "FILE", help: "read the key from here" }, ...REMOVE },
  run: (call) => keepSecret(call, "hj212-sm4", "key-file", (text) => SM4_KEY.test(text)),
};

async function ask<T>(call: Call, method: string, params: Record<string, unknown>): Promise<T> {
  const { dataDir } = call.config();
  const reply = await callControl(dataDir, method, params);
  if (reply) return reply.value as T;
  throw new Unavailable("SERVER_ABSENT", {
    what: "no server is running on this data folder",
    where: dataDir,
    mend: "start it with `jingtu serve`, or set EWS_DATA_DIR",
  });
}

const sessions: Verb = {
  name: "hj212 sessions",
  summary: "show HJ 212 devices heard of since the start, and senders whose MN nobody registered",
  operands: "",
  options: {},
  run: async (call) => {
    const found = await ask<{ sessions: FieldSession[]; unclaimed: UnclaimedDevice[] }>(call, "hj212-sessions", {});
    for (const one of found.sessions) {
      const { device, name, address, frames, crcErrors, noiseBytes, badLengths, gaps } = one;
      const state = one.isRevoked ? "revoked" : one.connected ? "connected" : "away";
      const door = one.hasPassword
        ? `${one.wrongPasswords} wrong passwords`
        : `NO PASSWORD: whoever knows the MN can send as ${device}`;
      const at = one.lastPacketAt === 0 ? "never" : new Date(one.lastPacketAt).toISOString();
      const errors = `${crcErrors} CRC errors, ${badLengths} bad lengths, ${noiseBytes} bytes of noise, ${gaps.length} gaps`;
      call.out.result(one, [device, name, state, address, at, `${frames} packets`, errors, door].join("\t"));
    }
    for (const one of found.unclaimed) {
      const at = new Date(one.lastPacketAt).toISOString();
      call.out.result(
        { ...one, unclaimed: true },
        ["-", one.name, "unclaimed", one.address, at, `${one.packets} packets`].join("\t"),
      );
    }
    return EXIT.ok;
  },
};

const KINDS = ["set-clock", "read-clock", "start-realtime", "stop-realtime", "sample-now"] as const;
const COMMANDS = [...KINDS, "set-interval", "set-average-interval", "fetch-history"].join(", ");

const command: Verb = {
  name: "hj212 command",
  summary: "ask an HJ 212 device and wait for what becomes of it; exit 1 unless it agreed",
  operands: "DEVICE COMMAND",
  options: {
    seconds: { type: "string", value: "N", help: "set-interval: 30 to 3600" },
    minutes: { type: "string", value: "N", help: "set-average-interval: a divisor of an hour" },
    data: { type: "string", value: "KIND", help: "fetch-history: minute, hour or day" },
    from: { type: "string", value: "TIME", help: "fetch-history: RFC 3339 with an offset" },
    to: { type: "string", value: "TIME", help: "fetch-history: RFC 3339 with an offset" },
    parameter: { type: "string", value: "CODE", help: "sample-now: of this instrument only" },
  },
  run: async (call) => {
    const device = operand(call, 0, "DEVICE");
    const asked = commandOf(call, operand(call, 1, "COMMAND"));
    const outcome = await ask<FieldOutcome>(call, "hj212-command", { device, command: asked });
    const { state, code, sent, packets } = outcome;
    call.out.result(outcome, `${state} (${code}), sent ${sent} times, ${packets} data packets`);
    return state === "done" || state === "accepted" ? EXIT.ok : EXIT.failed;
  },
};

function commandOf(call: Call, kind: string): FieldCommand {
  const parameter = call.text("parameter");
  const plain = KINDS.find((name) => name === kind);
  if (plain === "sample-now" && parameter !== undefined) return { kind: plain, parameter };
  if (plain) return { kind: plain };
  if (kind === "set-interval") return { kind, seconds: Number(call.text("seconds")) };
  if (kind === "set-average-interval") return { kind, minutes: Number(call.text("minutes")) };
  if (kind !== "fetch-history") throw new UsageError(`"${kind}" is no command; known: ${COMMANDS}`);
  const data = (["minute", "hour", "day"] as const).find((name) => name === call.text("data"));
  if (!data) throw new UsageError("--data takes minute, hour or day");
  return { kind, data, from: timeOf(call, "from"), to: timeOf(call, "to") };
}

function timeOf(call: Call, name: string): number {
  const text = call.text(name) ?? "";
  const ms = /(?:[Zz]|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`--${name} takes a time such as 2026-03-15T08:00:00+08:00`);
  return ms;
}

export const hj212Verbs: readonly Verb[] = [password, sm4Key, sessions, command];
