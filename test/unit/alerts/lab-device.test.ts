/** The laboratory beside a sensor: never awaited, never overdue, and the series that both measure keeps the sensor's pace. */
import { expect, test } from "vitest";
import { seriesContext } from "../../../alerts/bind.ts";
import { Judge } from "../../../alerts/judge.ts";
import { type LabResult, labDevice } from "../../../core/lab.ts";
import type { Device } from "../../../core/site.ts";
import { DeviceFold } from "../../../ingest/fleet-health.ts";
import { labDevices } from "../../../ingest/lab/messages.ts";
import { aBlock, aDevice, aDirectory, anOrigin, aReading, aVersionedRule, NOW } from "../../support/builders.ts";
import { noLimits } from "../../support/timeline.ts";

const DAY = 86_400_000;
const MINUTE = 60_000;
const sensor = aDevice({ id: "dev-1", interval: 10 * MINUTE, quantities: { cd: "mg/L" } });
const result: LabResult = {
  ...{ row: 2, station: "mw-1", time: NOW - 10 * DAY, quantity: "cd", fraction: "total", value: 0.001 },
  ...{ cmp: "", unit: "mg/L", method: "", detectionLimit: null, lab: "", sample: "" },
};
const laboratory = labDevices([result, { ...result, quantity: "pb" }], aDirectory({ devices: [sensor] }))[0] as Device;

const silent = aVersionedRule({ id: "silent", kind: "absence", on: {}, level: "blue" });
const silentCd = aVersionedRule({
  id: "silent-cd",
  kind: "absence",
  on: { quantity: "cd" },
  after: "2h",
  level: "blue",
});
const rules = [silent, silentCd];

test("a series of sensor and laboratory has the sensor's interval, whichever was registered first; one of the laboratory alone its own", () => {
  for (const devices of [
    [sensor, laboratory],
    [laboratory, sensor],
  ]) {
    const directory = aDirectory({ devices, rules });
    const place = directory.station("mw-1");
    if (!place) throw new Error("no station");
    const of = (quantity: string) => seriesContext(quantity, place, directory, silent.rule, noLimits).intervalMs;
    expect(of("cd")).toBe(10 * MINUTE);
    expect(of("pb")).toBe(365 * DAY);
    expect(of("ph")).toBeNull();
  }
});

test("no rule awaits a laboratory, not in ten years; its results do not speak for a dead sensor", () => {
  const judge = new Judge(aDirectory({ devices: [sensor, laboratory], rules }), { bindLimit: noLimits });
  judge.resume(0, NOW);
  const from = (device: string, time: number, at: number, seq: number) =>
    judge.block(
      aBlock([
        aReading({
          series: "mw-1/cd/total/rtd",
          time,
          origin: anOrigin({ device, boot: device, seq, receivedAt: at }),
        }),
      ]),
      seq,
      at,
    );
  from("dev-1", NOW, NOW + 500, 1);
  from(labDevice("mw-1"), NOW + 3 * 60 * MINUTE, NOW + 3 * 60 * MINUTE, 2);
  const raised = judge.tick(3, NOW + 3 * 60 * MINUTE);
  expect(raised.map(({ alarm }) => [alarm.rule, alarm.evidence.readings[0]?.device])).toEqual([
    ["silent", "dev-1"],
    ["silent-cd", "dev-1"],
  ]);
  expect(from(labDevice("mw-1"), NOW + 4 * 60 * MINUTE, NOW + 4 * 60 * MINUTE, 4)).toEqual([]);
  expect(judge.tick(5, NOW + 3_650 * DAY)).toEqual([]);
});

test("fleet health: results of long ago are neither overdue nor missing", () => {
  const fold = new DeviceFold();
  const series = "mw-1/cd/total/rtd";
  const day = Math.floor((NOW - 2_000 * DAY) / DAY);
  const note = {
    ...{ device: laboratory.id, receivedAt: NOW, firstAt: NOW, messages: 1, refused: 0, signs: null, offsetMs: null },
    ...{ seqs: [], times: [[NOW - 2_000 * DAY, NOW - 2_000 * DAY]], days: [[series, day, 1, 1, NOW - 2_000 * DAY]] },
  } as const;
  fold.add(note as never, laboratory.interval);
  const view = fold.view(laboratory, NOW);
  expect(view.overdue).toBe(false);
  expect(view.series.map(({ overdue }) => overdue)).toEqual([false]);
  expect(view.days.filter(({ completeness }) => completeness < 1)).toEqual([]);
  expect(fold.view({ ...laboratory, id: "dev-9" }, NOW).overdue).toBe(true);
});
