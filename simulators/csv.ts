/**
 * Replays a CSV of real measurements as devices over real MQTT: original times and censored values kept. One device a
 * station; rows of one station and time become one message.
 */
import { createReadStream } from "node:fs";
import { parse as parseCsv } from "csv-parse";
import { DateTime } from "luxon";
import type { Clock } from "../core/clock.ts";
import { Misconfigured, Refused } from "../core/errors.ts";
import type { RegistryContents } from "../core/ports.ts";
import { READINGS_MAX, type WireReading } from "../core/wire.ts";
import { createDevice, type DeviceIdentity, type SimulatedDevice } from "./device.ts";
import type { MapFile } from "./map-file.ts";

/** A row of the file as readings of one station at one time. */
export interface TapeRow {
  readonly line: number;
  readonly station: string;
  readonly time: number;
  readonly readings: readonly WireReading[];
}

export interface TapeCounts {
  rows: number;
  /** Cells with a value that became readings. */
  readings: number;
  censored: number;
  missing: number;
  /** Long shape: rows whose quantity the map does not name. */
  skipped: number;
}

export function emptyCounts(): TapeCounts {
  return { rows: 0, readings: 0, censored: 0, missing: 0, skipped: 0 };
}

/** Reads the tape in file order. @throws Refused `CSV_UNREADABLE` with line and column of the first fault. */
export async function* readTape(file: string, map: MapFile, counts: TapeCounts): AsyncGenerator<TapeRow> {
  const parser = createReadStream(file)
    .on("error", (error) => parser.destroy(error))
    .pipe(parseCsv({ columns: true, bom: true, skip_empty_lines: true, info: true }));
  const toTime = timeReader(map, file);
  const idOf = stationIds(file);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: Record<string, string>;
      info: { lines: number };
    }>) {
      counts.rows++;
      const line = info.lines;
      const time = toTime(record, line);
      if (map.shape === "wide") yield* wideRows(map, record, { line, time }, counts, file);
      else {
        const reading = longReading(map, record, line, counts, file);
        if (reading)
          yield { line, station: idOf(cell(record, map.columns.station, line, file), line), time, readings: [reading] };
      }
    }
  } catch (error) {
    if (error instanceof Refused || error instanceof Misconfigured) throw error;
    throw new Refused(
      "CSV_UNREADABLE",
      { what: (error as Error).message, where: file, mend: "give a UTF-8 CSV with a header line" },
      400,
      { cause: error },
    );
  }
}

function* wideRows(
  map: Extract<MapFile, { shape: "wide" }>,
  record: Record<string, string>,
  at: { line: number; time: number },
  counts: TapeCounts,
  file: string,
): Generator<TapeRow> {
  const byStation = new Map<string, WireReading[]>();
  for (const [column, target] of Object.entries(map.columns)) {
    const text = cell(record, column, at.line, file);
    if (map.missing.includes(text)) {
      counts.missing++;
      continue;
    }
    const readings = byStation.get(target.station) ?? [];
    readings.push(toReading(target, text, "", { line: at.line, column, file }, counts));
    byStation.set(target.station, readings);
  }
  for (const [station, readings] of byStation) yield { ...at, station, readings };
}

function longReading(
  map: Extract<MapFile, { shape: "long" }>,
  record: Record<string, string>,
  line: number,
  counts: TapeCounts,
  file: string,
): WireReading | undefined {
  const { columns } = map;
  const target = map.quantities[cell(record, columns.quantity, line, file)];
  if (!target) {
    counts.skipped++;
    return undefined;
  }
  const text = cell(record, columns.value, line, file);
  if (map.missing.includes(text)) {
    counts.missing++;
    return undefined;
  }
  const censor = columns.censor ? cell(record, columns.censor, line, file) : "";
  return toReading(target, text, censor, { line, column: columns.value, file }, counts);
}

/** Remarks that say "not detected"; every other remark than > is a comment (for example E, estimated). */
const NON_DETECT_REMARKS = ["<", "U", "ND"];

function toReading(
  target: { quantity: string; unit: string; fraction?: WireReading["fraction"]; agg?: WireReading["agg"] },
  text: string,
  censor: string,
  at: { line: number; column: string; file: string },
  counts: TapeCounts,
): WireReading {
  const sign = /^[<>]/.exec(text)?.[0] ?? (NON_DETECT_REMARKS.includes(censor) ? "<" : censor === ">" ? ">" : "");
  const value = Number(text.replace(/^[<>]\s*/, ""));
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new Refused("CSV_UNREADABLE", {
      what: `"${text}" is not a number`,
      where: `${at.file} line ${at.line} column ${at.column}`,
      mend: "mend the cell, or list it under `missing` in the map",
    });
  }
  counts.readings++;
  if (sign) counts.censored++;
  return {
    p: target.quantity,
    v: value,
    u: target.unit,
    ...(sign ? { cmp: sign as "<" | ">" } : {}),
    ...(target.fraction ? { fraction: target.fraction } : {}),
    ...(target.agg ? { agg: target.agg } : {}),
  };
}

function cell(record: Record<string, string>, column: string, line: number, file: string): string {
  const text = record[column];
  if (text === undefined) {
    throw new Refused("CSV_UNREADABLE", {
      what: `there is no column "${column}"`,
      where: `${file} line ${line}`,
      mend: `the header names: ${Object.keys(record).join(", ")}`,
    });
  }
  return text.trim();
}

function timeReader(map: MapFile, file: string): (record: Record<string, string>, line: number) => number {
  const { column, zone } = map.time;
  return (record, line) => {
    const text = cell(record, column, line, file);
    const zoneName = /^[+-]\d/.test(zone) ? `UTC${zone}` : zone;
    const normal = text.replace(" ", "T");
    const time = DateTime.fromISO(normal, { zone: zoneName, setZone: false });
    if (!time.isValid)
      throw new Refused("CSV_UNREADABLE", {
        what: `"${text}" is not a time: ${time.invalidExplanation}`,
        where: `${file} line ${line} column ${column}`,
        mend: "use ISO 8601, e.g. 2016-08-03T09:49Z or 2016-08-03 09:49",
      });
    return time.toMillis();
  };
}

/** Source names as ids; refuses two names that become one. */
function stationIds(file: string): (name: string, line: number) => string {
  const nameOf = new Map<string, string>();
  return (name, line) => {
    const id = name.replace(/[^A-Za-z0-9_.-]/g, "_").slice(0, 64);
    const known = nameOf.get(id);
    if (known === undefined) nameOf.set(id, name);
    else if (known !== name)
      throw new Refused("CSV_UNREADABLE", {
        what: `stations "${known}" and "${name}" both become id ${id}`,
        where: `${file} line ${line}`,
        mend: "rename one of them",
      });
    return id;
  };
}

/** The stations and devices a tape needs, for `--provision`. Device ids are `replay-<station>`, cut to 64 characters. */
export async function tapeRegistry(file: string, map: MapFile): Promise<RegistryContents> {
  const quantities = new Map<string, Record<string, string>>();
  for await (const { station, readings } of readTape(file, map, emptyCounts())) {
    const units = quantities.get(station) ?? {};
    for (const reading of readings) units[reading.p] = reading.u ?? "";
    quantities.set(station, units);
  }
  const { site } = map;
  const interval = map.shape === "long" ? map.interval : Object.values(map.columns)[0]?.interval;
  return {
    tenants: [{ id: site.tenant, name: site.tenant }],
    sites: [
      {
        id: site.id,
        tenant: site.tenant,
        kind: "wellfield",
        area: "replay",
        name: site.id,
        lat: site.lat,
        lon: site.lon,
      },
    ],
    stations: [...quantities.keys()].map((id) => ({
      id,
      site: site.id,
      medium: site.medium,
      type: site.type,
      control: "city" as const,
    })),
    devices: [...quantities].map(([station, units]) => ({
      id: replayDevice(station),
      station,
      interval: interval ?? 600_000,
      quantities: units,
    })),
  };
}

export function replayDevice(station: string): string {
  return `replay-${station}`.slice(0, 64);
}

export interface ReplayReport extends TapeCounts {
  readonly messages: number;
  readonly acknowledged: number;
  readonly stations: number;
  readonly elapsedMs: number;
}

/** Messages over all devices that may wait for their PUBACK. */
const PENDING_MAX = 400;

/**
 * @param identities by station id.
 * @param speed "max", or a factor of data time over wall time.
 */
export async function replayCsv(parts: {
  readonly file: string;
  readonly map: MapFile;
  readonly url: string;
  readonly identities: ReadonlyMap<string, DeviceIdentity>;
  readonly speed: "max" | number;
  readonly boot: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told once of each kind of connection trouble. */
  readonly onTrouble: (what: string) => void;
}): Promise<ReplayReport> {
  const { file, map, identities, clock, speed } = parts;
  const trouble = watchTrouble(parts);
  const startedAt = clock.monotonic();
  const counts = emptyCounts();
  const devices = new Map<string, SimulatedDevice>();
  const pending = new Set<Promise<void>>();
  const batches = new Map<string, WireReading[]>();
  let previousTime: number | null = null;

  const flush = async (station: string): Promise<void> => {
    const batch = batches.get(station) ?? [];
    batches.delete(station);
    if (batch.length === 0) return;
    const sent: Promise<void> = deviceOf(station)
      .send(batch)
      .then(() => void pending.delete(sent));
    pending.add(sent);
    if (pending.size >= PENDING_MAX) await Promise.race([...pending, trouble.failed]);
  };
  const deviceOf = (station: string): SimulatedDevice => {
    let device = devices.get(station);
    if (!device) {
      const identity = identities.get(station);
      if (!identity)
        throw new Misconfigured("STATION_UNKNOWN", {
          what: `no device is registered for station ${station}`,
          where: file,
          mend: "import it with `jingtu registry import`, or run with --provision",
        });
      device = createDevice({
        url: parts.url,
        identity,
        boot: parts.boot,
        clock,
        onTrouble: trouble.tell(identity.id),
      });
      devices.set(station, device);
    }
    return device;
  };

  try {
    // At full speed a message carries up to a second's worth of rows; at a set speed each time step goes out alone.
    const readingsMax = speed === "max" ? Math.min(200, READINGS_MAX) : READINGS_MAX;
    for await (const row of readTape(file, map, counts)) {
      if (speed !== "max" && previousTime !== null && row.time > previousTime) {
        for (const station of [...batches.keys()]) await flush(station);
        await Promise.race([clock.sleep((row.time - previousTime) / speed, parts.signal), trouble.failed]);
      }
      previousTime = row.time;
      let batch = batches.get(row.station) ?? [];
      if (batch.length + row.readings.length > readingsMax) {
        await flush(row.station);
        batch = [];
      }
      for (const reading of row.readings) batch.push({ ...reading, t: wireTime(row.time) });
      batches.set(row.station, batch);
    }
    for (const station of [...batches.keys()]) await flush(station);
    await Promise.race([Promise.all(pending), trouble.failed]);
    const acknowledged = [...devices.values()].reduce((sum, device) => sum + device.counts().acknowledged, 0);
    const messages = [...devices.values()].reduce((sum, device) => sum + device.counts().made, 0);
    return {
      ...counts,
      messages,
      acknowledged,
      stations: devices.size,
      elapsedMs: Math.round(clock.monotonic() - startedAt),
    };
  } finally {
    await Promise.all([...devices.values()].map((device) => device.close()));
  }
}

/** A device that was registered a moment ago is known within a second: its first refusals are not worth a word. */
const REFUSALS_QUIET = 2;
/** A refused secret is tried this often. */
const REFUSALS_MAX = 8;

/** `failed` rejects when the person stops the replay, or when the broker keeps refusing a device. Never resolves. */
function watchTrouble({
  url,
  signal,
  onTrouble,
}: {
  url: string;
  signal: AbortSignal;
  onTrouble: (what: string) => void;
}): {
  readonly failed: Promise<never>;
  tell(device: string): (error: Error, isRefused: boolean) => void;
} {
  const told = new Set<string>();
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined); // whoever races it sees the reason
  const stopped = (): void =>
    fail(new Refused("REPLAY_STOPPED", { what: "stopped before everything was acknowledged" }));
  if (signal.aborted) stopped();
  signal.addEventListener("abort", stopped, { once: true });
  return {
    failed,
    tell: (device) => {
      let refusals = 0;
      return (error, isRefused) => {
        const what = error.message || "connection failed";
        refusals = isRefused ? refusals + 1 : 0;
        const isWorthTelling = !isRefused || refusals > REFUSALS_QUIET;
        if (isWorthTelling && !told.has(what)) onTrouble(`${url}: ${what}; trying again`);
        if (isWorthTelling) told.add(what);
        if (refusals < REFUSALS_MAX) return;
        fail(
          new Refused("BROKER_REFUSES", {
            what: `the broker refuses device ${device}: ${what}`,
            where: url,
            mend: "use the secrets of this server's registry, or --provision with its EWS_DATA_DIR",
          }),
        );
      };
    },
  };
}

/** Milliseconds where they cannot be mistaken for seconds, else RFC 3339. */
function wireTime(time: number): number | string {
  return time < 0 || time >= 1e11 ? time : new Date(time).toISOString();
}
