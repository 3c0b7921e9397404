/**
 * Who connects: a CONNECT's user name, secret and client id → a grant, or a named reason and the CONNACK code.
 *
 * An unknown user costs what a known one costs: one HMAC, compared in constant time.
 */
import type { Consumer, Directory } from "../core/ports.ts";
import { isOpen, judgeSecret, secretMatches } from "../core/secret.ts";
import { consumerGrant, deviceGrant, type Grant } from "./access.ts";
import type { Certificate } from "./certificates.ts";

/** MQTT 3.1.1 table 3.1: 2 identifier rejected, 4 bad user name or password, 5 not authorised. */
export type ConnackCode = 2 | 4 | 5;

export interface Identity {
  readonly username: string | undefined;
  readonly secret: Uint8Array | undefined;
  /** As the client sent it. */
  readonly clientId: string;
  readonly clean: boolean;
  /** The device that its certificate names, see `certifiedDevice`. */
  readonly certified?: string | null;
}
export interface Accounts {
  readonly directory: Directory;
  readonly consumers: readonly Consumer[];
  readonly pepper: Buffer;
  /** Wall clock, ms: credentials have an end. */
  readonly now: number;
}
export type AuthenticationReason =
  | "client-id-empty"
  | "user-missing"
  | "secret-wrong"
  | "secret-over"
  | "certificate-of-another"
  | "client-id-not-the-device"
  | "device-revoked"
  | "device-without-station";
export type Authentication =
  | { readonly granted: true; readonly grant: Grant; readonly proof: Proof }
  | { readonly granted: false; readonly reason: AuthenticationReason; readonly code: ConnackCode };

/** By what an account signed in; looked at again when the registry changes. */
export type Proof =
  | { readonly kind: "secret"; readonly hmac: string }
  /** Revocation is looked at on the connection itself. */
  | { readonly kind: "certificate" };

const NOTHING = new Uint8Array(0);

export function authenticate(identity: Identity, accounts: Accounts): Authentication {
  const { username, clientId, clean } = identity;
  // MQTT 3.1.1 [MQTT-3.1.3-8]: an empty client id without a clean session is answered with 2 and closed.
  if (clientId === "" && !clean) return refuse("client-id-empty", 2);
  if (username === undefined || username === "") return refuse("user-missing", 5);
  const consumer = isDevice(username, accounts.directory)
    ? undefined
    : accounts.consumers.find((candidate) => candidate.name === username);
  const secret = Buffer.from(identity.secret ?? NOTHING);
  const certified = identity.certified ?? null;
  if (certified !== null && certified !== username) return refuse("certificate-of-another", 5);
  // Who shows a certificate needs no secret; one that is sent all the same must be right.
  if (certified !== null && secret.length === 0)
    return deviceAnswer(username, clientId, accounts, { kind: "certificate" });
  if (consumer) {
    const { hmac } = consumer;
    if (!secretMatches(accounts.pepper, secret, hmac)) return refuse("secret-wrong", 4);
    return { granted: true, grant: consumerGrant(consumer), proof: { kind: "secret", hmac } };
  }
  const verdict = judgeSecret(accounts.pepper, secret, accounts.directory.credentials(username), accounts.now);
  // The answer is the same for both; the count and the log tell them apart.
  if (verdict.kind !== "right") return refuse(verdict.kind === "over" ? "secret-over" : "secret-wrong", 4);
  return deviceAnswer(username, clientId, accounts, { kind: "secret", hmac: verdict.hmac });
}

function deviceAnswer(device: string, clientId: string, { directory }: Accounts, proof: Proof): Authentication {
  const context = directory.device(device);
  if (!context) return refuse("device-without-station", 5);
  if (directory.revokedSince(device) !== undefined) return refuse("device-revoked", 5);
  if (clientId === "") return refuse("client-id-empty", 5);
  if (clientId !== device) return refuse("client-id-not-the-device", 2);
  return { granted: true, grant: deviceGrant(context, directory.carriedBy(device)), proof };
}

/** The registered device that a certificate speaks for; null for one of another name, which proves only its CA. */
export function certifiedDevice(certificate: Certificate | null, directory: Directory): string | null {
  const device = certificate?.device ?? null;
  return device !== null && directory.device(device) ? device : null;
}

/** The grant as it stands in newer accounts; null when the account is gone or what it signed in with is over. */
export function renewGrant(
  grant: Grant,
  proof: Proof,
  accounts: Pick<Accounts, "directory" | "consumers" | "now">,
): Grant | null {
  if (grant.kind === "consumer") {
    const consumer = accounts.consumers.find((candidate) => candidate.name === grant.name);
    return consumer && proof.kind === "secret" && consumer.hmac === proof.hmac ? consumerGrant(consumer) : null;
  }
  const context = accounts.directory.device(grant.name);
  const isRevoked = accounts.directory.revokedSince(grant.name) !== undefined;
  return context && !isRevoked && isProven(grant.name, proof, accounts)
    ? deviceGrant(context, accounts.directory.carriedBy(grant.name))
    : null;
}

function isProven(device: string, proof: Proof, { directory, now }: Pick<Accounts, "directory" | "now">): boolean {
  if (proof.kind === "certificate") return true;
  return directory.credentials(device).some((one) => one.hmac === proof.hmac && isOpen(one, now));
}

/** When the next credential ends, wall clock, ms; infinite when none does. */
export function nextEnd({ snapshot }: Directory, now: number): number {
  let next = Number.POSITIVE_INFINITY;
  for (const { validUntil = next } of snapshot.credentials)
    if (validUntil > now && validUntil < next) next = validUntil;
  return next;
}

/** A device's name wins over a consumer's. */
export function isDevice(username: string, directory: Directory): boolean {
  return directory.device(username) !== undefined || directory.credentials(username).length > 0;
}

/**
 * The client id the broker works with. Each consumer has a room of its own, "5:board:id" (":" occurs in no device id, the
 * length keeps names with ":" apart), so that it can neither throw a device out nor take over another one's session.
 */
export function brokerClientId(identity: Pick<Identity, "username" | "clientId">, directory: Directory): string {
  const { username = "", clientId } = identity;
  return clientId === "" || isDevice(username, directory) ? clientId : `${username.length}:${username}:${clientId}`;
}

function refuse(reason: AuthenticationReason, code: ConnackCode): Authentication {
  return { granted: false, reason, code };
}
