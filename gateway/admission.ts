/** The first look at a connection, before TLS or HTTP see it: a refused one must not cost a handshake. */
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import { addressKey } from "../core/failure-pace.ts";
import type { ConnectRate } from "./limits.ts";
import { connectionKey, Guest, type Room } from "./room.ts";

export class Admission {
  readonly #parts: {
    readonly room: Room;
    readonly rate: ConnectRate;
    readonly clock: Clock;
    readonly refuse: (reason: string) => void;
  };
  readonly #sockets = new Set<Socket>();

  constructor(parts: { room: Room; rate: ConnectRate; clock: Clock; refuse: (reason: string) => void }) {
    this.#parts = parts;
  }

  /** False when the socket was refused; it is destroyed then. */
  admit(socket: Socket): boolean {
    const { room, rate, clock, refuse } = this.#parts;
    const address = addressKey(socket.remoteAddress);
    const guest = new Guest({ key: connectionKey(socket), address, socket });
    const verdict = rate.enter(address, clock.monotonic()) ? room.enter(guest) : "connects-per-address";
    if (verdict !== "admitted") {
      refuse(verdict);
      socket.destroy();
      return false;
    }
    this.#sockets.add(socket);
    socket.on("error", ignore);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      room.leave(guest);
    });
    return true;
  }

  /** Ends what is open. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function ignore(): void {}
