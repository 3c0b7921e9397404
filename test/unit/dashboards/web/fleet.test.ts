import { expect, test } from "vitest";
import type { FleetView } from "../../../../dashboards/web/api-types.ts";
import { byTrouble, type FleetChoice, fits, percentText, troubleOf } from "../../../../dashboards/web/pure/fleet.ts";

function aView(overrides: Partial<FleetView> = {}): FleetView {
  return {
    ...{ id: "d", station: "mw-1", stationName: "mw-1", site: "s", siteName: "s", tenant: "t", state: "online" },
    ...{
      since: null,
      reason: null,
      until: null,
      protocol: "mqtt",
      address: null,
      lastTime: null,
      lastReceivedAt: null,
    },
    ...{ intervalMs: 600_000, overdue: false, offsetMs: null, driftMsPerDay: null, rssi: null, snr: null },
    ...{ batteryVolts: null, batteryPercent: null, signsAt: null, missingMessages: 0, dataHoles: 0, equipment: [] },
    today: { day: "2026-03-15", expected: 0, received: 0, valid: 0, completeness: 1 },
    ...overrides,
  };
}

test("what is silent comes first, then what is lost, low on power, incomplete; the rest by name", () => {
  const devices = [
    aView({ id: "b" }),
    aView({ id: "gaps", missingMessages: 1 }),
    aView({ id: "low", batteryPercent: 19 }),
    aView({ id: "lost", state: "lost" }),
    aView({ id: "silent", overdue: true }),
    aView({ id: "a", state: "offline", batteryPercent: 20 }),
  ];
  expect(byTrouble(devices).map(({ id }) => id)).toEqual(["silent", "lost", "low", "gaps", "a", "b"]);
  expect(troubleOf(aView({ state: "unknown" }))).toBe(0);
});

test.each`
  choice       | ids
  ${"all"}     | ${["on", "off", "lost"]}
  ${"trouble"} | ${["lost"]}
  ${"offline"} | ${["off"]}
`("$choice shows $ids", ({ choice, ids }: { choice: FleetChoice; ids: string[] }) => {
  const devices = [aView({ id: "on" }), aView({ id: "off", state: "offline" }), aView({ id: "lost", state: "lost" })];
  expect(devices.filter((device) => fits(device, choice)).map(({ id }) => id)).toEqual(ids);
});

test.each`
  share     | text
  ${1}      | ${"100 %"}
  ${0.9999} | ${"99 %"}
  ${0.505}  | ${"51 %"}
  ${0.001}  | ${"1 %"}
  ${0}      | ${"0 %"}
`("$share is $text", ({ share, text }: { share: number; text: string }) => {
  expect(percentText(share)).toBe(text);
});
