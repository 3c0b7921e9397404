/** HJ 212 devices from the command line: their passwords and keys, and what is connected. */
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { type FieldSecretKind, fieldSecretPurpose } from "../core/field-secret.ts";
import type { FieldSession, UnclaimedDevice } from "../core/field-session.ts";
import { loadSealingKey, seal } from "../core/sealed.ts";
import { loadPepper } from "../core/secret.ts";
import { openLedger } from "../storage/sql-sqlite.ts";
import { askServer } from "./ask-server.ts";
import { hj212Command } from "./hj212-command.ts";
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

const sessions: Verb = {
  name: "hj212 sessions",
  summary: "show HJ 212 devices heard of since the start, and senders whose MN nobody registered",
  operands: "",
  options: {},
  run: async (call) => {
    const found = await askServer<{ sessions: FieldSession[]; unclaimed: UnclaimedDevice[] }>(
      call,
      "hj212-sessions",
      {},
    );
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

export const hj212Verbs: readonly Verb[] = [password, sm4Key, sessions, hj212Command];
