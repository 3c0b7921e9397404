/** The fleet: every device with presence, last seen, battery, signal, gaps and today's completeness; trouble comes first. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get } from "../api.ts";
import type { FleetView } from "../api-types.ts";
import { localText, t } from "../locale.ts";
import { Fault, Loading } from "../parts/notices.tsx";
import { byTrouble, FLEET_CHOICES, type FleetChoice, fits, percentText, troubleOf } from "../pure/fleet.ts";
import { ageText, durationText, formatNumber, shanghaiSecond, shanghaiShort } from "../pure/format.ts";
import { now, setServerTime } from "../store.ts";
import { wordFor } from "../texts.ts";
import "../styles/fleet.css";

const RELOAD_MS = 30_000;

export function FleetPage(): VNode {
  const { devices, fault, reload } = useFleet();
  const [choice, setChoice] = useState<FleetChoice>("all");
  document.title = `${t("fleet.title")} · ${t("product")}`;
  const shown = byTrouble((devices ?? []).filter((device) => fits(device, choice)));
  return (
    <div class="page fleet-page">
      <div class="title-line">
        <h1>{t("fleet.title")}</h1>
        {devices ? <p class="muted">{t("fleet.shown", { shown: shown.length, all: devices.length })}</p> : null}
      </div>
      <div class="filters">
        <label>
          <span>{t("fleet.filter")}</span>
          <select
            value={choice}
            onChange={(event) => setChoice(FLEET_CHOICES.find((word) => word === event.currentTarget.value) ?? "all")}
          >
            {FLEET_CHOICES.map((word) => (
              <option key={word} value={word}>
                {t(`fleet.choice.${word}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
      {fault === null ? null : <Fault fault={fault} onRetry={reload} />}
      {devices === null && fault === null ? <Loading /> : null}
      {devices !== null && shown.length === 0 ? <p class="empty">{t("fleet.none")}</p> : null}
      <ul class="fleet-list" aria-label={t("fleet.list")}>
        {shown.map((device) => (
          <Device key={device.id} device={device} />
        ))}
      </ul>
      {shown.length > 0 ? <p class="muted end">{t("allTimes")}</p> : null}
    </div>
  );
}

function useFleet(): { devices: readonly FleetView[] | null; fault: unknown; reload: () => void } {
  const [devices, setDevices] = useState<readonly FleetView[] | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    get<{ at: string; devices: FleetView[] }>("fleet", stop.signal).then(
      (answer) => {
        setServerTime(answer.at);
        setDevices(answer.devices);
        setFault(null);
      },
      (error) => {
        if (!stop.signal.aborted) setFault(error);
      },
    );
    const timer = setTimeout(() => setTurn(turn + 1), RELOAD_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [turn]);
  return { devices, fault, reload: () => setTurn(turn + 1) };
}

function Device({ device }: { device: FleetView }): VNode {
  const { id, station, stationName, state, reason, since, lastTime, today } = device;
  const battery = batteryText(device);
  return (
    <li class={`device ${troubleOf(device) > 0 ? "troubled" : ""}`}>
      <div class="who">
        <h2>{id}</h2>
        <a href={`/s/${station}`}>{localText(stationName)}</a>
      </div>
      <p class="presence">
        <span class={`badge ${state}`}>{t(`fleet.state.${state}`)}</span>{" "}
        {since === null ? null : (
          <span class="muted" title={shanghaiSecond(Date.parse(since))}>
            {t("fleet.since", { time: shanghaiShort(Date.parse(since), now.value) })}
            {state === "online" || reason === null ? "" : ` · ${wordFor(t, "fleet.reason", reason)}`}
          </span>
        )}
      </p>
      <dl>
        <Fact name={t("fleet.lastSeen")} isBad={device.overdue}>
          {lastTime === null ? t("age.never") : ageText(now.value - Date.parse(lastTime), t)}
          {device.overdue ? ` · ${t("fleet.overdue")}` : ""}
        </Fact>
        <Fact name={t("fleet.battery")}>{battery}</Fact>
        <Fact name={t("fleet.signal")}>{device.rssi === null ? "–" : `${formatNumber(device.rssi)} dBm`}</Fact>
        <Fact name={t("fleet.gaps")} isBad={device.missingMessages + device.dataHoles > 0}>
          {gapsText(device)}
        </Fact>
        <Fact name={t("fleet.clock")}>
          {device.offsetMs === null ? "–" : `${device.offsetMs < 0 ? "−" : ""}${clockText(Math.abs(device.offsetMs))}`}
        </Fact>
        <Fact name={t("fleet.today")}>
          <span title={t("fleet.todayTitle", { ...today })}>
            {percentText(today.completeness)} ({today.received}/{today.expected})
          </span>
        </Fact>
        {device.equipment.length === 0 ? null : (
          <Fact name={t("fleet.equipment")}>
            {device.equipment.map(({ name, value, text, time }) => (
              <span key={name} title={shanghaiSecond(Date.parse(time))}>
                {name.replace(/-RS$/, "")} {text === null ? value : localText(text)}{" "}
              </span>
            ))}
          </Fact>
        )}
      </dl>
    </li>
  );
}

function Fact({ name, isBad = false, children }: { name: string; isBad?: boolean; children: unknown }): VNode {
  return (
    <div class={isBad ? "bad" : ""}>
      <dt>{name}</dt>
      <dd>{children as VNode}</dd>
    </div>
  );
}

function batteryText({ batteryPercent, batteryVolts }: FleetView): string {
  const parts = [
    ...(batteryPercent === null ? [] : [`${Math.round(batteryPercent)} %`]),
    ...(batteryVolts === null ? [] : [`${formatNumber(batteryVolts)} V`]),
  ];
  return parts.join(" · ") || "–";
}

function gapsText({ missingMessages, dataHoles }: FleetView): string {
  if (missingMessages + dataHoles === 0) return t("fleet.noGaps");
  const parts = [
    ...(missingMessages === 0 ? [] : [t("fleet.missing", { n: missingMessages })]),
    ...(dataHoles === 0 ? [] : [t("fleet.holes", { n: dataHoles })]),
  ];
  return parts.join(" · ");
}

function clockText(ms: number): string {
  return ms < 60_000 ? `${formatNumber(Math.round(ms / 100) / 10)} s` : durationText(ms, t);
}
