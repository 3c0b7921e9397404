/**
 * What is known of one Sparkplug edge node between messages: who is born, what its aliases mean, which number comes next.
 *
 * DATA messages say "alias 7 is 3.2" and no more, so this memory decides in which series a value is filed. What it does
 * not know for certain it does not guess.
 */
import type { Metric } from "../../core/sparkplug-wire.ts";

/** Names and aliases of one edge node with all its devices; a birth beyond that is refused. */
export const DEFINITIONS_MAX = 20_000;
export const DEVICES_MAX = 1_000;
/** Numbers run from 0 to 255 and around. */
const SEQ_LIMIT = 256;
/** The edge node itself among its devices. */
const NODE = "";

/** One birth: of the node or of a device behind it. */
interface Scope {
  /** Which birth of the edge node this was; an alias of another one means nothing any more. */
  birth: number;
  isAlive: boolean;
  types: Map<string, number>;
}
interface Alias {
  readonly device: string;
  readonly birth: number;
  readonly name: string;
  readonly type: number;
}

export interface Meaning {
  readonly name: string;
  readonly type: number;
}
export type SeqVerdict = "next" | "gap" | "late" | "gap-closed" | "repeat";

export interface SessionSnapshot {
  readonly bdSeq: number | null;
  readonly isAlive: boolean;
  readonly expected: number | null;
  readonly missing: readonly number[];
  readonly newestAt: number;
  readonly steadySince: number | null;
  readonly births: number;
  readonly scopes: readonly (readonly [
    device: string,
    birth: number,
    isAlive: boolean,
    types: readonly (readonly [string, number])[],
  ])[];
  readonly aliases: readonly (readonly [alias: number, device: string, birth: number, name: string, type: number])[];
}

export class EdgeSession {
  /** Of the last NBIRTH; null before one, or when it named none. */
  bdSeq: number | null = null;
  isAlive = false;
  /** Arrival of the newest message, ms. */
  newestAt = Number.NEGATIVE_INFINITY;
  /** Since this arrival no alias has changed its meaning; null: none ever has. */
  steadySince: number | null = null;
  #expected: number | null = null;
  #missing = new Set<number>();
  #births = 0;
  #scopes = new Map<string, Scope>();
  #aliases = new Map<number, Alias>();

  /** Everything behind the node must be born again. @returns false when it says more than is remembered; it is not born then. */
  nodeBirth(metrics: readonly Metric[], bdSeq: number | null, at: number): boolean {
    this.#die();
    this.bdSeq = bdSeq;
    this.isAlive = this.#define(NODE, metrics, at);
    return this.isAlive;
  }

  /** @returns false as `nodeBirth` does. */
  deviceBirth(device: string, metrics: readonly Metric[], at: number): boolean {
    return this.#define(device, metrics, at);
  }

  /** @returns false for the death of another session than the last born, which says nothing (will of an old connection). */
  nodeDeath(bdSeq: number | null): boolean {
    if (!this.isAlive || bdSeq !== this.bdSeq) return false;
    this.#die();
    return true;
  }

  deviceDeath(device: string): boolean {
    const scope = this.#scopes.get(device);
    if (!scope?.isAlive) return false;
    scope.isAlive = false;
    return true;
  }

  isBorn(device: string | null): boolean {
    return this.isAlive && this.#scopes.get(device ?? NODE)?.isAlive === true;
  }

  /** What a metric of a DATA message means. @param isReplay an older message again: then older births count as well. */
  meaning(device: string | null, { name, alias, datatype }: Metric, isReplay: boolean): Meaning | undefined {
    const scope = this.#scopes.get(device ?? NODE);
    if (name !== null) {
      const type = datatype ?? scope?.types.get(name);
      return type === undefined ? undefined : { name, type };
    }
    const known = alias === null ? undefined : this.#aliases.get(alias);
    if (!known || known.device !== (device ?? NODE)) return undefined;
    if (!isReplay && known.birth !== scope?.birth) return undefined;
    return { name: known.name, type: datatype ?? known.type };
  }

  sequence(seq: number | null): SeqVerdict {
    if (seq === null) return "next";
    const expected = this.#expected ?? seq;
    if (seq !== expected) {
      if (this.#missing.delete(seq)) return this.#missing.size === 0 ? "gap-closed" : "late";
      if ((seq + 1) % SEQ_LIMIT === expected) return "repeat";
      for (let lost = expected; lost !== seq; lost = (lost + 1) % SEQ_LIMIT) this.#missing.add(lost);
    } else this.#missing.delete(seq);
    this.#expected = (seq + 1) % SEQ_LIMIT;
    return seq === expected ? "next" : "gap";
  }

  snapshot(): SessionSnapshot {
    const { bdSeq, isAlive, newestAt, steadySince } = this;
    return {
      bdSeq,
      isAlive,
      newestAt,
      steadySince,
      expected: this.#expected,
      missing: [...this.#missing],
      births: this.#births,
      scopes: [...this.#scopes].map(
        ([device, scope]) => [device, scope.birth, scope.isAlive, [...scope.types]] as const,
      ),
      aliases: [...this.#aliases].map(([alias, known]) => [alias, known.device, known.birth, known.name, known.type]),
    };
  }

  static restore(saved: SessionSnapshot): EdgeSession {
    const session = new EdgeSession();
    session.bdSeq = saved.bdSeq;
    session.isAlive = saved.isAlive;
    session.newestAt = saved.newestAt;
    session.steadySince = saved.steadySince;
    session.#expected = saved.expected;
    session.#missing = new Set(saved.missing);
    session.#births = saved.births;
    for (const [device, birth, isAlive, types] of saved.scopes)
      session.#scopes.set(device, { birth, isAlive, types: new Map(types) });
    for (const [alias, device, birth, name, type] of saved.aliases)
      session.#aliases.set(alias, { device, birth, name, type });
    return session;
  }

  #die(): void {
    this.isAlive = false;
    this.#expected = null;
    this.#missing.clear();
    for (const scope of this.#scopes.values()) scope.isAlive = false;
  }

  #define(device: string, metrics: readonly Metric[], at: number): boolean {
    if (!this.#hasRoom(device, metrics.length)) return false;
    this.#births += 1;
    const birth = this.#births;
    const types = new Map<string, number>();
    for (const { name, alias, datatype } of metrics) {
      if (name === null) continue;
      const type = datatype ?? 0;
      types.set(name, type);
      if (alias === null || !Number.isSafeInteger(alias)) continue;
      const known = this.#aliases.get(alias);
      if (known && (known.name !== name || known.device !== device || known.type !== type)) this.steadySince = at;
      this.#aliases.set(alias, { device, birth, name, type });
    }
    this.#scopes.set(device, { birth, isAlive: true, types });
    return true;
  }

  /** Forgets the dead first. */
  #hasRoom(device: string, count: number): boolean {
    if (this.#count(device) + count <= DEFINITIONS_MAX && this.#scopes.size < DEVICES_MAX) return true;
    for (const [name, scope] of this.#scopes) if (!scope.isAlive) this.#scopes.delete(name);
    for (const [alias, known] of this.#aliases)
      if (this.#scopes.get(known.device)?.birth !== known.birth) this.#aliases.delete(alias);
    const isKnown = this.#scopes.has(device);
    return this.#count(device) + count <= DEFINITIONS_MAX && (isKnown || this.#scopes.size < DEVICES_MAX);
  }

  /** Names, and aliases of births past; what `device` is about to replace does not count. */
  #count(device: string): number {
    let count = this.#aliases.size;
    for (const [name, { types }] of this.#scopes) if (name !== device) count += types.size;
    return count;
  }
}
