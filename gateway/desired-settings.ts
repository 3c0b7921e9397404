/**
 * Desired settings of devices, retained on each one's `cfg`. The broker keeps retained messages in memory only, so all of
 * them are published at the start, and later those that are new or whose device has moved: a device hears the topic of
 * where it stands now, and the one it left holds nothing any more.
 */
import type { CommandStore, DeviceConfig } from "../core/command.ts";
import { configFault } from "../core/config-fault.ts";
import type { Directory, Publisher } from "../core/ports.ts";
import { devicePrefix } from "../core/wire.ts";

export interface SettingsParts {
  readonly commands: Pick<CommandStore, "configs">;
  readonly publisher: Publisher;
  readonly directory: () => Directory;
}

export class DesiredSettings {
  readonly #parts: SettingsParts;
  /** The newest of each device. */
  readonly #wanted = new Map<string, DeviceConfig>();
  /** What the broker holds. */
  readonly #published = new Map<string, { readonly topic: string; readonly version: number }>();
  #since = 0;
  #seen: Directory | null = null;

  constructor(parts: SettingsParts) {
    this.#parts = parts;
  }

  /** Publishes what is not yet where its device listens. What fails is tried again by the next call. */
  async publish(): Promise<void> {
    const directory = this.#parts.directory();
    const changed = await this.#parts.commands.configs(this.#since);
    for (const config of changed) this.#wanted.set(config.device, config);
    // A registry that has changed may have moved, added or taken out any of them.
    const due = directory === this.#seen ? changed : [...this.#wanted.values()];
    this.#seen = null; // until all of it is done
    for (const config of due) await this.#bring(config, directory);
    this.#seen = directory;
    // Asked for from that millisecond on, not from the next: another may change within it.
    for (const { at } of changed) this.#since = Math.max(this.#since, at);
  }

  async #bring({ device, version, values }: DeviceConfig, directory: Directory): Promise<void> {
    const { publisher } = this.#parts;
    const topic = topicOf(device, directory);
    const before = this.#published.get(device);
    if (before && before.topic !== topic) {
      await publisher.publish({ topic: before.topic, payload: "", retain: true });
      this.#published.delete(device);
    }
    if (topic === null || (before?.topic === topic && before.version === version)) return;
    await publisher.publish({ topic, payload: JSON.stringify({ version, values }), retain: true });
    this.#published.set(device, { topic, version });
  }
}

/** Null while the registry does not know the device, and for one that has no `cfg`. */
function topicOf(id: string, directory: Directory): string | null {
  const context = directory.device(id);
  if (!context || configFault(context.device) !== null) return null;
  return `${devicePrefix(context.site, context.station, context.device)}cfg`;
}
