/**
 * The built web UI, read into memory once at the start: no path of a request ever reaches the disk. Files with a hash
 * in their name never change; everything else is asked for again and answered by its tag. Every page path that is not a
 * file gets index.html, and the UI routes itself.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Misconfigured } from "../core/errors.ts";
import type { App } from "./app-type.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};
const FILES_BYTES_MAX = 32 * 1_024 * 1_024;
/** Vite's default: eight characters of hash before the extension. */
const HASHED = /[-.][A-Za-z0-9_-]{8}\.\w+$/;

interface StaticFile {
  readonly bytes: Buffer;
  readonly type: string;
  readonly tag: string;
  readonly cacheControl: string;
}

/** @throws Misconfigured `WEB_ROOT` when the folder cannot be read or holds no index.html. */
function loadStatic(root: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  let total = 0;
  try {
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      const path = join(root, name);
      const type = TYPES[extname(path)];
      if (type === undefined || !statSync(path).isFile()) continue;
      const bytes = readFileSync(path);
      total += bytes.length;
      const url = `/${relative(root, path).split(sep).join("/")}`;
      const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
      const cacheControl = HASHED.test(url) ? "public, max-age=31536000, immutable" : "no-cache";
      files.set(url, { bytes, type, tag, cacheControl });
    }
  } catch (error) {
    throw new Misconfigured("WEB_ROOT", { what: (error as Error).message, where: root }, { cause: error });
  }
  if (!files.has("/index.html") || total > FILES_BYTES_MAX) {
    const what = total > FILES_BYTES_MAX ? `the web UI has ${total} bytes` : "there is no index.html";
    throw new Misconfigured("WEB_ROOT", { what, where: root, mend: "run `npm run build`" });
  }
  return files;
}

export function registerStatic(app: App, root: string): void {
  const files = loadStatic(root);
  const index = files.get("/index.html") as StaticFile;
  const answer = (request: FastifyRequest, reply: FastifyReply): unknown => {
    const path = request.url.split("?", 1)[0] ?? "/";
    const file = files.get(path) ?? (isPage(path) ? index : undefined);
    if (!file) return reply.callNotFound();
    reply.header("cache-control", file.cacheControl).header("etag", file.tag);
    if (request.headers["if-none-match"]?.includes(file.tag)) return reply.code(304).send();
    return reply.type(file.type).send(file.bytes);
  };
  app.route({ method: "GET", url: "/*", config: { action: "open" }, schema: { hide: true }, handler: answer });
}

/** Paths that the UI routes itself: no file extension, and none of the server's own prefixes. */
function isPage(path: string): boolean {
  return !/\.\w{1,5}$/.test(path) && !/^\/(api|docs)(\/|$)/.test(path);
}
