/**
 * The control socket: how `jingtu backup`, `quarantine replay` and `status` reach a running server of the same data
 * folder. A Unix domain socket in the data folder (mode 0600 by the folder's 0700): whoever may read the data may call.
 * One JSON line each way: `{"method","params"}` → `{"value"}` or `{"error"}`.
 */
import { existsSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Refused, Unavailable } from "./core/errors.ts";

export type ControlMethods = Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => Promise<unknown>>>;

export function controlPath(dataDir: string): string {
  return join(dataDir, "control.sock");
}

export async function serveControl(dataDir: string, methods: ControlMethods): Promise<{ close(): Promise<void> }> {
  const path = controlPath(dataDir);
  rmSync(path, { force: true }); // left by a process that was killed; the data folder's lock says there is no other
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    createInterface({ input: socket }).on("line", (line) => {
      answer(line, methods).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

async function answer(line: string, methods: ControlMethods): Promise<object> {
  try {
    const { method, params } = JSON.parse(line) as { method: string; params: Record<string, unknown> };
    const call = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!call)
      throw new Refused("CONTROL_UNKNOWN", {
        what: `no method ${method}`,
        mend: "use the program of the running server's version",
      });
    return { value: (await call(params)) ?? null };
  } catch (error) {
    if (error instanceof Refused || error instanceof Unavailable) return { error: error.toJSON() };
    return { error: { code: "BUG", what: error instanceof Error ? error.message : String(error) } };
  }
}

/** Null when no server of this data folder is running. @throws Refused with the server's own words. */
export async function callControl(
  dataDir: string,
  method: string,
  params: Record<string, unknown>,
): Promise<{ readonly value: unknown } | null> {
  const path = controlPath(dataDir);
  if (!existsSync(path)) return null;
  const socket = connect(path);
  const reply = await new Promise<string | null>((resolve, reject) => {
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNREFUSED" || error.code === "ENOENT" ? resolve(null) : reject(error),
    );
    createInterface({ input: socket })
      .once("line", resolve)
      .once("close", () => resolve(null));
    socket.on("connect", () => socket.write(`${JSON.stringify({ method, params })}\n`));
  });
  socket.destroy();
  if (reply === null) return null;
  const { value, error } = JSON.parse(reply) as {
    value?: unknown;
    error?: { code: string; what: string; where?: string; mend?: string };
  };
  if (error) throw new Refused(error.code, error);
  return { value };
}
