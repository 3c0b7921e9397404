/** What every listener shares: which addresses are this machine's own, PEM settings, and faults of binding in words. */
import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { type Config, environmentName } from "./config.ts";
import { Misconfigured } from "./errors.ts";

type PemKey =
  | "httpTlsCert"
  | "httpTlsKey"
  | "mqttTlsCert"
  | "mqttTlsKey"
  | "mqttTlsCa"
  | "mqttTlsCrl"
  | "hj212TlsCert"
  | "hj212TlsKey";
export type PortKey = Extract<keyof Config, `${string}Port`>;

/** True for 127.0.0.0/8 (RFC 1122, 3.2.1.3), also mapped into IPv6, for ::1, and for the host setting `localhost`. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d)/i, "");
  return plain === "localhost" || plain === "::1" || (isIPv4(plain) && plain.startsWith("127."));
}

/**
 * The text of a PEM setting: a path, or the text itself (from `EWS_…_FILE`).
 * The value may be a key, and file system errors quote their path: so the fault tells only the setting and the code.
 * @throws Misconfigured `TLS_UNREADABLE` naming the setting.
 */
export function pem(key: PemKey, value: string): string {
  if (value.includes("-----BEGIN")) return value;
  try {
    return readFileSync(value, "utf8");
  } catch (error) {
    throw new Misconfigured("TLS_UNREADABLE", {
      what: `the PEM file cannot be read (${(error as NodeJS.ErrnoException).code})`,
      where: environmentName(key),
      mend: "point it at a readable PEM file",
    });
  }
}

/** Turns what an operator can mend into Misconfigured `PORT_IN_USE`, `PORT_FORBIDDEN` or `HOST_UNKNOWN`; else as it is. */
export function portFault(error: unknown, { key, port, host }: { key: PortKey; port: number; host: string }): unknown {
  const variable = environmentName(key);
  const where = `${variable}=${port}`;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE")
    return new Misconfigured(
      "PORT_IN_USE",
      { what: `port ${port} on ${host} is in use`, where, mend: `stop the other program or set ${variable}` },
      { cause: error },
    );
  if (code === "EACCES")
    return new Misconfigured(
      "PORT_FORBIDDEN",
      { what: `port ${port} may not be opened by this user`, where, mend: "choose a port above 1023" },
      { cause: error },
    );
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new Misconfigured(
      "HOST_UNKNOWN",
      {
        what: `${host} is no address of this machine`,
        where: "EWS_HOST",
        mend: "set EWS_HOST to one, or 0.0.0.0 for all",
      },
      { cause: error },
    );
  return error;
}
