/** `/docs/asyncapi`: the MQTT interface, as JSON for programs and as a page without script for people. */
import type { FastifyRequest } from "fastify";
import { asyncApi } from "../core/async-api.ts";
import type { App } from "./app-type.ts";

export function registerAsyncApi(app: App, version: string): void {
  const answer = (request: FastifyRequest) => {
    const [host = "localhost"] = request.host.split(":");
    return asyncApi(version, { mqtt: `${host}:1883`, mqtts: `${host}:8883` });
  };
  app.route({
    method: "GET",
    url: "/docs/asyncapi.json",
    config: { action: "open" },
    schema: { hide: true },
    handler: async (request, reply) =>
      reply.type("application/json; charset=utf-8").send(JSON.stringify(answer(request))),
  });
  app.route({
    method: "GET",
    url: "/docs/asyncapi",
    config: { action: "open" },
    schema: { hide: true },
    handler: async (request, reply) => {
      const document = answer(request);
      const wantsPage = /text\/html/.test(request.headers.accept ?? "");
      reply.header("vary", "accept");
      if (!wantsPage) return reply.type("application/json; charset=utf-8").send(JSON.stringify(document));
      return reply.type("text/html; charset=utf-8").send(page(document));
    },
  });
}

function page({ info, channels, operations, components }: ReturnType<typeof asyncApi>): string {
  const sections = Object.values(operations).map((operation) => {
    const key = operation.channel.$ref.replace("#/channels/", "");
    const channel = channels[key];
    const { retain, qos } = operation.bindings.mqtt;
    const who = operation.action === "receive" ? "device → server" : "server → reader";
    const schema = JSON.stringify(components.schemas[key], null, 2);
    return `<section><h2>${escaped(channel?.title ?? key)}</h2>
<p><code>${escaped(channel?.address ?? "")}</code></p>
<p>${who}, QoS ${qos}${retain ? ", retained" : ""}. ${escaped(channel?.summary ?? "")}</p>
<details><summary>JSON Schema</summary><pre tabindex="0">${escaped(schema)}</pre></details></section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title></head>
<body><main><h1>${escaped(info.title)} ${escaped(info.version)}</h1>
<p>${escaped(info.description)} AsyncAPI 3.0: <a href="/docs/asyncapi.json">/docs/asyncapi.json</a></p>
${sections.join("\n")}
</main></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
