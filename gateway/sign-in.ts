/**
 * A CONNECT judged as a whole: account, will, stored session, and how long its answer waits. A failed sign-in waits by
 * its address and by the name it tried; a right one waits only when this very account connects in a circle.
 */
import type { Clock } from "../core/clock.ts";
import { FailurePace } from "../core/failure-pace.ts";
import type { Consumer, Directory } from "../core/ports.ts";
import { mayPublish } from "./access.ts";
import { authenticate, type ConnackCode } from "./credentials.ts";
import { ConsumerSessions, ReconnectPace } from "./limits.ts";
import type { Link } from "./link.ts";
import type { Refusals } from "./refusals.ts";

export interface SignInParts {
  readonly directory: () => Directory;
  readonly consumers: () => readonly Consumer[];
  readonly pepper: Buffer;
  readonly clock: Clock;
  readonly refusals: Refusals;
}
/** `delayMs` before the answer is sent, whatever it is. */
export type SignInAnswer =
  | { readonly granted: true; readonly delayMs: number }
  | { readonly granted: false; readonly reason: string; readonly code: ConnackCode; readonly delayMs: number };

/** What of a CONNECT besides the identity matters. */
export interface Connect {
  /** As the broker knows it, see `brokerClientId`. */
  readonly clientId: string;
  readonly will: { readonly topic: string; readonly payload: Buffer } | undefined;
}

export class SignIns {
  readonly #parts: SignInParts;
  readonly #failures = new FailurePace();
  readonly #reconnects = new ReconnectPace();
  readonly #sessions = new ConsumerSessions();

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /** Sets `link.signedIn` when granted; takes the secret out of `link` in any case. */
  judge(link: Link, connect: Connect): SignInAnswer {
    const { clock, refusals } = this.#parts;
    const account = link.identity?.username;
    const refusal = this.#refusal(link, connect);
    const now = clock.now();
    if (!refusal) return { granted: true, delayMs: this.#reconnects.enter(account ?? "", now) };
    refusals.refuse(refusal.reason, { address: link.address, account });
    return { granted: false, ...refusal, delayMs: this.#failures.fail(link.address, account ?? "", now) };
  }

  #refusal(link: Link, { clientId, will }: Connect): { readonly reason: string; readonly code: ConnackCode } | null {
    const { identity } = link;
    if (!identity) return { reason: "user-missing", code: 5 };
    link.identity = null; // the secret has done its work
    const { directory, consumers, pepper, clock } = this.#parts;
    const accounts = { directory: directory(), consumers: consumers(), pepper, now: clock.now() };
    const answer = authenticate(identity, accounts);
    if (!answer.granted) return { reason: answer.reason, code: answer.code };
    const { grant, proof } = answer;
    if (will && mayPublish(grant, will.topic, will.payload.length) !== "granted")
      return { reason: "will-on-foreign-topic", code: 5 };
    if (grant.kind === "consumer" && !this.#sessions.enter(grant.name, clientId, identity.clean))
      return { reason: "too-many-sessions", code: 2 };
    link.signedIn = { grant, proof };
    return null;
  }
}
