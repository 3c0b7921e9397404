/**
 * Sign-in and sessions: who a request speaks for. A session is an opaque 256-bit cookie kept as SHA-256; it ends after
 * 30 idle minutes or 12 hours. Tokens for programs are kept as HMAC (core/secret.ts).
 */
import { createHash } from "node:crypto";
import { Refused, TooMany } from "../core/errors.ts";
import { keepNewest } from "../core/keep-newest.ts";
import type { Session, User } from "../core/ports.ts";
import { hmacSecret, newSecret } from "../core/secret.ts";
import type { Audience, Role } from "../core/site.ts";
import { AttemptWindow } from "./attempts.ts";
import type { DashboardParts } from "./parts.ts";
import { PasswordVerifier } from "./passwords.ts";

export const IDLE_MS = 30 * 60_000;
const ABSOLUTE_MS = 12 * 3_600_000;
/** A session's last use is written at most this often. */
const SEEN_MS = 60_000;
const ENDED_MAX = 1_000;
const TRIES_WINDOW_MS = 15 * 60_000;
const TRIES_PER_ACCOUNT_AND_ADDRESS = 10;
const TRIES_PER_ADDRESS = 100;

/** Who a request speaks for; `public` when nobody. */
export interface Principal extends Audience {
  readonly via: "session" | "token" | "none";
  readonly session: Session | null;
  /** Of the token that was shown; null otherwise. */
  readonly tokenHmac: string | null;
  /** Wall clock, ms; when the session or token ends at the latest. */
  readonly expiresAt: number;
}
export const NOBODY: Principal = {
  name: "",
  role: "public",
  via: "none",
  session: null,
  tokenHmac: null,
  expiresAt: 0,
};

export interface SignIn {
  readonly name: string;
  readonly password: string;
  readonly address: string;
  /** Cookie that came along: a session that it names ends, so that no id survives sign-in. */
  readonly oldCookie: string | undefined;
}

type SessionParts = Pick<DashboardParts, "accounts" | "clock" | "pepper" | "metrics">;

export class Sessions {
  readonly #parts: SessionParts;
  readonly #verifier = new PasswordVerifier();
  readonly #perAccount = new AttemptWindow({ max: TRIES_PER_ACCOUNT_AND_ADDRESS, windowMs: TRIES_WINDOW_MS });
  readonly #perAddress = new AttemptWindow({ max: TRIES_PER_ADDRESS, windowMs: TRIES_WINDOW_MS });
  /** Sessions that ended here lately, newest last. */
  readonly #ended = new Set<string>();
  readonly #onEnd = new Set<(sessionId: string) => void>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  warm(): Promise<void> {
    return this.#verifier.warm();
  }

  /** Tells when a session ends in this process. */
  onEnd(listener: (sessionId: string) => void): void {
    this.#onEnd.add(listener);
  }

  /**
   * @returns the new cookie value and its principal.
   * @throws Refused `SIGN_IN_FAILED` (one answer for unknown person and wrong password), TooMany.
   */
  async signIn({ name, password, address, oldCookie }: SignIn): Promise<{ cookie: string; principal: Principal }> {
    const { accounts, clock, metrics } = this.#parts;
    const key = `${address}\n${name}`;
    const now = clock.now();
    const waitSeconds = this.#perAccount.start(key, now) || this.#perAddress.start(address, now);
    if (waitSeconds > 0) {
      metrics.count("sign_ins", 1, { outcome: "limited" });
      throw new TooMany("too many sign-in tries from this address", waitSeconds);
    }
    const user = await accounts.user(name);
    const matches = await this.#verifier.verify(user?.passwordHash, password);
    if (!user || !matches || !isComplete(user)) {
      metrics.count("sign_ins", 1, { outcome: "failed" });
      await this.#audit("sign-in.failed", plain(name), address);
      throw new Refused("SIGN_IN_FAILED", { what: "name or password is wrong" }, 401);
    }
    this.#perAccount.clear(key);
    this.#perAddress.giveBack(address);
    if (oldCookie !== undefined) await this.#drop(sessionId(oldCookie));
    const cookie = newSecret();
    const session: Session = {
      id: sessionId(cookie),
      user: user.name,
      csrf: newSecret(),
      createdAt: clock.now(),
      seenAt: clock.now(),
      expiresAt: clock.now() + ABSOLUTE_MS,
    };
    await accounts.putSession(session);
    metrics.count("sign_ins", 1, { outcome: "succeeded" });
    await this.#audit("sign-in", user.name, address);
    return { cookie, principal: principalOf(user, session) };
  }

  async signOut(session: Session, address: string): Promise<void> {
    await this.#drop(session.id);
    await this.#audit("sign-out", session.user, address);
  }

  /** @returns null when the cookie names no living session of a known person. */
  async fromCookie(cookie: string): Promise<Principal | null> {
    const { accounts, clock } = this.#parts;
    const session = await accounts.session(sessionId(cookie));
    if (!session) return null;
    const now = clock.now();
    if (!isLiving(session, now)) {
      await this.#drop(session.id);
      return null;
    }
    const user = await accounts.user(session.user);
    if (!user || !isComplete(user)) return null;
    if (now - session.seenAt >= SEEN_MS && !(await this.#touch(session, user))) return null;
    return principalOf(user, session);
  }

  /** @returns null when the token is unknown or has run out. */
  async fromToken(token: string): Promise<Principal | null> {
    return await this.#fromTokenHmac(hmacSecret(this.#parts.pepper, token));
  }

  async #fromTokenHmac(tokenHmac: string): Promise<Principal | null> {
    const { accounts, clock } = this.#parts;
    const found = await accounts.token(tokenHmac);
    if (!found || found.expiresAt <= clock.now() || !isComplete(found)) return null;
    const { name, expiresAt } = found;
    return { name: `token:${name}`, ...audienceOf(found), via: "token", session: null, tokenHmac, expiresAt };
  }

  /**
   * For long streams: does the principal still hold, with the same role and tenant? An open stream does not count as
   * activity.
   */
  async stillHolds(principal: Principal): Promise<boolean> {
    const { accounts, clock } = this.#parts;
    const session = principal.session && (await accounts.session(principal.session.id));
    const user = session && isLiving(session, clock.now()) ? await accounts.user(session.user) : null;
    const now =
      principal.tokenHmac === null ? user && audienceOf(user) : await this.#fromTokenHmac(principal.tokenHmac);
    return now !== null && now.role === principal.role && now.tenant === principal.tenant;
  }

  /**
   * Writes the last use. A session that ended between reading and writing must not come back: it is dropped again when
   * it was signed out here, or when the person's password or role changed meanwhile.
   */
  async #touch(session: Session, user: User): Promise<boolean> {
    const { accounts, clock } = this.#parts;
    await accounts.putSession({ ...session, seenAt: clock.now() });
    const after = await accounts.user(user.name);
    const holds = after !== null && after.passwordHash === user.passwordHash && after.role === user.role;
    if (holds && !this.#ended.has(session.id)) return true;
    await this.#drop(session.id);
    return false;
  }

  async #drop(id: string): Promise<void> {
    this.#ended.add(id);
    await this.#parts.accounts.dropSession(id);
    for (const listener of this.#onEnd) listener(id);
    keepNewest(this.#ended, ENDED_MAX);
  }

  async #audit(action: string, actor: string, address: string): Promise<void> {
    const { accounts, clock } = this.#parts;
    await accounts.audit({ at: clock.now(), actor, via: "web", action, object: "session", detail: address });
  }
}

function sessionId(cookie: string): string {
  return createHash("sha256").update(cookie).digest("hex");
}

function isLiving(session: Session, now: number): boolean {
  return now < session.expiresAt && now - session.seenAt < IDLE_MS;
}

/** An enterprise account without a tenant would belong to nobody; it may not sign in. */
function isComplete(account: { readonly role: Role; readonly tenant: string | null }): boolean {
  return account.role !== "enterprise" || account.tenant !== null;
}

function audienceOf(account: { readonly role: Role; readonly tenant: string | null }): Omit<Audience, "name"> {
  return account.tenant === null ? { role: account.role } : { role: account.role, tenant: account.tenant };
}

function principalOf(user: User, session: Session): Principal {
  const { expiresAt } = session;
  return { name: user.name, ...audienceOf(user), via: "session", session, tokenHmac: null, expiresAt };
}

/** Names come from strangers: no control characters and no length in the audit log. */
function plain(name: string): string {
  return name.replace(/\p{C}/gu, " ").slice(0, 64);
}
