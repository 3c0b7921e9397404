/** The door of HJ 212: one port, TLS when it has a certificate; plain beyond loopback only when asked for. */
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { type Config, environmentName } from "../core/config.ts";
import { Misconfigured } from "../core/errors.ts";
import { isLoopback, pem, portFault } from "../core/listen.ts";
import type { Logger } from "../core/observe.ts";

export type Hj212Config = Pick<
  Config,
  | "host"
  | "hj212Port"
  | "hj212TlsCert"
  | "hj212TlsKey"
  | "hj212Insecure"
  | "hj212ConnectionsPerAddress"
  | "hj212Connections"
  | "hj212ConnectsPerMinute"
>;

export interface Door {
  readonly port: number;
  /** Accepts nothing more; what is open stays open. */
  stop(): void;
}

const HANDSHAKE_MS_MAX = 5_000;
const LOOPBACK_HOST = "127.0.0.1";

/**
 * @param parts.admit before TLS sees the socket; destroys it when it says no.
 * @param parts.accept the byte stream, after the TLS handshake if there is one.
 * @throws Misconfigured `PORT_IN_USE`, `PORT_FORBIDDEN`, `HOST_UNKNOWN`, `TLS_INCOMPLETE`, `TLS_UNREADABLE`, `TLS_INVALID`.
 */
export async function openDoor(
  config: Hj212Config,
  parts: {
    readonly log: Logger;
    readonly admit: (socket: Socket) => void;
    readonly accept: (stream: Socket) => void;
    readonly onBadHandshake: () => void;
  },
): Promise<Door> {
  const tls = tlsOptions(config);
  const accept = (socket: Socket): void => {
    if (!socket.destroyed) parts.accept(socket);
  };
  const server: Server = tls
    ? createTlsServer({ ...tls, noDelay: true }, accept).on("tlsClientError", parts.onBadHandshake)
    : createTcpServer({ noDelay: true }, accept);
  server.prependListener("connection", parts.admit);
  const host = tls ? config.host : plainHost(config, parts.log);
  const port = await bind(server, config.hj212Port, host);
  return { port, stop: () => void server.close() };
}

/** Devices that speak it are rarely set up on the first day: so no start is refused, but nothing is opened unasked. */
function plainHost({ host, hj212Insecure }: Hj212Config, log: Logger): string {
  if (hj212Insecure || isLoopback(host)) return host;
  log.warn(
    { host },
    `plain HJ 212 listens on ${LOOPBACK_HOST} only; EWS_HJ212_INSECURE=1 or EWS_HJ212_TLS_CERT opens it`,
  );
  return LOOPBACK_HOST;
}

function bind(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(portFault(error, { key: "hj212Port", port, host })));
    server.listen({ port, host }, () => {
      server.removeAllListeners("error").on("error", ignore);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Null when TLS is not configured. Each setting is a path, or the PEM text itself (from `EWS_…_FILE`). */
function tlsOptions({ hj212TlsCert: cert, hj212TlsKey: key }: Hj212Config): TlsOptions | null {
  if (!cert && !key) return null;
  if (!cert || !key)
    throw new Misconfigured("TLS_INCOMPLETE", {
      what: "HJ 212 over TLS needs a certificate and its key, one is missing",
      where: environmentName(cert ? "hj212TlsKey" : "hj212TlsCert"),
      mend: "set both, or neither",
    });
  const options: TlsOptions = {
    cert: pem("hj212TlsCert", cert),
    key: pem("hj212TlsKey", key),
    minVersion: "TLSv1.2",
    handshakeTimeout: HANDSHAKE_MS_MAX,
  };
  try {
    createTlsServer(options).close();
    return options;
  } catch (error) {
    throw new Misconfigured(
      "TLS_INVALID",
      {
        what: (error as Error).message,
        where: `${environmentName("hj212TlsCert")}, ${environmentName("hj212TlsKey")}`,
        mend: "give PEM files that belong together",
      },
      { cause: error },
    );
  }
}

function ignore(): void {}
