/**
 * `/devices/claim`: a one-time code → the device's id, a fresh secret, its topics and where to connect. Nobody signs in:
 * the code is the proof. Shown once: who loses the answer needs a new code.
 *
 * A wrong code is answered late, the more of its address came within a minute the later, up to 4 s; a right one is answered
 * at once from anywhere. So no number of guesses shuts an installer out who sits behind the same proxy or NAT. That guessing
 * is hopeless all the same is the code's own doing: 12 letters of 32 are 2^60 = 1.15e18 codes. With 10,000 codes open and
 * 5,000 tries a second, more than one server answers, all of them are through after 1.15e18 / (1e4 × 5e3) s = 730 years.
 */
import { z } from "zod";
import type { ClaimOutcome } from "../../core/device-door.ts";
import { createDirectory } from "../../core/directory.ts";
import { Refused, TooMany } from "../../core/errors.ts";
import { addressKey, FailurePace } from "../../core/failure-pace.ts";
import { keepNewest } from "../../core/keep-newest.ts";
import { hmacClaimCode, hmacSecret, newSecret, readClaimCode } from "../../core/secret.ts";
import { DEVICE_CHANNELS, DEVICE_SUBSCRIPTIONS, devicePrefix } from "../../core/wire.ts";
import type { App } from "../app-type.ts";
import type { Services } from "../services.ts";

/** Wrong codes whose answer waits; beyond, they are turned away at once. */
const WAITING_MAX = 500;
const RETRY_SECONDS = 5;
/** A code that is over stays so: shown again and again it is looked up, and audited, once in that time. */
const OVER_MS = 60_000;
const OVER_MAX = 1_000;

const ClaimBody = z.strictObject({ code: z.string().min(1).max(64) });
const ClaimView = z.object({
  device: z.string(),
  secret: z.string(),
  topics: z.object({ publish: z.array(z.string()), subscribe: z.array(z.string()) }),
  addresses: z.object({
    host: z.string(),
    mqtt: z.number().nullable(),
    mqtts: z.number().nullable(),
    ws: z.number().nullable(),
    http: z.string(),
  }),
});
type ClaimView = z.infer<typeof ClaimView>;

export function registerClaim(app: App, services: Services): void {
  const { parts } = services;
  const late = lateAnswers(services);
  const over = new OverCodes();

  app.route({
    method: "POST",
    url: "/devices/claim",
    config: { action: "open" },
    schema: {
      tags: ["places"],
      summary: "Exchange a one-time claim code for a device's secret, shown once",
      body: ClaimBody,
      response: { 200: ClaimView },
    },
    handler: async ({ ip, hostname, protocol, host, body }) => {
      const now = parts.clock.now();
      const known = over.of(body.code, now);
      const secret = newSecret();
      const outcome = known ?? (await redeem(services, body.code, secret, ip));
      parts.metrics.count("claims", 1, { outcome: outcome.kind });
      if (outcome.kind !== "claimed") {
        const device = "device" in outcome ? outcome.device : "";
        if (device !== "" && !known) over.note(body.code, outcome, now);
        parts.log.warn({ outcome: outcome.kind, address: ip, device }, "claim code refused");
        await late(ip);
        throw refusal(outcome.kind);
      }
      const { publicUrl } = parts.config;
      const base = publicUrl ?? `${protocol}://${host}`;
      const addresses = { host: publicUrl ? new URL(publicUrl).hostname : hostname, ...(await parts.doors()) };
      return await view(services, { device: outcome.device, secret }, { ...addresses, http: telemetryUrl(base) });
    },
  });
}

/** Holds the answer to a wrong code back. @throws TooMany when too many wait already. */
function lateAnswers({ parts: { clock } }: Services): (ip: string) => Promise<void> {
  const pace = new FailurePace();
  let waiting = 0;
  return async (ip) => {
    const key = addressKey(ip);
    const delayMs = pace.fail(key, key, clock.now());
    if (delayMs === 0) return;
    if (waiting >= WAITING_MAX) throw new TooMany("too many wrong claim codes at once", RETRY_SECONDS);
    waiting += 1;
    await clock.sleep(delayMs);
    waiting -= 1;
  };
}

/** Codes that were used, have expired or were withdrawn, as typed; the oldest are forgotten first. */
class OverCodes {
  readonly #byCode = new Map<string, { readonly outcome: ClaimOutcome; readonly until: number }>();

  of(typed: string, now: number): ClaimOutcome | null {
    const known = this.#byCode.get(typed);
    return known && known.until > now ? known.outcome : null;
  }
  note(typed: string, outcome: ClaimOutcome, now: number): void {
    this.#byCode.delete(typed);
    this.#byCode.set(typed, { outcome, until: now + OVER_MS });
    keepNewest(this.#byCode, OVER_MAX);
  }
}

function telemetryUrl(base: string): string {
  return `${base.replace(/\/+$/, "")}/api/v1/telemetry`;
}

async function redeem({ parts }: Services, typed: string, secret: string, from: string): Promise<ClaimOutcome> {
  const code = readClaimCode(typed);
  if (code === null) return { kind: "unknown" };
  const [hmac, credential] = [hmacClaimCode(parts.pepper, code), hmacSecret(parts.pepper, secret)];
  return parts.claims.redeem({ hmac, credential, from });
}

async function view(
  { parts }: Services,
  { device, secret }: { readonly device: string; readonly secret: string },
  addresses: ClaimView["addresses"],
): Promise<ClaimView> {
  // A device registered a moment ago is not in the copy yet.
  const context = parts.directory().device(device) ?? createDirectory(await parts.registry.snapshot()).device(device);
  const prefix = context ? devicePrefix(context.site, context.station, context.device) : "";
  const below = (channels: readonly string[]): string[] => (context ? channels.map((name) => prefix + name) : []);
  return {
    ...{ device, secret, addresses },
    topics: { publish: below(DEVICE_CHANNELS), subscribe: below(DEVICE_SUBSCRIPTIONS) },
  };
}

function refusal(kind: Exclude<ClaimOutcome["kind"], "claimed">): Refused {
  const mend = "ask for a new code: `jingtu device claim-code ID`";
  if (kind === "unknown") return new Refused("CLAIM_UNKNOWN", { what: "there is no such claim code", mend }, 404);
  const why = { used: "was used before", expired: "has expired", withdrawn: "was withdrawn" }[kind];
  return new Refused(`CLAIM_${kind.toUpperCase()}`, { what: `the claim code ${why}`, mend }, 410);
}
