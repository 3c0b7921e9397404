/**
 * Places for connections, in all and by address. Who has not signed in holds a place only until it is wanted: the oldest
 * of the strangers makes room, so a flood of them keeps no registered device out, and drives out strangers alone.
 */
import { isLoopback } from "../core/listen.ts";

/** One connection; ten thousand of them are held for days, so it is small, and smaller once it has signed in. */
export class Guest {
  /** `addressKey` of where it comes from. */
  readonly address: string;
  readonly socket: { destroy(): unknown };
  /** `connectionKey` of its socket, while it is a stranger. */
  key: string;
  isIn = false;

  constructor(parts: { readonly key: string; readonly address: string; readonly socket: { destroy(): unknown } }) {
    this.address = parts.address;
    this.socket = parts.socket;
    this.key = parts.key;
  }
}
type RoomVerdict = "admitted" | "connections-full" | "connections-per-address";

/** The same for a socket and for the TLS stream on top of it; unlike those of any other open connection. */
export function connectionKey(socket: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localPort?: number | undefined;
}): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`;
}

export class Room {
  readonly #max: { readonly all: number; readonly perAddress: number };
  readonly #onEvicted: () => void;
  #open = 0;
  readonly #byAddress = new Map<string, number>();
  /** Who has not signed in, oldest first, in all and by address. */
  readonly #strangers = new Map<string, Guest>();
  readonly #strangersByAddress = new Map<string, Map<string, Guest>>();

  constructor(max: { readonly all: number; readonly perAddress: number }, onEvicted: () => void) {
    this.#max = max;
    this.#onEvicted = onEvicted;
  }
  get open(): number {
    return this.#open;
  }

  /** As a stranger. Loopback is exempt from the bound by address, not from the bound in all. */
  enter(guest: Guest): RoomVerdict {
    const { key, address } = guest;
    const before = this.#strangers.get(key);
    if (before) this.leave(before); // the client has taken the same port again before we heard of the end
    const isAddressFull = (this.#byAddress.get(address) ?? 0) >= this.#max.perAddress && !isLoopback(address);
    if (isAddressFull && !this.#makeRoom(this.#strangersByAddress.get(address))) return "connections-per-address";
    if (this.#open >= this.#max.all && !this.#makeRoom(this.#strangers)) return "connections-full";
    guest.isIn = true;
    this.#open += 1;
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    this.#strangers.set(key, guest);
    const here = this.#strangersByAddress.get(address) ?? new Map<string, Guest>();
    this.#strangersByAddress.set(address, here.set(key, guest));
    return "admitted";
  }

  /** It has signed in: nobody takes its place any more. */
  know(key: string): void {
    const guest = this.#strangers.get(key);
    if (!guest) return;
    this.#strangers.delete(key);
    const here = this.#strangersByAddress.get(guest.address);
    here?.delete(key);
    if (here?.size === 0) this.#strangersByAddress.delete(guest.address);
    guest.key = "";
  }

  /** Its connection has ended. The second time does nothing. */
  leave(guest: Guest): void {
    const { key, address } = guest;
    if (!guest.isIn) return;
    if (this.#strangers.get(key) === guest) this.know(key);
    guest.isIn = false;
    this.#open -= 1;
    const left = (this.#byAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }

  #makeRoom(strangers: ReadonlyMap<string, Guest> | undefined): boolean {
    for (const oldest of strangers?.values() ?? []) {
      this.leave(oldest);
      this.#onEvicted();
      oldest.socket.destroy();
      return true;
    }
    return false;
  }
}
