/**
 * Who connects: a CONNECT's user name, secret and client id → a grant, or a named reason and the CONNACK code.
 *
 * An unknown user costs what a known one costs: one HMAC, compared in constant time.
 */
import type { Consumer, Directory } from "../core/ports.ts";
import { secretMatches } from "../core/secret.ts";
import { consumerGrant, deviceGrant, type Grant } from "./access.ts";

/** MQTT 3.1.1 table 3.1: 2 identifier rejected, 4 bad user name or password, 5 not authorised. */
export type ConnackCode = 2 | 4 | 5;

export interface Identity {
  readonly username: string | undefined;
  readonly secret: Uint8Array | undefined;
  /** As the client sent it. */
  readonly clientId: string;
  readonly clean: boolean;
}
export interface Accounts {
  readonly directory: Directory;
  readonly consumers: readonly Consumer[];
  readonly pepper: Buffer;
}
export type AuthenticationReason =
  | "client-id-empty"
  | "user-missing"
  | "secret-wrong"
  | "client-id-not-the-device"
  | "device-without-station";
export type Authentication =
  | { readonly granted: true; readonly grant: Grant; readonly hmac: string }
  | { readonly granted: false; readonly reason: AuthenticationReason; readonly code: ConnackCode };

const NOTHING = new Uint8Array(0);

export function authenticate(identity: Identity, accounts: Accounts): Authentication {
  const { username, clientId, clean } = identity;
  // MQTT 3.1.1 [MQTT-3.1.3-8]: an empty client id without a clean session is answered with 2 and closed.
  if (clientId === "" && !clean) return refuse("client-id-empty", 2);
  if (username === undefined || username === "") return refuse("user-missing", 5);
  const consumer = isDevice(username, accounts.directory)
    ? undefined
    : accounts.consumers.find((candidate) => candidate.name === username);
  const hmac = consumer ? consumer.hmac : accounts.directory.credential(username);
  if (!secretMatches(accounts.pepper, Buffer.from(identity.secret ?? NOTHING), hmac)) return refuse("secret-wrong", 4);
  if (consumer) return { granted: true, grant: consumerGrant(consumer), hmac: consumer.hmac };
  const context = accounts.directory.device(username);
  if (!context || hmac === undefined) return refuse("device-without-station", 5);
  if (clientId === "") return refuse("client-id-empty", 5);
  if (clientId !== username) return refuse("client-id-not-the-device", 2);
  return { granted: true, grant: deviceGrant(context, accounts.directory.carriedBy(username)), hmac };
}

/** The grant as it stands in newer accounts; null when the account is gone or its secret was changed. */
export function renewGrant(
  grant: Grant,
  hmac: string,
  accounts: Pick<Accounts, "directory" | "consumers">,
): Grant | null {
  if (grant.kind === "consumer") {
    const consumer = accounts.consumers.find((candidate) => candidate.name === grant.name);
    return consumer?.hmac === hmac ? consumerGrant(consumer) : null;
  }
  const context = accounts.directory.device(grant.name);
  if (!context || accounts.directory.credential(grant.name) !== hmac) return null;
  return deviceGrant(context, accounts.directory.carriedBy(grant.name));
}

/** A device's name wins over a consumer's. */
export function isDevice(username: string, directory: Directory): boolean {
  return directory.credential(username) !== undefined;
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
