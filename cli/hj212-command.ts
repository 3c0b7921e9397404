/** `jingtu hj212 command`: what HJ 212-2017 lets a platform ask of a device, down the connection that the server holds. */
import { EXIT } from "../core/errors.ts";
import { type FieldCommand, type FieldOutcome, INSTRUMENT_DEEDS } from "../core/field-session.ts";
import { askServer } from "./ask-server.ts";
import { type Call, operand, UsageError, type Verb } from "./verb.ts";

/** Those that need no figure. */
const PLAIN = [
  ...([
    "set-clock",
    "read-clock",
    "read-interval",
    "read-average-interval",
    "start-realtime",
    "stop-realtime",
  ] as const),
  ...(["start-facility", "stop-facility", "keep-sample"] as const),
] as const;
const COMMANDS = [
  ...PLAIN,
  ...INSTRUMENT_DEEDS,
  ...["sample-now", "set-timeouts", "set-interval", "set-average-interval", "fetch-history", "fetch-run-hours"],
  ...["set-sampling", "read-info", "set-parameter"],
].sort();

export const hj212Command: Verb = {
  name: "hj212 command",
  summary: "ask an HJ 212 device and wait for what becomes of it; kept in the audit log; exit 1 unless it agreed",
  more: `COMMAND: ${COMMANDS.join(", ")}`,
  operands: "DEVICE COMMAND",
  options: {
    seconds: { type: "string", value: "N", help: "set-interval: 30 to 3600; set-timeouts: wait for an answer" },
    minutes: { type: "string", value: "N", help: "set-average-interval: a divisor of an hour" },
    resends: { type: "string", value: "N", help: "set-timeouts: 1 to 99" },
    data: { type: "string", value: "KIND", help: "fetch-history: minute, hour or day" },
    from: { type: "string", value: "TIME", help: "fetch-…, read-info of a log: RFC 3339 with an offset" },
    to: { type: "string", value: "TIME", help: "fetch-…, read-info of a log: RFC 3339 with an offset" },
    parameter: {
      type: "string",
      value: "CODE",
      help: "of which instrument, e.g. w01018; sample-now takes all without it",
    },
    start: { type: "string", value: "HHMMSS", help: "set-sampling: first sample of the day" },
    hours: { type: "string", value: "N", help: "set-sampling: every so many hours, 1 to 24" },
    info: { type: "string", value: "CODE", help: "read-info, set-parameter: e.g. i13004" },
    value: { type: "string", value: "TEXT", help: "set-parameter" },
  },
  run: async (call) => {
    const device = operand(call, 0, "DEVICE");
    const asked = commandOf(call, operand(call, 1, "COMMAND"));
    const outcome = await askServer<FieldOutcome>(call, "hj212-command", { device, command: asked });
    const { state, code, sent, packets, said = {} } = outcome;
    const items = Object.entries(said).map(([name, value]) => `${name}=${value}`);
    call.out.result(outcome, [`${state} (${code}), sent ${sent} times, ${packets} data packets`, ...items].join("\n"));
    return state === "done" || state === "accepted" ? EXIT.ok : EXIT.failed;
  },
};

function commandOf(call: Call, kind: string): FieldCommand {
  const plain = PLAIN.find((name) => name === kind);
  if (plain) return { kind: plain };
  const deed = INSTRUMENT_DEEDS.find((name) => name === kind);
  if (deed) return { kind: deed, parameter: wordOf(call, "parameter") };
  switch (kind) {
    case "sample-now":
      return call.text("parameter") === undefined ? { kind } : { kind, parameter: wordOf(call, "parameter") };
    case "set-timeouts":
      return { kind, seconds: numberOf(call, "seconds"), resends: numberOf(call, "resends") };
    case "set-interval":
      return { kind, seconds: numberOf(call, "seconds") };
    case "set-average-interval":
      return { kind, minutes: numberOf(call, "minutes") };
    case "fetch-history": {
      const data = (["minute", "hour", "day"] as const).find((name) => name === call.text("data"));
      if (!data) throw new UsageError("--data takes minute, hour or day");
      return { kind, data, ...spanOf(call) };
    }
    case "fetch-run-hours":
      return { kind, ...spanOf(call) };
    case "set-sampling": {
      const [parameter, start] = [wordOf(call, "parameter"), wordOf(call, "start")];
      return { kind, parameter, start, hours: numberOf(call, "hours") };
    }
    case "read-info": {
      const hasSpan = call.text("from") !== undefined || call.text("to") !== undefined;
      const of = { parameter: wordOf(call, "parameter"), info: wordOf(call, "info") };
      return { kind, ...of, ...(hasSpan ? spanOf(call) : {}) };
    }
    case "set-parameter":
      return {
        ...{ kind, parameter: wordOf(call, "parameter") },
        ...{ info: wordOf(call, "info"), value: wordOf(call, "value") },
      };
    default:
      throw new UsageError(`"${kind}" is no command; known: ${COMMANDS.join(", ")}`);
  }
}

function wordOf(call: Call, name: string): string {
  const text = call.text(name);
  if (text === undefined || text === "") throw new UsageError(`--${name} is missing`);
  return text;
}

function numberOf(call: Call, name: string): number {
  const figure = Number(wordOf(call, name));
  if (Number.isFinite(figure)) return figure;
  throw new UsageError(`--${name} takes a number, not "${call.text(name)}"`);
}

function spanOf(call: Call): { readonly from: number; readonly to: number } {
  return { from: timeOf(call, "from"), to: timeOf(call, "to") };
}

function timeOf(call: Call, name: string): number {
  const text = call.text(name) ?? "";
  const ms = /(?:[Zz]|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`--${name} takes a time such as 2026-03-15T08:00:00+08:00`);
  return ms;
}
