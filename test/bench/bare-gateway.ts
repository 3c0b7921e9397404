/**
 * The gateway with a journal that is durable at once (or after `--commit-ms`): what the gateway itself costs. Prints like
 * bare-aedes.ts, and writes the accounts of its devices to `--accounts FILE` for the load generator.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../../core/clock.ts";
import { Config } from "../../core/config.ts";
import { createLogger, Metrics } from "../../core/observe.ts";
import { hmacSecret } from "../../core/secret.ts";
import { devicePrefix } from "../../core/wire.ts";
import { createGateway } from "../../gateway/gateway.ts";
import { aDevice, aDirectory, aSite, aStation } from "../support/builders.ts";
import { MemoryJournal } from "../support/journal-memory.ts";

const { values } = parseArgs({
  options: {
    accounts: { type: "string", default: "accounts.json" },
    devices: { type: "string", default: "1000" },
    "commit-ms": { type: "string" },
  },
});

/** Takes everything, keeps nothing. */
class InstantJournal extends MemoryJournal {
  appended = 0;
  override append(): Promise<void> {
    this.appended += 1;
    return group ?? Promise.resolve();
  }
}
let group: Promise<void> | null = null;
const commitMs = Number(values["commit-ms"] ?? 0);
if (commitMs > 0) {
  let release = (): void => {};
  systemClock.every(commitMs, () => {
    release();
    group = new Promise((resolve) => {
      release = resolve;
    });
  });
}

const pepper = randomBytes(32);
const devices = Array.from({ length: Number(values.devices) }, (_, at) => aDevice({ id: `dev-${at}` }));
const directory = aDirectory({
  devices,
  credentials: devices.map(({ id }) => ({ device: id, hmac: hmacSecret(pepper, `secret of ${id}`) })),
});
const journal = new InstantJournal();
const gateway = await createGateway({
  config: Config.parse({ mqttPort: 0, wsPort: 0, hj212Port: 0 }),
  journal,
  directory: () => directory,
  consumers: () => [],
  fieldSecrets: () => new Map(),
  pepper,
  clock: systemClock,
  log: createLogger("error"),
  metrics: new Metrics(),
});
writeFileSync(
  values.accounts,
  JSON.stringify(
    devices.map(({ id }) => ({
      clientId: id,
      username: id,
      password: `secret of ${id}`,
      topic: `${devicePrefix(aSite(), aStation(), { id })}telemetry`,
    })),
  ),
);
process.stdout.write(`${JSON.stringify({ ready: { mqtt: gateway.addresses.mqtt } })}\n`);
const cpuAtStart = process.cpuUsage();
process.once("SIGTERM", async () => {
  const { user, system } = process.cpuUsage(cpuAtStart);
  await gateway.close();
  const report = { appended: journal.appended, cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage().rss };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
});
