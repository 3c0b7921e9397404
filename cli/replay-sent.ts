/**
 * What would have been sent to whom, with the outlets that exist: MQTT to every consumer of the alarm's tenant, and the
 * webhook. Messages to people by name come with the escalation chains.
 */
import { eventItem } from "../alerts/notify/notice.ts";
import type { AlarmEvent } from "../core/alarm.ts";
import type { Config } from "../core/config.ts";
import type { Consumer } from "../core/ports.ts";
import { iso } from "../replay-lines.ts";

/** Lines kept when they are asked for; more are counted only. */
const LINES_MAX = 1_000_000;

export class ReplaySent {
  readonly #webhook: string | undefined;
  readonly #publicUrl: string | null;
  readonly #keepLines: boolean;
  #consumers: readonly Consumer[] | null = null;
  readonly #lines: string[] = [];
  readonly #counts = { events: 0, mqtt: 0, webhook: 0 };

  constructor({ webhookUrl, publicUrl }: Config, keepLines: boolean) {
    this.#webhook = webhookUrl;
    this.#publicUrl = publicUrl ?? null;
    this.#keepLines = keepLines;
  }

  /** MQTT accounts of this installation; null for a tape, which has none. */
  consumersOf(consumers: readonly Consumer[] | null): void {
    this.#consumers = consumers;
  }

  add(event: AlarmEvent): void {
    const { tenant } = event.alarm;
    this.#counts.events++;
    this.#counts.mqtt++;
    const readers = this.#consumers?.filter((consumer) => consumer.tenant === null || consumer.tenant === tenant);
    this.#line(event, "mqtt", readers?.map(({ name }) => name) ?? null);
    if (this.#webhook === undefined) return;
    this.#counts.webhook++;
    this.#line(event, "webhook", [new URL(this.#webhook).host]);
  }

  summary(): object {
    const { events, mqtt, webhook } = this.#counts;
    return {
      events,
      mqtt: { messages: mqtt, consumers: this.#consumers?.map(({ name }) => name) ?? null },
      webhook: { configured: this.#webhook !== undefined, notices: webhook },
      people: "no outlet of this version reaches people by name",
    };
  }

  lines(): readonly string[] {
    return this.#lines;
  }

  #line(event: AlarmEvent, outlet: string, to: readonly string[] | null): void {
    if (!this.#keepLines || this.#lines.length >= LINES_MAX) return;
    const { text } = JSON.parse(eventItem(outlet, event, this.#publicUrl).body) as { text: unknown };
    const { rule, series, level } = event.alarm;
    this.#lines.push(
      JSON.stringify({ type: "notice", outlet, to, at: iso(event.at), kind: event.kind, rule, series, level, text }),
    );
  }
}
