/** Reading fields of a JSON value that a stranger sent: present and of the right kind, or undefined. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own field only: `constructor` and the like are never found. */
export function field(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
export function objectField(object: JsonObject, name: string): JsonObject | undefined {
  const value = field(object, name);
  return isObject(value) ? value : undefined;
}
export function textField(object: JsonObject, name: string): string | undefined {
  const value = field(object, name);
  return typeof value === "string" && value !== "" ? value : undefined;
}
export function numberField(object: JsonObject, name: string): number | undefined {
  const value = field(object, name);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
/** The objects of a list; none when it is no list. */
export function objectsField(object: JsonObject, name: string): readonly JsonObject[] {
  const value = field(object, name);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** For fault texts. A list or object that was sent is never made text: its own `toString` may be a number, or it may be nested a million deep. */
export function written(sent: unknown): string {
  if (Array.isArray(sent)) return "a list";
  return typeof sent === "object" && sent !== null ? "an object" : `"${String(sent)}"`;
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** Null when the text is not base64. */
export function base64Bytes(text: string): Uint8Array | null {
  return BASE64.test(text) ? Buffer.from(text, "base64") : null;
}
