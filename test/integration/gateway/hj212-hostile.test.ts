/** Those who connect to the HJ 212 port and mean no good, or are half gone; and the door itself. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { Config } from "../../../core/config.ts";
import { Misconfigured } from "../../../core/errors.ts";
import { createLogger, type Logger } from "../../../core/observe.ts";
import { openDoor } from "../../../gateway/hj212-door.ts";
import { FakeClock } from "../../support/clock.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { HeldJournal, startGateway, type TestGateway } from "./harness.ts";
import { aFrame, fieldRegistry, MN, RawLogger, SECRETS } from "./hj212-harness.ts";

let gateway: TestGateway;
async function start(options: Parameters<typeof startGateway>[0] = {}): Promise<FakeClock> {
  const clock = new FakeClock(Date.UTC(2026, 2, 15));
  gateway = await startGateway({ clock, registry: fieldRegistry(), fieldSecrets: () => SECRETS, ...options });
  return clock;
}
afterEach(() => gateway.close());
const open = async (from?: string): Promise<RawLogger> => {
  const client = await RawLogger.open(gateway.addresses.hj212, from);
  onTestFinished(() => client.end());
  return client;
};
/** The server has seen the bytes: it answers a client that was later. */
const seen = async (): Promise<void> => {
  const client = await open();
  await client.ping();
  client.end();
  await client.closed;
};

test("a connection that never says anything is closed after 10 min, one whose device has spoken is not", async () => {
  const clock = await start();
  const [silent, device] = [await open(), await open()];
  await device.ping();
  await clock.advance(9 * 60_000);
  await device.ping();
  expect(silent.isClosed).toBe(false);
  await clock.advance(65_000);
  await silent.closed;
  await device.ping();
});

test("a stranger's packets keep no connection: closed after 10 min all the same", async () => {
  const clock = await start();
  const stranger = await open();
  stranger.write(aFrame({ mn: "STRANGER" }));
  await seen();
  await clock.advance(9 * 60_000);
  stranger.write(aFrame({ mn: "STRANGER" }));
  await seen();
  await clock.advance(65_000);
  await stranger.closed;
});

test("half open: a device that has gone without a word is closed after 65 min, or three of its intervals", async () => {
  const clock = await start();
  const device = await open();
  await device.ping();
  await clock.advance(64 * 60_000);
  await seen();
  expect(device.isClosed).toBe(false);
  await clock.advance(65_000);
  await device.closed;
  expect(gateway.hj212.sessions()).toMatchObject([{ device: "logger-2", connected: false }]);
});

test("a device that has come back: its old connection is closed a minute later, commands go to the new one", async () => {
  const clock = await start();
  const [old, fresh] = [await open(), await open()];
  await old.ping();
  await fresh.ping();
  const outcome = gateway.hj212.command("logger-2", { kind: "stop-realtime" });
  expect((await fresh.next()).CN).toBe("2012");
  await clock.advance(65_000);
  await old.closed;
  expect(gateway.hj212.sessions()).toMatchObject([{ connected: true }]);
  expect(await outcome).toMatchObject({ state: "expired" });
});

test("half a packet is given up after 30 s without bytes; what comes then is a packet", async () => {
  const clock = await start();
  const device = await open();
  await device.ping();
  device.write(aFrame({ mn: MN.two }).subarray(0, 40));
  await seen();
  await clock.advance(35_000);
  device.write(aFrame({ mn: MN.two, qn: "20260315090000001" }));
  expect(await device.next()).toMatchObject({ CN: "9014", QN: "20260315090000001" });
  const [session] = gateway.hj212.sessions();
  expect(session?.crcErrors).toBe(0);
});

test("who takes no answers is not read, and closed after 30 s; others are served meanwhile", async () => {
  const clock = await start();
  const deaf = await open();
  deaf.socket.pause();
  const frames = Buffer.concat(Array.from({ length: 500 }, () => aFrame({ mn: MN.two })));
  const pump = (): void => {
    while (!deaf.isClosed && deaf.socket.writable && deaf.socket.write(frames)) {
      // until the socket is full
    }
  };
  deaf.socket.on("drain", pump);
  pump();
  const isStuck = async (): Promise<boolean> => {
    const before = deaf.socket.bytesWritten;
    for (let n = 0; n < 5; n++) await seen();
    return deaf.socket.bytesWritten === before;
  };
  while (!(await isStuck()));
  expect(process.memoryUsage().rss).toBeLessThan(1_000 * 1024 * 1024);
  await clock.advance(40_000);
  deaf.socket.resume();
  await deaf.closed;
});

test("while the gate is paced nobody's packets are read, and none is lost when it opens", async () => {
  const journal = new HeldJournal();
  await start({ journal });
  const device = await open();
  const frames = Array.from({ length: 2_000 }, (_, n) =>
    aFrame({
      mn: MN.two,
      qn: `2026031509000${String(n).padStart(4, "0")}`,
      cp: `DataTime=20260315080000;w01018-Rtd=${n}`,
    }),
  );
  device.write(Buffer.concat(frames));
  await journal.holds(256);
  await seen();
  expect(journal.waiting).toBeLessThan(1_000); // 256 and what stood in the same chunk
  const answered = new Set<string>();
  const drain = async (): Promise<void> => {
    while (answered.size < frames.length) {
      if (journal.waiting > 0) await journal.release();
      else await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const read = async (): Promise<void> => {
    while (answered.size < frames.length) answered.add((await device.next()).QN ?? "");
  };
  await Promise.all([drain(), read()]);
  expect(await gateway.raw()).toHaveLength(2_000);
});

test("a flood of strangers drives out strangers: the registered device stays, memory is bounded", async () => {
  await start({ config: { hj212Connections: 400 } });
  const device = await open();
  await device.ping();
  const before = process.memoryUsage().rss;
  const flood: RawLogger[] = [];
  for (let n = 0; n < 600; n++) {
    const stranger = await open(`127.0.4.${1 + (n % 200)}`);
    stranger.write("##9999"); // announces more than it will ever send
    flood.push(stranger);
  }
  await device.ping();
  await Promise.all(flood.slice(0, 200).map((stranger) => stranger.closed));
  await device.ping();
  const late = await open();
  late.write(aFrame());
  expect(await late.next()).toMatchObject({ CN: "9014" });
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  await gateway.close();
  expect((await gateway.refused())["hj212-strangers"]).toBeGreaterThanOrEqual(200);
});

test("16 MB of garbage, of frames without end and of announced lengths: memory bounded, others served, none stored", async () => {
  await start();
  const bad = await open();
  const before = process.memoryUsage().rss;
  const chunks = ["##", "##9999", "##0100QN=", "##1073741824", "\0\r\n", "QN=2026;ST=32;MN=MN;"].map((text) =>
    Buffer.from(text.repeat(Math.ceil(65_536 / text.length))),
  );
  for (let megabytes = 0; megabytes < 16; megabytes++) {
    for (let n = 0; n < 16; n++) {
      const chunk = chunks[(megabytes + n) % chunks.length] as Buffer;
      if (!bad.socket.write(chunk)) await once(bad.socket, "drain");
    }
    await seen();
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  expect(await gateway.raw()).toEqual([]);
});

test("too many in all are refused at the door; registered devices keep their places", async () => {
  await start({ config: { hj212Connections: 2 } });
  const first = await open();
  await first.ping();
  const second = await open();
  await second.ping();
  const third = await open();
  await third.closed;
  await first.ping();
  await second.ping();
  await gateway.close();
  expect(await gateway.refused()).toEqual({ "connections-full": 1 });
});

test("one MN holds three places at most: the oldest that it has left goes, and others find room", async () => {
  await start({ config: { hj212Connections: 6 } });
  const other = await open();
  other.write(aFrame());
  await other.next();
  const lines: RawLogger[] = [];
  for (let n = 0; n < 20; n++) {
    const line = await open();
    await line.ping(MN.two);
    lines.push(line);
    if (n >= 3) await lines[n - 3]?.closed;
  }
  expect(lines.filter(({ isClosed }) => !isClosed)).toHaveLength(3);
  other.write(aFrame({ qn: "20260315080100001" }));
  expect(await other.next()).toMatchObject({ CN: "9014" });
  await gateway.close();
  expect(await gateway.refused()).toEqual({ "hj212-connections-per-device": 17 });
});

test("a stopping server answers what it has and closes every connection", async () => {
  const journal = new HeldJournal();
  await start({ journal });
  const device = await open();
  device.write(aFrame());
  await journal.holds(1);
  const closing = gateway.close();
  await journal.release();
  expect(await device.next()).toMatchObject({ CN: "9014" });
  await closing;
  await device.closed;
});

test("TLS: the port speaks it when it has a certificate; plain bytes are refused", async () => {
  const folder = temporaryFolder();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  execFileSync(
    "openssl",
    [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split(" "),
      ...["-keyout", key, "-out", cert],
    ],
    { stdio: "ignore" },
  );
  await start({ config: { hj212TlsCert: cert, hj212TlsKey: key } });
  const plain = await open();
  plain.write(aFrame());
  await plain.closed;
  expect(plain.received).toEqual([]);
  const { hj212: port } = gateway.addresses;
  const secure = connectTls({ port, host: "127.0.0.1", ca: readFileSync(cert), servername: "localhost" });
  secure.write(aFrame());
  const [answer] = (await once(secure, "data")) as [Buffer];
  expect(answer.toString()).toContain("CN=9014");
  secure.destroy();
});

test("plain HJ 212 stays on loopback unless it is asked for, and says so", async () => {
  const warnings: unknown[] = [];
  const log = { ...createLogger("silent"), warn: (...words: unknown[]) => warnings.push(words.at(-1)) };
  const door = (config: object) =>
    openDoor(Config.parse({ host: "0.0.0.0", hj212Port: 0, ...config }), {
      log: log as Logger,
      admit: () => undefined,
      accept: (socket) => socket.end("here"),
      onBadHandshake: () => undefined,
    });
  const [kept, opened] = [await door({}), await door({ hj212Insecure: true })];
  onTestFinished(() => {
    kept.stop();
    opened.stop();
  });
  expect(warnings).toEqual([expect.stringContaining("EWS_HJ212_INSECURE=1")]);
  await start();
  const bound = (port: number): string[] =>
    readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .flatMap((line) => {
        const [address = "", own = ""] = (line.trim().split(/\s+/)[1] ?? "").split(":");
        return Number.parseInt(own, 16) === port && line.includes(" 0A ") ? [address] : [];
      });
  expect([bound(kept.port), bound(opened.port)]).toEqual([["0100007F"], ["00000000"]]);
});

test("a certificate without its key stops the start, nothing stays open; a taken port too", async () => {
  await start();
  const config = { hj212TlsCert: "x", mqttPort: 0, wsPort: 0 };
  await expect(startGateway({ config })).rejects.toThrow(Misconfigured);
  await expect(startGateway({ config })).rejects.toThrow(/TLS_INCOMPLETE[\s\S]*EWS_HJ212_TLS_KEY/);
  const taken = startGateway({ config: { hj212Port: gateway.addresses.hj212 } });
  await expect(taken).rejects.toThrow(/PORT_IN_USE[\s\S]*EWS_HJ212_PORT/);
});
