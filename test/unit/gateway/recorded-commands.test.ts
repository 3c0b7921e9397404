import { expect, test } from "vitest";
import type { CommandAck, DeviceCommand } from "../../../core/command.ts";
import type { FieldCommand, FieldOutcome } from "../../../core/field-session.ts";
import type { AuditEntry } from "../../../core/ports.ts";
import { recordedCommand } from "../../../gateway/recorded-commands.ts";
import { aDirectory, NOW } from "../../support/builders.ts";
import { FakeClock } from "../../support/clock.ts";

const DONE: FieldOutcome = { state: "done", code: "ok", sent: 1, packets: 0 };

async function given(command: FieldCommand, { outcome = DONE, device = "dev-1", isLedgerAway = false } = {}) {
  const [steps, rows, audit, answers]: [string[], DeviceCommand[], AuditEntry[], CommandAck[]] = [[], [], [], []];
  const written = async (...entries: AuditEntry[]): Promise<void> => {
    if (isLedgerAway) throw new Error("ledger away");
    steps.push("written");
    audit.push(...entries);
  };
  const result = recordedCommand(
    { device, command, by: "cli" },
    {
      way: {
        command: async () => {
          steps.push("sent");
          return outcome;
        },
      },
      commands: {
        put: (row, deed) => {
          rows.push(row);
          return written(deed);
        },
        answer: async (_device, ack) => {
          answers.push(ack);
          return "done";
        },
      },
      accounts: { audit: written },
      directory: () => aDirectory(),
      clock: new FakeClock(NOW),
    },
  );
  return { result: await result.catch((error: Error) => error.message), steps, rows, audit, answers };
}

test.each<{ command: FieldCommand; op: string; args: object }>([
  { command: { kind: "set-interval", seconds: 60 }, op: "setInterval", args: { seconds: 60 } },
  { command: { kind: "set-average-interval", minutes: 10 }, op: "setInterval", args: { seconds: 600, data: "minute" } },
  { command: { kind: "set-clock" }, op: "timeSync", args: {} },
  { command: { kind: "sample-now", parameter: "w01018" }, op: "sampleNow", args: { parameter: "w01018" } },
  {
    command: { kind: "fetch-history", data: "hour", from: 1, to: 2 },
    op: "fetchHistory",
    args: { data: "hour", from: 1, to: 2 },
  },
])("$command.kind stands among the commands as $op, with its audit entry", async ({ command, op, args }) => {
  const { result, steps, rows, audit, answers } = await given(command);
  expect(result).toEqual(DONE);
  expect(steps).toEqual(["written", "sent"]);
  // Not queued: the commander would take it down again.
  expect(rows).toMatchObject([{ op, args, state: "accepted", by: "cli", device: "dev-1" }]);
  expect(audit).toMatchObject([{ actor: "cli", action: `hj212.${command.kind}`, object: "dev-1" }]);
  expect(answers).toEqual([{ id: rows[0]?.id, status: "done", detail: "ok" }]);
});

test("what no command of ours is stands in the audit log before it is sent, and after with its outcome", async () => {
  const { steps, rows, audit } = await given({ kind: "read-clock" });
  expect([steps, rows]).toEqual([["written", "sent", "written"], []]);
  expect(audit.map(({ action, detail }) => [action, detail])).toEqual([
    ["hj212.read-clock", "{}"],
    ["hj212.read-clock.outcome", "done (ok)"],
  ]);
});

test("a try on a device that nobody registered is in the audit log too", async () => {
  const outcome = { ...DONE, state: "failed", code: "unsupported" } as const;
  const { rows, audit } = await given({ kind: "set-clock" }, { device: "nobody", outcome });
  expect(rows).toEqual([]);
  expect(audit.map(({ action }) => action)).toEqual(["hj212.set-clock", "hj212.set-clock.outcome"]);
});

test("what is no number does not get among the commands, whose readers expect numbers", async () => {
  const { rows, audit } = await given({ kind: "set-interval", seconds: Number.NaN });
  expect([rows, audit.length]).toEqual([[], 2]);
});

test.each<FieldCommand>([{ kind: "set-clock" }, { kind: "read-clock" }])(
  "$kind that cannot be written down is not sent",
  async (command) => {
    const { result, steps } = await given(command, { isLedgerAway: true });
    expect([result, steps]).toEqual(["ledger away", []]);
  },
);
