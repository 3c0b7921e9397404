/**
 * Outlet `webhook`: POSTs a notice as JSON, signed in the manner of Standard Webhooks so that the receiver can tell it
 * from a forgery (check the signature, allow 5 minutes of clock difference) and from a repeat (`X-EWS-Id` is the same on
 * every try).
 *
 * `X-EWS-Signature: v1=hex(HMAC-SHA256(secret, id + "." + timestamp + "." + body))`, timestamp in Unix seconds.
 */
import { createHmac } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { Misconfigured } from "../../core/errors.ts";
import type { Notifier, OutboxItem } from "../../core/ports.ts";

export interface WebhookOptions {
  readonly url: string;
  /** Not signed without one. */
  readonly secret?: string;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly timeoutMs?: number;
  /** Name of the outlet; `webhook` when left out. */
  readonly name?: string;
}

const TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS_MAX = 3_600_000;
const DETAIL_LENGTH_MAX = 200;

/** @throws Misconfigured `WEBHOOK_INVALID` for an address that is not plain http(s). */
export function createWebhook(options: WebhookOptions): Notifier {
  const url = checkedUrl(options.url);
  const { name = "webhook" } = options;
  return { name, send: (item) => send(options, url, item) };
}

type Outcome = Awaited<ReturnType<Notifier["send"]>>;

async function send(options: WebhookOptions, url: URL, item: OutboxItem): Promise<Outcome> {
  const { clock, timeoutMs = TIMEOUT_MS } = options;
  const stop = new AbortController();
  const done = new AbortController();
  const timeout = clock.sleep(timeoutMs, done.signal).then(() => stop.abort());
  try {
    const response = await options.fetch(url, {
      method: "POST",
      headers: headersOf(item, options.secret, clock.now()),
      body: item.body,
      redirect: "manual", // a redirect would carry a signed notice to an address nobody configured
      signal: stop.signal,
    });
    await response.body?.cancel().catch(() => {});
    return judgeAnswer(response.status, response.headers.get("retry-after"), clock.now());
  } catch (error) {
    const reason = stop.signal.aborted && !done.signal.aborted ? `no answer in ${timeoutMs} ms` : reasonOf(error);
    return { kind: "retry", detail: reason.slice(0, DETAIL_LENGTH_MAX) };
  } finally {
    done.abort();
    await timeout;
  }
}

/** Answers that speak of the body itself, which is the same on every try. */
const NEVER_ACCEPTED: readonly number[] = [400, 413, 415, 422];

/**
 * 2xx: sent. 400, 413, 415, 422: given up, for the body will not be liked tomorrow. Anything else (a redirect, a wrong
 * password at a proxy, a page moved for an hour) a person can mend on the other side, so it is tried again.
 */
export function judgeAnswer(status: number, retryAfter: string | null, now: number): Outcome {
  if (status >= 200 && status < 300) return { kind: "sent", detail: `HTTP ${status}` };
  if (NEVER_ACCEPTED.includes(status)) return { kind: "given-up", detail: `HTTP ${status}` };
  const redirect = status >= 300 && status < 400 ? " (redirects are not followed)" : "";
  const retryAfterMs = parseRetryAfter(retryAfter, now);
  return { kind: "retry", detail: `HTTP ${status}${redirect}`, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3); at most an hour. */
function parseRetryAfter(text: string | null, now: number): number | null {
  if (text === null) return null;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), RETRY_AFTER_MS_MAX);
}

export function headersOf(
  { key, body }: Pick<OutboxItem, "key" | "body">,
  secret: string | undefined,
  now: number,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1_000));
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "user-agent": "jingtu",
    "x-ews-id": key,
    "x-ews-timestamp": timestamp,
  };
  if (secret === undefined) return headers;
  const signature = createHmac("sha256", secret).update(`${key}.${timestamp}.${body}`).digest("hex");
  return { ...headers, "x-ews-signature": `v1=${signature}` };
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new Misconfigured("WEBHOOK_INVALID", {
      what: "the webhook address must be http:// or https:// and hold no user name or password",
      where: "EWS_WEBHOOK_URL",
      mend: "give an address such as https://duty.example.org/alarms; the signature replaces a password",
    });
  }
  return url;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.message}${cause}`;
}
