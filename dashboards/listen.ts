/** Where and how the server listens: TLS when configured, plain HTTP on loopback only unless the operator insists. */
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { isIPv4 } from "node:net";
import type { Config } from "../core/config.ts";
import { Misconfigured } from "../core/errors.ts";

type ListenConfig = Pick<Config, "host" | "httpPort" | "httpTlsCert" | "httpTlsKey" | "httpInsecure">;

export function isLoopback(address: string): boolean {
  const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
  return plain === "localhost" || plain === "::1" || (isIPv4(plain) && plain.startsWith("127."));
}

/** @throws Misconfigured `HTTP_TLS` with one of certificate and key, `HTTP_PLAIN` for plain HTTP beyond loopback. */
export function judgeListener(config: ListenConfig): { readonly tls: boolean } {
  const { httpTlsCert, httpTlsKey, host } = config;
  if ((httpTlsCert === undefined) !== (httpTlsKey === undefined)) {
    throw new Misconfigured("HTTP_TLS", {
      what: "HTTPS needs a certificate and its key",
      where: "EWS_HTTP_TLS_CERT, EWS_HTTP_TLS_KEY",
      mend: "set both or neither",
    });
  }
  if (httpTlsCert === undefined && !isLoopback(host) && !config.httpInsecure) {
    throw new Misconfigured("HTTP_PLAIN", {
      what: `plain HTTP on ${host} would send passwords in clear text`,
      where: "EWS_HOST",
      mend: "set EWS_HTTP_TLS_CERT and EWS_HTTP_TLS_KEY, or EWS_HTTP_INSECURE=1 behind a TLS proxy",
    });
  }
  return { tls: httpTlsCert !== undefined };
}

const LIMITS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 8 * 1_024,
};

/** @throws Misconfigured `HTTP_TLS` when certificate or key cannot be used. */
export function createListener(config: ListenConfig, handler: RequestListener): Server {
  const { httpTlsCert, httpTlsKey } = config;
  if (httpTlsCert === undefined || httpTlsKey === undefined) return createHttpServer(LIMITS, handler);
  try {
    const pair = { cert: readFileSync(httpTlsCert), key: readFileSync(httpTlsKey) };
    return createHttpsServer({ ...LIMITS, ...pair, minVersion: "TLSv1.2" }, handler);
  } catch (error) {
    throw new Misconfigured(
      "HTTP_TLS",
      {
        what: (error as Error).message,
        where: `${httpTlsCert}, ${httpTlsKey}`,
        mend: "give a readable PEM certificate and its key",
      },
      { cause: error },
    );
  }
}

/** Turns the faults of `listen` that an operator can mend into `Misconfigured`. */
export function explainListenError(error: unknown, { host, httpPort }: ListenConfig): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  const reasons: Record<string, [code: string, what: string]> = {
    EADDRINUSE: ["PORT_IN_USE", `port ${httpPort} on ${host} is in use`],
    EACCES: ["PORT_DENIED", `port ${httpPort} on ${host} may not be opened by this user`],
    EADDRNOTAVAIL: ["HOST_UNKNOWN", `${host} is no address of this machine`],
  };
  const reason = reasons[code ?? ""];
  if (!reason) return error;
  const mend = "choose another EWS_HTTP_PORT or EWS_HOST, or stop the other program";
  return new Misconfigured(reason[0], { what: reason[1], where: "EWS_HTTP_PORT", mend }, { cause: error as Error });
}
