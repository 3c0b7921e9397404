/** The bound of memories by key: what was heard of longest ago goes first. */

/** Deletes the keys that were inserted first until `max` are left; whoever notes a key again deletes it before. */
export function keepNewest<K>(keys: Map<K, unknown> | Set<K>, max: number): void {
  for (const oldest of keys.keys()) {
    if (keys.size <= max) break;
    keys.delete(oldest);
  }
}
