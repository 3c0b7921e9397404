/**
 * The reference of the ingest benchmark: Aedes with no work at all. Prints `{"ready":{"mqtt":PORT}}`, and its CPU time and
 * memory as one JSON line when it is told to end (SIGTERM).
 */
import { type AddressInfo, createServer } from "node:net";
import { Aedes } from "aedes";

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, broker.handle).listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ ready: { mqtt: (server.address() as AddressInfo).port } })}\n`);
});
const cpuAtStart = process.cpuUsage();
process.once("SIGTERM", () => {
  const { user, system } = process.cpuUsage(cpuAtStart);
  const report = { cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage().rss };
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
});
