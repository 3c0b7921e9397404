import { expect, test } from "vitest";
import { encodeFrame } from "../../../core/hj212-frame.ts";
import type { Decoded } from "../../../ingest/codecs/codec.ts";
import { decodeHj212 } from "../../../ingest/codecs/hj212.ts";
import { CHANGES_MAX, DeviceFacts } from "../../../ingest/device-facts.ts";
import { NOW } from "../../support/builders.ts";

const TIME = "DataTime=20260315080000";
const decode = (cn: string, cp: string): Decoded =>
  decodeHj212(
    encodeFrame(`QN=20260315080001000;ST=32;CN=${cn};PW=123456;MN=A1;Flag=5;CP=&&${cp}&&`),
    { quantities: {} },
    { topic: "t", receivedAt: NOW + 5_000 },
  ) as Decoded;

test.each`
  cn        | cp                                                       | facts
  ${"2021"} | ${`${TIME};SB1-RS=1;SB2-RS=3`}                           | ${[["SB1-RS", "1"], ["SB2-RS", "3"]]}
  ${"2041"} | ${`${TIME};SB1-RT=1.1`}                                  | ${[["SB1-RT", "1.1"]]}
  ${"2081"} | ${`${TIME};RestartTime=20260315075900`}                  | ${[["RestartTime", "20260315075900"]]}
  ${"3019"} | ${"PolId=w01018;w01018-SN=010000A8900016F000169DC1"}     | ${[["w01018-SN", "010000A8900016F000169DC1"]]}
  ${"3020"} | ${`${TIME};PolId=w01018,i11001-Info=//清洗管路，完成//`} | ${[["w01018/i11001-Info", "清洗管路，完成"]]}
  ${"3020"} | ${TIME}                                                  | ${undefined}
  ${"2011"} | ${`${TIME};SB1-RS=1`}                                    | ${[["SB1-RS", "1"]]}
  ${"2071"} | ${`${TIME};w01018-Ala=120,AlarmType=1`}                  | ${[["w01018-Ala", "120"], ["AlarmType", "1"]]}
  ${"2062"} | ${`${TIME};w01018-SampleRd=49,w01018-StandardValue=50`}  | ${[["w01018-SampleRd", "49"], ["w01018-StandardValue", "50"]]}
  ${"3015"} | ${`${TIME};PolId=w01018,VaseNo=7`}                       | ${[["w01018/VaseNo", "7"]]}
  ${"1001"} | ${"i23005-Info=//77//"}                                  | ${[["i23005-Info", "77"]]}
`("command $cn, $cp: $facts", ({ cn, cp, facts }: { cn: string; cp: string; facts?: [string, string][] }) => {
  const decoded = decode(cn, cp);
  expect(decoded.facts?.map(({ name, value }) => [name, value])).toEqual(facts);
  expect([decoded.readings, decoded.faults]).toEqual([[], []]);
});

test.each`
  cn        | cp                       | why
  ${"2052"} | ${"w99999-Rtd=61.5"}     | ${"QUANTITY_UNKNOWN"}
  ${"2011"} | ${"w01018-ZsRtd=3"}      | ${"UPLOAD_UNUSED"}
  ${"2041"} | ${"SB1-Hours=3"}         | ${"UPLOAD_UNUSED"}
  ${"2081"} | ${"Started=2026"}        | ${"UPLOAD_UNUSED"}
  ${"3020"} | ${"PolId=w01018,Temp=9"} | ${"UPLOAD_UNUSED"}
`("an answered upload leaves something, if only a named fault: $cn $cp", ({ cn, cp, why }: Record<string, string>) => {
  const { readings, facts, faults } = decode(`${cn}`, `${TIME};${cp}`);
  expect([readings, facts]).toEqual([[], undefined]);
  expect(faults.map(({ code }) => code)).toEqual([why]);
});

test("single runs of noise meters (2052) are readings; requests and vendors' own commands leave nothing", () => {
  expect(decode("2052", `${TIME};w01018-Rtd=61.5`).readings).toMatchObject([{ quantity: "w01018", value: 61.5 }]);
  for (const [cn, cp] of [
    ["2061", "BeginTime=20260315080000;EndTime=20260315090000"],
    ["2999", `${TIME};x-y=1`],
  ] as const)
    expect(decode(cn, cp)).toMatchObject({ readings: [], faults: [] });
});

test("the packet's time holds, that of its arrival where it has none", () => {
  expect(decode("2021", `${TIME};SB1-RS=1`).facts?.[0]?.time).toBe(NOW);
  expect(decode("3019", "w01018-SN=1").facts?.[0]?.time).toBe(NOW + 5_000);
});

test("newest of each name; a change and an entry of a log are told, the same state again and an older one are not", () => {
  const facts = new DeviceFacts();
  const say = (name: string, value: string, minute: number): void =>
    facts.add({ name, value, time: NOW + minute }, NOW + minute + 1);
  say("SB1-RS", "1", 0);
  say("SB1-RS", "1", 1);
  say("SB1-RS", "0", 2);
  say("SB1-RS", "1", 1);
  say("w01018/i11001-Info", "cleaned", 3);
  say("w01018/i11001-Info", "cleaned", 3);
  say("w01018/i11001-Info", "cleaned", 9);
  expect(facts.newest.map(({ name, value, time }) => [name, value, time - NOW])).toEqual([
    ["SB1-RS", "0", 2],
    ["w01018/i11001-Info", "cleaned", 9],
  ]);
  expect(facts.changes.map(({ name, value, time }) => [name, value, time - NOW])).toEqual([
    ["w01018/i11001-Info", "cleaned", 9],
    ["w01018/i11001-Info", "cleaned", 3],
    ["SB1-RS", "0", 2],
    ["SB1-RS", "1", 0],
  ]);
  const again = new DeviceFacts(JSON.parse(JSON.stringify(facts.snapshot())));
  expect([again.newest, again.changes]).toEqual([facts.newest, facts.changes]);
  for (let n = 0; n < 200; n++) say("SB1-RS", String(n % 2), 10 + n);
  for (let n = 0; n < 200; n++) say(`SB${n}-RT`, "1", 1_000);
  expect([facts.newest.length, facts.changes.length]).toEqual([64, CHANGES_MAX]);
});
