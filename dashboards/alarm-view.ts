/** An alarm as pages and programs see it: the frozen alarm joined with names from the registry. Pure. */
import type { Alarm, AlarmEvent } from "../core/alarm.ts";
import { contributorKeys, shownMeasure, whatHappened } from "../core/alarm-words.ts";
import { type Explanation, explanationText } from "../core/explanation.ts";
import type { Directory, Outbox } from "../core/ports.ts";
import { parseSeriesKey } from "../core/reading.ts";
import { ruleKindOf } from "../core/rule-kind-names.ts";
import { quantityNames } from "./places.ts";
import type { AlarmDetail, AlarmView } from "./schemas.ts";
import { finiteOrNull, iso, isoOrNull } from "./times.ts";

export type Delivery = Awaited<ReturnType<Outbox["of"]>>[number];

export function alarmView(alarm: Alarm, directory: Directory): AlarmView {
  const { evidence } = alarm;
  const shown = shownMeasure(alarm);
  const what = whatHappened(alarm);
  const { fraction, aggregate } = parseSeriesKey(alarm.series);
  const place = directory.station(alarm.station);
  const site = place?.site ?? directory.snapshot.sites.find(({ id }) => id === alarm.site);
  return {
    id: alarm.id,
    rule: alarm.rule,
    category: alarm.category,
    level: alarm.level,
    state: alarm.state,
    verified: alarm.verified,
    tenant: alarm.tenant,
    site: alarm.site,
    siteName: site?.name ?? alarm.site,
    station: alarm.station,
    stationName: place?.station.name ?? alarm.station,
    series: alarm.series,
    quantity: alarm.quantity,
    fraction,
    agg: aggregate,
    kind: ruleKindOf(alarm),
    what: what && { ...what },
    members: [...contributorKeys(alarm)],
    value: finiteOrNull(shown.value),
    cmp: shown.cmp,
    unit: shown.unit,
    valueTime: iso(alarm.valueTime),
    limit: finiteOrNull(shown.limit),
    passes: shown.passes,
    pack: evidence.pack,
    clause: evidence.clause,
    start: iso(alarm.start),
    end: isoOrNull(alarm.end),
    lateMs: alarm.lateMs,
    backfill: alarm.backfill,
    raisedAt: iso(alarm.raisedAt),
    updatedAt: iso(alarm.updatedAt),
    acknowledgedAt: isoOrNull(alarm.acknowledgedAt),
    acknowledgedBy: alarm.acknowledgedBy,
    acknowledgedVia: alarm.acknowledgedVia,
    supersededBy: alarm.supersededBy,
    advice: alarm.advice,
  };
}

function explanationView(explanation: Explanation): AlarmDetail["explanation"] {
  const { readings, steps } = explanation;
  const text = { "zh-CN": explanationText(explanation, "zh-CN"), en: explanationText(explanation, "en") };
  return { ...explanation, readings: [...readings], steps: [...steps], text };
}

/**
 * The alarm exactly as it was frozen. Whose rules are not theirs to read gets the rule without its scope, which may name
 * other tenants' stations; nothing of the calculation rests on the scope.
 */
function recordOf(alarm: Alarm, showScope: boolean): Record<string, unknown> {
  const { evidence } = alarm;
  const { rule } = evidence;
  if (showScope || typeof rule !== "object" || rule === null) return { ...alarm };
  return { ...alarm, evidence: { ...evidence, rule: { ...rule, on: {} } } };
}

/** @param showDetail outlets' answers may name addresses: staff only. */
export function alarmDetail(
  alarm: Alarm,
  parts: {
    readonly directory: Directory;
    readonly history: readonly AlarmEvent[];
    readonly deliveries: readonly Delivery[];
    readonly showDetail: boolean;
    readonly showScope: boolean;
    readonly explanation: Explanation;
  },
): AlarmDetail {
  const { evidence } = alarm;
  return {
    alarm: alarmView(alarm, parts.directory),
    evidence: {
      readings: evidence.readings.map(({ time, value, cmp, flag, qualifier, device, receivedAt }) => ({
        time: iso(time),
        value: finiteOrNull(value),
        cmp,
        flag,
        qualifier,
        device,
        receivedAt: iso(receivedAt),
      })),
      ruleVersion: evidence.ruleVersion,
      confidence: evidence.confidence,
    },
    history: parts.history.map((event) => ({
      id: event.id,
      kind: event.kind,
      at: iso(event.at),
      by: event.by,
      via: event.via,
      note: event.note,
      level: event.alarm.level,
      state: event.alarm.state,
      value: finiteOrNull(shownMeasure(event.alarm).value),
      cmp: shownMeasure(event.alarm).cmp,
    })),
    deliveries: parts.deliveries.map(({ outlet, event, state, tries, at, dueAt, detail }) => ({
      outlet,
      event,
      state,
      tries,
      at: isoOrNull(at),
      dueAt: iso(dueAt),
      detail: parts.showDetail ? detail : "",
    })),
    quantities: quantityNames([alarm.quantity, ...contributorKeys(alarm).map((key) => parseSeriesKey(key).quantity)]),
    explanation: explanationView(parts.explanation),
    record: recordOf(alarm, parts.showScope),
  };
}
