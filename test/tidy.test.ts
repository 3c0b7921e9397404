/** The style guide as a test: layers, vendors in one place, the clock, file sizes, headers. Each message says the mend. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const FOLDERS = ["core", "storage", "gateway", "ingest", "alerts", "dashboards", "simulators"];

interface Source {
  path: string;
  text: string;
  imports: string[];
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => /\.tsx?$/.test(path) && !path.includes("node_modules") && statSync(join(ROOT, path)).isFile())
    .map(read);
}
function read(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map((match) => match[1] ?? "");
  return { path, text, imports };
}

const rootFiles = readdirSync(ROOT)
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".config.ts"))
  .map(read);
const sources = [...FOLDERS.flatMap(sourcesBelow), ...rootFiles];

/** Where each folder's own imports may lead. */
const LAYERS: Record<string, string[]> = {
  core: ["core"],
  storage: ["core", "storage"],
  gateway: ["core", "gateway"],
  ingest: ["core", "ingest"],
  alerts: ["core", "alerts"],
  dashboards: ["core", "dashboards"],
  simulators: ["core", "simulators"],
};

/** One vendor, one place: the only files that may import it. */
const VENDORS: [vendor: RegExp, places: RegExp][] = [
  [/^aedes$|^mqtt-packet$/, /^gateway\/broker\.ts$/],
  [/^ws$/, /^gateway\//],
  [/^mqtt$/, /^simulators\/(device|sparkplug-edge)\.ts$/],
  [/^fastify|^@fastify\//, /^dashboards\/|^gateway\/http\.ts$/],
  [/^@influxdata\//, /^storage\/series-influx[a-z-]*\.ts$/],
  [/^@duckdb\//, /^storage\/series-duckdb[a-z-]*\.ts$/],
  [/^better-sqlite3/, /^storage\/sql-driver\.ts$/],
  [/^kysely$/, /^storage\//],
  [/^@peculiar\/|^reflect-metadata$/, /^storage\/certificate-authority\.ts$/],
  [/^(read|write)-excel-file/, /^storage\/(registry-)?sheets\.ts$/],
  [/^node-cron$/, /^storage\/scheduler-cron\.ts$/],
  [/^pino$|^prom-client$/, /^core\/observe\.ts$/],
  [/^@node-rs\/argon2$/, /^dashboards\//],
  [/^preact|^uplot$|^leaflet$|^@preact\//, /^dashboards\//],
];

const CLOCK = /\bDate\.now\(|\bnew Date\(\)|\bsetTimeout\(|\bsetInterval\(|\bperformance\.now\(/;

describe("tidy", () => {
  test("folders import core/ and themselves only", () => {
    const faults = sources.flatMap(({ path, imports }) => {
      const folder = path.split("/")[0] ?? "";
      const allowed = LAYERS[folder];
      if (!allowed) return [];
      return imports
        .filter((target) => target.startsWith("."))
        .map((target) => relative(ROOT, join(ROOT, path, "..", target)).split("/")[0] ?? "")
        .filter((target) => !allowed.includes(target))
        .map((target) => `${path} imports ${target}/: take it as an argument through a port of core/ports.ts`);
    });
    expect(faults).toEqual([]);
  });

  test("simulators are known to main.ts and demo.ts only", () => {
    const faults = rootFiles
      .filter(
        ({ path, imports }) =>
          !["main.ts", "demo.ts"].includes(path) && imports.some((target) => target.includes("/simulators/")),
      )
      .map(({ path }) => `${path} imports simulators/: only main.ts and demo.ts may`);
    expect(faults).toEqual([]);
  });

  test("each vendor has one place", () => {
    const faults = sources.flatMap(({ path, imports }) =>
      imports.flatMap((target) =>
        VENDORS.filter(([vendor, places]) => vendor.test(target) && !places.test(path)).map(
          ([, places]) => `${path} imports ${target}: only ${places.source} may; use its port`,
        ),
      ),
    );
    expect(faults).toEqual([]);
  });

  test("wall clock and timers are read in core/clock.ts only", () => {
    const faults = sources
      .filter(({ path }) => path !== "core/clock.ts" && !path.startsWith("dashboards/web/"))
      .flatMap(({ path, text }) =>
        text
          .split("\n")
          .flatMap((line, index) =>
            CLOCK.test(line) && !/^\s*(\/\/|\*)/.test(line)
              ? [`${path}:${index + 1}: use Clock (shells) or \`now\` (pure code)`]
              : [],
          ),
      );
    expect(faults).toEqual([]);
  });

  test("the environment and arguments are read in main.ts only", () => {
    const faults = sources
      .filter(({ path, text }) => path !== "main.ts" && /process\.(env|argv)\b/.test(text))
      .map(({ path }) => `${path}: take it as an argument`);
    expect(faults).toEqual([]);
  });

  test("a file is one idea: at most 400 lines, and opens by saying what it is for", () => {
    const tables = ["core/quantity-catalogue.ts"];
    const faults = sources.flatMap(({ path, text }) => {
      const lines = text.split("\n").length;
      return [
        ...(lines > 400 && !tables.includes(path) ? [`${path} has ${lines} lines: split it by idea`] : []),
        ...(/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(text)
          ? []
          : [`${path} does not open with a comment saying what it is for`]),
      ];
    });
    expect(faults).toEqual([]);
  });

  test("no loose ends", () => {
    const banned = /\b(TODO|FIXME|XXX|HACK)\b|\.only\(|@ts-ignore|@ts-expect-error|\bas any\b|: any\b|export default/;
    const faults = sources.flatMap(({ path, text }) =>
      text.split("\n").flatMap((line, index) => (banned.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(faults).toEqual([]);
  });
});
