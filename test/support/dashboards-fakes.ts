/**
 * A small world for tests of the web server: two tenants with a site, a station, a device and an open alarm each, on
 * the real ledger; journal, series and the engine's desk in memory.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { explain } from "../../alerts/explain/explain.ts";
import { createMaintenanceDesk } from "../../alerts/maintenance.ts";
import { loadPacks, type Packs } from "../../alerts/packs/load.ts";
import { createRegulationDesk } from "../../alerts/regulation/desk.ts";
import type { Alarm, AlarmEvent } from "../../core/alarm.ts";
import { createDirectory } from "../../core/directory.ts";
import { Refused, Unavailable } from "../../core/errors.ts";
import { createLogger, Metrics } from "../../core/observe.ts";
import type { AlarmDesk, Bucket, Directory, LatestPoint, Point, TimeSeriesStore } from "../../core/ports.ts";
import type { RegulationDesk } from "../../core/regulation.ts";
import type { PreviewReport } from "../../core/rule-preview.ts";
import { hmacSecret } from "../../core/secret.ts";
import type { Role } from "../../core/site.ts";
import type { DashboardParts } from "../../dashboards/parts.ts";
import { hashPassword } from "../../dashboards/passwords.ts";
import { buildApp } from "../../dashboards/server.ts";
import { FleetBook } from "../../ingest/fleet.ts";
import { LEDGER_FILE, type Ledger, openLedger } from "../../storage/sql-sqlite.ts";
import { aDevice, anAlarm, anAlarmEvent, aSite, aStation, aTenant, NOW } from "./builders.ts";
import { FakeClock } from "./clock.ts";
import { temporaryFolder } from "./folders.ts";
import { MemoryJournal } from "./journal-memory.ts";

export const PASSWORD = "correct horse battery staple";
const PEPPER = Buffer.alloc(32, 7);
/** The filled ledger as bytes: made once, since every write of it is synced. */
let template: Promise<Buffer> | undefined;

async function makeTemplate(): Promise<Buffer> {
  const file = join(temporaryFolder(), LEDGER_FILE);
  const ledger = await openLedger({ file, clock: new FakeClock(NOW) });
  await fillRegistry(ledger);
  await fillAccounts(ledger);
  await ledger.close();
  return readFileSync(file);
}

/** Points by series; counts what was asked, and can be made to fail or to hang. */
export class FakeSeries {
  readonly points = new Map<string, Point[]>();
  fault: Error | null = null;
  hang = false;

  add(series: string, ...points: Partial<Point>[]): void {
    const whole = points.map((point) => ({ time: NOW, value: 1, cmp: "" as const, flag: 1, qualifier: "N", ...point }));
    this.points.set(series, [...(this.points.get(series) ?? []), ...whole]);
  }
  get store(): TimeSeriesStore {
    const no = (): never => {
      throw new Error("not for the web server");
    };
    return {
      write: no,
      position: no,
      corrections: no,
      count: no,
      maintain: no,
      backup: no,
      close: async () => {},
      query: async ({ series, from, to }, limit) => {
        await this.#answer();
        return (this.points.get(series) ?? []).filter(({ time }) => time >= from && time < to).slice(0, limit);
      },
      buckets: async ({ series, from, to }, stepMs) => {
        await this.#answer();
        const inSpan = (this.points.get(series) ?? []).filter(({ time }) => time >= from && time < to);
        return inSpan.map((point) => bucketOf(point, stepMs));
      },
      latest: async () => {
        await this.#answer();
        return [...this.points].flatMap(([series, points]): LatestPoint[] => {
          const last = points.at(-1);
          return last ? [{ series, ...last }] : [];
        });
      },
    };
  }
  async #answer(): Promise<void> {
    if (this.hang) await new Promise(() => {});
    if (this.fault) throw this.fault;
  }
}

function bucketOf({ time, value, cmp, flag }: Point, stepMs: number): Bucket {
  const start = Math.floor(time / stepMs) * stepMs;
  return { time: start, count: 1, min: value, max: value, mean: value, censored: cmp === "" ? 0 : 1, flag };
}

export interface World {
  readonly parts: DashboardParts;
  readonly clock: FakeClock;
  readonly journal: MemoryJournal;
  readonly series: FakeSeries;
  readonly ledger: Ledger;
  readonly desk: FakeDesk;
  /** Writes an event to the stream, and to the store unless that is to lag. */
  announce(event: AlarmEvent, options?: { store: boolean }): Promise<void>;
}

/** The engine: acknowledges at once, the first acker stays. */
export class FakeDesk implements AlarmDesk {
  /** Set to answer with this error instead. */
  fault: Error | null = null;
  readonly asked: unknown[] = [];
  readonly #ledger: Ledger;
  readonly #announce: (event: AlarmEvent) => Promise<void>;
  constructor(ledger: Ledger, announce: (event: AlarmEvent) => Promise<void>) {
    this.#ledger = ledger;
    this.#announce = announce;
  }
  async acknowledge(request: Parameters<AlarmDesk["acknowledge"]>[0]): Promise<Alarm> {
    this.asked.push(request);
    if (this.fault) throw this.fault;
    const alarm = await this.#ledger.alarms.get(request.alarm);
    if (!alarm) throw new Refused("ALARM_UNKNOWN", { what: "there is no such alarm" }, 404);
    if (alarm.acknowledgedAt !== null) return alarm;
    const after: Alarm = {
      ...alarm,
      state: "acknowledged",
      acknowledgedAt: NOW + 60_000,
      acknowledgedBy: request.by,
      acknowledgedVia: request.via,
      updatedAt: alarm.updatedAt + 1,
    };
    const { by, via, note = null } = request;
    await this.#announce(anAlarmEvent({ kind: "acknowledged", by, via, note, alarm: after }));
    return after;
  }
}

export function undecided(): Unavailable {
  return new Unavailable("ALARM_UNDECIDED", { what: "the engine did not answer in time" });
}

export async function aWorld(overrides: Partial<DashboardParts> = {}): Promise<World> {
  const clock = new FakeClock(NOW);
  const file = join(temporaryFolder(), LEDGER_FILE);
  template ??= makeTemplate();
  writeFileSync(file, await template);
  const ledger = await openLedger({ file, clock });
  const journal = new MemoryJournal();
  onTestFinished(async () => {
    await journal.close();
    await ledger.close();
  });
  const directory: Directory = createDirectory(await ledger.registry.snapshot());
  let position = 0;
  let windows = 0;
  const announce = async (event: AlarmEvent, options = { store: true }): Promise<void> => {
    if (options.store) await ledger.alarms.record([event], { reader: "recorder", offset: ++position });
    await journal.append("alarms", Buffer.from(JSON.stringify(event)));
  };
  for (const letter of ["a", "b"]) await announce(anAlarmEvent({ alarm: anAlarmOf(letter) }));
  const desk = new FakeDesk(ledger, announce);
  const series = new FakeSeries();
  series.add("mw-a/cd/total/rtd", { time: NOW - 60_000, value: 0.02 });
  series.add("mw-b/cd/total/rtd", { time: NOW - 60_000, value: 0.000025, cmp: "<" });
  const metrics = new Metrics();
  const parts: DashboardParts = {
    config: { host: "127.0.0.1", httpPort: 0, httpInsecure: false, drain: 10_000 },
    journal,
    series: series.store,
    alarms: ledger.alarms,
    desk,
    registry: ledger.registry,
    directory: () => directory,
    accounts: ledger.accounts,
    outbox: ledger.outbox,
    claims: ledger.claims,
    telemetry: {
      enter: async () => {
        throw new Refused("DEVICE_UNAUTHORIZED", { what: "no such device and secret" }, 401);
      },
      take: async () => 0,
    },
    lab: { import: async () => ({ rows: 0, results: [], faults: [], imported: 0 }) },
    doors: async () => ({ mqtt: 1883, mqtts: 8883, ws: null }),
    fleet: new FleetBook({ directory: () => directory, clock }),
    presence: ledger.presence,
    commands: ledger.commands,
    explain,
    limits: {
      lines: (_place, quantity) => (quantity === "cd" ? [aLimitLine] : []),
    },
    regulation: regulationOf({ ledger, series }, () => directory, clock),
    maintenance: createMaintenanceDesk({
      directory: () => directory,
      store: ledger.maintenance,
      alarms: ledger.alarms,
      clock,
      newId: () => `window-${++windows}`,
    }),
    pepper: PEPPER,
    preview: { preview: async () => aPreview },
    quarantine: {
      list: async () => [anEntry],
      replay: async (offsets) => offsets.length,
    },
    health: async () => ({ ready: true, checks: [{ name: "disk", ok: true, detail: "1 MiB free" }] }),
    metricsOf: async () => [await metrics.snapshot()],
    clock,
    log: createLogger("silent"),
    metrics,
    version: "0.0.0-test",
    webRoot: null,
    ...overrides,
  };
  return { parts, clock, journal, series, ledger, desk, announce };
}

/** The real regulatory engine on a world's ledger and series. */
function regulationOf(
  { ledger, series }: Pick<World, "ledger" | "series">,
  directory: () => Directory,
  clock: FakeClock,
): RegulationDesk {
  packs ??= loadPacks();
  return createRegulationDesk({ directory, store: ledger.regulation, series: series.store, packs, clock });
}
let packs: Packs | undefined;

/** The same world with a farmland point `soil-a`, `soil-b` in each tenant's site. */
export function withFarmland(world: World): World {
  const { snapshot } = world.parts.directory();
  const added = ["a", "b"].map((letter) =>
    aStation({ id: `soil-${letter}`, site: `site-${letter}`, medium: "soil", land: "paddy", ph: 6 }),
  );
  const directory = createDirectory({ ...snapshot, stations: [...snapshot.stations, ...added] });
  const regulation = regulationOf(world, () => directory, world.clock);
  return { ...world, parts: { ...world.parts, directory: () => directory, regulation } };
}

/** The app of a world, ready for injected requests; it stops when the test ends. */
export async function anApp(world: World): Promise<Awaited<ReturnType<typeof buildApp>>["app"]> {
  const { app, services, stopKeepingFresh } = await buildApp(world.parts);
  onTestFinished(async () => {
    stopKeepingFresh();
    await services.live.stop();
    await app.close();
  });
  return app;
}

type App = Awaited<ReturnType<typeof anApp>>;
export interface SignedIn {
  readonly cookie: string;
  readonly csrf: string;
  /** Headers of a call that changes something. */
  readonly headers: Readonly<Record<string, string>>;
}

export async function signIn(app: App, name: string): Promise<SignedIn> {
  const answer = await app.inject({ method: "POST", url: "/api/v1/session", payload: { name, password: PASSWORD } });
  if (answer.statusCode !== 200) throw new Error(`sign-in of ${name}: ${answer.statusCode} ${answer.body}`);
  const [cookie] = answer.cookies;
  const { csrf } = answer.json<{ csrf: string }>();
  const pair = `${cookie?.name}=${cookie?.value}`;
  return { cookie: pair, csrf, headers: { cookie: pair, "x-csrf-token": csrf } };
}

export function anAlarmOf(letter: string, overrides: Partial<Alarm> = {}): Alarm {
  return anAlarm({
    id: `alarm-${letter}`,
    tenant: `tenant-${letter}`,
    site: `site-${letter}`,
    station: `mw-${letter}`,
    series: `mw-${letter}/cd/total/rtd`,
    ...overrides,
  });
}

export const PEOPLE: readonly { name: string; role: Role; tenant: string | null }[] = [
  { name: "admin", role: "admin", tenant: null },
  { name: "regulator", role: "regulator", tenant: null },
  { name: "officer", role: "officer", tenant: null },
  { name: "officer-a", role: "officer", tenant: "tenant-a" },
  { name: "enterprise-a", role: "enterprise", tenant: "tenant-a" },
  { name: "enterprise-b", role: "enterprise", tenant: "tenant-b" },
];

export function tokenOf(name: string): string {
  return `token-of-${name}`;
}

async function fillRegistry({ registry }: Ledger): Promise<void> {
  const letters = ["a", "b"];
  await registry.put(
    {
      tenants: letters.map((letter) => aTenant({ id: `tenant-${letter}` })),
      sites: letters.map((letter) => aSite({ id: `site-${letter}`, tenant: `tenant-${letter}` })),
      stations: letters.map((letter) => aStation({ id: `mw-${letter}`, site: `site-${letter}` })),
      devices: letters.map((letter) => aDevice({ id: `dev-${letter}`, station: `mw-${letter}` })),
    },
    "test",
  );
}

async function fillAccounts({ accounts }: Ledger): Promise<void> {
  const passwordHash = await hashPassword(PASSWORD);
  for (const { name, role, tenant } of PEOPLE) {
    await accounts.putUser({ name, role, tenant, passwordHash, totp: null });
    const hmac = hmacSecret(PEPPER, tokenOf(name));
    await accounts.putToken({ hmac, name, role, tenant, expiresAt: NOW + 86_400_000 });
  }
}

const aLimitLine = {
  pack: "gbt14848-2017",
  above: "III",
  value: 0.005,
  unit: "mg/L",
  passes: "<=",
  standard: "GB/T 14848-2017",
  clause: "table 1",
  confidence: "verified",
  enforceable: true,
} as const;

const aPreview: PreviewReport = {
  ...{ rule: "cd-high", inForce: 1, rows: 2, series: 1, ms: 5 },
  alarms: {
    total: 1,
    listed: [{ series: "mw-1/cd/total/rtd", level: "orange", start: NOW, end: null, verified: true }],
  },
  notices: { events: 1, mqtt: 1, webhook: 0 },
  difference: { noticesInForce: 0, same: 0, added: [], removed: [], changed: [] },
};
const anEntry = {
  offset: 3,
  at: NOW,
  receivedAt: NOW,
  device: "dev-a",
  topic: "ews/1/tenant-a/site-a/mw-a/dev-a/telemetry",
  code: "PAYLOAD_NOT_JSON",
  detail: "unexpected end",
  readings: 0,
  payloadBytes: 1,
};
