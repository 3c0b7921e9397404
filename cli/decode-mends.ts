/** How to mend what a decoder names: one sentence a reason, for people who connect a device. */

const MENDS: Readonly<Record<string, string>> = {
  NOT_UTF8: "send JSON as UTF-8",
  MALFORMED_JSON: "send one JSON value, whole",
  GZIP_BROKEN: "compress the whole payload, or send it plain",
  GZIP_TOO_LARGE: "send smaller batches",
  WRONG_SHAPE: "compare the message with the format's page in the documentation",
  TOO_MANY_READINGS: "send at most 500 readings a message",
  TIME_WITHOUT_OFFSET: "write times with their offset, e.g. 2026-03-15T08:30:00+08:00",
  TIME_NOT_A_DATE: "write times as RFC 3339 with an offset, or as the number the format asks for",
  TIME_OUT_OF_RANGE: "set the device's clock; years before 1700 are not taken",
  VALUE_NOT_FINITE: "send numbers that a double can hold",
  NULL_WITHOUT_QUALIFIER: "send null only with a flag other than N",
  SENML_VERSION: "send version 10 (or 26) of SenML, the same in all records",
  SENML_MUST_UNDERSTAND: "leave out the label that ends in _",
  SENML_VALUES: "give each record one of v, vs, vb, vd",
  SENML_NAME: "use A-Z a-z 0-9 - : . / _ in names, beginning with a letter or digit",
  CAYENNE_TYPE_UNKNOWN: "use the types of Cayenne LPP, or decode in the network server",
  CAYENNE_CUT: "send whole items: channel, type, value",
  CAYENNE_EMPTY: "send at least one item",
  DEVICE_MISMATCH: "publish an event under its own device's topic",
  STILL_ENCRYPTED: "let the application server hold the session key",
  NOT_BASE64: "send the frame's bytes as base64",
  NO_DECODED_OBJECT: "give the device a codec in the network server, or set payload: cayenne in its profile",
  NOT_SPARKPLUG: "give --topic spBv1.0/{group}/{type}/{edge}[/{device}]",
  MALFORMED_PROTOBUF: "send a Sparkplug B payload, which is protobuf and not JSON",
  TOO_MANY_METRICS: "send fewer metrics a message",
  COMPRESSED: "switch compression off at the edge node",
  BIRTH_MISSING: "send the birth first, in the same run",
  BIRTH_TOO_LARGE: "spread the metrics over several edge nodes",
  ALIASES_CHANGED: "nothing can be done: the meaning of the aliases is lost",
  ALIAS_UNKNOWN: "name the alias in the birth",
  METRIC_UNKNOWN: "name the metric in the birth",
  VECTOR_UNREADABLE: "give one JSON object a line",
  TOO_MANY_FACTS: "send at most 64 fields a message",
  ENCRYPTED_TCP_ONLY: "connect to the HJ 212 port and register the key; to look at a capture, give --profile sm4=KEY",
  UPLOAD_UNUSED: "send values as CODE-Rtd, -Min, -Avg or -Max; see what is used on the page of HJ 212",
  INTERNAL_ERROR: "this is a fault of the program; please report it with the input",
};

export function mendFor(code: string): string {
  return MENDS[code] ?? "see the format's page in the documentation";
}
