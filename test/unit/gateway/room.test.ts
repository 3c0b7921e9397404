import { expect, test } from "vitest";
import { connectionKey, Guest, Room } from "../../../gateway/room.ts";

function aRoom(all: number, perAddress = all) {
  const out: string[] = [];
  let told = 0;
  const room = new Room({ all, perAddress }, () => {
    told += 1;
  });
  const guests = new Map<string, Guest>();
  const enter = (key: string, address = "192.0.2.7") => {
    const guest = new Guest({ key, address, socket: { destroy: () => void out.push(key) } });
    guests.set(key, guest);
    return room.enter(guest);
  };
  const leave = (key: string): void => room.leave(guests.get(key) as Guest);
  return { room, out, enter, leave, told: () => told };
}

test("the oldest stranger makes room, never who has signed in", () => {
  const { room, out, enter, told } = aRoom(3);
  for (const key of ["device", "a", "b"]) enter(key);
  room.know("device");
  expect([enter("c"), enter("d"), enter("e")]).toEqual(["admitted", "admitted", "admitted"]);
  expect([out, told(), room.open]).toEqual([["a", "b", "c"], 3, 3]);
});

test("when all have signed in nobody is driven out; a place that was left is free", () => {
  const { room, out, enter, leave } = aRoom(2, 10);
  for (const key of ["a", "b"]) {
    enter(key);
    room.know(key);
  }
  expect(enter("c")).toBe("connections-full");
  leave("a");
  leave("a");
  expect([enter("c"), out, room.open]).toEqual(["admitted", [], 2]);
});

test("an address that has its share drives out its own strangers only; loopback has no share", () => {
  const { room, out, enter } = aRoom(100, 2);
  enter("other", "192.0.2.8");
  enter("a");
  enter("b");
  room.know("a");
  expect(enter("c")).toBe("admitted");
  expect(out).toEqual(["b"]);
  room.know("c");
  expect(enter("d")).toBe("connections-per-address");
  expect(enter("d", "192.0.2.8")).toBe("admitted");
  for (const key of ["l1", "l2", "l3"]) expect(enter(key, "127.0.0.1")).toBe("admitted");
  expect([out, room.open]).toEqual([["b"], 7]);
});

test("one that was driven out and closes later frees no second place", () => {
  const { room, enter, leave } = aRoom(1);
  enter("a");
  enter("b");
  leave("a");
  expect(room.open).toBe(1);
});

test("a port that is used again before the old connection's end was heard of: one place, and it stays", () => {
  const { room, enter } = aRoom(3);
  const old = new Guest({ key: "a", address: "192.0.2.7", socket: { destroy: () => undefined } });
  room.enter(old);
  enter("a");
  room.leave(old);
  expect(room.open).toBe(1);
});

test("a connection is known by both ends of it", () => {
  const socket = { remoteAddress: "192.0.2.7", remotePort: 5_000, localPort: 1_883 };
  expect(connectionKey(socket)).not.toBe(connectionKey({ ...socket, remotePort: 5_001 }));
  expect(connectionKey(socket)).not.toBe(connectionKey({ ...socket, localPort: 8_883 }));
});
