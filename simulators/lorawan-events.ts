/**
 * What LoRaWAN network servers publish of a frame or a join, as their documentation has it: ChirpStack v4 (JSON marshaler;
 * api/proto/integration/integration.proto) and The Things Stack v3 (integrations, data formats). Both leave out zero
 * fields. Pure.
 */
import type { EndDevice, Frame, Session } from "./lorawan.ts";

export interface ServerMessage {
  readonly topic: string;
  readonly body: string;
}

/** A network server's way of writing; `status` is null where it says such things with the uplinks. */
export interface ServerFormat {
  uplink(frame: Frame): ServerMessage;
  join(device: EndDevice, session: Session, time: number): ServerMessage;
  status(frame: Frame): ServerMessage | null;
}

/** From the gateway to the network server, and from there to the application server, ms. */
const TO_NETWORK_MS = 35;
const TO_APPLICATION_MS = 60;
const LOCATION = { latitude: 30.118, longitude: 105.362 };

/** @param application its UUID, as in the topic. */
export function chirpstackFormat({ application, name }: { application: string; name: string }): ServerFormat {
  const topicOf = ({ devEui }: EndDevice, event: string): string =>
    `application/${application}/device/${devEui.toLowerCase()}/event/${event}`;
  const infoOf = ({ devEui, name: deviceName }: EndDevice) => ({
    tenantId: "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
    tenantName: "ChirpStack",
    applicationId: application,
    applicationName: name,
    deviceProfileId: "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
    deviceProfileName: "CN470 class A",
    deviceName,
    devEui: devEui.toLowerCase(),
    deviceClassEnabled: "CLASS_A",
    tags: {},
  });
  return {
    uplink: (frame) => {
      const { device, id, time, session, fCnt, bytes, object } = frame;
      const body = {
        deduplicationId: id,
        time: chirpstackTime(time),
        deviceInfo: infoOf(device),
        devAddr: session.devAddr,
        adr: true,
        ...nonZero({ dr: 12 - frame.spreadingFactor, fCnt, fPort: device.fPort }),
        data: base64(bytes),
        ...(object ? { object } : {}),
        rxInfo: frame.heard.map(({ gateway, rssi, snr, channel }) => ({
          gatewayId: gateway,
          uplinkId: fCnt + 1,
          gwTime: chirpstackTime(time),
          nsTime: chirpstackTime(time + TO_NETWORK_MS),
          rssi,
          ...nonZero({ snr, channel }),
          location: LOCATION,
          context: base64(Buffer.from(id.slice(0, 4))),
          metadata: { region_config_id: "cn470_10", region_common_name: "CN470" },
          crcStatus: "CRC_OK",
        })),
        txInfo: {
          frequency: frame.frequency,
          modulation: {
            lora: { bandwidth: 125_000, spreadingFactor: frame.spreadingFactor, codeRate: "CR_4_5" },
          },
        },
      };
      return { topic: topicOf(device, "up"), body: JSON.stringify(body) };
    },
    join: (device, session, time) => {
      const body = { time: chirpstackTime(time), deviceInfo: infoOf(device), devAddr: session.devAddr };
      return { topic: topicOf(device, "join"), body: JSON.stringify(body) };
    },
    status: ({ device, time, heard, batteryPercent, id }) => {
      const margin = Math.round(heard[0]?.snr ?? 0);
      const body = {
        deduplicationId: id,
        time: chirpstackTime(time),
        deviceInfo: infoOf(device),
        ...nonZero({ margin }),
        batteryLevel: batteryPercent,
      };
      return { topic: topicOf(device, "status"), body: JSON.stringify(body) };
    },
  };
}

/** @param tenant left out by the open-source edition. */
export function ttsFormat({ application, tenant }: { application: string; tenant?: string }): ServerFormat {
  const of = `${application}${tenant === undefined ? "" : `@${tenant}`}`;
  const topicOf = (device: EndDevice, event: string): string => `v3/${of}/devices/${ttsId(device)}/${event}`;
  const idsOf = (device: EndDevice, { devAddr }: Session) => ({
    device_id: ttsId(device),
    application_ids: { application_id: application },
    dev_eui: device.devEui.toUpperCase(),
    join_eui: "A84041FFFF000001",
    dev_addr: devAddr.toUpperCase(),
  });
  const receivedAt = (time: number): string => ttsTime(time + TO_NETWORK_MS + TO_APPLICATION_MS);
  return {
    uplink: (frame) => {
      const { device, session, time } = frame;
      const body = {
        end_device_ids: idsOf(device, session),
        correlation_ids: [`gs:uplink:${frame.id}`],
        received_at: receivedAt(time),
        uplink_message: uplinkMessage(frame, of),
      };
      return { topic: topicOf(device, "up"), body: JSON.stringify(body) };
    },
    join: (device, session, time) => {
      const body = {
        end_device_ids: idsOf(device, session),
        correlation_ids: [`gs:uplink:${session.devAddr}`],
        received_at: receivedAt(time),
        join_accept: { session_key_id: base64(session.keyId), received_at: ttsTime(time + TO_NETWORK_MS) },
      };
      return { topic: topicOf(device, "join"), body: JSON.stringify(body) };
    },
    status: () => null,
  };
}

function uplinkMessage(frame: Frame, application: string) {
  const { device, session, fCnt, bytes, object, time, heard, spreadingFactor, frequency } = frame;
  const settings = {
    data_rate: { lora: { bandwidth: 125_000, spreading_factor: spreadingFactor, coding_rate: "4/5" } },
    frequency: String(frequency),
    timestamp: microseconds(time),
    time: ttsTime(time),
  };
  return {
    session_key_id: base64(session.keyId),
    ...nonZero({ f_port: device.fPort, f_cnt: fCnt }),
    frm_payload: base64(bytes),
    ...(object ? { decoded_payload: object } : {}),
    rx_metadata: heard.map(({ gateway, rssi, snr, channel }) => ({
      gateway_ids: { gateway_id: `eui-${gateway}`, eui: gateway.toUpperCase() },
      time: ttsTime(time),
      timestamp: microseconds(time),
      rssi,
      channel_rssi: rssi,
      ...nonZero({ snr, channel_index: channel }),
      received_at: ttsTime(time + TO_NETWORK_MS),
    })),
    settings,
    received_at: ttsTime(time + TO_NETWORK_MS),
    last_battery_percentage: { ...nonZero({ f_cnt: fCnt }), value: frame.batteryPercent, received_at: ttsTime(time) },
    network_ids: { net_id: "000000", tenant_id: application, cluster_id: "local" },
  };
}

/** Device ids of The Things Stack are lower case letters, digits and dashes. */
function ttsId({ name }: EndDevice): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

/** Proto3 JSON: fields that hold zero are not there. */
function nonZero(fields: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** `2026-03-15T08:00:00.123+00:00` */
function chirpstackTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "+00:00");
}

/** With nanoseconds: `2026-03-15T08:00:00.123000000Z` */
function ttsTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000000Z");
}

/** A gateway's counter of 32 bits. */
function microseconds(ms: number): number {
  return (ms * 1_000) % 2 ** 32;
}
