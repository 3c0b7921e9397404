/** Gzip for answers worth it; streams and small ones go as they are. Nothing secret shares a page with what a stranger writes. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { App } from "./app-type.ts";

const compress = promisify(gzip);
const BYTES_MIN = 1_024;
const LEVEL = 5;
const COMPRESSIBLE = /^(text\/|application\/(json|manifest\+json|javascript)|image\/svg)/;

export function registerCompression(app: App): void {
  app.addHook("onSend", async (request, reply, payload) => {
    const isText = typeof payload === "string" || Buffer.isBuffer(payload);
    if (!isText || Buffer.byteLength(payload) < BYTES_MIN) return payload;
    if (!COMPRESSIBLE.test(String(reply.getHeader("content-type") ?? ""))) return payload;
    reply.header("vary", "accept-encoding");
    if (!/\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(String(request.headers["accept-encoding"] ?? ""))) return payload;
    const bytes = await compress(payload, { level: LEVEL });
    reply.header("content-encoding", "gzip").header("content-length", bytes.length);
    return bytes;
  });
}
