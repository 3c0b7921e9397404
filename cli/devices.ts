/** A device's way in: a new secret, none any more, or a code with which an installer fetches one. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { hmacClaimCode, hmacSecret, loadPepper, newClaimCode, newSecret } from "../core/secret.ts";
import { Duration } from "../core/site.ts";
import type { Ledger } from "../storage/sql-sqlite.ts";
import { claimLabel, terminalQr } from "./claim-label.ts";
import { ACTOR, withLedger } from "./ledger.ts";
import { type Call, operand, UsageError, type Verb } from "./verb.ts";

const deviceRotate: Verb = {
  name: "device rotate",
  summary: "give a device a new secret, printed once; the old one goes on for a while",
  operands: "ID",
  options: {
    overlap: { type: "string", value: "24h", help: "how long the old secret goes on, default 24h; 0s ends it now" },
  },
  run: (call) =>
    withLedger(call, async (ledger, dataDir) => {
      const device = operand(call, 0, "ID");
      const overlap = durationOf(call, "overlap", "24h");
      await knownDevices(ledger, [device]);
      const secret = newSecret();
      const endsAt = new Date(systemClock.now() + overlap).toISOString();
      await ledger.registry.putCredentials([{ device, hmac: hmacSecret(loadPepper(dataDir), secret) }], ACTOR, overlap);
      call.out.result({ device, secret, oldEndsAt: endsAt }, `${device} ${secret}`);
      if (!call.flag("json")) call.out.say(`Shown once. The old secret ends at ${endsAt}.`);
      return EXIT.ok;
    }),
};

const deviceRevoke: Verb = {
  name: "device revoke",
  summary: "end every secret, certificate and claim code of devices now; connections of every protocol are closed",
  operands: "ID…",
  options: {},
  run: (call) =>
    withLedger(call, async (ledger, dataDir) => {
      const devices = someDevices(call);
      await knownDevices(ledger, devices);
      await ledger.registry.revokeCredentials(devices, ACTOR);
      // Loaded here only: the certificate library is no light one.
      const ca = await import("../storage/certificate-authority.ts");
      if (ca.hasAuthority(dataDir))
        for (const device of devices) await ca.revokeCertificates(dataDir, device, systemClock.now());
      for (const device of devices) call.out.result({ device, revoked: true }, `${device} revoked`);
      return EXIT.ok;
    }),
};

const deviceAdmit: Verb = {
  name: "device admit",
  summary: "let revoked devices in again; the secrets, certificates and claim codes that were ended stay ended",
  operands: "ID…",
  options: {},
  run: (call) =>
    withLedger(call, async (ledger) => {
      const devices = someDevices(call);
      await knownDevices(ledger, devices);
      const admitted = new Set(await ledger.registry.admitDevices(devices, ACTOR));
      for (const device of devices) {
        const isAdmitted = admitted.has(device);
        call.out.result({ device, admitted: isAdmitted }, `${device} ${isAdmitted ? "admitted" : "was not revoked"}`);
      }
      return EXIT.ok;
    }),
};

const deviceClaimCode: Verb = {
  name: "device claim-code",
  summary: "make one-time codes with which installers fetch the secrets of devices; printed once, with a QR code",
  operands: "ID…",
  options: {
    ttl: { type: "string", value: "30d", help: "how long a code is good, default 30d" },
    svg: { type: "string", value: "FOLDER", help: "write a label for print, DEVICE.svg, into this folder" },
  },
  run: (call) =>
    withLedger(call, async (ledger, dataDir) => {
      const devices = someDevices(call);
      await knownDevices(ledger, devices);
      const expiresAt = systemClock.now() + durationOf(call, "ttl", "30d");
      const codes = devices.map((device) => ({ device, code: newClaimCode() }));
      const pepper = loadPepper(dataDir);
      const kept = codes.map(({ device, code }) => ({ device, hmac: hmacClaimCode(pepper, code), expiresAt }));
      await ledger.claims.put(kept, ACTOR);
      for (const { device, code } of codes) printCode(call, { device, code, expiresAt });
      return EXIT.ok;
    }),
};

function printCode(
  call: Call,
  { device, code, expiresAt }: { readonly device: string; readonly code: string; readonly expiresAt: number },
): void {
  const folder = call.text("svg");
  const until = new Date(expiresAt).toISOString();
  let file: string | undefined;
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    file = join(folder, `${device}.svg`);
    writeFileSync(file, claimLabel({ device, code, until }), { mode: 0o600 });
  }
  call.out.result({ device, code, expiresAt: until, ...(file ? { file } : {}) }, `${device} ${code} until ${until}`);
  if (!call.flag("json") && !file) call.out.document(`${terminalQr(code)}\n`);
}

function someDevices(call: Call): readonly string[] {
  operand(call, 0, "ID");
  return [...new Set(call.operands)];
}

function durationOf(call: Call, option: string, standard: string): number {
  const parsed = Duration.safeParse(call.text(option) ?? standard);
  if (!parsed.success) throw new UsageError(`--${option} takes a duration such as ${standard}`);
  return parsed.data;
}

export async function knownDevices(ledger: Ledger, ids: readonly string[]): Promise<void> {
  const { devices } = await ledger.registry.snapshot();
  const known = new Set(devices.map(({ id }) => id));
  const unknown = ids.filter((id) => !known.has(id));
  if (unknown.length === 0) return;
  throw new Refused("DEVICE_UNKNOWN", {
    what: `there is no device ${unknown.join(", ")}`,
    mend: "`jingtu registry export` shows all; `jingtu registry import` brings new ones; nothing was changed",
  });
}

export const deviceVerbs: readonly Verb[] = [deviceRotate, deviceRevoke, deviceAdmit, deviceClaimCode];
