/** The local certificate authority: certificates instead of secrets for devices on MQTT over TLS. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { EXIT } from "../core/errors.ts";
import {
  CA_FILES,
  initAuthority,
  issueCertificate,
  issuedCertificates,
  revokeCertificates,
} from "../storage/certificate-authority.ts";
import { knownDevices } from "./devices.ts";
import { ACTOR, audit, withLedger } from "./ledger.ts";
import { operand, readText, UsageError, type Verb } from "./verb.ts";

const caInit: Verb = {
  name: "ca init",
  summary: "make a certificate authority for devices in the data folder",
  operands: "",
  options: { name: { type: "string", value: "NAME", help: "its common name, default Jingtu device CA" } },
  run: (call) =>
    withLedger(call, async (ledger, dataDir) => {
      const name = call.text("name") ?? "Jingtu device CA";
      if (!/^[\p{L}\p{N} ._-]{1,64}$/u.test(name)) throw new UsageError("--name takes letters, digits, spaces, . _ -");
      const folder = await initAuthority(dataDir, { name, now: systemClock.now() });
      await audit(ledger, "ca.init", name);
      const settings = { EWS_MQTT_TLS_CA: join(folder, CA_FILES.certificate) };
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
      call.out.result({ folder, settings }, lines.join("\n"));
      if (!call.flag("json"))
        call.out.say(
          "Set this and start the server again; with EWS_MQTT_TLS_CLIENTS=optional secrets go on beside it. Revocations are followed without a setting.",
        );
      return EXIT.ok;
    }),
};

const caIssue: Verb = {
  name: "ca issue",
  summary: "issue a certificate with which a device signs in without a secret",
  operands: "DEVICE",
  options: {
    days: { type: "string", value: "N", help: "how long it is good, default 365" },
    csr: { type: "string", value: "FILE", help: "certificate request of the device, whose key then never leaves it" },
    out: { type: "string", value: "FOLDER", help: "where DEVICE.pem and DEVICE.key go, default the present folder" },
  },
  run: (call) =>
    withLedger(call, async (ledger, dataDir) => {
      const device = operand(call, 0, "DEVICE");
      const days = Number(call.text("days") ?? "365");
      if (!Number.isInteger(days) || days < 1 || days > 3_650) throw new UsageError("--days takes 1 to 3650");
      await knownDevices(ledger, [device]);
      const csr = call.text("csr");
      const order = { device, days, now: systemClock.now(), ...(csr === undefined ? {} : { csr: readText(csr) }) };
      const { certificate, key, serial, endsAt } = await issueCertificate(dataDir, order);
      const folder = call.text("out") ?? ".";
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const files = {
        certificate: join(folder, `${device}.pem`),
        key: key === null ? null : join(folder, `${device}.key`),
      };
      if (key !== null && files.key !== null) writeFileSync(files.key, `${key}\n`, { mode: 0o600 });
      writeFileSync(files.certificate, `${certificate}\n`, { mode: 0o644 });
      await ledger.registry.admitDevices([device], ACTOR); // as a new secret would; last, for a file may fail
      await audit(ledger, "ca.issue", device, `serial ${serial}`);
      const until = new Date(endsAt).toISOString();
      call.out.result(
        { device, serial, until, ...files },
        `${device} ${files.certificate}${files.key === null ? "" : ` ${files.key}`} until ${until}`,
      );
      return EXIT.ok;
    }),
};

const caRevoke: Verb = {
  name: "ca revoke",
  summary: "revoke every certificate of a device; its live connection is closed",
  operands: "DEVICE",
  options: {},
  run: (call) =>
    withLedger(call, async (ledger, dataDir) => {
      const device = operand(call, 0, "DEVICE");
      const serials = await revokeCertificates(dataDir, device, systemClock.now());
      await audit(ledger, "ca.revoke", device, `serials ${serials.join(" ") || "none"}`);
      call.out.result({ device, revoked: serials }, `${device}: ${serials.length} certificates revoked`);
      return EXIT.ok;
    }),
};

const caList: Verb = {
  name: "ca list",
  summary: "list the certificates that were issued",
  operands: "",
  options: {},
  run: async (call) => {
    for (const { serial, device, endsAt, revokedAt } of issuedCertificates(call.config().dataDir)) {
      const until = new Date(endsAt).toISOString();
      const revoked = revokedAt === null ? null : new Date(revokedAt).toISOString();
      call.out.result({ device, serial, until, revoked }, `${device}\t${serial}\t${until}\t${revoked ?? "good"}`);
    }
    return EXIT.ok;
  },
};

export const certificateVerbs: readonly Verb[] = [caInit, caIssue, caRevoke, caList];
