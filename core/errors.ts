/**
 * Errors sorted by reaction, each with a stable code and the three things its reader needs: what, where, how to mend.
 *
 * `Refused`: the sender is wrong; count it, answer 4xx or quarantine, never retry.
 * `Unavailable`: try again; hold the acknowledgement or the reader position, answer 503.
 * `Misconfigured`: stop at start, exit code 78.
 * Anything else is a bug: log, exit 70; the journal replays.
 * What happens to every tenth message is not an exception: return it as a named reason.
 */

export interface Fault {
  what: string;
  where?: string;
  mend?: string;
}

abstract class CodedError extends Error {
  readonly code: string;
  readonly fault: Fault;
  constructor(code: string, fault: Fault, options?: ErrorOptions) {
    super(describe(code, fault), options);
    this.code = code;
    this.fault = fault;
    this.name = new.target.name;
  }
  toJSON(): { code: string } & Fault {
    return { code: this.code, ...this.fault };
  }
}

/** The sender is wrong. `status` is the HTTP answer where one is given. */
export class Refused extends CodedError {
  readonly status: number;
  constructor(code: string, fault: Fault, status = 400, options?: ErrorOptions) {
    super(code, fault, options);
    this.status = status;
  }
}

/** Asked too often; the caller may try again after `retryAfterSeconds`. */
export class TooMany extends Refused {
  readonly retryAfterSeconds: number;
  constructor(what: string, retryAfterSeconds: number) {
    super("TOO_MANY", { what, mend: `try again in ${retryAfterSeconds} s` }, 429);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** A resource is away or full; the same call may succeed later. */
export class Unavailable extends CodedError {}

/** A set-up fault that a person must mend before the process may run. */
export class Misconfigured extends CodedError {}

export function describe(code: string, fault: Fault): string {
  const where = fault.where ? `\n  → at ${fault.where}` : "";
  const mend = fault.mend ? `\n  To mend: ${fault.mend}` : "";
  return `${code}: ${fault.what}${where}${mend}`;
}

/** Exit codes of every `jingtu` verb (sysexits.h for 70 and 78). */
export const EXIT = { ok: 0, failed: 1, usage: 2, bug: 70, configuration: 78 } as const;
