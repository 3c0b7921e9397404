#!/usr/bin/env node
/**
 * The command line. Alone reads `process.argv` and `process.env`; finds the verb, runs it, turns errors into exit codes:
 * 0 ok, 1 failed, 2 usage, 70 bug, 78 configuration.
 */
import { setMaxListeners } from "node:events";
import { parseCall, UsageError, usage, type Verb } from "./cli/verb.ts";
import { EXIT, Misconfigured, Refused, Unavailable } from "./core/errors.ts";
import { VERSION } from "./version.ts";

/** Verbs by file, loaded when needed: grading a CSV should not wait for a broker to load. */
const FAMILIES: readonly { readonly words: readonly string[]; readonly load: () => Promise<readonly Verb[]> }[] = [
  { words: ["serve"], load: async () => [(await import("./cli/serve.ts")).serveVerb] },
  { words: ["demo"], load: async () => [(await import("./cli/demo.ts")).demoVerb] },
  { words: ["decode"], load: async () => [(await import("./cli/decode.ts")).decodeVerb] },
  { words: ["simulate"], load: async () => [(await import("./cli/simulate.ts")).simulateVerb] },
  { words: ["replay"], load: async () => [(await import("./cli/replay.ts")).replayVerb] },
  { words: ["standards", "rules"], load: async () => (await import("./cli/standards.ts")).standardsVerbs },
  {
    words: ["plan", "zones", "farmland", "class"],
    load: async () => (await import("./cli/regulation.ts")).regulationVerbs,
  },
  { words: ["alarm", "verify"], load: async () => (await import("./cli/alarms.ts")).alarmVerbs },
  { words: ["maintenance"], load: async () => (await import("./cli/maintenance.ts")).maintenanceVerbs },
  { words: ["lab"], load: async () => (await import("./cli/lab.ts")).labVerbs },
  { words: ["command", "commands", "configure"], load: async () => (await import("./cli/commands.ts")).commandVerbs },
  { words: ["quarantine", "backup", "restore", "status"], load: async () => (await import("./cli/data.ts")).dataVerbs },
  { words: ["ca"], load: async () => (await import("./cli/certificates.ts")).certificateVerbs },
  { words: ["device"], load: async () => (await import("./cli/devices.ts")).deviceVerbs },
  { words: ["hj212"], load: async () => (await import("./cli/hj212.ts")).hj212Verbs },
  {
    words: ["config", "registry", "user", "token", "consumer"],
    load: async () => (await import("./cli/admin.ts")).adminVerbs,
  },
];

async function allVerbs(): Promise<readonly Verb[]> {
  return (await Promise.all(FAMILIES.map((family) => family.load()))).flat();
}

/** "registry import" before "registry": the longest name that the words begin with. */
function findVerb(
  verbs: readonly Verb[],
  words: readonly string[],
): { verb: Verb; rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(" ");
    const verb = verbs.find((candidate) => candidate.name === name);
    if (verb && words.length >= length) return { verb, rest: words.slice(length) };
  }
  return undefined;
}

function help(verbs: readonly Verb[]): string {
  const width = Math.max(...verbs.map((verb) => `${verb.name} ${verb.operands}`.length));
  return [
    "jingtu VERB [options]: soil and groundwater monitoring and early warning",
    "",
    ...verbs.map((verb) => `  ${`${verb.name} ${verb.operands}`.padEnd(width)}  ${verb.summary}`),
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
    (first === undefined ? process.stderr : process.stdout).write(`${help(await allVerbs())}\n`);
    return first === undefined ? EXIT.usage : EXIT.ok;
  }
  const family = FAMILIES.find((candidate) => candidate.words.includes(first));
  const verbs = family ? await family.load() : [];
  const found = findVerb(verbs, words);
  if (!found) {
    const near = verbs.filter((verb) => verb.name.startsWith(`${first} `)).map((verb) => verb.name);
    process.stderr.write(
      `jingtu: unknown verb "${first}"${near.length > 0 ? `; did you mean: ${near.join(", ")}` : ""}\n\n${help(await allVerbs())}\n`,
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
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  const code = exitCodeOf(error);
  const { message, stack = message } = error as Error;
  process.stderr.write(`jingtu: ${code === EXIT.bug ? stack : message}\n`);
  process.exit(code);
}
