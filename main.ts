#!/usr/bin/env node
/**
 * The command line. Alone reads `process.argv` and `process.env`; finds the verb, runs it, turns errors into exit codes:
 * 0 ok, 1 failed, 2 usage, 70 bug, 78 configuration.
 */
import { setMaxListeners } from "node:events";
import { adminVerbs } from "./cli/admin.ts";
import { dataVerbs } from "./cli/data.ts";
import { demoVerb } from "./cli/demo.ts";
import { serveVerb } from "./cli/serve.ts";
import { simulateVerb } from "./cli/simulate.ts";
import { standardsVerbs } from "./cli/standards.ts";
import { parseCall, UsageError, usage, type Verb } from "./cli/verb.ts";
import { EXIT, Misconfigured, Refused, Unavailable } from "./core/errors.ts";
import { VERSION } from "./version.ts";

const VERBS: readonly Verb[] = [serveVerb, demoVerb, simulateVerb, ...standardsVerbs, ...dataVerbs, ...adminVerbs];

/** "registry import" before "registry": the longest name that the words begin with. */
function findVerb(words: readonly string[]): { verb: Verb; rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const verb = VERBS.find((candidate) => candidate.name === name);
    if (verb && words.length >= length) return { verb, rest: words.slice(length) };
  }
  return undefined;
}

function help(): string {
  const width = Math.max(...VERBS.map((verb) => `${verb.name} ${verb.operands}`.length));
  return [
    "jingtu VERB [options]: soil and groundwater monitoring and early warning",
    "",
    ...VERBS.map((verb) => `  ${`${verb.name} ${verb.operands}`.padEnd(width)}  ${verb.summary}`),
    "",
    "`jingtu VERB --help` shows a verb's options. Settings: EWS_* variables or a YAML file, see README.md.",
  ].join("\n");
}

async function main(words: readonly string[]): Promise<number> {
  const [first] = words;
  if (first === "--version" || first === "version") {
    process.stdout.write(`${VERSION}\n`);
    return EXIT.ok;
  }
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    (first === undefined ? process.stderr : process.stdout).write(`${help()}\n`);
    return first === undefined ? EXIT.usage : EXIT.ok;
  }
  const found = findVerb(words);
  if (!found) {
    const family = VERBS.filter((verb) => verb.name.startsWith(`${first} `)).map((verb) => verb.name);
    process.stderr.write(
      `jingtu: unknown verb "${first}"${family.length > 0 ? `; did you mean: ${family.join(", ")}` : ""}\n\n${help()}\n`,
    );
    return EXIT.usage;
  }
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // every simulated device waits on it
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(EXIT.failed); // a second signal does not wait
      stop.abort();
    });
  }
  const { call, help: wantsHelp } = parseCall(found.verb, found.rest, process.env, stop.signal);
  if (wantsHelp) {
    process.stdout.write(`${usage(found.verb)}\n`);
    return EXIT.ok;
  }
  return await found.verb.run(call);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof Misconfigured) return EXIT.configuration;
  if (error instanceof Refused || error instanceof Unavailable) return EXIT.failed;
  return EXIT.bug;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const code = exitCodeOf(error);
  const known = code !== EXIT.bug;
  process.stderr.write(`jingtu: ${known ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`);
  process.exitCode = code;
  if (!known) process.exit(code); // a bug may have left handles open
}
