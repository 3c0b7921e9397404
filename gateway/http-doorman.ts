/** Who sends over HTTP: every request signs in anew, failures are answered late, nobody is ever locked out. */
import type { TelemetryDoor } from "../core/device-door.ts";
import { Refused, TooMany } from "../core/errors.ts";
import { addressKey, FailurePace } from "../core/failure-pace.ts";
import { judgeSecret } from "../core/secret.ts";
import type { HttpDoorParts } from "./http.ts";
import type { Refusals } from "./refusals.ts";

/** Failed sign-ins whose answer waits; beyond, they are turned away at once. */
const WAITING_MAX = 500;
const RETRY_SECONDS = 5;

/** Fails late by address and by name, and never locks: a right secret is let in at once. */
export function doorman(parts: HttpDoorParts, refusals: Refusals): TelemetryDoor["enter"] {
  const { clock } = parts;
  const pace = new FailurePace();
  let waiting = 0;
  return async ({ authorization, address }) => {
    const claimed = readAuthorization(authorization);
    const verdict = claimed ? judge(parts, claimed) : "http-unauthenticated";
    if (claimed && verdict === null) return claimed.device;
    const account = claimed?.device;
    refusals.refuse(verdict ?? "http-unauthenticated", { address, account });
    const delayMs = pace.fail(addressKey(address), account ?? "", clock.now());
    if (delayMs > 0 && waiting >= WAITING_MAX) throw new TooMany("too many failed sign-ins at once", RETRY_SECONDS);
    if (delayMs > 0) {
      waiting += 1;
      await clock.sleep(delayMs);
      waiting -= 1;
    }
    throw new Refused(
      "DEVICE_UNAUTHORIZED",
      {
        what: "no such device and secret",
        where: "Authorization",
        mend: "send `Authorization: Bearer DEVICE.SECRET`, or Basic with the device id as user",
      },
      401,
    );
  };
}

/** Null when the device may send; else the reason, for the count. */
function judge(
  { directory, pepper, clock }: HttpDoorParts,
  { device, secret }: { readonly device: string; readonly secret: string },
): string | null {
  const verdict = judgeSecret(pepper, secret, directory().credentials(device), clock.now());
  if (verdict.kind !== "right") return verdict.kind === "over" ? "secret-over" : "secret-wrong";
  if (directory().revokedSince(device) !== undefined) return "device-revoked";
  return directory().device(device) ? null : "device-without-station";
}

/**
 * `Bearer {device}.{secret}`, split at the last dot (secrets that we make have none), or `Basic` for a secret that
 * was written by hand and has one.
 */
export function readAuthorization(
  header: string | undefined,
): { readonly device: string; readonly secret: string } | null {
  const [, scheme = "", text = ""] = /^(Bearer|Basic) +(\S+)$/i.exec(header ?? "") ?? [];
  const isBasic = scheme.toLowerCase() === "basic";
  const credentials = isBasic ? Buffer.from(text, "base64").toString("utf8") : text;
  const at = isBasic ? credentials.indexOf(":") : credentials.lastIndexOf(".");
  if (at <= 0) return null;
  return { device: credentials.slice(0, at), secret: credentials.slice(at + 1) };
}
