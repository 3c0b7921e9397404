import { expect, test } from "vitest";
import { DeviceProfile, type LorawanDownlink } from "../../../core/device-profile.ts";
import { downlinkMessage, fillHex } from "../../../gateway/lorawan-payload.ts";
import { NOW } from "../../support/builders.ts";

const EUI = "24E124136B502217";
const chirpstack: LorawanDownlink = {
  server: "chirpstack",
  application: "app-1",
  commands: {
    setInterval: { fPort: 85, hex: "ff03{seconds:u16le}" },
    restart: { fPort: 85, hex: "ff10ff", confirmed: true },
    timeSync: { fPort: 2, object: { set: "clock", unix: "{now}", zone: 8 } },
  },
};
const tts: LorawanDownlink = { ...chirpstack, server: "tts", application: "app1@ttn", device: "well-1" };

test.each`
  template                    | args                          | bytes
  ${"ff03{seconds:u16le}"}    | ${{ seconds: 600 }}           | ${"ff035802"}
  ${"01{seconds:u16be}02"}    | ${{ seconds: 600 }}           | ${"01025802"}
  ${"{minutes:u8}"}           | ${{ seconds: 600 }}           | ${"0a"}
  ${"{now:u32be}"}            | ${{}}                         | ${(NOW / 1_000).toString(16)}
  ${"{from:u32le}{to:u32le}"} | ${{ from: 1_500, to: 2_500 }} | ${"0100000003000000"}
`("$template becomes $bytes", ({ template, args, bytes }) => {
  expect(Buffer.from(fillHex(template, args, NOW)).toString("hex")).toBe(bytes);
});

test.each`
  template             | args                | why
  ${"{seconds:u16le}"} | ${{}}               | ${"the command has no seconds"}
  ${"{seconds:u8}"}    | ${{ seconds: 256 }} | ${"seconds 256 does not fit into u8"}
  ${"{minutes:u8}"}    | ${{ seconds: 90 }}  | ${"minutes is not whole: 1.5"}
  ${"{from:u32be}"}    | ${{ from: -1_000 }} | ${"from -1 does not fit into u32be"}
  ${"00".repeat(243)}  | ${{}}               | ${"243 bytes; a LoRaWAN frame holds 242"}
`("what cannot be written is said: $why", ({ template, args, why }) => {
  expect(fillHex(template, args, NOW)).toBe(why);
});

test("ChirpStack: our id is that of the queue item, bytes in base64", () => {
  const command = { id: "8f1c", op: "restart", args: {} } as const;
  const message = downlinkMessage(command, { devEui: EUI, downlink: chirpstack }, NOW);
  expect(JSON.parse((message as { json: string }).json)).toEqual({
    ...{ id: "8f1c", devEui: "24e124136b502217", confirmed: true, fPort: 85, data: "/xD/" },
  });
  const clock = downlinkMessage({ id: "c", op: "timeSync", args: {} }, { devEui: EUI, downlink: chirpstack }, NOW);
  expect(JSON.parse((clock as { json: string }).json)).toMatchObject({
    object: { set: "clock", unix: NOW / 1_000, zone: 8 },
  });
});

test("The Things Stack: our id is among the correlation ids, the device is named as the server names it", () => {
  const command = { id: "8f1c", op: "setInterval", args: { seconds: 60 } } as const;
  const message = downlinkMessage(command, { devEui: EUI, downlink: tts }, NOW);
  expect(JSON.parse((message as { json: string }).json)).toEqual({
    end_device_ids: { device_id: "well-1", application_ids: { application_id: "app1" } },
    downlinks: [
      {
        ...{ f_port: 85, frm_payload: "/wM8AA==", confirmed: false, priority: "NORMAL" },
        correlation_ids: ["jingtu:command:8f1c"],
      },
    ],
  });
});

test("a command that the profile does not know is none, one with unfit arguments says why", () => {
  const parts = { devEui: EUI, downlink: chirpstack };
  expect(downlinkMessage({ id: "c", op: "sampleNow", args: {} }, parts, NOW)).toBeNull();
  expect(downlinkMessage({ id: "c", op: "setInterval", args: { seconds: 86_400 } }, parts, NOW)).toBe(
    "seconds 86400 does not fit into u16le",
  );
});

test.each`
  mapping                                      | fits
  ${{ fPort: 85, hex: "FF{seconds:u8}" }}      | ${true}
  ${{ fPort: 0, hex: "FF" }}                   | ${false}
  ${{ fPort: 1, hex: "F" }}                    | ${false}
  ${{ fPort: 1, hex: "{seconds:u64}" }}        | ${false}
  ${{ fPort: 1 }}                              | ${false}
  ${{ fPort: 1, hex: "FF", object: { a: 1 } }} | ${false}
`("the registry takes $mapping: $fits", ({ mapping, fits }) => {
  const lorawan = { devEui: EUI, downlink: { server: "chirpstack", application: "a", commands: { restart: mapping } } };
  expect(DeviceProfile.safeParse({ lorawan }).success).toBe(fits);
});
