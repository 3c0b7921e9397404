/**
 * Places for connections, in all and by address. Who has not signed in holds a place only until it is wanted: the oldest
 * of the strangers makes room, so a flood of them keeps no registered device out, and drives out strangers alone.
 */
import { isLoopback } from "../core/listen.ts";

export interface Guest {
  /** `connectionKey` of its socket. */
  readonly key: string;
  /** `addressKey` of where it comes from. */
  readonly address: string;
  /** Ends the connection. Its place is free already. */
  evict(): void;
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
  readonly #guests = new Map<string, Guest>();
  readonly #byAddress = new Map<string, number>();
  /** Who has not signed in, oldest first, in all and by address. */
  readonly #strangers = new Map<string, Guest>();
  readonly #strangersByAddress = new Map<string, Map<string, Guest>>();

  constructor(max: { readonly all: number; readonly perAddress: number }, onEvicted: () => void) {
    this.#max = max;
    this.#onEvicted = onEvicted;
  }
  get open(): number {
    return this.#guests.size;
  }

  /** As a stranger. Loopback is exempt from the bound by address, not from the bound in all. */
  enter(guest: Guest): RoomVerdict {
    const { key, address } = guest;
    const before = this.#guests.get(key);
    if (before) this.leave(before); // the client has taken the same port again before we heard of the end
    const isAddressFull = (this.#byAddress.get(address) ?? 0) >= this.#max.perAddress && !isLoopback(address);
    if (isAddressFull && !this.#makeRoom(this.#strangersByAddress.get(address))) return "connections-per-address";
    if (this.#guests.size >= this.#max.all && !this.#makeRoom(this.#strangers)) return "connections-full";
    this.#guests.set(key, guest);
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
  }

  /** Its connection has ended. The second time does nothing. */
  leave(guest: Guest): void {
    const { key, address } = guest;
    if (this.#guests.get(key) !== guest) return;
    this.know(key);
    this.#guests.delete(key);
    const left = (this.#byAddress.get(address) ?? 0) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }

  #makeRoom(strangers: ReadonlyMap<string, Guest> | undefined): boolean {
    for (const oldest of strangers?.values() ?? []) {
      this.leave(oldest);
      this.#onEvicted();
      oldest.evict();
      return true;
    }
    return false;
  }
}
