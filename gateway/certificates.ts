/** Client certificates: which device one speaks for, and those that were revoked, followed while the server runs. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { Config } from "../core/config.ts";
import { Misconfigured } from "../core/errors.ts";
import { pem } from "../core/listen.ts";
import type { Logger } from "../core/observe.ts";
import { Id } from "../core/site.ts";
import { revokedSerials, serialOf } from "./crl.ts";

/** In the data folder, where `jingtu ca init` puts it. */
const LOCAL_LIST = join("ca", "crl.pem");

export interface Certificate {
  /** Null when it names none: then it proves nothing but its CA. */
  readonly device: string | null;
  /** The name was made for devices (`urn:jingtu:device:ID`): it is no one else's, also when no device bears it. */
  readonly isDevices: boolean;
  readonly serial: string;
  /** Wall clock, ms. */
  readonly endsAt: number;
}
export type PeerVerdict =
  | { readonly kind: "none" }
  | { readonly kind: "shown"; readonly certificate: Certificate }
  | {
      readonly kind: "refused";
      readonly reason:
        | "certificate-missing"
        | "certificate-revoked"
        | "certificate-expired"
        | "certificate-untrusted"
        | "certificate-of-nobody";
    };

/** `urn:jingtu:device:ID` among the alternative names, else the common name. */
export function certificateOf(peer: PeerCertificate): Certificate {
  const { subject, subjectaltname, serialNumber } = peer;
  const serial = serialOf(serialNumber);
  const [, named] = /(?:^|, )URI:urn:jingtu:device:([A-Za-z0-9_.-]{1,64})(?=,|$)/.exec(subjectaltname ?? "") ?? [];
  const parsed = Id.safeParse(named ?? subject.CN);
  const endsAt = Date.parse(peer.valid_to);
  return { device: parsed.success ? parsed.data : null, isDevices: named !== undefined, serial, endsAt };
}

/**
 * Asked once the handshake is over; the handshake itself lets everybody through, so that each refusal has a name.
 *
 * @param parts.isRequired no connection without a certificate; one of a device that was removed is none.
 * @param parts.now wall clock, ms. Looked at here too: a resumed session brings its old verdict with it.
 */
export function judgePeer(
  socket: TLSSocket,
  parts: {
    readonly isRequired: boolean;
    readonly revocations: Revocations;
    readonly isRegistered: (device: string) => boolean;
    readonly now: number;
  },
): PeerVerdict {
  const { isRequired, revocations, now } = parts;
  const peer = socket.getPeerCertificate() as PeerCertificate | Record<string, never>;
  if (!("serialNumber" in peer))
    return isRequired ? { kind: "refused", reason: "certificate-missing" } : { kind: "none" };
  const certificate = certificateOf(peer as PeerCertificate);
  const error = String(socket.authorizationError ?? "");
  if (revocations.has(certificate.serial) || error.includes("CERT_REVOKED"))
    return { kind: "refused", reason: "certificate-revoked" };
  if (isOver(certificate, now) || error.includes("CERT_HAS_EXPIRED"))
    return { kind: "refused", reason: "certificate-expired" };
  if (!socket.authorized) return { kind: "refused", reason: "certificate-untrusted" };
  return isRequired && isOfNobody(certificate, parts.isRegistered)
    ? { kind: "refused", reason: "certificate-of-nobody" }
    : { kind: "shown", certificate };
}

export function isOver({ endsAt }: Certificate, now: number): boolean {
  return endsAt <= now;
}

/** It was made for a device that the registry does not have, or no longer. */
export function isOfNobody({ device, isDevices }: Certificate, isRegistered: (device: string) => boolean): boolean {
  return isDevices && (device === null || !isRegistered(device));
}

type RevocationConfig = Pick<Config, "mqttTlsCa" | "mqttTlsCrl" | "dataDir">;

/**
 * The revocation list of `mqttTlsCrl`, or, when that is not set, of the local CA in the data folder once there is one.
 * Nothing is revoked when there is neither.
 */
export class Revocations {
  readonly #source: string | undefined;
  /** The local CA's: it may come later, and other CAs may be trusted beside it. */
  readonly #isLocal: boolean;
  readonly #log: Logger;
  #seen = "";
  /** It has been said that the file cannot be read, or not be understood, in these words. */
  #saidFault = "";
  #serials: ReadonlySet<string> = new Set();
  #pem: string | undefined;

  /** @throws Misconfigured `TLS_UNREADABLE`, `TLS_INVALID`. */
  constructor({ mqttTlsCa, mqttTlsCrl, dataDir }: RevocationConfig, log: Logger) {
    this.#isLocal = mqttTlsCrl === undefined && mqttTlsCa !== undefined;
    this.#source = this.#isLocal ? join(dataDir, LOCAL_LIST) : mqttTlsCrl;
    this.#log = log;
    if (this.#source === undefined) return;
    try {
      this.#seen = this.#stamp();
      if (this.#isLocal && this.#seen === "") return;
      this.#take(pem("mqttTlsCrl", this.#source));
    } catch (error) {
      if (error instanceof Misconfigured) throw error;
      throw new Misconfigured("TLS_INVALID", {
        what: (error as Error).message,
        where: this.#isLocal ? this.#source : "EWS_MQTT_TLS_CRL",
        mend: "give a revocation list in PEM",
      });
    }
  }

  /**
   * For OpenSSL, which then wants a list of every CA that is trusted: so the local CA's list is not given to it, its
   * serial numbers are looked at by us alone.
   */
  get pem(): string | undefined {
    return this.#isLocal ? undefined : this.#pem;
  }
  has(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /**
   * Reads the file again when it has changed, and until that succeeds. Never throws: whatever is wrong with the file, the
   * old list stays in force. @returns whether another list is in force.
   */
  refresh(): boolean {
    if (this.#source === undefined) return false;
    try {
      const stamp = this.#stamp();
      if (stamp === this.#seen) return false;
      this.#take(readFileSync(this.#source, "utf8"));
      this.#seen = stamp;
      this.#saidFault = "";
      this.#log.info({ revoked: this.#serials.size }, "revocation list read");
      return true;
    } catch (error) {
      const fault = String(error);
      if (fault !== this.#saidFault)
        this.#log.error({ err: error }, "the revocation list cannot be read; the old one stays in force");
      this.#saidFault = fault;
      return false;
    }
  }

  #take(text: string): void {
    this.#serials = revokedSerials(text);
    this.#pem = text;
  }

  /** Empty for a list given as text and for none so far; a file that is away for a moment is as it was. */
  #stamp(): string {
    if (this.#source === undefined || this.#source.includes("-----BEGIN")) return "";
    const stat = statSync(this.#source, { throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : this.#seen;
  }
}
