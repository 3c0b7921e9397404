/** The local CA, judged by OpenSSL and by Node's own reading of what it made. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { appendFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { revokedSerials, serialOf } from "../../../gateway/crl.ts";
import {
  initAuthority,
  issueCertificate,
  issuedCertificates,
  revokeCertificates,
} from "../../../storage/certificate-authority.ts";
import { temporaryFolder } from "../../support/folders.ts";

const now = Date.now();
const openssl = (...args: string[]): string =>
  execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

async function anAuthority(): Promise<{ dataDir: string; folder: string; verify: (pem: string) => string }> {
  const dataDir = temporaryFolder();
  const folder = await initAuthority(dataDir, { name: "Test CA 净土", now });
  const verify = (pem: string): string => {
    const file = join(dataDir, "shown.pem");
    writeFileSync(file, pem);
    const trust = ["-CAfile", join(folder, "ca.pem"), "-CRLfile", join(folder, "crl.pem"), "-crl_check_all"];
    try {
      return openssl("verify", ...trust, "-purpose", "sslclient", file);
    } catch (error) {
      return String((error as { stderr?: unknown }).stderr);
    }
  };
  return { dataDir, folder, verify };
}

test("OpenSSL accepts what it issues, until it is revoked; other certificates stay good", async () => {
  const { dataDir, folder, verify } = await anAuthority();
  const [one, two] = [
    await issueCertificate(dataDir, { device: "dev-1", days: 30, now }),
    await issueCertificate(dataDir, { device: "dev-2", days: 30, now }),
  ];
  expect(verify(one.certificate)).toContain("OK");
  expect(await revokeCertificates(dataDir, "dev-1", now)).toEqual([one.serial]);
  expect(verify(one.certificate)).toContain("certificate revoked");
  expect(verify(two.certificate)).toContain("OK");
  expect(await revokeCertificates(dataDir, "dev-1", now)).toEqual([]);
  const listed = revokedSerials(readFileSync(join(folder, "crl.pem"), "utf8"));
  expect([...listed]).toEqual([serialOf(new X509Certificate(one.certificate).serialNumber)]);
  expect(issuedCertificates(dataDir)).toMatchObject([
    { device: "dev-1", revokedAt: now },
    { device: "dev-2", revokedAt: null },
  ]);
});

test("a register whose last line was never finished is read, and written on, without that line", async () => {
  const { dataDir, folder } = await anAuthority();
  await issueCertificate(dataDir, { device: "dev-1", days: 30, now });
  appendFileSync(join(folder, "issued.jsonl"), '{"serial":"77","device":"dév');
  expect(issuedCertificates(dataDir)).toMatchObject([{ device: "dev-1" }]);
  await revokeCertificates(dataDir, "dev-1", now);
  await issueCertificate(dataDir, { device: "dev-2", days: 30, now });
  expect(issuedCertificates(dataDir)).toMatchObject([{ device: "dev-1", revokedAt: now }, { device: "dev-2" }]);
});

test("keys are for their owner only; the certificate names the device and belongs to its key", async () => {
  const { dataDir, folder } = await anAuthority();
  for (const file of ["ca.key", "issued.jsonl"]) {
    if (file === "issued.jsonl") await issueCertificate(dataDir, { device: "dev-1", days: 30, now });
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  }
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const { certificate, key } = await issueCertificate(dataDir, { device: "dev-1", days: 5_000, now });
  const read = new X509Certificate(certificate);
  expect(read.subject).toBe("CN=dev-1");
  expect(read.subjectAltName).toBe("URI:urn:jingtu:device:dev-1");
  expect(read.ca).toBe(false);
  const { createPrivateKey } = await import("node:crypto");
  expect(read.checkPrivateKey(createPrivateKey(key ?? ""))).toBe(true);
  const authority = new X509Certificate(readFileSync(join(folder, "ca.pem")));
  expect(read.verify(authority.publicKey)).toBe(true);
  expect(Date.parse(read.validTo)).toBeLessThanOrEqual(Date.parse(authority.validTo));
});

test("a request of the device's own key is signed under the name that was ordered, not the one it asks for", async () => {
  const { dataDir, verify } = await anAuthority();
  const [key, request] = [join(dataDir, "own.key"), join(dataDir, "own.csr")];
  openssl(
    ...["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=somebody-else"],
    ...["-keyout", key, "-out", request],
  );
  const order = { device: "dev-1", days: 30, now, csr: readFileSync(request, "utf8") };
  const issued = await issueCertificate(dataDir, order);
  expect(issued.key).toBeNull();
  expect(verify(issued.certificate)).toContain("OK");
  expect(new X509Certificate(issued.certificate).subject).toBe("CN=dev-1");
  await expect(issueCertificate(dataDir, { ...order, csr: "nonsense" })).rejects.toMatchObject({ code: "CSR_INVALID" });
});

test("a second CA and an order without one are refused", async () => {
  const { dataDir } = await anAuthority();
  await expect(initAuthority(dataDir, { name: "x", now })).rejects.toMatchObject({ code: "CA_EXISTS" });
  const none = temporaryFolder();
  await expect(issueCertificate(none, { device: "d", days: 1, now })).rejects.toMatchObject({ code: "CA_MISSING" });
});

test("a damaged list is named, wherever it was cut", async () => {
  const { folder } = await anAuthority();
  const pem = readFileSync(join(folder, "crl.pem"), "utf8");
  expect(revokedSerials(pem).size).toBe(0);
  const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64");
  for (let size = 0; size < der.length; size++) {
    const cut = `-----BEGIN X509 CRL-----\n${der.subarray(0, size).toString("base64")}\n-----END X509 CRL-----`;
    expect(() => revokedSerials(cut)).toThrow(RangeError);
  }
});
