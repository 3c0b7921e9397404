/**
 * `npm run test:faults -- mqttjs [--rounds 10] [--seed 1]`: kills the server under clients that leave sending again to
 * MQTT.js and its store in memory, as Node-RED does.
 *
 * Promise: every message is acknowledged, or MQTT.js has told its sender that it dropped it; what was acknowledged is stored.
 * MQTT.js 5.16 sends its store again one message a PUBACK, keeps newer ones beside the store meanwhile, and drops those
 * ("Connection closed") when the connection breaks before it is through: a sender must send again what fails.
 */
import { connect } from "mqtt";
import { systemClock } from "../../core/clock.ts";
import { apiOf } from "../support/client.ts";
import { aTestRegistry, drained, eventually, removeData, startServer, type TestServer } from "../support/server.ts";
import { killRounds, storedOf } from "./rounds.ts";

/** Devices with a message each 50 ms, and the last one with a message each 10 ms. */
const CLIENTS = 16;
const sendMs = (n: number): number => (n === CLIENTS ? 10 : 50);
/** Data time between two messages of a device. */
const STEP_MS = 1_000;
const FINISH_MS_MAX = 120_000;
const QUANTITY = "ec";

interface Sender {
  readonly n: number;
  readonly acknowledged: Set<number>;
  made: number;
  /** Told by MQTT.js in the callback of `publish`, by its words. */
  readonly dropped: Map<string, number>;
  stop(): Promise<void>;
}

export interface MqttJsReport {
  readonly made: number;
  readonly acknowledged: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** By device, of those that dropped any. */
  readonly droppedBy: Readonly<Record<string, number>>;
  /** Neither acknowledged nor dropped. */
  readonly unanswered: number;
  /** Acknowledged and not in the store. */
  readonly lost: number;
  readonly doubled: number;
}

export async function killMqttJs({ rounds, seed }: { rounds: number; seed: number }): Promise<MqttJsReport> {
  const first = await startServer({ registry: aTestRegistry(CLIENTS) });
  const base = Math.floor(systemClock.now() / STEP_MS) * STEP_MS - 10 * 86_400_000;
  let isSending = true;
  const senders = Array.from({ length: CLIENTS }, (_, at) =>
    startSender({ n: at + 1, port: first.ports.mqtt, base, goesOn: () => isSending }),
  );
  const acknowledged = (): number => sum(senders, (sender) => sender.acknowledged.size);
  const answered = (): number => acknowledged() + sum(senders, droppedOf);
  const { server } = await killRounds(first, { rounds, seed, tell: () => `${acknowledged()} acknowledged` });
  isSending = false;
  const made = (): number => sum(senders, (sender) => sender.made);
  await eventually("an answer to every message", async () => answered() >= made() || null, FINISH_MS_MAX).catch(
    (error: unknown) => console.error(String(error)),
  );
  await Promise.all(senders.map(({ stop }) => stop()));
  const stored = await compare(server, senders, base);
  await server.stop();
  removeData(server);
  const dropped: Record<string, number> = {};
  for (const sender of senders)
    for (const [words, count] of sender.dropped) dropped[words] = (dropped[words] ?? 0) + count;
  const droppers = senders.filter((sender) => droppedOf(sender) > 0);
  return {
    made: made(),
    acknowledged: acknowledged(),
    dropped,
    droppedBy: Object.fromEntries(droppers.map((sender) => [`dev-${sender.n}`, droppedOf(sender)])),
    unanswered: made() - answered(),
    ...stored,
  };
}

function startSender(parts: { n: number; port: number; base: number; goesOn: () => boolean }): Sender {
  const { n, port, base, goesOn } = parts;
  const id = `dev-${n}`;
  const client = connect(`mqtt://127.0.0.1:${port}`, {
    ...{ clientId: id, username: id, password: `secret-of-device-${n}-0123456789abcdef` },
    reconnectPeriod: 200,
    connectTimeout: 5_000,
  });
  client.on("error", () => undefined); // it connects again
  const sender: Sender = {
    n,
    made: 0,
    acknowledged: new Set(),
    dropped: new Map(),
    stop: () => client.endAsync(true),
  };
  void (async () => {
    while (goesOn()) {
      const seq = sender.made++;
      const r = [{ p: QUANTITY, v: 600, u: "µS/cm" }];
      const message = JSON.stringify({ v: 1, boot: "boot-1", seq, ts: base + seq * STEP_MS, r });
      client.publish(`ews/1/t1/s1/mw-${n}/${id}/telemetry`, message, { qos: 1 }, (error) => {
        if (error) sender.dropped.set(error.message, (sender.dropped.get(error.message) ?? 0) + 1);
        else sender.acknowledged.add(seq);
      });
      await systemClock.sleep(sendMs(n));
    }
  })();
  return sender;
}

async function compare(
  server: TestServer,
  senders: readonly Sender[],
  base: number,
): Promise<Pick<MqttJsReport, "lost" | "doubled">> {
  const { points } = await drained(server);
  const api = await apiOf(server);
  let [lost, stored] = [0, 0];
  for (const { n, acknowledged } of senders) {
    const { values } = await storedOf(api, { station: `mw-${n}`, quantity: QUANTITY, from: base });
    stored += values.size;
    for (const seq of acknowledged) if (!values.has(base + seq * STEP_MS)) lost += 1;
  }
  return { lost, doubled: points - stored };
}

function droppedOf({ dropped }: Sender): number {
  return sum([...dropped.values()], (count) => count);
}
function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
