/** What a verb of the command line is, and how it prints: results on stdout, messages on stderr. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { chinaMidnight, isDate } from "../core/china-day.ts";
import { type Config, loadConfig } from "../core/config.ts";
import { Refused } from "../core/errors.ts";

type OptionSpec = Readonly<
  Record<
    string,
    {
      readonly type: "string" | "boolean";
      readonly short?: string;
      readonly help: string;
      readonly value?: string;
      /** Takes several values: `--csv A B`, or the option again. */
      readonly many?: boolean;
    }
  >
>;

export interface Verb {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** A second line of its own help. */
  readonly more?: string;
  /** Words after the name, e.g. "FILE". */
  readonly operands: string;
  readonly options: OptionSpec;
  /** @returns the exit code. */
  run(call: Call): Promise<number>;
}

export interface Call {
  readonly operands: readonly string[];
  /** Text of `--name VALUE`; undefined when absent. */
  text(name: string): string | undefined;
  /** All values of an option that takes several; empty when absent. */
  list(name: string): readonly string[];
  flag(name: string): boolean;
  /** Configuration from `--config FILE` or `EWS_CONFIG`, and the environment. */
  config(): Config;
  readonly out: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface Output {
  /** One result: a JSON line with `--json`, else the text (or the JSON when there is no text). */
  result(object: unknown, text?: string): void;
  /** Raw result text, for documents such as an exported registry. */
  document(text: string | Uint8Array): void;
  /** For the person at the terminal; stderr. */
  say(text: string): void;
}

export class UsageError extends Error {}

const COMMON: OptionSpec = {
  json: { type: "boolean", help: "print results as JSON lines" },
  config: { type: "string", value: "FILE", help: "YAML configuration file" },
  help: { type: "boolean", short: "h", help: "show this help" },
};

/** @throws UsageError naming the unknown or missing word. */
export function parseCall(
  verb: Verb,
  args: readonly string[],
  env: Call["env"],
  signal: AbortSignal,
): { readonly call: Call; readonly help: boolean } {
  const options = { ...COMMON, ...verb.options };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: repeatMany(args, options),
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, short, many = false }]) => [
          name,
          { type, multiple: many, ...(short ? { short } : {}) },
        ]),
      ),
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const wanted =
    verb.operands === "" ? 0 : verb.operands.includes("…") ? Number.POSITIVE_INFINITY : verb.operands.split(" ").length;
  const extra = parsed.positionals.slice(wanted);
  if (extra.length > 0)
    throw new UsageError(`what is "${extra.join(" ")}"? ${verb.name} takes ${verb.operands || "no operand"}`);
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
  const json = values["json"] === true;
  const call: Call = {
    operands: parsed.positionals,
    text: (name) => (typeof values[name] === "string" ? values[name] : undefined),
    list: (name) => {
      const value = values[name];
      return Array.isArray(value) ? value : [];
    },
    flag: (name) => values[name] === true,
    config: () => loadConfig(env, typeof values["config"] === "string" ? values["config"] : undefined),
    out: {
      result: (object, text) => process.stdout.write(`${json || text === undefined ? JSON.stringify(object) : text}\n`),
      document: (text) => process.stdout.write(text),
      say: (text) => process.stderr.write(`${text}\n`),
    },
    env,
    signal,
  };
  return { call, help: values["help"] === true };
}

export function usage(verb: Verb): string {
  const options = Object.entries({ ...verb.options, ...COMMON });
  const label = ([name, { short, value }]: (typeof options)[number]): string =>
    `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
  const width = Math.max(...options.map((option) => label(option).length));
  return [
    `jingtu ${verb.name}${verb.operands ? ` ${verb.operands}` : ""} [options]`,
    `  ${verb.summary}`,
    ...(verb.more === undefined ? [] : [`  ${verb.more}`]),
    "",
    ...options.map((option) => `  ${label(option).padEnd(width)}  ${option[1].help}`),
  ].join("\n");
}

/** `--csv A B` as `--csv A --csv B`. */
function repeatMany(args: readonly string[], options: OptionSpec): string[] {
  let current: string | null = null;
  let values = 0;
  return args.flatMap((arg) => {
    if (arg.startsWith("-")) {
      current = arg.startsWith("--") && options[arg.slice(2)]?.many === true ? arg : null;
      values = 0;
      return [arg];
    }
    return current !== null && values++ > 0 ? [current, arg] : [arg];
  });
}

/** The operand at `index`. @throws UsageError when it is missing. */
export function operand(call: Call, index: number, name: string): string {
  const value = call.operands[index];
  if (value === undefined) throw new UsageError(`${name} is missing`);
  return value;
}

/**
 * First moment of a day in China (UTC+8), ms since 1970 UTC; undefined when the option is absent.
 * @throws UsageError for what is no day of the calendar.
 */
export function dayOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!isDate(text)) throw new UsageError(`${option} takes a day such as 2026-03-15, not "${text}"`);
  return chinaMidnight(text);
}

/** @throws Refused `FILE_UNREADABLE`. */
export function readText(file: string): string {
  return readBytes(file).toString("utf8");
}

/** @throws Refused `FILE_UNREADABLE`. */
export function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Refused("FILE_UNREADABLE", { what: (error as Error).message, where: file, mend: "give a readable file" });
  }
}
