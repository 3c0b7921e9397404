/**
 * `/telemetry`: devices that speak HTTP. Here only what belongs to HTTP; who may send, what a body holds and when it is
 * durable is the gateway's business, handed in as `parts.telemetry`.
 */
import { z } from "zod";
import type { App } from "../app-type.ts";
import type { Services } from "../services.ts";

const BODY_BYTES_MAX = 1_024 * 1_024;

const DESCRIPTION = `Credentials: \`Authorization: Bearer {deviceId}.{secret}\` or Basic. What the body is, its
Content-Type says, or \`format\` with it:

| format | Content-Type | body |
| --- | --- | --- |
| \`telemetry\` | \`application/json\` | telemetry v1 or its short form, one object or an array of at most 1,000 |
| | \`application/x-ndjson\` | one object a line |
| \`senml\` | \`application/senml+json\`, or \`application/json\` with \`format\` | a SenML pack (RFC 8428) |
| \`hj212\` | \`text/plain\` | HJ 212 frames |
| \`cayenne\` | \`application/octet-stream\`, or \`text/plain\` for base64 | Cayenne LPP |
| \`chirpstack\` | \`application/json\` with \`event\` | event of ChirpStack v4, HTTP integration |
| \`tts\` | \`application/json\` | webhook of The Things Stack v3 |
| \`thingsboard\` | \`application/json\` | \`{name: value}\`, \`{ts, values}\` or a list of them |
| \`sparkplug\` | \`application/octet-stream\` with \`topic\` | Sparkplug B payload |

\`Content-Encoding: gzip\` is welcome. 202 is sent once every message is on disk (fsync); the same (device, boot, seq) sent
again is counted once. An account may send for the devices registered with it as \`via\`, as over MQTT. A message that does
not fit its schema is kept in quarantine, as over MQTT. At most 1 MiB a request (4 MiB unpacked), 128 KiB a message, 600
requests a minute for each device. After 429 and 503 wait for Retry-After and send the same again.`;

const Query = z.object({
  format: z.string().max(40).optional().describe("Of the body, where its Content-Type does not say it"),
  event: z.string().max(40).optional().describe("ChirpStack: the event, as its HTTP integration adds it"),
  topic: z.string().max(400).optional().describe("Sparkplug: spBv1.0/GROUP/TYPE/EDGE[/DEVICE]"),
});

export function registerTelemetry(app: App, { parts }: Services): void {
  app.register(async (scope) => {
    // As bytes: what a message says is kept as it was sent.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    );
    (scope as App).route({
      method: "POST",
      url: "/telemetry",
      // Not limited by address: a whole network of devices may stand behind one router. The door counts by device.
      config: { action: "telemetry.send", rateLimit: false },
      bodyLimit: BODY_BYTES_MAX,
      schema: {
        tags: ["telemetry"],
        summary: "Readings of a device; 202 when durable",
        description: DESCRIPTION,
        querystring: Query,
        response: { 202: z.object({ accepted: z.number() }) },
      },
      onRequest: async (request, reply) => {
        const { authorization } = request.headers;
        // Before the body is read: nobody's megabyte is buffered for a stranger.
        request.device = await parts.telemetry.enter({ authorization, address: request.ip }).catch((error: unknown) => {
          reply.header("www-authenticate", 'Bearer realm="jingtu device"').header("connection", "close");
          throw error;
        });
      },
      handler: async (request, reply) => {
        const accepted = await parts.telemetry.take({
          device: request.device,
          address: request.ip,
          contentType: request.headers["content-type"],
          contentEncoding: request.headers["content-encoding"],
          query: request.query,
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        });
        return reply.code(202).send({ accepted });
      },
    });
  });
}
