/**
 * The doors: TCP, TLS and WebSocket listeners that hand each admitted connection's byte stream on.
 *
 * Plain listeners open on loopback only unless `mqttInsecure`: secrets and readings cross a network only encrypted.
 */
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from "node:tls";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../core/clock.ts";
import { type Config, environmentName } from "../core/config.ts";
import { Misconfigured } from "../core/errors.ts";
import { addressKey } from "../core/failure-pace.ts";
import { isLoopback, pem, portFault } from "../core/listen.ts";
import type { Logger } from "../core/observe.ts";
import { Admission } from "./admission.ts";
import { type Certificate, judgePeer, type Revocations } from "./certificates.ts";
import { DEVICE_FRAME_BYTES_MAX } from "./frames.ts";
import type { ConnectRate } from "./limits.ts";
import type { Refused } from "./refusals.ts";
import { connectionKey, type Room } from "./room.ts";

export type ListenerConfig = Pick<
  Config,
  | "dataDir"
  | "host"
  | "mqttPort"
  | "mqttsPort"
  | "wsPort"
  | "mqttTlsCert"
  | "mqttTlsKey"
  | "mqttTlsCa"
  | "mqttTlsCrl"
  | "mqttTlsClients"
  | "mqttInsecure"
>;
export interface Addresses {
  readonly mqtt: number | null;
  readonly mqtts: number | null;
  readonly ws: number | null;
}
export interface Doors {
  readonly room: Room;
  readonly rate: ConnectRate;
  readonly clock: Clock;
  readonly log: Logger;
  readonly revocations: Revocations;
  readonly isRegistered: (device: string) => boolean;
  /** With whom it was, where that is worth a line in the log. */
  readonly refuse: (reason: string, who?: Refused) => void;
  readonly accept: (stream: Duplex, from: Arrival) => void;
}
/** Where a connection came from, by what certificate, and who wants to know that it has signed in. */
export interface Arrival {
  readonly address: string;
  readonly certificate?: Certificate;
  readonly request?: IncomingMessage;
  readonly onSignIn?: () => void;
}
export interface Listeners {
  readonly addresses: Addresses;
  /** Handshakes from now on follow the present revocation list. */
  renewTls(): void;
  /** Accepts nothing more. */
  stop(): void;
  /** Ends what is still open. */
  close(): Promise<void>;
}

const HANDSHAKE_MS_MAX = 5_000;
const WS_SUBPROTOCOLS = ["mqtt", "mqttv3.1"];
/** A WebSocket message is gathered whole before MQTT sees it: of so many who have not signed in; the oldest makes room. */
const WS_UNAUTHENTICATED_MAX = 200;
const LOOPBACK_HOST = "127.0.0.1";

/**
 * @throws Misconfigured `PORT_IN_USE`, `PORT_FORBIDDEN` or `HOST_UNKNOWN` naming the variable to change (what was opened
 *   before is closed again), `MQTT_PLAIN` for plain MQTT beyond loopback without TLS, `TLS_INCOMPLETE`, `TLS_UNREADABLE`
 *   or `TLS_INVALID` for the certificate files.
 */
export async function openListeners(config: ListenerConfig, doors: Doors): Promise<Listeners> {
  const admission = new Admission(doors);
  const opened: Server[] = [];
  const tls = tlsOptions(config, doors.revocations);
  const plainHost = judgePlainHost(config, tls !== null, doors.log);
  const open = async (server: Server, key: "mqttPort" | "mqttsPort" | "wsPort", host: string): Promise<number> => {
    server.prependListener("connection", (socket: Socket) => void admission.admit(socket));
    opened.push(server);
    return bind(server, key, config[key], host);
  };
  const stop = (): void => {
    for (const server of opened) server.close();
  };
  try {
    const tcp = createTcpServer({ noDelay: true }, (socket) => {
      if (!socket.destroyed) doors.accept(socket, arrivalOf(socket, doors));
    });
    const mqtt = await open(tcp, "mqttPort", plainHost);
    const ws = await open(webSocketServer(doors), "wsPort", plainHost);
    const secure = tls ? tlsServer(tls, config, doors) : null;
    const mqtts = secure ? await open(secure, "mqttsPort", config.host) : null;
    return {
      addresses: { mqtt, mqtts, ws },
      renewTls: () => {
        const options = secure && tlsOptions(config, doors.revocations);
        if (options) secure.setSecureContext(options);
      },
      stop,
      close: async () => {
        stop();
        admission.close();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** With TLS the devices beyond loopback have a door, so the plain ones stay behind; without, nobody could come in. */
function judgePlainHost({ host, mqttInsecure }: ListenerConfig, hasTls: boolean, log: Logger): string {
  if (mqttInsecure || isLoopback(host)) return host;
  if (!hasTls)
    throw new Misconfigured("MQTT_PLAIN", {
      what: `plain MQTT on ${host} would send secrets and readings in clear text`,
      where: "EWS_HOST",
      mend: "set EWS_MQTT_TLS_CERT and EWS_MQTT_TLS_KEY, or EWS_MQTT_INSECURE=1 behind a TLS proxy",
    });
  log.warn({ host }, `plain MQTT and WebSocket listen on ${LOOPBACK_HOST} only; EWS_MQTT_INSECURE=1 opens them`);
  return LOOPBACK_HOST;
}

function arrivalOf(socket: Socket, { room }: Doors): Arrival {
  const key = connectionKey(socket);
  return { address: addressKey(socket.remoteAddress), onSignIn: () => room.know(key) };
}

function tlsServer(options: TlsOptions, config: ListenerConfig, doors: Doors): TlsServer {
  const isRequired = config.mqttTlsClients === "required";
  const server = createTlsServer({ ...options, noDelay: true }, (socket) => {
    const arrival = arrivalOf(socket, doors);
    if (!options.requestCert) return doors.accept(socket, arrival);
    const peer = judgePeer(socket, { ...doors, isRequired, now: doors.clock.now() });
    if (peer.kind === "none") return doors.accept(socket, arrival);
    if (peer.kind === "shown") return doors.accept(socket, { ...arrival, certificate: peer.certificate });
    doors.refuse(peer.reason, {
      address: arrival.address,
      account: String(socket.getPeerCertificate().subject?.CN ?? ""),
    });
    socket.destroy();
  });
  server.on("tlsClientError", () => doors.refuse("tls-handshake"));
  return server;
}

function webSocketServer(doors: Doors): Server {
  const http = createHttpServer(
    { headersTimeout: HANDSHAKE_MS_MAX, requestTimeout: HANDSHAKE_MS_MAX },
    (_request, response) => {
      response.writeHead(426, { upgrade: "websocket", connection: "close" }).end();
    },
  );
  const webSockets = new WebSocketServer({
    server: http,
    maxPayload: DEVICE_FRAME_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: (offered) => WS_SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
  });
  /** Oldest first. */
  const unauthenticated = new Set<WebSocket>();
  webSockets.on("connection", (socket, request) => {
    socket.on("error", ignore);
    // MQTT 3.1.1 [MQTT-6.0.0-3]: the client must offer "mqtt". [MQTT-6.0.0-1]: binary frames only.
    if (!WS_SUBPROTOCOLS.includes(socket.protocol)) {
      doors.refuse("websocket-subprotocol");
      socket.close(1002);
      return;
    }
    socket.on("message", (_data, isBinary) => {
      if (!isBinary) socket.terminate();
    });
    const [oldest] = unauthenticated;
    if (oldest && unauthenticated.size >= WS_UNAUTHENTICATED_MAX) {
      doors.refuse("websockets-unauthenticated");
      unauthenticated.delete(oldest);
      oldest.terminate();
    }
    unauthenticated.add(socket);
    socket.once("close", () => unauthenticated.delete(socket));
    const arrival = arrivalOf(request.socket, doors);
    const onSignIn = (): void => {
      unauthenticated.delete(socket);
      arrival.onSignIn?.();
    };
    doors.accept(createWebSocketStream(socket), { ...arrival, request, onSignIn });
  });
  webSockets.on("error", ignore); // a fault of binding is reported by `bind`
  return http;
}

function bind(server: Server, key: "mqttPort" | "mqttsPort" | "wsPort", port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(portFault(error, { key, port, host })));
    server.listen({ port, host }, () => {
      server.removeAllListeners("error").on("error", ignore);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Null when TLS is not configured. Each setting is a path, or the PEM text itself (from `EWS_…_FILE`). */
function tlsOptions(config: ListenerConfig, revocations: Revocations): TlsOptions | null {
  const { mqttTlsCert, mqttTlsKey, mqttTlsCa, mqttTlsCrl } = config;
  if (mqttTlsCrl && !mqttTlsCa)
    throw new Misconfigured("TLS_INCOMPLETE", {
      what: "a revocation list without the CA whose certificates it revokes",
      where: environmentName("mqttTlsCa"),
      mend: "set both, or neither",
    });
  if (!mqttTlsCert && !mqttTlsKey) return null;
  if (!mqttTlsCert || !mqttTlsKey)
    throw new Misconfigured("TLS_INCOMPLETE", {
      what: "MQTT over TLS needs a certificate and its key, one is missing",
      where: environmentName(mqttTlsCert ? "mqttTlsKey" : "mqttTlsCert"),
      mend: "set both, or neither",
    });
  const options: TlsOptions = {
    cert: pem("mqttTlsCert", mqttTlsCert),
    key: pem("mqttTlsKey", mqttTlsKey),
    minVersion: "TLSv1.2",
    handshakeTimeout: HANDSHAKE_MS_MAX,
    // Judged after the handshake (`judgePeer`), which knows who it was and counts why.
    ...(mqttTlsCa ? { ca: pem("mqttTlsCa", mqttTlsCa), requestCert: true, rejectUnauthorized: false } : {}),
    ...(revocations.pem === undefined ? {} : { crl: revocations.pem }),
  };
  try {
    // An empty file, as one has that is just being written, is no fault to OpenSSL: it would leave us without a key.
    if (!String(options.cert).includes("-----BEGIN") || !String(options.key).includes("-----BEGIN"))
      throw new Error("there is no PEM text in it");
    createTlsServer(options).close();
  } catch (error) {
    throw new Misconfigured(
      "TLS_INVALID",
      {
        what: (error as Error).message,
        where: `${environmentName("mqttTlsCert")}, ${environmentName("mqttTlsKey")}`,
        mend: "give PEM files that belong together",
      },
      { cause: error },
    );
  }
  return options;
}

function ignore(): void {}
