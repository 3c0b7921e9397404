/**
 * Pure: what of a faulty registry file can be judged all the same, so that one run reports every fault: rows that fit, and
 * rows that fit once their faulty fields are taken away.
 */
import type { z } from "zod";

export const KINDS = ["tenants", "sites", "stations", "devices"] as const;
export type Kind = (typeof KINDS)[number];

/** Whether the file may hold such a thing that could not be read: no fault is made of its absence then. */
export type IsUnread = (kind: Kind, id: string) => boolean;

/** @param schemas of one row each. Of rows with the same id the first counts. */
export function salvage(
  raw: unknown,
  schemas: Readonly<Record<Kind, z.ZodType>>,
): { readonly rows: Readonly<Record<Kind, readonly unknown[]>>; readonly isUnread: IsUnread } {
  const rows: Record<Kind, unknown[]> = { tenants: [], sites: [], stations: [], devices: [] };
  const unread = new Set<string>();
  const unreadKinds = new Set<Kind>();
  for (const kind of KINDS) {
    const list = fieldOf(raw, kind);
    if (list !== undefined && !Array.isArray(list)) unreadKinds.add(kind);
    const seen = new Set<unknown>();
    for (const row of Array.isArray(list) ? (list as unknown[]) : []) {
      const id = fieldOf(row, "id");
      if (seen.has(id)) continue;
      seen.add(id);
      const fitting = fittingPart(row, schemas[kind]);
      if (fitting === null) unread.add(`${kind}/${String(id)}`);
      else rows[kind].push(fitting);
    }
  }
  return { rows, isUnread: (kind, id) => unreadKinds.has(kind) || unread.has(`${kind}/${id}`) };
}

function fittingPart(row: unknown, schema: z.ZodType): unknown {
  const whole = schema.safeParse(row);
  if (whole.success) return row;
  if (typeof row !== "object" || row === null) return null;
  const rest: Record<string, unknown> = { ...row };
  for (const issue of whole.error.issues) {
    const [name, part] = issue.path.map(String);
    const inner = name === undefined ? undefined : rest[name];
    if (name === undefined) for (const key of issue.code === "unrecognized_keys" ? issue.keys : []) delete rest[key];
    else if (name === "quantities" && part !== undefined && typeof inner === "object")
      rest[name] = without(inner, part);
    else delete rest[name];
  }
  return schema.safeParse(rest).success ? rest : null;
}

function without(object: object | null, name: string): object {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([key]) => key !== name));
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
