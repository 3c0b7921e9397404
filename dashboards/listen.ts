/** Where and how the server listens: TLS when configured, plain HTTP on loopback only unless the operator insists. */
import { createServer as createHttpServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Config } from "../core/config.ts";
import { Misconfigured } from "../core/errors.ts";
import { isLoopback, pem } from "../core/listen.ts";

type ListenConfig = Pick<Config, "host" | "httpPort" | "httpTlsCert" | "httpTlsKey" | "httpInsecure">;

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

/** @throws Misconfigured `TLS_UNREADABLE` or `HTTP_TLS` when certificate or key cannot be used. */
export function createListener(config: ListenConfig, handler: RequestListener): Server {
  const { httpTlsCert, httpTlsKey } = config;
  if (httpTlsCert === undefined || httpTlsKey === undefined) return createHttpServer(LIMITS, handler);
  const pair = { cert: pem("httpTlsCert", httpTlsCert), key: pem("httpTlsKey", httpTlsKey) };
  try {
    return createHttpsServer({ ...LIMITS, ...pair, minVersion: "TLSv1.2" }, handler);
  } catch (error) {
    throw new Misconfigured(
      "HTTP_TLS",
      {
        what: (error as Error).message,
        where: "EWS_HTTP_TLS_CERT, EWS_HTTP_TLS_KEY",
        mend: "give PEM files that belong together",
      },
      { cause: error },
    );
  }
}
