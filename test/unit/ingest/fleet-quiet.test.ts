import { expect, test } from "vitest";
import { encodeRaw } from "../../../core/envelope.ts";
import type { FleetDevice, FleetEntry } from "../../../core/fleet.ts";
import { BatchMaker } from "../../../ingest/batch.ts";
import { Dedupe } from "../../../ingest/dedupe.ts";
import { FleetBook } from "../../../ingest/fleet.ts";
import { aDevice, aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

const EUI = "00AABBCCDDEEFF01";
const CHIRPSTACK = `application/app/device/${EUI.toLowerCase()}/event/`;

/** A LoRaWAN node; what messages without readings leave of it. */
class Node {
  readonly #maker: BatchMaker;
  readonly #book: FleetBook;
  constructor() {
    const profile = { lorawan: { devEui: EUI, payload: "object" as const } };
    const directory = aDirectory({ devices: [aDevice({ profile, quantities: { ph: "1" } })] });
    const onBug = (error: unknown): void => {
      throw error;
    };
    this.#maker = new BatchMaker({ directory: () => directory, dedupe: new Dedupe(), onBug });
    this.#book = new FleetBook({ directory: () => directory, clock: new FakeClock(NOW) });
  }
  put(topic: string, body: object, at = NOW): void {
    const payload = Buffer.from(JSON.stringify(body));
    this.#maker.add(encodeRaw({ receivedAt: at, device: "dev-1", topic, payload }), at);
  }
  tts(count: number, decoded: object): void {
    this.put("v3/app@t/devices/node/up", {
      end_device_ids: { device_id: "node", dev_eui: EUI },
      uplink_message: { session_key_id: "AXA50tHGUGucuzS/bCGMNw==", f_cnt: count, f_port: 1, decoded_payload: decoded },
    });
  }
  fold() {
    const { fleet, counts } = this.#maker.take();
    for (const bytes of fleet) this.#book.add(JSON.parse(Buffer.from(bytes).toString()) as FleetEntry);
    return counts;
  }
  async view(): Promise<FleetDevice> {
    const view = await this.#book.device("dev-1");
    if (!view) throw new Error("not registered");
    return view;
  }
}

test("ChirpStack's battery level counts although its message holds no readings", async () => {
  const node = new Node();
  node.put(`${CHIRPSTACK}status`, { deviceInfo: { devEui: EUI }, batteryLevel: 57.5 });
  expect(node.fold()).toMatchObject({ messagesPassed: 1, messagesRefused: 0 });
  expect(await node.view()).toMatchObject({ signs: { batteryPercent: 57.5 }, messages: 1, lastReceivedAt: NOW });
});

test("a message of text only has arrived: its number is no gap, and its repeat a repeat", async () => {
  const node = new Node();
  node.tts(1, { ph: 7 });
  node.tts(2, { label: "rebooted" });
  node.tts(3, { ph: 7.1 });
  node.tts(2, { label: "rebooted" });
  expect(node.fold()).toMatchObject({ messagesPassed: 2, messagesRepeated: 1, readingsRefused: 0 });
  expect(await node.view()).toMatchObject({ seqGaps: [], messages: 3 });
});

test("frames that ChirpStack never heard are gaps; a join begins anew, and one message twice is a repeat", async () => {
  const node = new Node();
  const frame = (devAddr: string, fCnt: number): void =>
    node.put(`${CHIRPSTACK}up`, {
      ...{ deduplicationId: `id-${devAddr}-${fCnt}`, devAddr, deviceInfo: { devEui: EUI }, fCnt, fPort: 1 },
      object: { ph: 7 },
    });
  for (const fCnt of [40, 41, 45, 45]) frame("01aabbcc", fCnt);
  for (const fCnt of [0, 1, 2]) frame("01ddeeff", fCnt);
  expect(node.fold()).toMatchObject({ messagesRepeated: 1 });
  expect((await node.view()).seqGaps).toMatchObject([{ boot: "01aabbcc", from: 42, to: 44 }]);
});

test("events that tell nothing of the node leave no note of it", async () => {
  const node = new Node();
  node.put(`${CHIRPSTACK}status`, { deviceInfo: { devEui: EUI }, batteryLevelUnavailable: true });
  node.put(`${CHIRPSTACK}join`, { deviceInfo: { devEui: EUI } });
  expect(node.fold()).toMatchObject({ messagesPassed: 2 });
  expect((await node.view()).messages).toBe(0);
});
