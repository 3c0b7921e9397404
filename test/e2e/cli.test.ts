/** The command line as an operator meets it: exit codes, help, first run, faults that say what, where and how to mend. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTestRegistry, removeData, runCli, startServer, type TestServer } from "../support/server.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "jingtu-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe("exit codes", () => {
  test.each`
    words                                    | code  | says
    ${[]}                                    | ${2}  | ${/jingtu VERB/}
    ${["frobnicate"]}                        | ${2}  | ${/unknown verb "frobnicate"/}
    ${["user"]}                              | ${2}  | ${/user add/}
    ${["user", "add"]}                       | ${2}  | ${/NAME is missing/}
    ${["serve", "--port", "1"]}              | ${2}  | ${/port/}
    ${["standards", "grade", "--pack", "x"]} | ${2}  | ${/--csv/}
    ${["demo", "--scenario", "storm"]}       | ${2}  | ${/plume or calm/}
    ${["rules", "check", "/does/not/exist"]} | ${78} | ${/To mend/}
  `("jingtu $words ends with $code", async ({ words, code, says }: { words: string[]; code: number; says: RegExp }) => {
    const result = await runCli(words, { EWS_DATA_DIR: join(folder, "none") });
    expect(result.stderr).toMatch(says);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe("");
  });

  test("every verb explains itself", async () => {
    const { stdout } = await runCli(["help"]);
    const verbs = [...stdout.matchAll(/^ {2}([a-z][a-z0-9]*(?: [a-z][a-z0-9-]*)?)(?= )/gm)].map(
      (match) => match[1] ?? "",
    );
    expect(verbs.length).toBeGreaterThan(12);
    for (const verb of verbs) {
      const help = await runCli([...verb.split(" "), "--help"]);
      expect(help.code, verb).toBe(0);
      expect(help.stdout).toContain(`jingtu ${verb}`);
    }
  });

  test("a faulty configuration names every fault and stops with 78", async () => {
    const result = await runCli(["serve"], {
      EWS_DATA_DIR: join(folder, "x"),
      EWS_MQTT_PORT: "seventy",
      EWS_SERIES: "oracle",
      EWS_TYPO: "1",
    });
    expect(result.code).toBe(78);
    for (const word of [/CONFIG_INVALID/, /EWS_TYPO/, /mqttPort/, /series/, /To mend/])
      expect(result.stderr).toMatch(word);
  });

  test("faulty rules name every fault and stop the start with 78", async () => {
    const rules = join(folder, "rules");
    mkdirSync(rules);
    writeFileSync(
      join(rules, "a.yaml"),
      "- id: a\n  kind: level\n  on: { quantity: cd }\n  above: 1\n  level: purple\n- id: b\n  kind: limit\n  on: { quantity: nonsense }\n  pack: gbt14848-2017\n  above: III\n  level: red\n  onDelay: soon\n",
    );
    const result = await runCli(["serve"], {
      EWS_DATA_DIR: join(folder, "y"),
      EWS_RULES_DIR: rules,
      EWS_MQTT_PORT: "0",
      EWS_HTTP_PORT: "0",
      EWS_WS_PORT: "0",
      EWS_HJ212_PORT: "0",
    });
    expect(result.code).toBe(78);
    for (const word of [/RULES_INVALID/, /a\.yaml/, /level/, /onDelay/, /To mend/]) expect(result.stderr).toMatch(word);
  });

  test("a data folder that others may read is refused", async () => {
    const open = join(folder, "open");
    mkdirSync(open);
    chmodSync(open, 0o755);
    const result = await runCli(["serve"], { EWS_DATA_DIR: open });
    expect(result.code).toBe(78);
    expect(result.stderr).toMatch(/DATA_DIR_OPEN[\s\S]*chmod 700/);
  });
});

describe("grading", () => {
  test("one JSON object a sample; the worst class decides", async () => {
    const csv = inFolder(
      "samples.csv",
      "sample,cd[µg/L],ph[pH],no3n[mg/L]\nclean,<0.1,7.2,1.5\nbad,12,7.1,3\nempty,,7,\n",
    );
    const { stdout, code } = await runCli(["standards", "grade", "--pack", "gbt14848-2017", "--csv", csv]);
    expect(code).toBe(0);
    const rows = stdout
      .trim()
      .split("\n")
      .map(
        (line) =>
          JSON.parse(line) as {
            sample: string;
            class: string;
            deciding: string[];
            byQuantity: Record<string, { class: string; unit: string; limit: number }>;
          },
      );
    expect(rows.map(({ sample }) => sample)).toEqual(["clean", "bad", "empty"]);
    expect(rows[1]).toMatchObject({ class: "V", deciding: ["cd"] });
    expect(rows[1]?.byQuantity["cd"]).toMatchObject({ class: "V", limit: 0.01 });
  });

  test("a doubtful row fires only after a named person confirmed it", async () => {
    const env = { EWS_DATA_DIR: join(folder, "confirmed") };
    const enforceable = async (): Promise<number> => {
      const { stdout } = await runCli(["standards", "list"], env);
      const packs = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { id: string; enforceable: number });
      return packs.find(({ id }) => id === "gb5749-2022")?.enforceable ?? 0;
    };
    const before = await enforceable();
    const unnamed = await runCli(["standards", "confirm", "gb5749-2022", "3/sb"], env);
    expect(unnamed.code).toBe(2);
    expect((await runCli(["standards", "confirm", "gb5749-2022", "nonsense", "--by", "Han Mei"], env)).stderr).toMatch(
      /ROW_UNKNOWN/,
    );
    expect((await runCli(["standards", "confirm", "gb5749-2022", "3/sb", "--by", "Han Mei"], env)).code).toBe(0);
    expect(await enforceable()).toBe(before + 1);
  });

  test("a CSV that cannot be read is refused by name", async () => {
    const result = await runCli(["standards", "grade", "--pack", "gbt14848-2017", "--csv", join(folder, "absent.csv")]);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/CSV_UNREADABLE/);
  });
});

describe("first run", () => {
  let server: TestServer;
  afterAll(async () => {
    await server?.stop();
    if (server) removeData(server);
  });
  const signIn = (password: string): Promise<Response> =>
    fetch(`${server.url}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "admin", password }),
    });

  test("prints the administrator's password once; a reset makes a new one and ends the old", async () => {
    server = await startServer({ env: { EWS_ADMIN_PASSWORD: "" } });
    const password = /password (\S+)/.exec(server.stderr())?.[1] ?? "";
    expect((await signIn(password)).status).toBe(200);
    server = await server.stop().then(() => server.restart());
    expect(server.stderr()).not.toMatch(/password/);
    const { stdout } = await server.cli("user", "reset", "admin", "--json");
    const { password: next } = JSON.parse(stdout) as { password: string };
    expect((await signIn(password)).status).toBe(401);
    expect((await signIn(next)).status).toBe(200);
  });

  test("a second server on the same folder is refused, the first goes on", async () => {
    const second = await runCli(["serve"], { ...server.env, EWS_MQTT_PORT: "0" });
    expect(second.code).toBe(78);
    expect(second.stderr).toMatch(/DATA_DIR_IN_USE/);
    expect((await fetch(`${server.url}/api/v1/health/live`)).status).toBe(200);
  });

  test("an exported registry imports to no change", async () => {
    const file = inFolder("registry.yaml", JSON.stringify(aTestRegistry(2)));
    expect((await server.cli("registry", "import", file)).code).toBe(0);
    const { stdout } = await server.cli("registry", "export");
    expect(stdout).not.toContain("secret-of-device");
    const again = await server.cli("registry", "import", inFolder("again.yaml", stdout), "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ added: 0, changed: 0, secrets: [] });
  });
});
