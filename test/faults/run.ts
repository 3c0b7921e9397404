/** `npm run test:faults -- NAME [options]`: runs one fault, prints promise → observed, exits 1 when a promise broke. */
import { parseArgs } from "node:util";
import { shuffleTape } from "../support/shuffle.ts";
import { fuzzCodecs, fuzzKept } from "./fuzz-codecs.ts";
import { fuzzHj212 } from "./fuzz-hj212.ts";
import { fuzzSparkplug } from "./fuzz-sparkplug.ts";
import { killHj212 } from "./hj212.ts";
import { influxOutage } from "./influx-outage.ts";
import { killFaults } from "./kill.ts";
import { fuzzListeners, listenersKept } from "./listeners.ts";
import { killMixed, mixedKept } from "./mixed.ts";
import { killMqttJs } from "./mqttjs.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    seed: { type: "string" },
    minutes: { type: "string" },
    inputs: { type: "string" },
    listener: { type: "string" },
  },
});
const [name = "kill"] = positionals;
const seed = Number(values.seed ?? 1);

const faults: Record<string, () => Promise<boolean>> = {
  kill: async () => {
    const report = await killFaults({ rounds: Number(values.rounds ?? 50), seed });
    console.log(JSON.stringify(report, null, 2));
    const kept =
      report.lost === 0 &&
      report.wrong === 0 &&
      report.doubled === 0 &&
      report.missingEpisodes.length === 0 &&
      report.extraEpisodes.length === 0 &&
      report.episodes > 0;
    console.log(
      `promise: 0 acknowledged lost, 0 doubled, 0 episodes missing or extra → ${kept ? "kept" : "BROKEN"} (seed ${seed})`,
    );
    return kept;
  },
  hj212: async () => {
    const report = await killHj212({ rounds: Number(values.rounds ?? 50), seed });
    console.log(JSON.stringify(report, null, 2));
    const kept =
      report.packets > 0 && report.lost + report.wrong + report.doubled + report.quarantined === 0 && report.resent > 0;
    console.log(
      `promise: packets answered 9014 are all stored, none doubled → ${kept ? "kept" : "BROKEN"} (seed ${seed})`,
    );
    return kept;
  },
  mixed: async () => {
    const report = await killMixed({ rounds: Number(values.rounds ?? 10), seed });
    console.log(JSON.stringify(report, null, 2));
    const kept = mixedKept(report);
    console.log(
      `promise: every reading acknowledged by PUBACK, 9014 or 202 is stored, none twice → ${kept ? "kept" : "BROKEN"} (seed ${seed})`,
    );
    return kept;
  },
  mqttjs: async () => {
    const report = await killMqttJs({ rounds: Number(values.rounds ?? 10), seed });
    console.log(JSON.stringify(report, null, 2));
    const kept = report.acknowledged > 0 && report.unanswered + report.lost + report.doubled === 0;
    console.log(
      `promise: every message acknowledged or its sender told, all acknowledged stored → ${kept ? "kept" : "BROKEN"} (seed ${seed})`,
    );
    return kept;
  },
  listeners: async () => {
    const report = await fuzzListeners({
      ...{ inputs: Number(values.inputs ?? 1_000_000), seed },
      only: values.listener,
    });
    console.log(JSON.stringify(report, null, 2));
    const kept = listenersKept(report);
    console.log(
      `promise: the server lives, memory bounded, good devices never refused → ${kept ? "kept" : "BROKEN"} (seed ${seed})`,
    );
    return kept;
  },
  fuzz: async () => {
    const inputs = Number(values.inputs ?? 1_000_000);
    const codecs = fuzzCodecs({ inputs, seed });
    const hj212 = fuzzHj212({ frames: inputs, seed });
    const sparkplug = fuzzSparkplug({ messages: inputs, seed });
    console.log(JSON.stringify({ ...codecs, hj212, sparkplug }, null, 2));
    const kept =
      fuzzKept(codecs) &&
      sparkplug.faults.length === 0 &&
      sparkplug.slowestMs < 1_000 &&
      sparkplug.snapshotMegabytes < 17;
    console.log(
      `promise: an answer for every input, quickly, in bounded memory → ${kept ? "kept" : "BROKEN"} (seed ${seed})`,
    );
    return kept;
  },
  shuffle: async () => {
    const report = shuffleTape({ orders: Number(values.rounds ?? 1_000), seed });
    console.log(JSON.stringify(report, null, 2));
    const kept = report.alarms > 0 && report.broken.length === 0;
    console.log(
      `promise: the same tape in ${report.orders} orders of arrival raises the same alarms → ${kept ? "kept" : "BROKEN"} (seed ${seed})`,
    );
    return kept;
  },
  influx: async () => {
    const report = await influxOutage({ minutes: Number(values.minutes ?? 5) });
    console.log(JSON.stringify(report, null, 2));
    const kept =
      report.acknowledgedDuringOutage > 0 && report.alarmEventsDuringOutage > 0 && report.stored === report.readings;
    console.log(
      `promise: acknowledgements and alarms go on, the store is complete afterwards → ${kept ? "kept" : "BROKEN"}`,
    );
    return kept;
  },
};

const fault = faults[name];
if (!fault) {
  console.error(`unknown fault "${name}"; known: ${Object.keys(faults).join(", ")}`);
  process.exit(2);
}
process.exit((await fault()) ? 0 : 1);
