/** Client certificates: which device one speaks for, and those that were revoked, followed while the server runs. */
import { readFileSync, statSync } from "node:fs";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { Config } from "../core/config.ts";
import { Misconfigured } from "../core/errors.ts";
import { pem } from "../core/listen.ts";
import type { Logger } from "../core/observe.ts";
import { Id } from "../core/site.ts";
import { revokedSerials, serialOf } from "./crl.ts";

export interface Certificate {
  /** Null when it names none: then it proves nothing but its CA. */
  readonly device: string | null;
  readonly serial: string;
}
export type PeerVerdict =
  | { readonly kind: "none" }
  | { readonly kind: "shown"; readonly certificate: Certificate }
  | {
      readonly kind: "refused";
      readonly reason: "certificate-missing" | "certificate-revoked" | "certificate-untrusted";
    };

/** `urn:jingtu:device:ID` among the alternative names, else the common name. */
export function certificateOf({ subject, subjectaltname, serialNumber }: PeerCertificate): Certificate {
  const serial = serialOf(serialNumber);
  const [, named] = /(?:^|, )URI:urn:jingtu:device:([A-Za-z0-9_.-]{1,64})(?=,|$)/.exec(subjectaltname ?? "") ?? [];
  const parsed = Id.safeParse(named ?? subject.CN);
  return { device: parsed.success ? parsed.data : null, serial };
}

/** Asked once the handshake is over; the handshake itself lets everybody through, so that each refusal has a name. */
export function judgePeer(socket: TLSSocket, isRequired: boolean, revocations: Revocations): PeerVerdict {
  const peer = socket.getPeerCertificate() as PeerCertificate | Record<string, never>;
  if (!("serialNumber" in peer))
    return isRequired ? { kind: "refused", reason: "certificate-missing" } : { kind: "none" };
  const certificate = certificateOf(peer as PeerCertificate);
  const error = String(socket.authorizationError ?? "");
  if (revocations.has(certificate.serial) || error.includes("CERT_REVOKED"))
    return { kind: "refused", reason: "certificate-revoked" };
  return socket.authorized ? { kind: "shown", certificate } : { kind: "refused", reason: "certificate-untrusted" };
}

/** The revocation list of `mqttTlsCrl`; nothing is revoked when there is none. */
export class Revocations {
  readonly #source: string | undefined;
  readonly #log: Logger;
  #seen = "";
  #serials: ReadonlySet<string> = new Set();
  #pem: string | undefined;

  /** @throws Misconfigured `TLS_UNREADABLE`, `TLS_INVALID`. */
  constructor({ mqttTlsCrl }: Pick<Config, "mqttTlsCrl">, log: Logger) {
    this.#source = mqttTlsCrl;
    this.#log = log;
    if (mqttTlsCrl === undefined) return;
    this.#seen = this.#stamp();
    this.#pem = pem("mqttTlsCrl", mqttTlsCrl);
    try {
      this.#serials = revokedSerials(this.#pem);
    } catch (error) {
      const what = (error as Error).message;
      throw new Misconfigured("TLS_INVALID", {
        what,
        where: "EWS_MQTT_TLS_CRL",
        mend: "give a revocation list in PEM",
      });
    }
  }

  get pem(): string | undefined {
    return this.#pem;
  }
  has(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /** Reads the file again when it has changed. @returns whether another list is in force. */
  refresh(): boolean {
    if (this.#source === undefined) return false;
    const stamp = this.#stamp();
    if (stamp === this.#seen) return false;
    this.#seen = stamp;
    try {
      const text = readFileSync(this.#source, "utf8");
      this.#serials = revokedSerials(text);
      this.#pem = text;
      this.#log.info({ revoked: this.#serials.size }, "revocation list read");
      return true;
    } catch (error) {
      this.#log.error({ err: error }, "the revocation list cannot be read; the old one stays in force");
      return false;
    }
  }

  /** Empty for a list given as text, and for a file that is away for a moment. */
  #stamp(): string {
    if (this.#source === undefined || this.#source.includes("-----BEGIN")) return "";
    const stat = statSync(this.#source, { throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : this.#seen;
  }
}
