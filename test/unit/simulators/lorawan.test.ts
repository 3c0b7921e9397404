/** What the simulated network servers publish goes through the decoders of the real ones. */
import { describe, expect, test } from "vitest";
import { chirpstack, decodeChirpstack } from "../../../ingest/codecs/chirpstack.ts";
import type { Decoded, Refusal, SenderProfile } from "../../../ingest/codecs/codec.ts";
import { decodeTts, tts } from "../../../ingest/codecs/tts.ts";
import { type EndDevice, type Frame, frameOf, sessionOf } from "../../../simulators/lorawan.ts";
import { chirpstackFormat, type ServerMessage, ttsFormat } from "../../../simulators/lorawan-events.ts";
import { shared, vectorsOf } from "../../support/vectors.ts";

const EUI = "A84041FF00000001";
const AT = Date.UTC(2026, 2, 15, 0, 0, 0, 250);
const MAP = { voltage_3: { quantity: "battery_v", unit: "V" } };
const MEASURED = { temperature_1: 17.5, humidity_2: 24.5, voltage_3: 3.58 };
const aDevice = (overrides: Partial<EndDevice> = {}): EndDevice => ({
  ...{ devEui: EUI, name: "Soil 1", payload: "cayenne", fPort: 2, seed: 1, lost: 0, repeated: 0 },
  ...overrides,
});
const framesOf = (device: EndDevice, count: number, joins = 0): Frame[] =>
  Array.from({ length: count }, (_, fCnt) =>
    frameOf(device, sessionOf(device, joins), { fCnt, time: AT + fCnt * 600_000, measured: MEASURED }),
  );

const FORMATS = {
  chirpstack: chirpstackFormat({ application: "17c82e96-be03-4f38-aef3-f83d48582d97", name: "farm" }),
  tts: ttsFormat({ application: "farm", tenant: "ttn" }),
};
type Format = keyof typeof FORMATS;
const NAMES: readonly Format[] = ["chirpstack", "tts"];

function read(format: Format, { topic, body }: ServerMessage, payload: EndDevice["payload"] = "cayenne"): Decoded {
  const sender: SenderProfile = { quantities: {}, profile: { lorawan: { devEui: EUI, payload }, map: MAP } };
  const codec = { chirpstack, tts }[format];
  const decode = { chirpstack: decodeChirpstack, tts: decodeTts }[format];
  const bytes = Buffer.from(body);
  expect(codec.owns(topic)).toBe(true);
  expect(codec.sender(bytes, topic)).toBe(`eui:${EUI}`);
  const result: Decoded | Refusal = decode(bytes, sender, { topic, receivedAt: AT });
  if ("refused" in result) throw new Error(result.refused.detail);
  return result;
}

describe.each(NAMES)("%s", (format) => {
  test("an uplink is read as it was measured: values, units, time, signal", () => {
    const [first, second] = framesOf(aDevice(), 2);
    for (const frame of [first, second]) {
      if (!frame) throw new Error("two frames were made");
      const { readings, faults, health, seq } = read(format, FORMATS[format].uplink(frame));
      expect(readings.map(({ quantity, value, unit, time }) => [quantity, value, unit, time])).toEqual([
        ["temperature_1", 17.5, "Cel", frame.time],
        ["humidity_2", 24.5, "%", frame.time],
        ["voltage_3", 3.58, "V", frame.time],
      ]);
      expect({ faults, seq }).toEqual({ faults: [], seq: frame.fCnt });
      expect(health).toMatchObject({ rssi: frame.heard[0]?.rssi, snr: frame.heard[0]?.snr, batteryVolts: 3.58 });
    }
  });

  test("a payload of the maker's own comes as decoded object", () => {
    const measured = { "water.level_m": 3.402, "water.temp": 17, battery_mv: 3_580 };
    const device = aDevice({ payload: "object" });
    const frame = frameOf(device, sessionOf(device, 0), { fCnt: 0, time: AT, measured });
    expect(frame.object).toEqual({ water: { level_m: 3.402, temp: 17 }, battery_mv: 3_580 });
    const { readings } = read(format, FORMATS[format].uplink(frame), "object");
    expect(readings.map(({ quantity, value }) => [quantity, value])).toEqual(Object.entries(measured));
    expect(frame.bytes).toHaveLength(12);
  });

  test("a repeat bears the same identity, the next frame and the next session another", () => {
    const keyOf = (frame: Frame): string => {
      const { boot, seq } = read(format, FORMATS[format].uplink(frame));
      return `${boot}/${seq}`;
    };
    const frames = framesOf(aDevice(), 20);
    const keys = frames.map(keyOf);
    expect(new Set(keys).size).toBe(20);
    expect(framesOf(aDevice(), 20).map(keyOf)).toEqual(keys);
    expect(
      framesOf(aDevice(), 20, 1)
        .map(keyOf)
        .filter((key) => keys.includes(key)),
    ).toEqual([]);
  });

  test("a join holds no readings", () => {
    const device = aDevice();
    expect(read(format, FORMATS[format].join(device, sessionOf(device, 0), AT))).toMatchObject({
      readings: [],
      faults: [],
    });
  });
});

test("ChirpStack tells the battery by itself, The Things Stack with the uplinks", () => {
  const [frame] = framesOf(aDevice(), 1);
  if (!frame) throw new Error("one frame was made");
  const status = FORMATS.chirpstack.status(frame);
  if (!status) throw new Error("ChirpStack has status events");
  expect(read("chirpstack", status)).toMatchObject({ readings: [], health: { batteryPercent: 98.03 } });
  expect(FORMATS.tts.status(frame)).toBeNull();
  expect(read("tts", FORMATS.tts.uplink(frame)).health).toMatchObject({ batteryPercent: 98.03 });
});

test("lost and repeated frames come at their share, and the same ones in every run", () => {
  const device = aDevice({ lost: 0.1, repeated: 0.05 });
  const frames = framesOf(device, 4_000);
  const lost = frames.filter(({ heard }) => heard.length === 0).map(({ fCnt }) => fCnt);
  const repeated = frames.filter(({ copies }) => copies === 2).length;
  // Four standard deviations of a binomial count.
  expect(Math.abs(lost.length - 400)).toBeLessThan(76);
  expect(Math.abs(repeated - 200)).toBeLessThan(56);
  expect(framesOf(device, 4_000).flatMap(({ heard, fCnt }) => (heard.length === 0 ? [fCnt] : []))).toEqual(lost);
  expect(frames.map(({ fCnt }) => fCnt)).toEqual(frames.map((_, at) => at));
});

test("signals are what receivers report, best first, and the data rate fits them", () => {
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) {
    for (const { heard, spreadingFactor, frequency } of framesOf(aDevice({ devEui: `A84041FF0000000${n}` }), 200)) {
      const signals = heard.map(({ rssi }) => rssi);
      expect(signals).toEqual([...signals].sort((one, other) => other - one));
      for (const { rssi, snr } of heard) {
        expect(rssi).toBeGreaterThanOrEqual(-141);
        expect(rssi).toBeLessThanOrEqual(-70);
        expect(snr * 4).toBe(Math.round(snr * 4));
      }
      expect(spreadingFactor).toBeGreaterThanOrEqual(7);
      expect(spreadingFactor).toBeLessThanOrEqual(12);
      expect(frequency).toBeGreaterThanOrEqual(486_300_000);
      expect(frequency).toBeLessThanOrEqual(487_700_000);
    }
  }
});

interface Vector {
  readonly id: string;
  readonly payload: Readonly<Record<string, unknown>>;
}
describe.skipIf(shared === undefined)("[shared] the shapes of real servers", () => {
  /** Every path of the value, list elements as one. */
  const pathsOf = (value: unknown, path = ""): string[] => {
    if (Array.isArray(value)) return value.flatMap((element) => pathsOf(element, `${path}[]`));
    if (typeof value !== "object" || value === null) return [path];
    return Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, `${path}.${key}`));
  };
  /** What only some devices and installations have. */
  const OPTIONAL =
    /tags|object|decoded_payload|confirmed|correlation|locations|version_ids|attributes|cluster_id|uplink_token|consumed_airtime|coding_rate|region_|network_ids/;
  test.each([
    ["cs-up-object", "chirpstack"],
    ["cs-up-join", "chirpstack"],
    ["tts-up-cayenne", "tts"],
  ] as const)("%s: no field is missing", (id, format) => {
    const real = vectorsOf<Vector>("lorawan.jsonl").find((vector) => vector.id === id);
    const device = aDevice();
    const frames = framesOf(device, 30);
    const written = id.endsWith("join")
      ? [FORMATS[format].join(device, sessionOf(device, 0), AT)]
      : frames.map((frame) => FORMATS[format].uplink(frame));
    const own = new Set(written.flatMap(({ body }) => pathsOf(JSON.parse(body))));
    const missing = pathsOf(real?.payload).filter((path) => !own.has(path) && !OPTIONAL.test(path));
    expect(missing).toEqual([]);
  });
});
