import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { Admission } from "../../../gateway/admission.ts";
import { ConnectRate } from "../../../gateway/limits.ts";
import { Room } from "../../../gateway/room.ts";
import { FakeClock } from "../../support/clock.ts";

let port = 40_000;
class FakeSocket extends EventEmitter {
  readonly remotePort = port++;
  readonly localPort = 9_212;
  readonly remoteAddress: string;
  destroyed = false;
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function aDoor(connectsPerMinute: number, places = 1_000) {
  const clock = new FakeClock();
  const refused: string[] = [];
  const refuse = (reason: string): void => void refused.push(reason);
  const room = new Room({ all: places, perAddress: places }, () => refuse("strangers"));
  const admission = new Admission({ room, rate: new ConnectRate(connectsPerMinute), clock, refuse });
  const knock = (address: string) => {
    const socket = new FakeSocket(address);
    return { socket, isIn: admission.admit(socket as unknown as Socket) };
  };
  return { clock, refused, room, admission, knock };
}

test("an address may begin a minute's worth at once, then as fast as it fills; others and loopback are not touched", async () => {
  const { clock, refused, knock } = aDoor(60);
  const burst = Array.from({ length: 70 }, () => knock("::ffff:192.0.2.7"));
  expect(burst.filter(({ isIn }) => isIn)).toHaveLength(60);
  expect(burst.filter(({ socket }) => socket.destroyed)).toHaveLength(10);
  expect(refused).toEqual(new Array(10).fill("connects-per-address"));
  expect(knock("192.0.2.8").isIn).toBe(true);
  for (let n = 0; n < 100; n++) expect(knock("127.0.0.1").isIn).toBe(true);
  await clock.advance(2_000);
  expect([knock("192.0.2.7").isIn, knock("192.0.2.7").isIn, knock("192.0.2.7").isIn]).toEqual([true, true, false]);
});

test("a place is given back when the connection ends, also of one that made room; closing ends all", () => {
  const { room, admission, knock, refused } = aDoor(1_000, 2);
  const first = knock("192.0.2.7");
  knock("192.0.2.7");
  const third = knock("192.0.2.7");
  expect([first.socket.destroyed, room.open, refused]).toEqual([true, 2, ["strangers"]]);
  third.socket.destroy();
  expect(room.open).toBe(1);
  admission.close();
  expect(room.open).toBe(0);
});
