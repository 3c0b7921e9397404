/** `/stream`: opens a browser's live view as server-sent events (WHATWG HTML, section Server-sent events). */
import { z } from "zod";
import type { App } from "../app-type.ts";
import { Browser } from "../live-browser.ts";
import type { Services } from "../services.ts";

const Offset = z.coerce.number().int().min(-1).max(Number.MAX_SAFE_INTEGER);

export function registerStream(app: App, { live }: Services): void {
  app.route({
    method: "GET",
    url: "/stream",
    config: { action: "stream.read" },
    schema: {
      tags: ["live"],
      summary: "Live alarms and readings as server-sent events",
      description: "Events hello, alarm, readings, beat, gap, bye; see dashboards/API.md.",
      querystring: z.strictObject({ after: Offset.optional() }),
      response: { 200: z.string().describe("text/event-stream") },
    },
    handler: async (request, reply) => {
      live.admit();
      const lastId = request.headers["last-event-id"];
      const header = typeof lastId === "string" && /^-?\d{1,15}$/.test(lastId) ? Number(lastId) : undefined;
      const after = header ?? request.query.after ?? null;
      reply.header("content-type", "text/event-stream; charset=utf-8");
      reply.header("cache-control", "no-store, no-transform");
      reply.header("x-accel-buffering", "no"); // nginx must not collect events
      reply.hijack();
      const headers = Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value] as const],
      );
      reply.raw.writeHead(200, Object.fromEntries(headers));
      request.socket.setNoDelay(true);
      const browser = new Browser(reply.raw, request.principal, 0);
      reply.raw.on("close", () => live.leave(browser));
      live.join(browser, after);
    },
  });
}
