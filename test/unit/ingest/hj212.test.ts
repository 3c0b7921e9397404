import { describe, expect, test } from "vitest";
import { FORMATS, parseProfile } from "../../../cli/decode-formats.ts";
import { type DeviceProfile, Hj212Profile } from "../../../core/device-profile.ts";
import { encodeFrame } from "../../../core/hj212-frame.ts";
import { encryptSegment } from "../../../core/hj212-sm4.ts";
import type { Decoded, DecodedReading, Refusal, SenderProfile } from "../../../ingest/codecs/codec.ts";
import { decodeHj212 } from "../../../ingest/codecs/hj212.ts";
import { decodeHj212Frames } from "../../../ingest/codecs/hj212-frames.ts";
import { Normaliser } from "../../../ingest/normalise.ts";
import { aDevice, aDirectory, aStation } from "../../support/builders.ts";

/** 2026-03-15 08:30 in Shanghai. */
const TIME = Date.UTC(2026, 2, 15, 0, 30);
const HOUR_MS = 3_600_000;

function sender(profile: DeviceProfile = {}, quantities: SenderProfile["quantities"] = {}): SenderProfile {
  return { quantities, profile: { hj212: Hj212Profile.parse({ mn: "A1" }), ...profile } };
}
function frame(cp: string, head = "CN=2011;MN=A1;Flag=5"): Uint8Array {
  return encodeFrame(`QN=20260315083000123;ST=24;${head};CP=&&${cp}&&`);
}
function at(cp: string): string {
  return `DataTime=20260315083000;${cp}`;
}
function decode(bytes: Uint8Array, who = sender(), receivedAt = TIME + 1_000): Decoded | Refusal {
  return decodeHj212(bytes, who, { topic: "", receivedAt });
}
function used(bytes: Uint8Array, who = sender(), receivedAt = TIME + 1_000): Decoded {
  const decoded = decode(bytes, who, receivedAt);
  if ("refused" in decoded) throw new Error(decoded.refused.code + decoded.refused.detail);
  return decoded;
}
function brief({ quantity, value, unit, cmp, qualifier, aggregate }: DecodedReading): string {
  return `${quantity}/${aggregate} ${cmp}${value} ${unit ?? "(registry)"} ${qualifier}`;
}

describe("commands", () => {
  test("raw data of periodic analysers (2013) and five-minute means (2111) are readings", () => {
    expect(used(frame(at("w20120-Rtd=8.4"), "CN=2013;MN=A1;Flag=9")).readings.map(brief)).toEqual([
      "w20120/rtd 8.4 µg/L N",
    ]);
    expect(used(frame(at("w20120-Avg=8.4"), "CN=2111;MN=A1;Flag=9")).readings.map(brief)).toEqual([
      "w20120/avg 8.4 µg/L N",
    ]);
  });
});

describe("values, flags and units", () => {
  test.each`
    cp                                     | out
    ${"w01001-Rtd=7.12,w01001-Flag=N"}     | ${"w01001/rtd 7.12 1 N"}
    ${"w20120-Rtd=8.4"}                    | ${"w20120/rtd 8.4 µg/L N"}
    ${"w20144-Rtd=0.01"}                   | ${"pb/rtd 0.01 mg/L N"}
    ${"w20089-Rtd=4"}                      | ${"w20089/rtd 4 ng/L N"}
    ${"011-Rtd=32.4,011-Flag=N"}           | ${"w01018/rtd 32.4 mg/L N"}
    ${"w01002-Rtd=5"}                      | ${"w01002/rtd 5 (registry) N"}
    ${"w21003-Rtd=<0.01,w21003-Flag=N"}    | ${"w21003/rtd <0.01 mg/L N"}
    ${"w21003-Rtd=-0.03"}                  | ${"w21003/rtd -0.03 mg/L N"}
    ${"w21003-Rtd=1.2E-3"}                 | ${"w21003/rtd 0.0012 mg/L N"}
    ${"w01001-Rtd=--,w01001-Flag=F"}       | ${"w01001/rtd null 1 F"}
    ${"w01001-Rtd=,w01001-Flag=D"}         | ${"w01001/rtd null 1 D"}
    ${"w01001-Rtd=NaN,w01001-Flag=B"}      | ${"w01001/rtd null 1 B"}
    ${"w20111-Rtd=9999.99,w20111-Flag=T"}  | ${"w20111/rtd null µg/L T"}
    ${"w01001-Rtd=14,w01001-Flag=T"}       | ${"w01001/rtd 14 1 T"}
    ${"w01001-Rtd=7,w01001-Flag=X"}        | ${"w01001/rtd 7 1 S"}
    ${"w01001-Rtd=7,w01001-Flag=m"}        | ${"w01001/rtd 7 1 M"}
    ${"w01001-Rtd=7;Flag=D"}               | ${"w01001/rtd 7 1 D"}
    ${"w01001-Rtd=7,w01001-Flag=N;Flag=D"} | ${"w01001/rtd 7 1 N"}
    ${"w01001-EFlag=A01,w01001-Rtd=7"}     | ${"w01001/rtd 7 1 N"}
    ${"w01001-Rtd=7,w01009-Flag=D"}        | ${"w01001/rtd 7 1 N"}
  `("$cp gives $out", ({ cp, out }: { cp: string; out: string }) => {
    const { readings, faults } = used(frame(at(cp)));
    expect([readings.map(brief), faults]).toEqual([[out], []]);
    expect(readings[0]?.time).toBe(TIME);
  });

  test.each`
    cp                                                 | code
    ${"w01001-Rtd=--,w01001-Flag=N"}                   | ${"VALUE_NOT_A_NUMBER"}
    ${"w01001-Rtd="}                                   | ${"VALUE_NOT_A_NUMBER"}
    ${"w01001-Rtd"}                                    | ${"VALUE_NOT_A_NUMBER"}
    ${"w01001-Rtd=0x10"}                               | ${"VALUE_NOT_A_NUMBER"}
    ${"w01001-Rtd=Infinity"}                           | ${"VALUE_NOT_A_NUMBER"}
    ${"w01001-Rtd=1,w01001-Rtd=1.2.3"}                 | ${"VALUE_NOT_A_NUMBER"}
    ${"w20111-Rtd=9999.99"}                            | ${"VALUE_NOT_COMPUTED"}
    ${"w99999-Rtd=1"}                                  | ${"QUANTITY_UNKNOWN"}
    ${"__proto__-Rtd=1"}                               | ${"QUANTITY_UNKNOWN"}
    ${"constructor-Rtd=1"}                             | ${"QUANTITY_UNKNOWN"}
    ${"w01001-SampleTime=20260231000000,w01001-Rtd=1"} | ${"TIME_NOT_A_DATE"}
  `("$cp is $code by name, and the rest is used", ({ cp, code }: { cp: string; code: string }) => {
    const { readings, faults } = used(frame(at(`${cp};w01009-Rtd=8`)));
    expect(readings.at(-1)?.quantity).toBe("w01009");
    expect(faults.map((found) => found.code)).toEqual([code]);
    expect(faults[0]?.detail).toContain(cp.slice(0, 6));
  });

  test("aggregates; a total has its own unit; other suffixes describe", () => {
    const cp = at(
      "w01018-Cou=10.5,w01018-Min=1,w01018-Avg=2,w01018-Max=3,w01018-ZsAvg=9,w01018-Flag=N,w01018-ValidNum=4",
    );
    expect(used(frame(cp, "CN=2051;MN=A1")).readings.map(brief)).toEqual([
      "w01018/sum 10.5 kg N",
      "w01018/min 1 mg/L N",
      "w01018/avg 2 mg/L N",
      "w01018/max 3 mg/L N",
    ]);
  });

  test("what the profile and the registry say of the very code beats the table", () => {
    const map = {
      lev: { quantity: "gw_level", unit: "m" },
      w20119: { quantity: "as", unit: "mg/L" },
      "w01018-Cou": { quantity: "cod" },
    };
    const who = sender({ map }, { w20115: "mg/L" });
    const cp = at("lev-Rtd=3;w20119-Rtd=1;w20115-Rtd=2;w20120-Rtd=4;w01018-Cou=5");
    expect(used(frame(cp), who).readings.map(brief)).toEqual([
      "lev/rtd 3 (registry) N",
      "w20119/rtd 1 (registry) N",
      "w20115/rtd 2 (registry) N",
      "w20120/rtd 4 µg/L N",
      "w01018-Cou/sum 5 (registry) N",
    ]);
  });

  test("the normaliser makes them canonical", () => {
    const device = aDevice({ quantities: { pb: "mg/L", as: "mg/L" }, profile: sender().profile });
    const context = aDirectory({ stations: [aStation()], devices: [device] }).device(device.id);
    const normaliser = new Normaliser(context!); // just registered
    const rows = used(frame(at("w20120-Rtd=8.4;w20144-Rtd=0.01;w20141-Rtd=0.02"))).readings.map((reading) => {
      const row = normaliser.row(reading, TIME);
      return "code" in row ? row.code : [row.series.split("/")[1], row.value];
    });
    expect(rows).toEqual([
      ["pb", 0.0084],
      ["pb", 0.01],
      ["as", 0.02],
    ]);
  });
});

describe("times and back-fill", () => {
  test.each`
    why                                    | cp                    | head                    | ageMs            | backfill
    ${"live"}                              | ${at("w01001-Rtd=7")} | ${"CN=2011;MN=A1"}      | ${1_000}         | ${false}
    ${"RF=1"}                              | ${at("w01001-Rtd=7")} | ${"CN=2011;MN=A1;RF=1"} | ${1_000}         | ${true}
    ${"real time of two hours ago"}        | ${at("w01001-Rtd=7")} | ${"CN=2011;MN=A1"}      | ${2 * HOUR_MS}   | ${true}
    ${"an hour value just after its hour"} | ${at("w01001-Avg=7")} | ${"CN=2061;MN=A1"}      | ${1.2 * HOUR_MS} | ${false}
    ${"an hour value of yesterday"}        | ${at("w01001-Avg=7")} | ${"CN=2061;MN=A1"}      | ${24 * HOUR_MS}  | ${true}
    ${"yesterday's day value"}             | ${at("w01001-Avg=7")} | ${"CN=2031;MN=A1"}      | ${33 * HOUR_MS}  | ${false}
    ${"nothing in it"}                     | ${at("SB1-RS=1")}     | ${"CN=2021;MN=A1"}      | ${99 * HOUR_MS}  | ${false}
  `("$why", ({ cp, head, ageMs, backfill }: { cp: string; head: string; ageMs: number; backfill: boolean }) => {
    expect(used(frame(cp, head), sender(), TIME + ageMs).backfill).toBe(backfill);
  });

  test("the sample's own time counts for real-time values, the zone is the profile's", () => {
    const cp = at("w01018-SampleTime=20260315070000,w01018-Rtd=2.2;w01001-Rtd=7");
    expect(used(frame(cp)).readings.map(({ time }) => time)).toEqual([TIME - 1.5 * HOUR_MS, TIME]);
    const urumqi = sender({ hj212: Hj212Profile.parse({ mn: "A1", zone: "Asia/Urumqi" }) });
    expect(used(frame(at("w01001-Rtd=7")), urumqi).readings[0]?.time).toBe(TIME + 2 * HOUR_MS);
  });

  test("without DataTime real-time data count for QN, intervals are refused", () => {
    expect(used(frame("w01001-Rtd=7")).readings[0]?.time).toBe(TIME + 123);
    expect(decode(frame("w01001-Avg=7", "CN=2061;MN=A1"))).toMatchObject({ refused: { code: "TIME_MISSING" } });
    const parts = [1, 2].map((no) => `CN=2061;MN=A1;Flag=7;PNUM=2;PNO=${no}`) as [string, string];
    const both = Buffer.concat([frame(at("w01001-Avg=7"), parts[0]), frame("w01009-Avg=8", parts[1])]);
    expect(used(both).readings.map(({ time }) => time)).toEqual([TIME, TIME]);
    expect(decode(frame("DataTime=2026", "CN=2011;MN=A1"))).toMatchObject({ refused: { code: "TIME_NOT_A_DATE" } });
  });
});

describe("messages", () => {
  test.each(["9011", "9015", "2012"])("command %s holds no readings", (cn) => {
    const decoded = used(frame(at("w01001-Rtd=7"), `CN=${cn};MN=A1`));
    expect(decoded).toEqual({ boot: "", seq: -1, backfill: false, readings: [], faults: [] });
  });
  test.each(["2021", "2041", "2081", "3019", "3020"])("upload %s holds none either, and says so of a value", (cn) => {
    const { readings, faults } = used(frame(at("w01001-Rtd=7"), `CN=${cn};MN=A1`));
    expect([readings, faults.map(({ code }) => code)]).toEqual([[], ["UPLOAD_UNUSED"]]);
  });
  test("a request for history holds none either", () => {
    expect(used(frame("BeginTime=20260315000000,EndTime=20260315010000", "CN=2051;MN=A1")).readings).toEqual([]);
  });

  const good = frame(at("w01001-Rtd=7"));
  test.each`
    why                          | bytes                                                            | code
    ${"nothing"}                 | ${new Uint8Array()}                                              | ${"FRAME_MISSING"}
    ${"JSON"}                    | ${Buffer.from("{}")}                                             | ${"FRAME_MISSING"}
    ${"half a frame"}            | ${good.subarray(0, 50)}                                          | ${"FRAME_INCOMPLETE"}
    ${"a wrong check"}           | ${Buffer.from(Buffer.from(good).toString().replace("=7", "=9"))} | ${"CRC_WRONG"}
    ${"another device's number"} | ${frame(at("w01001-Rtd=7"), "CN=2011;MN=a1")}                    | ${"MN_MISMATCH"}
    ${"no CP"}                   | ${encodeFrame("CN=2011;MN=A1")}                                  | ${"CP_MISSING"}
    ${"over 500 readings"}       | ${Buffer.concat(Array.from({ length: 501 }, () => good))}        | ${"TOO_MANY_READINGS"}
  `("$why is refused: $code", ({ bytes, code }: { bytes: Uint8Array; code: string }) => {
    expect(decode(bytes)).toMatchObject({ refused: { code } });
  });

  test("several frames in one message: the good ones are used, each bad one is a fault", () => {
    const modbus = encodeFrame("CN=2011;MN=A1;CP=&&DataTime=20260315083000;w01001-Rtd=7&&", "modbus-be");
    const { readings, faults } = used(Buffer.concat([good, modbus, frame(at("w01009-Rtd=8"))]));
    expect(readings.map(({ quantity }) => quantity)).toEqual(["w01001", "w01009"]);
    expect(faults).toEqual([{ code: "CRC_WRONG", detail: expect.stringContaining("crc: modbus-be") }]);
    const who = sender({ hj212: Hj212Profile.parse({ mn: "A1", crc: "modbus-be" }) });
    expect(used(modbus, who).readings).toHaveLength(1);
  });

  test("shown frame by frame, in stream order", () => {
    const stream = Buffer.concat([Buffer.from("##12 "), good, encodeFrame("CN=2011;Flag=5"), good.subarray(0, 20)]);
    const out = [...decodeHj212Frames(stream)].map((shown) => [
      "header" in shown ? shown.header.CN : null,
      shown.error?.code ?? null,
    ]);
    expect(out).toEqual([
      [null, "LENGTH_WRONG"],
      ["2011", null],
      ["2011", "CP_MISSING"],
      [null, "FRAME_INCOMPLETE"],
    ]);
  });
});

describe("encrypted frames (HJ 212-2025)", () => {
  const key = Buffer.alloc(16, 0x30);
  const plain = `QN=20260315083000123;ST=32;CN=2011;MN=A1;Flag=9;CP=&&${at("w01001-Rtd=7.12,w01001-Flag=N")}&&`;
  const whole = Buffer.from(encodeFrame(plain));
  // Length and check are those of the plain text.
  const encrypted = Buffer.concat([
    whole.subarray(0, 6),
    encryptSegment(Buffer.from(plain), key) ?? new Uint8Array(),
    whole.subarray(6 + plain.length),
  ]);
  test("are read with the key, and named without it", () => {
    const envelope = { topic: "", receivedAt: TIME + 1_000 };
    expect(decodeHj212(encrypted, sender(), envelope, key)).toMatchObject({ readings: [{ value: 7.12 }], faults: [] });
    expect(decodeHj212(encrypted, sender(), envelope)).toMatchObject({ refused: { code: "ENCRYPTED_TCP_ONLY" } });
    const show = FORMATS["hj212"]?.(parseProfile(`sm4=${key.toString("hex")}`) ?? fail());
    expect(show?.({ bytes: encrypted, ...envelope })).toMatchObject([{ readings: [{ value: 7.12 }] }]);
  });
  test("a wrong check of plain text, Chinese too, is no encryption", () => {
    const bytes = Buffer.from(encodeFrame(plain.replace("w01001-Flag=N", "w01001-Info=//清洗//")));
    bytes[bytes.length - 3] = 0x30;
    bytes[bytes.length - 4] = 0x37;
    expect(decode(bytes)).toMatchObject({ refused: { code: "CRC_WRONG" } });
  });
});

function fail(): never {
  throw new Error("no profile");
}
