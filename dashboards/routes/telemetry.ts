/**
 * `/telemetry`: devices that speak HTTP. Here only what belongs to HTTP; who may send, what a body holds and when it is
 * durable is the gateway's business, handed in as `parts.telemetry`.
 */
import { z } from "zod";
import type { App } from "../app-type.ts";
import type { Services } from "../services.ts";

const BODY_BYTES_MAX = 1_024 * 1_024;

const DESCRIPTION = `Credentials: \`Authorization: Bearer {deviceId}.{secret}\` or Basic. Body: telemetry v1 or its short form
(\`application/json\`, one object or an array of at most 1,000), one object a line (\`application/x-ndjson\`), or SenML
(\`application/senml+json\`); \`Content-Encoding: gzip\` is welcome. 202 is sent once every message is on disk (fsync); the
same (device, boot, seq) sent again is counted once. A message that does not fit its schema is kept in quarantine, as over
MQTT. At most 1 MiB a request (4 MiB unpacked), 128 KiB a message, 600 requests a minute. After 429 and 503 wait for
Retry-After and send the same again.`;

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
      config: { action: "telemetry.send" },
      bodyLimit: BODY_BYTES_MAX,
      schema: {
        tags: ["telemetry"],
        summary: "Readings of a device; 202 when durable",
        description: DESCRIPTION,
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
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        });
        return reply.code(202).send({ accepted });
      },
    });
  });
}
