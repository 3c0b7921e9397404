/** The webhook against a real server that fails in every way it can before it takes the notice. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { createWebhook } from "../../../alerts/notify/webhook.ts";
import { systemClock } from "../../../core/clock.ts";
import { anOutboxItem } from "../../support/builders.ts";

const SECRET = "a secret of the duty desk";

interface Seen {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Answers each request by the next way of the list. */
async function serverThat(...ways: ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    seen.push({ headers: request.headers, body: await text(request) });
    ways[seen.length - 1]?.(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

const answers =
  (status: number, headers = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end();
const hangs = () => {};
const resets = (_: ServerResponse, request: IncomingMessage) => void request.socket.resetAndDestroy();

test("500, no answer, a reset and a redirect are tried again with the same key; every try is signed", async () => {
  const elsewhere = await serverThat(answers(200));
  const { seen, url } = await serverThat(
    answers(500),
    hangs,
    resets,
    answers(307, { location: elsewhere.url }),
    answers(200),
  );
  const webhook = createWebhook({ url, secret: SECRET, fetch, clock: systemClock, timeoutMs: 300 });
  const item = anOutboxItem({ key: "alarm-1-1:webhook", body: '{"a":"报警"}' });
  const outcomes = [];
  for (let tries = 0; tries < 5; tries++) outcomes.push(await webhook.send({ ...item, tries }));
  expect(outcomes).toMatchObject([
    { kind: "retry", detail: "HTTP 500" },
    { kind: "retry", detail: "no answer in 300 ms" },
    { kind: "retry" },
    { kind: "retry", detail: "HTTP 307 (redirects are not followed)" },
    { kind: "sent", detail: "HTTP 200" },
  ]);
  expect(elsewhere.seen).toEqual([]); // the signed notice went to nobody else
  expect(seen).toHaveLength(5);
  for (const { headers, body } of seen) {
    expect(body).toBe(item.body);
    expect(headers["x-ews-id"]).toBe(item.key);
    const signed = `${headers["x-ews-id"]}.${headers["x-ews-timestamp"]}.${body}`;
    expect(headers["x-ews-signature"]).toBe(`v1=${createHmac("sha256", SECRET).update(signed).digest("hex")}`);
  }
});
