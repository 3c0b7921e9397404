/**
 * The SQLite driver: better-sqlite3, in the release that the running Node can carry.
 *
 * Two releases, because none serves both: 13 (Node-API) wants Node 22, and 12, built against the headers of Node 24.19 or
 * newer, ends the process with `Assertion failed: (env) != nullptr` as soon as a statement is collected. Both are
 * optional dependencies, so npm passes over the one that does not fit.
 */
import { createRequire } from "node:module";
import type Driver from "better-sqlite3";

const NODE_API_SINCE = 22;

/** Name of the package, for whoever loads it in a thread of its own. */
export const sqlitePackage =
  Number.parseInt(process.versions.node, 10) >= NODE_API_SINCE ? "better-sqlite3-napi" : "better-sqlite3";

export type Connection = Driver.Database;

/** @throws Error at start when the package is missing: `npm ci` again, with the Node that runs Jingtu. */
export const Database = createRequire(import.meta.url)(sqlitePackage) as typeof Driver;
