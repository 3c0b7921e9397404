/** HJ 212 packets on a real gateway: stored before they are answered, once, whatever way the bytes come. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../core/clock.ts";
import { decodeRaw } from "../../../core/envelope.ts";
import { Unavailable } from "../../../core/errors.ts";
import { encodeFrame } from "../../../core/hj212-frame.ts";
import { encryptSegment } from "../../../core/hj212-sm4.ts";
import { createLogger, Metrics } from "../../../core/observe.ts";
import { decodeHj212 } from "../../../ingest/codecs/hj212.ts";
import { openSqliteJournal } from "../../../storage/journal-sqlite.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { HeldJournal, startGateway, type TestGateway } from "./harness.ts";
import { aFrame, aSegment, fieldRegistry, MN, RawLogger, SECRETS, SM4_KEY } from "./hj212-harness.ts";

let gateway: TestGateway;
let logger: RawLogger;
const start = (options: Parameters<typeof startGateway>[0] = {}): Promise<TestGateway> =>
  startGateway({ registry: fieldRegistry(), fieldSecrets: () => SECRETS, ...options });
const session = (device = "logger-1") => gateway.hj212.sessions().find((one) => one.device === device);
const payloads = async (): Promise<string[]> =>
  (await gateway.raw()).map(({ payload }) => Buffer.from(payload).toString("latin1"));
const withoutTail = (frame: Uint8Array): string => Buffer.from(frame).toString("latin1").trimEnd();

beforeEach(async () => {
  gateway = await start();
  logger = await RawLogger.open(gateway.addresses.hj212);
});
afterEach(async () => {
  logger.end();
  await gateway.close();
});

describe("stored, then answered", () => {
  test("the 9014 bears QN, PW and MN of the packet, the version bits of its flag, and nothing before the append", async () => {
    const journal = new HeldJournal();
    const held = await start({ journal });
    const client = await RawLogger.open(held.addresses.hj212);
    client.write(aFrame({ flag: 9 }));
    await journal.holds(1);
    await client.ping(); // the connection lives and answers what needs no storing
    expect(client.received).toEqual([]);
    await journal.release();
    expect(await client.next()).toEqual({
      ...{ QN: "20260315080000001", ST: "91", CN: "9014", PW: "123456", MN: MN.one, Flag: "8" },
    });
    const [entry] = await held.raw();
    expect(entry).toMatchObject({ device: "logger-1", topic: "ews/1/acme/site-1/mw-1/logger-1/hj212" });
    client.end();
    await held.close();
  });

  test("a failed append: no answer, the connection is closed, and the next try is stored", async () => {
    const journal = new HeldJournal();
    const held = await start({ journal });
    const client = await RawLogger.open(held.addresses.hj212);
    client.write(aFrame());
    await journal.holds(1);
    journal.fail(new Unavailable("JOURNAL_FULL", { what: "disk nearly full" }));
    await client.closed;
    expect(client.received).toEqual([]);
    const again = await RawLogger.open(held.addresses.hj212);
    again.write(aFrame());
    await journal.holds(1);
    await journal.release();
    expect(await again.next()).toMatchObject({ CN: "9014" });
    expect(await held.raw()).toHaveLength(1);
    again.end();
    await held.close();
  });

  test("a re-send is answered again and stored once, on another connection too, also while the first is on its way", async () => {
    const journal = new HeldJournal();
    const held = await start({ journal });
    const client = await RawLogger.open(held.addresses.hj212);
    client.write(aFrame());
    await journal.holds(1);
    client.write(aFrame());
    await client.ping();
    expect(journal.waiting).toBe(1);
    await journal.release();
    expect([(await client.next()).CN, (await client.next()).CN]).toEqual(["9014", "9014"]);
    client.end();
    const other = await RawLogger.open(held.addresses.hj212);
    other.write(aFrame());
    expect(await other.next()).toMatchObject({ CN: "9014", QN: "20260315080000001" });
    expect(await held.raw()).toHaveLength(1);
    expect(held.hj212.sessions().find(({ device }) => device === "logger-1")).toMatchObject({ frames: 3, resent: 2 });
    other.end();
    await held.close();
  });

  test("the same QN with other data is another packet", async () => {
    logger.write(aFrame());
    logger.write(aFrame({ cp: "DataTime=20260315080000;w01018-Rtd=13,w01018-Flag=N" }));
    await logger.next();
    await logger.next();
    expect(await gateway.raw()).toHaveLength(2);
  });

  describe("a split message with DataTime in part 1 only", () => {
    const QN = (no: number): string => `2026031509000000${no}`;
    const part = (no: number, cp: string): Uint8Array =>
      aFrame({ qn: QN(no), cn: "2061", flag: 7, parts: `PNUM=3;PNO=${no};`, cp });
    const [first, second, third] = [
      part(1, "DataTime=20260315080000;w01018-Avg=12.5"),
      part(2, "w01001-Avg=7.1"),
      part(3, "w21003-Avg=0.2"),
    ];
    const sender = { quantities: {}, profile: fieldRegistry().devices[0]?.profile };
    const decoded = async () =>
      (await gateway.raw()).map(({ payload, topic, receivedAt }) =>
        decodeHj212(payload, sender, { topic, receivedAt }),
      );
    const reading = (quantity: string, value: number) => ({
      readings: [{ quantity, value, time: Date.UTC(2026, 2, 15, 0), aggregate: "avg" }],
      faults: [],
    });

    test("each part is answered, and each is a message that holds its time, sent again or not", async () => {
      for (const [no, frame] of [
        [1, first],
        [2, second],
        [2, second],
        [3, third],
      ] as const) {
        logger.write(frame);
        expect(await logger.next()).toMatchObject({ CN: "9014", QN: QN(no) });
      }
      expect(await decoded()).toMatchObject([reading("w01018", 12.5), reading("w01001", 7.1), reading("w21003", 0.2)]);
      const kept = await payloads();
      expect(kept[1]?.endsWith(withoutTail(second))).toBe(true); // what the device sent stands there unchanged
      expect(kept[1]).not.toMatch(/PW=.*PW=/);
      expect(session()).toMatchObject({ resent: 1, gaps: [] });
    });

    test("when part 1 never came it is answered all the same, and ingest says that the time is missing", async () => {
      logger.write(second);
      expect(await logger.next()).toMatchObject({ CN: "9014", QN: QN(2) });
      expect(await decoded()).toMatchObject([{ refused: { code: "TIME_MISSING" } }]);
    });
  });

  test("no answer wanted: stored, not answered", async () => {
    logger.write(aFrame({ flag: 4 }));
    await logger.ping();
    expect(logger.received).toEqual([]);
    expect(await gateway.raw()).toHaveLength(1);
  });

  test("in the real journal", async () => {
    const journal = await openSqliteJournal({
      ...{ folder: temporaryFolder(), clock: systemClock, log: createLogger("silent"), metrics: new Metrics() },
      diskReserveBytes: 0,
    });
    const real = await start({ journal });
    const client = await RawLogger.open(real.addresses.hj212);
    client.write(aFrame());
    expect(await client.next()).toMatchObject({ CN: "9014" });
    const [entry] = await journal.read("raw", 0, 1_000_000);
    expect(Buffer.from(decodeRaw(entry?.bytes ?? new Uint8Array()).payload).toString()).toBe(withoutTail(aFrame()));
    client.end();
    await real.close();
    await journal.close();
  });
});

describe("however the bytes come", () => {
  test("byte by byte", async () => {
    for (const byte of aFrame()) logger.write(Uint8Array.of(byte));
    expect(await logger.next()).toMatchObject({ CN: "9014" });
    expect(session()).toMatchObject({ frames: 1, crcErrors: 0, noiseBytes: 0, badLengths: 0 });
  });

  test("three in one write, two devices on one connection", async () => {
    const frames = [aFrame(), aFrame({ qn: "20260315080030001" }), aFrame({ mn: MN.two, qn: "20260315080100001" })];
    logger.write(Buffer.concat(frames));
    const answers = [await logger.next(), await logger.next(), await logger.next()];
    expect(answers.map(({ MN: mn, QN: qn }) => `${mn} ${qn}`)).toEqual([
      ...[`${MN.one} 20260315080000001`, `${MN.one} 20260315080030001`, `${MN.two} 20260315080100001`],
    ]);
    expect(await payloads()).toEqual(frames.map(withoutTail));
    expect(gateway.hj212.sessions().map(({ device, connected }) => [device, connected])).toEqual([
      ...[
        ["logger-1", true],
        ["logger-2", true],
      ],
    ]);
  });

  test("a bad CRC is not answered and does not cost the packet behind it; noise and lengths are counted", async () => {
    const bad = Buffer.from(aFrame({ qn: "20260315080030001" }));
    bad[60] = (bad[60] ?? 0) ^ 1;
    logger.write("ICCID 89860000000000000000\r\n");
    logger.write(Buffer.concat([bad, Buffer.from("##453QN=x"), aFrame()]));
    expect(await logger.next()).toMatchObject({ CN: "9014", QN: "20260315080000001" });
    await logger.ping();
    expect(await gateway.raw()).toHaveLength(1);
    expect(session()).toMatchObject({ crcErrors: 1, badLengths: 1 });
    expect(session()?.noiseBytes).toBeGreaterThan(20);
  });

  test("a length that announces 9,999 bytes, or 1 GiB: the next packet is found", async () => {
    logger.write("##9999QN=");
    logger.write("##1073741824QN=");
    logger.write(aFrame());
    logger.write(aFrame({ qn: "20260315080030001" }));
    expect((await logger.next()).CN).toBe("9014");
    expect((await logger.next()).CN).toBe("9014");
  });

  test("GB18030 text is stored byte for byte", async () => {
    const segment = Buffer.concat([
      Buffer.from(
        `QN=20260315080000001;ST=32;CN=3020;PW=123456;MN=${MN.one};Flag=5;CP=&&DataTime=20260315080000;i12001-Info=//`,
      ),
      Buffer.from([0xcb, 0xae, 0xbc, 0xe2]), // 水泵-like text in GB18030, no UTF-8
      Buffer.from("//&&"),
    ]);
    logger.write(encodeFrame(segment));
    expect(await logger.next()).toMatchObject({ CN: "9014" });
    expect(await payloads()).toEqual([withoutTail(encodeFrame(segment))]);
  });

  test("a device's own check; the answer uses it too", async () => {
    const client = await RawLogger.open(gateway.addresses.hj212, "127.0.0.1", "modbus-le");
    client.write(encodeFrame(aSegment({ mn: MN.modbus }), "modbus-le"));
    expect(await client.next()).toMatchObject({ CN: "9014", MN: MN.modbus });
    client.write(encodeFrame(aSegment({ mn: MN.modbus, qn: "20260315080030001" })));
    client.write(encodeFrame(aSegment({ mn: MN.modbus, qn: "20260315080100001" }), "modbus-le"));
    expect(await client.next()).toMatchObject({ QN: "20260315080100001" });
    expect(session("modbus-1")).toMatchObject({ frames: 2, crcErrors: 1 });
    client.end();
  });

  test("SM4: decrypted with the device's key, kept as plaintext", async () => {
    const plain = Buffer.from(aSegment({ mn: MN.encrypted, flag: 9 }));
    const check = Buffer.from(encodeFrame(plain)).subarray(-6);
    const cipher = encryptSegment(plain, SM4_KEY);
    if (!cipher) throw new Error("nothing was encrypted");
    logger.write(Buffer.concat([Buffer.from(`##${String(cipher.length).padStart(4, "0")}`), cipher, check]));
    expect(await logger.next()).toMatchObject({ CN: "9014", Flag: "8" });
    expect((await payloads()).map((text) => text.trimEnd())).toEqual([withoutTail(encodeFrame(plain))]);
  });
});

describe("who is refused", () => {
  test.each`
    why                                 | frame                                                                         | reason
    ${"wrong password"}                 | ${aFrame({ pw: "654321" })}                                                   | ${"hj212-password"}
    ${"no password where one is known"} | ${aFrame({ pw: "" })}                                                         | ${"hj212-password"}
    ${"an MN nobody registered"}        | ${aFrame({ mn: "STRANGER" })}                                                 | ${"hj212-mn-unknown"}
    ${"an MN in other letters"}         | ${aFrame({ mn: MN.two.toUpperCase() })}                                       | ${"hj212-mn-unknown"}
    ${"no MN"}                          | ${encodeFrame("QN=20260315080000001;ST=32;CN=2011;PW=123456;Flag=5;CP=&&&&")} | ${"hj212-mn-missing"}
  `("$why: no answer, nothing stored, counted as $reason", async ({ frame, reason }) => {
    logger.write(frame);
    await logger.ping();
    expect(logger.received).toEqual([]);
    expect(await gateway.raw()).toEqual([]);
    await gateway.close();
    expect(await gateway.refused()).toEqual({ [reason]: 1 });
  });

  test("strangers are listed with address, time and count until they are registered", async () => {
    for (const qn of ["20260315080000001", "20260315080010001"]) logger.write(aFrame({ mn: "STRANGER", qn }));
    await logger.ping();
    expect(gateway.hj212.unclaimed()).toMatchObject([{ name: "STRANGER", address: "127.0.0.1", packets: 2 }]);
    const registry = fieldRegistry();
    const [first] = registry.devices;
    if (!first) throw new Error("no device");
    const profile = { hj212: { mn: "STRANGER", edition: "2017", crc: "hj212", zone: "Asia/Shanghai" } } as const;
    gateway.register({
      ...registry,
      devices: [...registry.devices, { ...first, id: "new-1", via: "logger-1", profile }],
    });
    logger.write(aFrame({ mn: "STRANGER", qn: "20260315080020001" }));
    expect(await logger.next()).toMatchObject({ CN: "9014", MN: "STRANGER" });
    expect(gateway.hj212.unclaimed()).toEqual([]);
  });

  test("a quarantined text of a known device: stored for the list of faults, never answered", async () => {
    const broken = encodeFrame(`QN=20260315080000001;ST=32;CN=2011;PW=123456;MN=${MN.one};Flag=5CP=&&nothing closes`);
    logger.write(broken);
    logger.write(broken);
    await logger.ping();
    expect(logger.received).toEqual([]);
    expect(await payloads()).toEqual([withoutTail(broken)]);
  });

  test("a guesser is slowed down and closed; the device with the right password is answered at once", async () => {
    const guesser = await RawLogger.open(gateway.addresses.hj212, "127.0.3.1");
    const guesses = Array.from({ length: 10 }, (_, n) => aFrame({ pw: String(100_000 + n) }));
    guesser.write(Buffer.concat(guesses));
    await guesser.closed;
    expect(session()).toMatchObject({ wrongPasswords: 10, frames: 0, connected: false });
    logger.write(aFrame());
    expect(await logger.next()).toMatchObject({ CN: "9014" });
  });
});
