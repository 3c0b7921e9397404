/** The version of this program, from package.json. */
import { existsSync, readFileSync } from "node:fs";

const here = [new URL("./package.json", import.meta.url), new URL("../package.json", import.meta.url)];
const file = here.find((url) => existsSync(url));

export const VERSION: string = file ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version : "0.0.0";
