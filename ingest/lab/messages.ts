/**
 * Laboratory results → telemetry v1 of one device a station, `lab-{station}`: from there on they are readings like any
 * other. Method, laboratory and sample number travel in the message (`lab`) and stay in the raw stream with it.
 */
import { type LabResult, labDevice } from "../../core/lab.ts";
import type { Directory } from "../../core/ports.ts";
import type { Device } from "../../core/site.ts";
import { devicePrefix, type Telemetry } from "../../core/wire.ts";

const READINGS_A_MESSAGE = 200;
/** Longer than any sensor's, so that a series that both measure keeps the sensor's pace. Nobody waits for a laboratory. */
const INTERVAL_MS = 365 * 86_400_000;

export interface LabMessage {
  readonly device: string;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** The devices that must be in the registry before the messages are read: new ones, and those that learn a quantity. */
export function labDevices(results: readonly LabResult[], directory: Directory): readonly Device[] {
  const units = new Map<string, Record<string, string>>();
  for (const { station, quantity, unit } of results) {
    const known = units.get(station) ?? {};
    known[quantity] ??= unit;
    units.set(station, known);
  }
  return [...units].flatMap(([station, found]) => {
    const id = labDevice(station);
    const old = directory.device(id)?.device;
    const quantities = { ...found, ...old?.quantities };
    if (old && Object.keys(quantities).length === Object.keys(old.quantities).length) return [];
    return [old ? { ...old, quantities } : { id, station, interval: INTERVAL_MS, quantities }];
  });
}

/** One message a sample: same station, time, sample number and laboratory. */
export function labMessages(results: readonly LabResult[], directory: Directory): readonly LabMessage[] {
  const samples = new Map<string, LabResult[]>();
  for (const result of results) {
    const key = JSON.stringify([result.station, result.time, result.sample, result.lab]);
    const known = samples.get(key);
    if (known) known.push(result);
    else samples.set(key, [result]);
  }
  const messages: LabMessage[] = [];
  for (const sample of samples.values()) {
    for (let at = 0; at < sample.length; at += READINGS_A_MESSAGE)
      messages.push(...messageOf(sample.slice(at, at + READINGS_A_MESSAGE), directory));
  }
  return messages;
}

function messageOf(sample: readonly LabResult[], directory: Directory): readonly LabMessage[] {
  const [first] = sample;
  const place = first && directory.station(first.station);
  if (!first || !place) return [];
  const device = labDevice(first.station);
  const telemetry: Telemetry = {
    v: 1,
    ts: first.time,
    lab: { ...(first.sample ? { sample: first.sample } : {}), ...(first.lab ? { name: first.lab } : {}) },
    r: sample.map(({ quantity, value, unit, cmp, fraction, method, detectionLimit }) => ({
      p: quantity,
      v: value,
      u: unit,
      ...(cmp === "" ? {} : { cmp }),
      fraction: fraction as "total",
      ...(method ? { method } : {}),
      ...(detectionLimit === null ? {} : { dl: detectionLimit }),
    })),
  };
  const topic = `${devicePrefix(place.site, place.station, { id: device })}telemetry`;
  return [{ device, topic, payload: Buffer.from(JSON.stringify(telemetry)) }];
}
