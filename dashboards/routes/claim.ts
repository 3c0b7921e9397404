/**
 * `/devices/claim`: a one-time code → the device's id, a fresh secret, its topics and where to connect. Nobody signs in:
 * the code is the proof. Shown once: who loses the answer needs a new code.
 */
import { z } from "zod";
import type { ClaimOutcome } from "../../core/device-door.ts";
import { createDirectory } from "../../core/directory.ts";
import { Refused, TooMany } from "../../core/errors.ts";
import { hmacClaimCode, hmacSecret, newSecret, readClaimCode } from "../../core/secret.ts";
import { DEVICE_CHANNELS, DEVICE_SUBSCRIPTIONS, devicePrefix } from "../../core/wire.ts";
import type { App } from "../app-type.ts";
import { AttemptWindow } from "../attempts.ts";
import type { Services } from "../services.ts";

const TRIES_PER_ADDRESS = 10;
const TRIES_WINDOW_MS = 15 * 60_000;

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
  const tries = new AttemptWindow({ max: TRIES_PER_ADDRESS, windowMs: TRIES_WINDOW_MS });

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
      const wait = tries.start(ip, parts.clock.now());
      if (wait > 0) {
        parts.metrics.count("claims", 1, { outcome: "too-many" });
        throw new TooMany("too many wrong claim codes from this address", wait);
      }
      const secret = newSecret();
      const outcome = await redeem(services, body.code, secret, ip);
      parts.metrics.count("claims", 1, { outcome: outcome.kind });
      if (outcome.kind !== "claimed") {
        const device = "device" in outcome ? outcome.device : "";
        parts.log.warn({ outcome: outcome.kind, address: ip, device }, "claim code refused");
        throw refusal(outcome.kind);
      }
      tries.giveBack(ip);
      const { publicUrl } = parts.config;
      const base = publicUrl ?? `${protocol}://${host}`;
      const addresses = { host: publicUrl ? new URL(publicUrl).hostname : hostname, ...(await parts.doors()) };
      return await view(services, { device: outcome.device, secret }, { ...addresses, http: telemetryUrl(base) });
    },
  });
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
