/**
 * Sparkplug B among the formats: keeps the decoder's memory in step with the messages, and what they say of edge nodes for
 * the gateway. Every message of an edge node passes here, also of devices behind it that nobody has registered: they share
 * its numbers and its aliases.
 */

import { externalName } from "../core/directory.ts";
import type { RawMessage } from "../core/envelope.ts";
import { parseForeignTopic } from "../core/foreign-topics.ts";
import type { Directory } from "../core/ports.ts";
import type { EdgeNotice } from "../core/sparkplug-edges.ts";
import { type Decoded, type Envelope, type Refusal, refuse, type SenderProfile } from "./codecs/codec.ts";
import { SparkplugDecoder, type SparkplugOutcome } from "./codecs/sparkplug.ts";
import type { ForeignFormat } from "./formats.ts";
import { type Signals, SparkplugAnswers } from "./sparkplug-answers.ts";

/** Under this name the decoder's memory is saved, as of a position in stream `raw`. */
export const SPARKPLUG_READER = "sparkplug";

export class SparkplugFormat implements ForeignFormat {
  readonly name = "sparkplug";
  readonly #decoder = new SparkplugDecoder();
  readonly #answers = new SparkplugAnswers();
  #notices: EdgeNotice[] = [];
  /** Of the message that `follow` has just seen. */
  #current: { readonly bytes: Uint8Array; readonly outcome: SparkplugOutcome } | null = null;
  #edges = new Map<string, ReadonlySet<string>>();
  #edgesFor: Directory | null = null;

  owns(topic: string): boolean {
    return topic.startsWith("spBv1.0/");
  }

  /** Only an account that carries the edge node moves its memory; what others say of it is refused by its sender. */
  follow(message: RawMessage, directory: Directory): void {
    this.#current = null;
    const parsed = parseForeignTopic(message.topic);
    if (parsed?.format !== "sparkplug") return;
    const { group, edge, device } = parsed;
    if (!this.#edgesOf(message.device, directory).has(externalName.sparkplug(group, edge))) return;
    const behind = device === undefined ? undefined : directory.external(externalName.sparkplug(group, edge, device));
    if (behind && (behind.device.via ?? behind.device.id) !== message.device) return;
    const outcome = this.#decoder.decode(message.payload, message, this.#answers.watched(parsed, directory));
    this.#answers.note(parsed, outcome.seen, directory, message.receivedAt);
    this.#current = { bytes: message.payload, outcome };
    if (outcome.notices.length > 0) this.#notices.push(...outcome.notices);
  }

  /** A message that holds no readings needs no device: an NBIRTH of session control only, a death. */
  sender = (bytes: Uint8Array, topic: string): string | null => {
    const outcome = this.#current?.bytes === bytes ? this.#current.outcome : null;
    if (outcome && outcome.refused === null) {
      const { readings, faults } = outcome.decoded;
      if (readings.length === 0 && faults.length === 0) return null;
    }
    const parsed = parseForeignTopic(topic);
    return parsed?.format === "sparkplug" ? externalName.sparkplug(parsed.group, parsed.edge, parsed.device) : null;
  };

  decode = (bytes: Uint8Array, _sender: SenderProfile, envelope: Envelope): Decoded | Refusal => {
    const known = this.#current?.bytes === bytes ? this.#current.outcome : null;
    if (!known)
      return refuse("SENDER_NOT_CARRIED", `sparkplug: "${envelope.topic}" is not of an edge node of its sender`);
    const { refused, decoded } = known;
    return refused ? { refused } : decoded;
  };

  /** What has been noticed since the last call. */
  takeNotices(): readonly EdgeNotice[] {
    const notices = this.#notices;
    if (notices.length > 0) this.#notices = [];
    return notices;
  }

  takeSignals = (): Signals => this.#answers.take();

  snapshot(): Uint8Array {
    return this.#decoder.snapshot();
  }
  /** @throws when the bytes are no snapshot. */
  restore(bytes: Uint8Array): void {
    this.#decoder.restore(bytes);
  }

  #edgesOf(account: string, directory: Directory): ReadonlySet<string> {
    if (this.#edgesFor !== directory) {
      this.#edges = new Map();
      this.#edgesFor = directory;
    }
    const known = this.#edges.get(account);
    if (known) return known;
    const own = directory.device(account);
    const found = new Set<string>();
    const speaksItself = own && own.device.via === undefined;
    for (const { device } of [...(speaksItself ? [own] : []), ...directory.carriedBy(account)]) {
      const { sparkplug } = device.profile ?? {};
      if (sparkplug) found.add(externalName.sparkplug(sparkplug.group, sparkplug.edge));
    }
    this.#edges.set(account, found);
    return found;
  }
}
