/**
 * People's passwords: argon2id with 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet). At most two
 * verifications run at a time, so that guessing cannot take memory and CPU from readings and alarms.
 */
import { hash, type Options, verify } from "@node-rs/argon2";
import { Refused, Unavailable } from "../core/errors.ts";

const PASSWORD_CHARACTERS_MIN = 12;
const PASSWORD_CHARACTERS_MAX = 256;
const PARALLEL_MAX = 2;
const WAITING_MAX = 64;
// Algorithm 2 is argon2id.
const ARGON2ID: Options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * @returns PHC text for `User.passwordHash`.
 * @throws Refused `PASSWORD_WEAK` below 12 or above 256 characters.
 */
export async function hashPassword(password: string): Promise<string> {
  const length = [...password].length;
  if (length < PASSWORD_CHARACTERS_MIN || length > PASSWORD_CHARACTERS_MAX) {
    throw new Refused("PASSWORD_WEAK", {
      what: `a password of ${length} characters`,
      mend: `use ${PASSWORD_CHARACTERS_MIN} to ${PASSWORD_CHARACTERS_MAX} characters; a sentence is easy to remember`,
    });
  }
  return await hash(password.normalize("NFC"), ARGON2ID);
}

/** Verifies passwords, two at a time; an unknown person costs the same as a known one. */
export class PasswordVerifier {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  #decoy: Promise<string> | undefined;

  /**
   * @param passwordHash undefined for an unknown person: verified against a decoy, always false.
   * @throws Unavailable `SIGN_IN_BUSY` when 64 others wait already.
   */
  async verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    await this.#enter();
    try {
      this.#decoy ??= hash("nobody has this password", ARGON2ID);
      const matches = await verifyHash(passwordHash ?? (await this.#decoy), password);
      return matches && passwordHash !== undefined;
    } finally {
      this.#leave();
    }
  }

  /** Makes the decoy ahead of the first sign-in, which would otherwise take twice as long. */
  async warm(): Promise<void> {
    this.#decoy ??= hash("nobody has this password", ARGON2ID);
    await this.#decoy;
  }

  async #enter(): Promise<void> {
    if (this.#running < PARALLEL_MAX) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      throw new Unavailable("SIGN_IN_BUSY", { what: "too many people sign in at once" });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve)); // the place is handed over by #leave
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running--;
  }
}

/** A damaged hash in the store matches nothing; it must not turn sign-in into a fault. */
async function verifyHash(passwordHash: string, password: string): Promise<boolean> {
  try {
    return await verify(passwordHash, password.normalize("NFC"));
  } catch {
    return false;
  }
}
