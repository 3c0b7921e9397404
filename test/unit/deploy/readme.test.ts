/** The README's table of settings is the configuration schema's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Config, environmentName } from "../../../core/config.ts";

const ROOT = join(import.meta.dirname, "../../..");

describe.each(["README.md", "README.zh-CN.md"])("%s", (file) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  const rows = new Map(
    [...text.matchAll(/^\| `(EWS_[A-Z0-9_]+)` \| (?:`([^`]*)`)? *\|/gm)].map((match) => [
      match[1] ?? "",
      match[2] ?? "",
    ]),
  );

  test("names every setting and no other", () => {
    expect([...rows.keys()].sort()).toEqual(Object.keys(Config.shape).map(environmentName).sort());
  });

  test("states every default", () => {
    const defaults = Config.parse({}) as Record<string, unknown>;
    for (const key of Object.keys(Config.shape)) {
      const stated = rows.get(environmentName(key));
      const value = defaults[key];
      expect(stated, key).toBe(value === undefined ? "" : key === "drain" ? "10s" : String(value));
    }
  });
});
