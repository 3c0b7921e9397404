/** Hot reload of rule files on a real folder: a good edit arrives, a broken one keeps the old rules and says why. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadPacks } from "../../../alerts/packs/load.ts";
import { watchRules } from "../../../alerts/rules.ts";
import { systemClock } from "../../../core/clock.ts";
import type { Logger } from "../../../core/observe.ts";
import type { Rule } from "../../../core/rule.ts";

/** Calls come one by one; each is awaited. */
function queueOf<T>(): { put: (item: T) => void; next: () => Promise<T> } {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    put: (item) => {
      const first = waiting.shift();
      if (first) first(item);
      else items.push(item);
    },
    next: () => {
      const item = items.shift();
      return item === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(item);
    },
  };
}

test("a changed file is loaded; a broken one is told and changes nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rules-"));
  const rule = (level: string): string =>
    `- { id: cd-high, kind: level, on: { quantity: cd }, above: 1, level: ${level} }\n`;
  writeFileSync(join(folder, "own.yaml"), rule("blue"));
  const loaded = queueOf<readonly Rule[]>();
  const errors = queueOf<string>();
  const log = {
    info: () => {},
    warn: () => {},
    error: ({ err }: { err: Error }) => errors.put(err.message),
  } as unknown as Logger;
  const stop = watchRules({ folder, packs: loadPacks(), clock: systemClock, log, onChange: loaded.put });
  onTestFinished(() => {
    stop();
    rmSync(folder, { recursive: true });
  });
  writeFileSync(join(folder, "own.yaml"), rule("purple"));
  expect(await errors.next()).toMatch(/RULES_INVALID: in \S*\/own\.yaml:[\s\S]*at \[0\]\.level, line 1/);
  writeFileSync(join(folder, "own.yaml"), rule("red"));
  expect(await loaded.next()).toMatchObject([{ id: "cd-high", level: "red" }]);
});
