// Builds dist/: the server by tsc, the web UI by Vite, and the data files beside the code that reads them.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync } from "node:fs";

const run = (command, args) =>
  execFileSync(process.execPath, [`node_modules/${command}`, ...args], { stdio: ["ignore", 2, 2] });

run("typescript/bin/tsc", ["-p", "tsconfig.json"]);
if (existsSync("dashboards/web/vite.config.ts"))
  run("vite/bin/vite.js", ["build", "--config", "dashboards/web/vite.config.ts", "--logLevel", "error"]);
for (const folder of ["alerts/packs/data", "alerts/rules", "simulators/scenarios"]) {
  if (existsSync(folder)) cpSync(folder, `dist/${folder}`, { recursive: true });
}
