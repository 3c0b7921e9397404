/**
 * Builders for tests: each returns a complete, valid object and takes only the fields that matter to the case at hand.
 * The places fit together by default: device `dev-1` at station `mw-1` of site `site-1`, which belongs to `tenant-1`.
 */
import type { Alarm, AlarmEvent, Evidence } from "../../core/alarm.ts";
import { createDirectory } from "../../core/directory.ts";
import type { Directory, OutboxItem, RegistrySnapshot, User } from "../../core/ports.ts";
import { type Origin, QC, type Reading } from "../../core/reading.ts";
import {
  comparisonCode,
  decodeReadingBlock,
  type ReadingBlock,
  ReadingBlockBuilder,
} from "../../core/reading-block.ts";
import { Rule, type VersionedRule } from "../../core/rule.ts";
import type { Device, DeviceContext, Site, Station, Tenant } from "../../core/site.ts";

/** 2026-03-15T00:00:00Z; the instant around which test data is placed. */
export const NOW = Date.UTC(2026, 2, 15);

export function aTenant(overrides: Partial<Tenant> = {}): Tenant {
  return { id: "tenant-1", name: { "zh-CN": "甲公司", en: "Company One" }, ...overrides };
}

export function aSite(overrides: Partial<Site> = {}): Site {
  return {
    id: "site-1",
    tenant: "tenant-1",
    kind: "industrial-park",
    area: "512021",
    name: { "zh-CN": "一号园区", en: "Park One" },
    lat: 30.1,
    lon: 105.3,
    ...overrides,
  };
}

export function aStation(overrides: Partial<Station> = {}): Station {
  return { id: "mw-1", site: "site-1", medium: "groundwater", type: "risk", control: "city", ...overrides };
}

export function aDevice(overrides: Partial<Device> = {}): Device {
  return { id: "dev-1", station: "mw-1", interval: 600_000, quantities: { cd: "mg/L", ph: "pH" }, ...overrides };
}

export function aDeviceContext(overrides: Partial<DeviceContext> = {}): DeviceContext {
  return { device: aDevice(), station: aStation(), site: aSite(), ...overrides };
}

/** One tenant, one site, one station and one device unless said otherwise. */
export function aSnapshot(overrides: Partial<RegistrySnapshot> = {}): RegistrySnapshot {
  return {
    version: 1,
    tenants: [aTenant()],
    sites: [aSite()],
    stations: [aStation()],
    devices: [aDevice()],
    credentials: [],
    revoked: [],
    rules: [],
    maintenance: [],
    ...overrides,
  };
}

export function aDirectory(overrides: Partial<RegistrySnapshot> = {}): Directory {
  return createDirectory(aSnapshot(overrides));
}

/** A parsed rule from what a person would write; a level rule on cadmium above 0.01 mg/L by default. */
export function aRule(written: Readonly<Record<string, unknown>> = {}): Rule {
  const level = { kind: "level", id: "cd-high", on: { quantity: "cd" }, level: "orange" };
  const bound = written["kind"] === undefined && !("below" in written) ? { above: 0.01 } : {};
  return Rule.parse({ ...level, ...bound, ...written });
}

export function aVersionedRule(written: Readonly<Record<string, unknown>> = {}, version = 1): VersionedRule {
  return { version, rule: aRule(written), changedAt: NOW, changedBy: "test" };
}

export function anOrigin(overrides: Partial<Origin> = {}): Origin {
  return { device: "dev-1", boot: "b1", seq: 1, receivedAt: NOW, backfill: false, ...overrides };
}

/** Cadmium at `mw-1` measured at `NOW`; arrives one second after it was measured unless `origin` says otherwise. */
export function aReading(overrides: Partial<Reading> = {}): Reading {
  const time = overrides.time ?? NOW;
  return {
    series: "mw-1/cd/total/rtd",
    time,
    value: 0.001,
    cmp: "",
    flag: QC.good,
    qualifier: "N",
    origin: anOrigin({ receivedAt: time + 1_000 }),
    ...overrides,
  };
}

/** Packs readings the way ingest does; neighbours with the same origin object share a message. */
export function aBlock(readings: readonly Reading[] = [aReading()]): ReadingBlock {
  return decodeReadingBlock(aBlockEncoded(readings));
}

export function aBlockEncoded(readings: readonly Reading[]): Uint8Array {
  const builder = new ReadingBlockBuilder();
  let origin: Origin | undefined;
  for (const reading of readings) {
    if (reading.origin !== origin) {
      origin = reading.origin;
      builder.message(origin);
    }
    const { series, time, value, cmp, flag, qualifier } = reading;
    builder.row(series, time, value, comparisonCode(cmp), flag, qualifier.charCodeAt(0));
  }
  return builder.encode();
}

export function anEvidence(overrides: Partial<Evidence> = {}): Evidence {
  return {
    readings: [],
    unit: "mg/L",
    limit: 0.01,
    passes: "<=",
    pack: null,
    clause: null,
    confidence: null,
    ruleVersion: 1,
    rule: {},
    ...overrides,
  };
}

export function anAlarm(overrides: Partial<Alarm> = {}): Alarm {
  return {
    id: "alarm-1",
    rule: "cd-high",
    category: "pollution",
    level: "orange",
    state: "active",
    verified: true,
    tenant: "tenant-1",
    site: "site-1",
    station: "mw-1",
    series: "mw-1/cd/total/rtd",
    quantity: "cd",
    value: 0.02,
    valueTime: NOW,
    cmp: "",
    start: NOW,
    end: null,
    lateMs: 0,
    backfill: false,
    raisedAt: NOW,
    updatedAt: NOW,
    acknowledgedAt: null,
    acknowledgedBy: null,
    acknowledgedVia: null,
    supersededBy: null,
    advice: null,
    evidence: anEvidence(),
    ...overrides,
  };
}

/** The event's id and time follow its alarm unless given. */
export function anAlarmEvent(overrides: Partial<AlarmEvent> = {}): AlarmEvent {
  const alarm = overrides.alarm ?? anAlarm();
  const kind = overrides.kind ?? "raised";
  return {
    id: `${alarm.id}:${kind}:${alarm.updatedAt}`,
    kind,
    at: alarm.updatedAt,
    readingsOffset: 0,
    command: null,
    by: null,
    via: null,
    note: null,
    alarm,
    ...overrides,
  };
}

export function anOutboxItem(overrides: Partial<OutboxItem> = {}): OutboxItem {
  return {
    key: "webhook:alarm-1:raised",
    outlet: "webhook",
    alarm: "alarm-1",
    event: "alarm-1:raised",
    body: "{}",
    tries: 0,
    dueAt: NOW,
    ...overrides,
  };
}

/** The hash is no real one: sign-in with it always fails. */
export function aUser(overrides: Partial<User> = {}): User {
  return { name: "officer", role: "officer", tenant: null, passwordHash: "$argon2id$none", totp: null, ...overrides };
}
