/** A real gateway with HJ 212 devices, and a raw client that writes exactly the bytes a test wants written. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { DeviceProfile } from "../../../core/device-profile.ts";
import type { Hj212CrcVariant } from "../../../core/hj212-crc.ts";
import { encodeFrame } from "../../../core/hj212-frame.ts";
import { Hj212Framer } from "../../../core/hj212-framer.ts";
import { type Hj212Segment, parseSegment } from "../../../core/hj212-segment.ts";
import type { RegistrySnapshot } from "../../../core/ports.ts";
import type { DeviceSecrets } from "../../../gateway/hj212-server.ts";
import { aDevice, aSite, aSnapshot, aStation, aTenant } from "../../support/builders.ts";

export const MN = { one: "A1234567890123456789012A", two: "B_lower_case", modbus: "MODBUS-1", encrypted: "ENC-2025" };
export const PASSWORD = "123456";
export const SM4_KEY = Buffer.from("0123456789abcdef");

/** Devices logger-1 (password known); logger-2, modbus-1 (another check) and encrypted-1 (2025 with a key), carried by it. */
export function fieldRegistry(count = 0): RegistrySnapshot {
  const device = (id: string, hj212: object, via?: string) =>
    aDevice({ id, station: "mw-1", profile: DeviceProfile.parse({ hj212 }), ...(via ? { via } : {}) });
  return aSnapshot({
    tenants: [aTenant({ id: "acme" })],
    sites: [aSite({ id: "site-1", tenant: "acme" })],
    stations: [aStation({ id: "mw-1", site: "site-1" })],
    devices: [
      device("logger-1", { mn: MN.one }),
      device("logger-2", { mn: MN.two }, "logger-1"),
      device("modbus-1", { mn: MN.modbus, crc: "modbus-le" }, "logger-1"),
      device("encrypted-1", { mn: MN.encrypted, edition: "2025" }, "logger-1"),
      ...Array.from({ length: count }, (_, n) => device(`many-${n}`, { mn: `MANY-${n}` })),
    ],
  });
}

export const SECRETS: ReadonlyMap<string, DeviceSecrets> = new Map([
  ["logger-1", { password: PASSWORD }],
  ["encrypted-1", { sm4: SM4_KEY }],
]);

export function aSegment(
  options: { mn?: string; qn?: string; cn?: string; pw?: string; flag?: number; parts?: string; cp?: string } = {},
): string {
  const { mn = MN.one, qn = "20260315080000001", cn = "2011", pw = PASSWORD, flag = 5, parts = "" } = options;
  const cp = options.cp ?? "DataTime=20260315080000;w01018-Rtd=12.5,w01018-Flag=N";
  return `QN=${qn};ST=32;CN=${cn};PW=${pw};MN=${mn};Flag=${flag};${parts}CP=&&${cp}&&`;
}
export function aFrame(options: Parameters<typeof aSegment>[0] = {}): Uint8Array {
  return encodeFrame(aSegment(options));
}

/** One TCP connection with every packet it has received. */
export class RawLogger {
  readonly socket: Socket;
  readonly received: Hj212Segment[] = [];
  readonly closed: Promise<void>;
  readonly #framer: Hj212Framer;
  #wakes: (() => void)[] = [];
  #isClosed = false;

  private constructor(socket: Socket, crc: Hj212CrcVariant) {
    this.socket = socket;
    this.#framer = new Hj212Framer({ crc });
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      for (const event of this.#framer.push(chunk)) {
        if (event.kind !== "frame") throw new Error(`the server sent ${event.kind}`);
        const segment = parseSegment(event.data);
        if ("error" in segment) throw new Error(segment.error.what);
        this.received.push(segment);
      }
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#isClosed = true;
        resolve();
        this.#wake();
      });
    });
  }
  static async open(port: number, from = "127.0.0.1", crc: Hj212CrcVariant = "hj212"): Promise<RawLogger> {
    const socket = connect({ port, host: "127.0.0.1", localAddress: from, noDelay: true });
    await once(socket, "connect");
    return new RawLogger(socket, crc);
  }
  get isClosed(): boolean {
    return this.#isClosed;
  }
  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }
  /** Takes the next packet. */
  async next(): Promise<Hj212Segment["header"]> {
    for (;;) {
      const segment = this.received.shift();
      if (segment) return segment.header;
      if (this.#isClosed) throw new Error("closed before a packet came");
      await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
  }
  /** A heartbeat's round trip: everything before it has been judged, and nothing of it answered, when this resolves. */
  async ping(mn: string = MN.two): Promise<void> {
    this.write(aFrame({ mn, cn: "9015", qn: `2026031508000${String(++pings).padStart(4, "0")}`, pw: "", cp: "" }));
    const { CN: code, QN: qn } = await this.next();
    if (code !== "9013") throw new Error(`${code} to ${qn} came before the heartbeat's answer`);
  }
  end(): void {
    this.socket.destroy();
  }
  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}
let pings = 0;
