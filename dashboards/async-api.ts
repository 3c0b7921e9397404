/** `/docs/asyncapi`: the MQTT interface, as JSON for programs and as a page without script for people. */
import type { FastifyRequest } from "fastify";
import { asyncApi } from "../core/async-api.ts";
import type { App } from "./app-type.ts";
import type { DashboardParts } from "./parts.ts";

export function registerAsyncApi(app: App, parts: Pick<DashboardParts, "config" | "doors" | "version">): void {
  const { publicUrl } = parts.config;
  const answer = async ({ hostname }: FastifyRequest) =>
    asyncApi(parts.version, publicUrl ? new URL(publicUrl).hostname : hostname, await parts.doors());
  app.route({
    method: "GET",
    url: "/docs/asyncapi.json",
    config: { action: "open" },
    schema: { hide: true },
    handler: async (request, reply) =>
      reply.type("application/json; charset=utf-8").send(JSON.stringify(await answer(request))),
  });
  app.route({
    method: "GET",
    url: "/docs/asyncapi",
    config: { action: "open" },
    schema: { hide: true },
    handler: async (request, reply) => {
      const document = await answer(request);
      const wantsPage = /text\/html/.test(request.headers.accept ?? "");
      reply.header("vary", "accept");
      if (!wantsPage) return reply.type("application/json; charset=utf-8").send(JSON.stringify(document));
      return reply.type("text/html; charset=utf-8").send(page(document));
    },
  });
}

function page({ info, servers, channels, operations, components }: ReturnType<typeof asyncApi>): string {
  const doors = Object.values(servers).map(
    ({ protocol, host, description }) =>
      `<li><code>${escaped(`${protocol}://${host}`)}</code> ${escaped(description)}</li>`,
  );
  const sections = Object.entries(channels).map(([key, { title, address, summary }]) => {
    const operation = Object.values(operations).find(({ channel }) => channel.$ref === `#/channels/${key}`);
    const { retain = false, qos = 1 } = operation?.bindings.mqtt ?? {};
    const who = operation?.action === "receive" ? "device → server" : "server → reader";
    const how = operation ? `${who}, QoS ${qos}${retain ? ", retained" : ""}. ` : "";
    const schema = JSON.stringify(components.schemas[key], null, 2);
    return `<section><h2>${escaped(title)}</h2>
<p><code>${escaped(address)}</code></p>
<p>${how}${escaped(summary)}</p>
<details><summary>JSON Schema</summary><pre tabindex="0">${escaped(schema)}</pre></details></section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title></head>
<body><main><h1>${escaped(info.title)} ${escaped(info.version)}</h1>
<p>${escaped(info.description)} AsyncAPI 3.0: <a href="/docs/asyncapi.json">/docs/asyncapi.json</a></p>
<ul>${doors.join("")}</ul>
${sections.join("\n")}
</main></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
