/** Asks things of devices without a browser: through the ledger, so that the running server takes them down. */
import { randomUUID } from "node:crypto";
import { systemClock } from "../core/clock.ts";
import {
  argsOf,
  COMMAND_MS_DEFAULT,
  COMMAND_MS_MAX,
  CommandAsk,
  type DeviceCommand,
  DeviceSettings,
} from "../core/command.ts";
import { COMMAND_OPS } from "../core/command-ops.ts";
import { configFault } from "../core/config-fault.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { commandFault } from "../core/hj212-limits.ts";
import { type Device, Duration } from "../core/site.ts";
import type { Ledger } from "../storage/sql-sqlite.ts";
import { withLedger } from "./ledger.ts";
import { operand, UsageError, type Verb } from "./verb.ts";

async function knownDevice(ledger: Ledger, id: string): Promise<Device> {
  const { devices } = await ledger.registry.snapshot();
  const known = devices.find((device) => device.id === id);
  if (known) return known;
  throw new Refused("DEVICE_UNKNOWN", {
    what: `there is no device ${id}`,
    mend: "`jingtu registry export` shows all",
  });
}

/** @throws Refused `DEVICE_UNKNOWN`, `COMMAND_IMPOSSIBLE`. */
async function askable(ledger: Ledger, id: string, ask: CommandAsk): Promise<string> {
  const why = commandFault(ask, await knownDevice(ledger, id));
  if (why === null) return id;
  throw new Refused("COMMAND_IMPOSSIBLE", {
    what: `${id} cannot be asked for ${ask.op}: ${why}`,
    mend: "give it arguments that its protocol takes",
  });
}

/** "seconds=60,data=minute": numbers where they are such. */
function argumentsOf(text: string | undefined): Record<string, number | string> {
  const pairs = text === undefined || text === "" ? [] : text.split(",");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key = "", value = ""] = pair.split("=");
      if (key === "" || value === "") throw new UsageError(`--arg takes KEY=VALUE, several with commas, not "${pair}"`);
      // A boot is a name, even where it looks like a number.
      return [key, key !== "boot" && Number.isFinite(Number(value)) ? Number(value) : value];
    }),
  );
}

const commandVerb: Verb = {
  name: "command",
  summary: `ask something of a device: ${COMMAND_OPS.join(", ")}`,
  operands: "DEVICE OP",
  options: {
    arg: {
      type: "string",
      value: "K=V[,K=V]",
      help: "setInterval: seconds=60; fetchHistory: from=MS,to=MS or boot=B,fromSeq=N,toSeq=N",
    },
    expires: { type: "string", value: "1h", help: "give up after so long, at most 30d" },
  },
  run: async (call) => {
    const [device, op] = [operand(call, 0, "DEVICE"), operand(call, 1, "OP")];
    const ask = CommandAsk.safeParse({ op, args: argumentsOf(call.text("arg")) });
    if (!ask.success)
      throw new UsageError(`${op}: ${ask.error.issues[0]?.message}; one of ${COMMAND_OPS.join(", ")}, see --help`);
    const expires = Duration.safeParse(call.text("expires") ?? `${COMMAND_MS_DEFAULT}ms`);
    if (!expires.success || expires.data <= 0 || expires.data > COMMAND_MS_MAX)
      throw new UsageError(`--expires takes a duration up to 30d, not "${call.text("expires")}"`);
    return withLedger(call, async (ledger) => {
      const now = systemClock.now();
      const command: DeviceCommand = {
        ...{
          id: randomUUID(),
          device: await askable(ledger, device, ask.data),
          op: ask.data.op,
          args: argsOf(ask.data),
        },
        ...{ state: "queued", detail: "", by: "cli", via: "cli", sentAt: null, tries: 0 },
        ...{ createdAt: now, updatedAt: now, expiresAt: now + expires.data },
      };
      const action = `command.${command.op}`;
      const detail = JSON.stringify(command.args);
      await ledger.commands.put(command, { at: now, actor: "cli", via: "cli", action, object: device, detail });
      call.out.result(command, `${command.id} queued`);
      return EXIT.ok;
    });
  },
};

const commandsVerb: Verb = {
  name: "commands",
  summary: "list the newest commands to a device and what became of them",
  operands: "DEVICE",
  options: {},
  run: (call) =>
    withLedger(call, async (ledger) => {
      const { id: device } = await knownDevice(ledger, operand(call, 0, "DEVICE"));
      for (const command of await ledger.commands.of(device, 50)) {
        const { id, op, args, state, detail } = command;
        call.out.result(command, `${id}\t${op} ${JSON.stringify(args)}\t${state}\t${detail}`);
      }
      return EXIT.ok;
    }),
};

const configureVerb: Verb = {
  name: "configure",
  summary: "give a device its next desired settings, as a JSON object; without one, show them",
  operands: "DEVICE JSON",
  options: {},
  run: (call) =>
    withLedger(call, async (ledger) => {
      const known = await knownDevice(ledger, operand(call, 0, "DEVICE"));
      const device = known.id;
      const text = call.operands[1];
      if (text === undefined) {
        call.out.result(await ledger.commands.config(device));
        return EXIT.ok;
      }
      const fault = configFault(known);
      if (fault) throw new Refused("COMMAND_IMPOSSIBLE", fault);
      const values = DeviceSettings.safeParse(jsonOf(text));
      if (!values.success) throw new UsageError(`not settings: ${values.error.issues[0]?.message}`);
      const at = systemClock.now();
      const deed = { at, actor: "cli", via: "cli", action: "device.configure", object: device, detail: text };
      const config = await ledger.commands.configure({ device, values: values.data, by: "cli", at }, deed);
      call.out.result(config, `version ${config.version}`);
      return EXIT.ok;
    }),
};

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`JSON is not JSON: ${(error as Error).message}`);
  }
}

export const commandVerbs: readonly Verb[] = [commandVerb, commandsVerb, configureVerb];
