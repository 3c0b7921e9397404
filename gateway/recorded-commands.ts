/**
 * Commands that a person gives straight to a device's session and waits for. Who asked for what is in the audit log before it
 * is sent. What our own commands also know (`setInterval`, …) stands among them, so that `jingtu commands` and pages show it.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { COMMAND_MS_DEFAULT, type CommandAck, type CommandArgs, type CommandStore } from "../core/command.ts";
import type { CommandOp } from "../core/command-ops.ts";
import type { FieldCommand, FieldOutcome } from "../core/field-session.ts";
import type { Accounts, AuditEntry, Directory } from "../core/ports.ts";
import type { FieldWay } from "./field-commander.ts";

export interface RecordedParts {
  readonly way: Pick<FieldWay, "command">;
  readonly commands: Pick<CommandStore, "put" | "answer">;
  readonly accounts: Pick<Accounts, "audit">;
  readonly directory: () => Directory;
  readonly clock: Clock;
}

/** @throws Refused `COMMANDS_FULL` as `CommandStore.put` does; Unavailable when it cannot be written down: then nothing is sent. */
export async function recordedCommand(
  { device, command, by }: { readonly device: string; readonly command: FieldCommand; readonly by: string },
  { way, commands, accounts, directory, clock }: RecordedParts,
): Promise<FieldOutcome> {
  const now = clock.now();
  const { kind, ...figures } = command;
  const whose = { actor: by, via: "cli", object: device };
  const deed: AuditEntry = { at: now, ...whose, action: `hj212.${kind}`, detail: JSON.stringify(figures) };
  const own = directory().device(device) ? asOwn(command) : null;
  const known = own && Object.values(own.args).every(isFigure) ? own : null;
  if (known === null) {
    await accounts.audit(deed);
    const outcome = await way.command(device, command);
    const detail = `${outcome.state} (${outcome.code})`;
    await accounts.audit({ at: clock.now(), ...whose, action: `hj212.${kind}.outcome`, detail });
    return outcome;
  }
  const id = randomUUID();
  await commands.put(
    {
      // From the start on it is with the session, so that nobody else takes it down a second time.
      ...{ id, device, ...known, state: "accepted", detail: "given to its session", by, via: "cli" },
      ...{ createdAt: now, updatedAt: now, expiresAt: now + COMMAND_MS_DEFAULT, sentAt: null, tries: 0 },
    },
    deed,
  );
  const outcome = await way.command(device, command);
  await commands.answer(device, { id, status: statusOf(outcome), detail: outcome.code }, clock.now());
  return outcome;
}

function statusOf({ state, code }: FieldOutcome): CommandAck["status"] {
  return code === "unsupported" ? "unsupported" : state;
}

/** Over the control socket comes what a person wrote, also what is no number. */
function isFigure(value: unknown): boolean {
  return typeof value === "string" || Number.isFinite(value);
}

/** The same as one of our own commands; null when there is none. */
function asOwn(command: FieldCommand): { readonly op: CommandOp; readonly args: CommandArgs } | null {
  switch (command.kind) {
    case "set-interval":
      return { op: "setInterval", args: { seconds: command.seconds } };
    case "set-average-interval":
      return { op: "setInterval", args: { seconds: command.minutes * 60, data: "minute" } };
    case "sample-now":
      return { op: "sampleNow", args: command.parameter === undefined ? {} : { parameter: command.parameter } };
    case "set-clock":
      return { op: "timeSync", args: {} };
    case "fetch-history":
      return { op: "fetchHistory", args: { data: command.data, from: command.from, to: command.to } };
    default:
      return null;
  }
}
