/**
 * Which decoder a message goes to: by channel below the device's own prefix, or by topic for the formats of other worlds,
 * which also say whose readings they are. One set of formats a running pipeline, since some keep state between messages.
 */
import type { RawMessage } from "../core/envelope.ts";
import type { Directory } from "../core/ports.ts";
import { decodeCayenne } from "./codecs/cayenne.ts";
import { chirpstack } from "./codecs/chirpstack.ts";
import type { Codec, Refusal } from "./codecs/codec.ts";
import { decodeHj212 } from "./codecs/hj212.ts";
import { decodeSenml } from "./codecs/senml.ts";
import { decodeTelemetry } from "./codecs/telemetry.ts";
import { thingsboard } from "./codecs/thingsboard.ts";
import { toldOn } from "./codecs/told.ts";
import { tts } from "./codecs/tts.ts";
import type { Signals } from "./sparkplug-answers.ts";
import { SparkplugFormat } from "./sparkplug-format.ts";

/** A format with topics of its own; one connection may carry the messages of many devices. */
export interface ForeignFormat {
  readonly name: string;
  /** Whether the topic is one of this format's. */
  owns(topic: string): boolean;
  /** Sees every message of its topics before `sender`; for formats whose messages build on one another. */
  follow?(message: RawMessage, directory: Directory): void;
  /** `externalName` of the device that the message speaks of (core/directory.ts); null: the account itself. */
  sender(bytes: Uint8Array, topic: string): string | null | Refusal;
  /** A message that holds no readings by its nature decodes to none. */
  readonly decode: Codec;
  /** What messages since the last call have said of our commands, where `decode` cannot tell it. */
  takeSignals?(): Signals;
}

export interface Formats {
  /** By channel: the rest of the topic below the device's own prefix. */
  readonly channels: ReadonlyMap<string, Codec>;
  readonly foreign: readonly ForeignFormat[];
}

/** Those of a running pipeline. */
export interface PipelineFormats extends Formats {
  /** One of `foreign`; its memory is saved with the position. */
  readonly sparkplug: SparkplugFormat;
}

export function createFormats(): PipelineFormats {
  const sparkplug = new SparkplugFormat();
  return {
    channels: new Map<string, Codec>([
      ["telemetry", decodeTelemetry],
      ["senml", decodeSenml],
      ["hj212", decodeHj212],
      ["cayenne", decodeCayenne],
      ["event", toldOn("event")],
      ["info", toldOn("info")],
    ]),
    foreign: [chirpstack, tts, thingsboard, sparkplug],
    sparkplug,
  };
}
