/**
 * What the schema cannot see in rules over several series: quantities, packs, levels and units named inside of their
 * conditions, families, media and items must exist and fit together, or a part of the rule would silently watch nothing.
 */
import { conversion, findQuantity, quantitySpec } from "../core/quantity.ts";
import type { Rule } from "../core/rule.ts";
import { MEDIA, type Medium } from "../core/site.ts";
import type { Pack } from "./packs/compile.ts";
import { NEWEST_EDITION, packNamed } from "./packs/editions.ts";
import type { Packs } from "./packs/load.ts";

export interface MeaningFault {
  readonly what: string;
  readonly path: readonly PropertyKey[];
}
type Faults = Generator<MeaningFault>;
type Path = readonly PropertyKey[];

/** The name is an id of the catalogue, not a code. */
export function* quantityFaults(quantity: string, path: Path): Faults {
  const row = findQuantity(quantity);
  if (!row) yield { what: `quantity ${quantity} is not known`, path };
  else if (row.id !== quantity) yield { what: `write ${row.id} for ${quantity}`, path };
}

/** Nothing for kinds on one series. */
export function* groupFaults(rule: Rule, packs: Packs): Faults {
  switch (rule.kind) {
    case "composite":
      for (const [index, condition] of rule.conditions.entries()) {
        const { quantity, medium = rule.on.medium } = condition;
        const path = ["conditions", index];
        yield* quantityFaults(quantity, [...path, "quantity"]);
        yield* outsideFaults(rule, quantity, [...path, "quantity"]);
        yield* boundFaults({ ...condition, quantities: [quantity], media: medium }, packs, path);
      }
      return;
    case "cross-medium":
      yield* crossMediumFaults(rule, packs);
      return;
    case "spread":
    case "plume":
      yield* boundFaults({ ...rule, quantities: rule.on.quantity ?? [], media: rule.on.medium }, packs, []);
      for (const quantity of Object.keys(rule.aquifer?.kd ?? {}))
        yield* quantityFaults(quantity, ["aquifer", "kd", quantity]);
      return;
    case "tailings":
      for (const [index, { quantity, unit }] of rule.items.entries()) {
        const path = ["items", index];
        yield* quantityFaults(quantity, [...path, "quantity"]);
        yield* outsideFaults(rule, quantity, [...path, "quantity"]);
        yield* boundFaults({ unit, quantities: [quantity], media: rule.on.medium }, packs, path);
      }
      return;
    case "integrity":
      if (rule.limit !== undefined && rule.on.quantity?.length !== 1)
        yield { what: "a limit is a number of one quantity: name it in on", path: ["limit"] };
      return;
    default:
  }
}

function* crossMediumFaults(rule: Rule & { kind: "cross-medium" }, packs: Packs): Faults {
  for (const [index, quantity] of rule.family.entries()) {
    yield* quantityFaults(quantity, ["family", index]);
    yield* outsideFaults(rule, quantity, ["family", index]);
  }
  for (const [index, { medium, pack, above }] of rule.media.entries()) {
    const path = ["media", index];
    if (rule.on.medium && !rule.on.medium.includes(medium))
      yield { what: `on leaves ${medium} out, so nothing of it is ever seen`, path: [...path, "medium"] };
    // One of the family is enough: lead has no class in every pack that limits cadmium.
    yield* boundFaults({ pack, above, quantities: rule.family, media: [medium], any: true }, packs, path);
  }
}

/** A quantity that the rule's own scope leaves out is never seen. */
function* outsideFaults({ on }: Rule, quantity: string, path: Path): Faults {
  if (on.quantity && !on.quantity.includes(quantity))
    yield { what: `on leaves ${quantity} out, so nothing of it is ever seen`, path };
}

interface BoundAsked {
  readonly pack?: string | undefined;
  readonly above?: number | string | undefined;
  readonly unit?: string | undefined;
  readonly quantities: readonly string[];
  readonly media: readonly Medium[] | undefined;
  /** One of the quantities is enough; else each needs a bound. */
  readonly any?: boolean;
}

function* boundFaults(asked: BoundAsked, packs: Packs, path: Path): Faults {
  const { unit, quantities, media } = asked;
  const known = quantities.filter((quantity) => findQuantity(quantity)?.id === quantity);
  if (unit !== undefined) {
    for (const quantity of known) {
      // Media where the quantity makes no sense have no unit either: they are not meant.
      const meant = (media ?? MEDIA).filter((medium) => quantitySpec(quantity, medium) !== undefined);
      const wrong = meant.filter((medium) => !conversion(quantity, medium, unit));
      const isWrong = media === undefined ? wrong.length === meant.length : wrong.length > 0;
      if (isWrong)
        yield {
          what: `unit ${unit} is not known for ${quantity}${media === undefined ? "" : ` in ${wrong.join(", ")}`}`,
          path: [...path, "unit"],
        };
    }
  }
  if (asked.pack !== undefined) yield* packFaults(asked, asked.pack, known, packs, path);
}

function* packFaults(
  { above, media, any = false }: BoundAsked,
  name: string,
  quantities: readonly string[],
  packs: Packs,
  path: Path,
): Faults {
  const edition = packNamed(packs, name, NEWEST_EDITION);
  if (!edition.found) {
    const ids = packs.list.map(({ id }) => id).join(", ");
    yield { what: `pack ${name} is not known; there are ${ids}`, path: [...path, "pack"] };
    return;
  }
  const { pack } = edition;
  if (media && !media.some((medium) => pack.media.includes(medium)))
    yield { what: `pack ${pack.id} is for ${pack.media.join(", ")}`, path: [...path, "pack"] };
  if (typeof above !== "string" || above === "target") return; // the station names the class
  const without = quantities.filter((quantity) => !hasBound(pack, quantity, above));
  if (without.length > 0 && (!any || without.length === quantities.length))
    yield { what: `pack ${pack.id} has no bound ${above} for ${without.join(", ")}`, path: [...path, "above"] };
  else if (quantities.length === 0 && !pack.rows.some((row) => rungOf(row, above)))
    yield { what: `pack ${pack.id} has no bounds called ${above}`, path: [...path, "above"] };
}

function hasBound(pack: Pack, quantity: string, above: string): boolean {
  return (pack.byQuantity.get(quantity) ?? []).some((row) => rungOf(row, above)?.span);
}
function rungOf({ rungs }: Pack["rows"][number], above: string) {
  return Object.values(rungs).find(({ level }) => level === above);
}
