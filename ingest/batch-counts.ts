/** What a batch of raw messages came to, for metrics and tests. */

export interface BatchCounts {
  messages: number;
  /** Channels and events that hold no readings. */
  messagesPassed: number;
  messagesRepeated: number;
  messagesRefused: number;
  readingsStored: number;
  /** Equal to what is known, or in a repeated message. */
  readingsRepeated: number;
  /** Stored, and they replaced another value. */
  readingsCorrected: number;
  /** Lost against a value with a higher seq. */
  readingsSuperseded: number;
  readingsRefused: number;
  /** Known ones written again with another flag; counted nowhere else. */
  readingsRevised: number;
  /** States and answers too long to be kept. */
  signalsRefused: number;
}

export function noCounts(): BatchCounts {
  return {
    messages: 0,
    messagesPassed: 0,
    messagesRepeated: 0,
    messagesRefused: 0,
    readingsStored: 0,
    readingsRepeated: 0,
    readingsCorrected: 0,
    readingsSuperseded: 0,
    readingsRefused: 0,
    readingsRevised: 0,
    signalsRefused: 0,
  };
}
