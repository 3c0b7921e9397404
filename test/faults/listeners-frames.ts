/** Sound frames of each listener, mutated: what strangers and broken devices may write to a socket. Seeded. */
import { generate, type Packet } from "mqtt-packet";
import { writeSparkplug } from "../../core/sparkplug-write.ts";
import { JSON_SPICES } from "./fuzz-codecs.ts";
import { SEEDS as HJ212_SEEDS, mutateFrame } from "./fuzz-hj212.ts";
import { mutate, type Noise } from "./fuzz-noise.ts";
import { BINARY_SPICES } from "./fuzz-sparkplug.ts";

const mutateBytes = (bytes: Uint8Array, random: Noise): Buffer => mutate(bytes, random, BINARY_SPICES);
const mutateJson = (bytes: Uint8Array, random: Noise): Buffer => mutate(bytes, random, JSON_SPICES);

/** An account that the fuzz may use; the good devices have others. */
export interface FuzzAccount {
  readonly id: string;
  readonly secret: string;
  readonly prefix: string;
  /** Of its LoRaWAN profile. */
  readonly eui: string;
}

export interface Listener {
  /** Frames of one connection. */
  readonly batch: number;
  /** The bytes of one connection, `batch` frames. */
  bytes(account: FuzzAccount, random: Noise): readonly Buffer[];
}

const TELEMETRY = JSON.stringify({
  v: 1,
  boot: "f1",
  seq: 1,
  ts: 1_773_000_000_000,
  r: [{ p: "ec", v: 600, u: "µS/cm" }],
});

/** The first of `mqttSeeds`. */
const PUBLISH_SEEDS = 4;

function mqttSeeds({ prefix }: FuzzAccount, at: number): Packet[] {
  const messageId = 1 + (at % 65_535);
  const publish = { cmd: "publish", qos: 1, dup: false, retain: false, messageId } as const;
  return [
    { ...publish, topic: `${prefix}telemetry`, payload: TELEMETRY },
    { ...publish, topic: `${prefix}state`, retain: true, payload: '{"online":true}' },
    { ...publish, qos: 2, topic: `${prefix}info`, payload: '{"model":"x"}' },
    { ...publish, topic: "v1/devices/me/telemetry", payload: '{"ec":600}' },
    { cmd: "pubrel", messageId },
    { cmd: "puback", messageId },
    { cmd: "subscribe", messageId, subscriptions: [{ topic: `${prefix}cmd`, qos: 1 }] },
    { cmd: "unsubscribe", messageId, unsubscriptions: [`${prefix}cmd`] },
    { cmd: "pingreq" },
  ];
}

function connectBytes({ id, secret }: FuzzAccount): Buffer {
  return generate({
    ...{ cmd: "connect", protocolId: "MQTT", protocolVersion: 4, clean: true, keepalive: 60 },
    ...{ clientId: id, username: id, password: Buffer.from(secret) },
  });
}

/** A frame that is broken itself ends the connection as a rule: so one in 32 is, and else what a frame carries. */
function mqttFrame(account: FuzzAccount, at: number, random: Noise): Buffer {
  const seeds = mqttSeeds(account, at);
  const isBroken = random(32) === 0;
  const packet = seeds[random(isBroken ? seeds.length : PUBLISH_SEEDS)] as Packet;
  if (packet.cmd === "publish" && !isBroken)
    return generate({ ...packet, payload: mutateJson(Buffer.from(packet.payload), random) });
  return mutateBytes(generate(packet), random);
}

function mqttFrames(account: FuzzAccount, batch: number, random: Noise): Buffer[] {
  const hello = connectBytes(account);
  const isStranger = random(32) === 0;
  const first = isStranger ? mutateBytes(hello, random) : hello;
  return [first, ...Array.from({ length: batch - 1 }, (_, at) => mqttFrame(account, at, random))];
}

/** RFC 6455, 5.2: final, binary, masked with zeros. */
function webSocketFrame(payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.from([0x82, 0x80 | length]) : Buffer.from([0x82, 0xfe, length >> 8, length & 255]);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

const UPGRADE = Buffer.from(
  [
    ...["GET /mqtt HTTP/1.1", "Host: fuzz", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    ...["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: mqtt", "", ""],
  ].join("\r\n"),
);

type HttpSeed = readonly [query: string, type: string, body: string | Uint8Array];

/** One of each format, all of them the account's to send. */
function httpSeeds({ id, eui }: FuzzAccount): readonly HttpSeed[] {
  const json = "application/json";
  const uplink = { deviceInfo: { devEui: eui, applicationId: "a" }, fCnt: 1, fPort: 1, object: { ec: 600 } };
  const message = {
    end_device_ids: { dev_eui: eui },
    uplink_message: { f_cnt: 1, f_port: 1, decoded_payload: { ec: 600 } },
  };
  return [
    ["", json, TELEMETRY],
    ["", "application/x-ndjson", `${TELEMETRY}\n${TELEMETRY}`],
    ["", "application/senml+json", '[{"n":"ec","u":"µS/cm","bt":1773000000,"v":600}]'],
    ["?event=up", json, JSON.stringify(uplink)],
    ["?format=tts", json, JSON.stringify(message)],
    ["?format=thingsboard", json, '{"ts":1773000000000,"values":{"ec":600}}'],
    ["?format=cayenne", "application/octet-stream", Buffer.from([1, 2, 2, 0xc8, 3, 103, 1, 16])],
    ["?format=cayenne", "text/plain", "AQICyANnARA="],
    ["", "text/plain", HJ212_SEEDS[0] as Uint8Array],
    [`?format=sparkplug&topic=spBv1.0/fuzz/NBIRTH/${id}`, "application/octet-stream", SPARKPLUG],
  ];
}
const SPARKPLUG = writeSparkplug({
  time: 1_773_000_000_000,
  seq: 0,
  metrics: [{ name: "ec", type: "Double", value: 600 }],
});

function httpRequest(account: FuzzAccount, random: Noise): Buffer {
  const { id, secret } = account;
  const seeds = httpSeeds(account);
  const [query, type, sent] = seeds[random(seeds.length)] as HttpSeed;
  const isText = typeof sent === "string";
  const body = isText ? mutateJson(Buffer.from(sent), random) : mutateBytes(sent, random);
  const encoding = random(16) === 0 ? "Content-Encoding: gzip\r\n" : "";
  const head = Buffer.from(
    `POST /api/v1/telemetry${query} HTTP/1.1\r\nHost: fuzz\r\nAuthorization: Bearer ${id}.${secret}\r\nContent-Type: ${type}\r\n${encoding}Content-Length: ${body.length}\r\n\r\n`,
  );
  // A mutated head ends the connection as a rule, so few are.
  return Buffer.concat([random(128) === 0 ? mutateBytes(head, random) : head, body]);
}

export const LISTENERS = {
  mqtt: { batch: 100, bytes: (account, random) => mqttFrames(account, 100, random) },
  websocket: {
    batch: 100,
    bytes: (account, random) => [
      random(16) === 0 ? mutateBytes(UPGRADE, random) : UPGRADE,
      ...mqttFrames(account, 99, random).map((frame) => {
        const wrapped = webSocketFrame(frame);
        return random(48) === 0 ? mutateBytes(wrapped, random) : wrapped;
      }),
    ],
  },
  hj212: {
    batch: 200,
    bytes: (_account, random) =>
      Array.from({ length: 200 }, () => mutateFrame(HJ212_SEEDS[random(HJ212_SEEDS.length)] as Uint8Array, random)),
  },
  http: {
    batch: 100,
    bytes: (account, random) => Array.from({ length: 100 }, () => httpRequest(account, random)),
  },
} satisfies Record<string, Listener>;
