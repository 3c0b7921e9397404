/**
 * A local certificate authority for devices: one root key in `<dataDir>/ca` (0600), certificates for devices, and the
 * list of those revoked. EC P-256; another algorithm would be another pair of constants here. The only user of the vendor.
 */
import "reflect-metadata"; // the vendor's container wants it
import { randomBytes, webcrypto } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from "@peculiar/x509";
import { z } from "zod";
import { Refused } from "../core/errors.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const CA_DAYS = 3_650;
/** A certificate is good from a little before it was made: field clocks are late. */
const EARLY_MS = 3_600_000;

export const CA_FILES = { certificate: "ca.pem", key: "ca.key", revoked: "crl.pem", register: "issued.jsonl" } as const;

const Entry = z.object({
  serial: z.string(),
  device: z.string(),
  issuedAt: z.number(),
  endsAt: z.number(),
  revokedAt: z.number().nullable(),
});
/** One certificate in the register; the newest line of a serial number counts. */
export type IssuedCertificate = z.infer<typeof Entry>;

export interface NewCertificate {
  readonly serial: string;
  readonly endsAt: number;
  readonly certificate: string;
  /** Null when the device made its own key and sent a request. Shown once, not kept. */
  readonly key: string | null;
}

/** Whether there is one in this data folder. */
export function hasAuthority(dataDir: string): boolean {
  return existsSync(join(dataDir, "ca", CA_FILES.certificate));
}

/** @throws Refused `CA_EXISTS`: a second one would make every certificate of the first worthless. */
export async function initAuthority(dataDir: string, { name, now }: { name: string; now: number }): Promise<string> {
  const folder = join(dataDir, "ca");
  if (hasAuthority(dataDir))
    throw new Refused("CA_EXISTS", { what: "there is a CA already", where: folder, mend: "keep it, or move it away" });
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: newSerial(), name: `CN=${name}`, keys, signingAlgorithm: ALGORITHM },
    ...{ notBefore: new Date(now - EARLY_MS), notAfter: new Date(now + CA_DAYS * DAY_MS) },
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeWhole(join(folder, CA_FILES.key), await keyPem(keys.privateKey), 0o600);
  await writeList(folder, { certificate, key: keys.privateKey }, [], now);
  writeWhole(join(folder, CA_FILES.certificate), certificate.toString("pem"), 0o644);
  return folder;
}

/**
 * @param csr PEM of a certificate request whose key stays with the device; its subject is not looked at.
 * @throws Refused `CA_MISSING`, `CSR_INVALID`.
 */
export async function issueCertificate(
  dataDir: string,
  order: { readonly device: string; readonly days: number; readonly now: number; readonly csr?: string },
): Promise<NewCertificate> {
  const { device, now } = order;
  const authority = await openAuthority(dataDir);
  const keys = order.csr === undefined ? await newKeys() : null;
  const publicKey = keys?.publicKey ?? (await requestedKey(order.csr ?? ""));
  const serial = newSerial();
  // Nothing outlives the CA: OpenSSL would refuse it, and nobody would know why.
  const endsAt = Math.min(now + order.days * DAY_MS, authority.certificate.notAfter.getTime());
  const certificate = await X509CertificateGenerator.create({
    ...{ serialNumber: serial, subject: `CN=${device}`, issuer: authority.certificate.subject },
    ...{ notBefore: new Date(now - EARLY_MS), notAfter: new Date(endsAt), publicKey },
    ...{ signingKey: authority.key, signingAlgorithm: ALGORITHM },
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([{ type: "url", value: `urn:jingtu:device:${device}` }]),
      await AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  register(authority.folder, [{ serial, device, issuedAt: now, endsAt, revokedAt: null }]);
  const key = keys ? await keyPem(keys.privateKey) : null;
  return { serial, endsAt, certificate: certificate.toString("pem"), key };
}

/** Revokes every certificate of the device that is still good. @returns their serial numbers. @throws Refused `CA_MISSING`. */
export async function revokeCertificates(dataDir: string, device: string, now: number): Promise<readonly string[]> {
  const authority = await openAuthority(dataDir);
  const all = issuedCertificates(dataDir);
  const ended = all.filter((one) => one.device === device && one.revokedAt === null && one.endsAt > now);
  register(
    authority.folder,
    ended.map((one) => ({ ...one, revokedAt: now })),
  );
  await writeList(authority.folder, authority, issuedCertificates(dataDir), now);
  return ended.map(({ serial }) => serial);
}

/** Every certificate that was issued, as it stands. A last line that was never finished is none. */
export function issuedCertificates(dataDir: string): readonly IssuedCertificate[] {
  const file = join(dataDir, "ca", CA_FILES.register);
  if (!existsSync(file)) return [];
  const lines = finished(readFileSync(file, "utf8")).split("\n").filter(Boolean);
  const entries = lines.map((line) => Entry.parse(JSON.parse(line)));
  return [...new Map(entries.map((entry) => [entry.serial, entry])).values()];
}

interface Authority {
  readonly certificate: X509Certificate;
  readonly key: webcrypto.CryptoKey;
  readonly folder: string;
}

async function openAuthority(dataDir: string): Promise<Authority> {
  const folder = join(dataDir, "ca");
  if (!hasAuthority(dataDir))
    throw new Refused("CA_MISSING", { what: "there is no CA yet", where: folder, mend: "run `jingtu ca init`" });
  const [pkcs8 = new ArrayBuffer(0)] = PemConverter.decode(readFileSync(join(folder, CA_FILES.key), "utf8"));
  const key = await webcrypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]);
  const certificate = new X509Certificate(readFileSync(join(folder, CA_FILES.certificate), "utf8"));
  return { certificate, key, folder };
}

/** The list is good as long as the CA: it is written at every revocation, not by the calendar. */
async function writeList(
  folder: string,
  { certificate, key }: Omit<Authority, "folder">,
  issued: readonly IssuedCertificate[],
  now: number,
): Promise<void> {
  const revoked = issued.flatMap(({ serial, revokedAt }) => (revokedAt === null ? [] : [{ serial, revokedAt }]));
  const list = await X509CrlGenerator.create({
    ...{ issuer: certificate.subject, signingKey: key, signingAlgorithm: ALGORITHM },
    ...{ thisUpdate: new Date(now - EARLY_MS), nextUpdate: certificate.notAfter },
    entries: revoked.map(({ serial, revokedAt }) => {
      return { serialNumber: serial, revocationDate: new Date(revokedAt), reason: X509CrlReason.cessationOfOperation };
    }),
  });
  // The vendor's own label, "CRL", is one that OpenSSL does not read.
  writeWhole(join(folder, CA_FILES.revoked), PemConverter.encode(list.rawData, "X509 CRL"), 0o644);
}

function register(folder: string, entries: readonly IssuedCertificate[]): void {
  const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
  const file = join(folder, CA_FILES.register);
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  // What a writer that was killed, or a copy taken meanwhile, left of a line must not become the head of this one.
  if (finished(text) !== text) truncateSync(file, Buffer.byteLength(finished(text)));
  appendFileSync(file, lines, { mode: 0o600, flush: true });
}

function finished(text: string): string {
  return text.slice(0, text.lastIndexOf("\n") + 1);
}

/** Whoever reads the file meanwhile sees the old one or the new one. */
function writeWhole(file: string, text: string, mode: number): void {
  const fresh = `${file}.new`;
  writeFileSync(fresh, text.endsWith("\n") ? text : `${text}\n`, { mode, flush: true });
  renameSync(fresh, file);
}

async function requestedKey(csr: string): Promise<webcrypto.CryptoKey> {
  try {
    const request = new Pkcs10CertificateRequest(csr);
    if (await request.verify()) return await request.publicKey.export();
  } catch {
    // told below: what exactly the vendor minds helps nobody
  }
  throw new Refused("CSR_INVALID", { what: "this is no certificate request signed by its own key", mend: "give PEM" });
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** 127 random bits; the first is 0, so that the number is positive in DER. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f || 1;
  return bytes.toString("hex");
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
