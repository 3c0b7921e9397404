/** A bench that misses its target says so and fails. */
import { expect, test } from "vitest";
import { missedBacklog, missedCodecs, missedHj212, missedIdle, missedQc } from "../../bench/targets.ts";

const rate = { messagesPerSecond: 200_000, target: 200_000, isMet: true };
const idle = { connections: 10_000, stillOpen: 10_000, rssMegabytes: { before: 90, open: 400, settled: 300 } };
const backlog = { live: { p99Ms: 250, lost: 0 }, backlog: { lost: 0 }, stored: 5, expected: 5, quarantined: 0 };
const hj212 = { answered: 60_000, unanswered: 0, late: 0, p99Ms: 50 };

test("at the target nothing is missed", () => {
  const none = [
    missedCodecs({ senml: rate }),
    missedIdle(idle),
    missedBacklog(backlog),
    missedHj212(hj212),
    missedQc({ nsQc: 200 }),
  ];
  expect(none).toEqual([[], [], [], [], []]);
});

test.each([
  ["a slow decoder", missedCodecs({ senml: rate, hj212: { messagesPerSecond: 9, target: 10, isMet: false } })],
  ["memory while connecting", missedIdle({ ...idle, rssMegabytes: { ...idle.rssMegabytes, open: 401 } })],
  ["memory afterwards", missedIdle({ ...idle, rssMegabytes: { ...idle.rssMegabytes, settled: 401 } })],
  ["a connection that was closed", missedIdle({ ...idle, stillOpen: 9_999 })],
  ["slow live data", missedBacklog({ ...backlog, live: { p99Ms: 251, lost: 0 } })],
  ["a lost live message", missedBacklog({ ...backlog, live: { p99Ms: 1, lost: 1 } })],
  ["a lost backlog message", missedBacklog({ ...backlog, backlog: { lost: 1 } })],
  ["a reading that was not stored", missedBacklog({ ...backlog, stored: 4 })],
  ["a quarantined message", missedBacklog({ ...backlog, quarantined: 1 })],
  ["a slow 9014", missedHj212({ ...hj212, p99Ms: 50.1 })],
  ["no 9014 at all", missedHj212({ ...hj212, answered: 0, p99Ms: Number.NaN }).slice(1)],
  ["slow quality control", missedQc({ nsQc: 200.1 })],
  ["a packet without an answer", missedHj212({ ...hj212, late: 1 })],
])("%s is missed, once", (_why, missed) => {
  expect(missed).toHaveLength(1);
});
