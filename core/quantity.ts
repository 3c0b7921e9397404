/**
 * Quantities and units: what may be measured, in which canonical unit per medium, and how a reported unit becomes it.
 *
 * Unit texts are UCUM-like and case-sensitive ("mg/L", not "MG/L"); µ (U+00B5), μ (U+03BC) and u are the same. A unit
 * that is not known for the quantity is never guessed.
 */
import { CATALOGUE, type MediumRow, type QuantityRow } from "./quantity-catalogue.ts";
import type { Medium } from "./site.ts";

export interface QuantitySpec {
  readonly id: string;
  readonly unit: string;
  /** Physically impossible outside, in `unit`; null when not stated. */
  readonly failSpan: readonly [number, number] | null;
  /** Implausible outside, in `unit`. */
  readonly suspectSpan: readonly [number, number] | null;
}

const byId = new Map(CATALOGUE.map((row) => [row.id, row]));
const byHj212 = new Map(CATALOGUE.flatMap((row) => (row.hj212 ? [[row.hj212, row] as const] : [])));

/** By own id or HJ 212 code (`w20115`). */
export function findQuantity(idOrCode: string): QuantityRow | undefined {
  return byId.get(idOrCode) ?? byHj212.get(idOrCode);
}

const WATERS: readonly string[] = ["groundwater", "surface-water", "drinking-water", "irrigation-water", "tailings"];
/** Groups whose canonical unit is a mass concentration (mg/L) or, in soil, a mass fraction (mg/kg). */
const CHEMICAL_GROUPS = ["metal", "organic", "pesticide", "pah", "pop", "petroleum", "disinfection"];

/**
 * Canonical unit and spans of a quantity in a medium. A water quantity that is listed for one kind of water serves the
 * others; a chemical not listed for soil is in mg/kg there, without a suspect span. Undefined when it makes no sense
 * (a displacement in soil).
 */
export function quantitySpec(id: string, medium: Medium): QuantitySpec | undefined {
  const row = byId.get(id);
  if (!row) return undefined;
  const water = WATERS.includes(medium)
    ? WATERS.map((name) => row.media[name]).find((entry) => entry !== undefined)
    : undefined;
  const entry =
    row.media[medium] ??
    water ??
    row.media["any"] ??
    (medium === "soil" ? soilDefault(row) : undefined) ??
    listedWater(row, medium);
  return entry ? toSpec(id, entry) : undefined;
}

function soilDefault(row: QuantityRow): MediumRow | undefined {
  return CHEMICAL_GROUPS.includes(row.group) ? ["mg/kg", 0, 1e6] : undefined;
}
function listedWater(row: QuantityRow, medium: Medium): MediumRow | undefined {
  return WATERS.includes(medium) && CHEMICAL_GROUPS.includes(row.group) ? ["mg/L", 0, 1e6] : undefined;
}
function toSpec(id: string, [unit, failLow, failHigh, suspectLow, suspectHigh]: MediumRow): QuantitySpec {
  return {
    id,
    unit,
    failSpan: failLow !== undefined && failHigh !== undefined ? [failLow, failHigh] : null,
    suspectSpan: suspectLow !== undefined && suspectHigh !== undefined ? [suspectLow, suspectHigh] : null,
  };
}

interface UnitRow {
  readonly dimension: string;
  /** Multiplied with, then `offset` is added, gives the dimension's base unit. */
  readonly factor: number;
  readonly offset?: number;
}

const UNITS: Readonly<Record<string, UnitRow>> = {
  // mass concentration, base mg/L
  "g/L": { dimension: "mass-concentration", factor: 1_000 },
  "mg/L": { dimension: "mass-concentration", factor: 1 },
  "ug/L": { dimension: "mass-concentration", factor: 1e-3 },
  "ng/L": { dimension: "mass-concentration", factor: 1e-6 },
  "pg/L": { dimension: "mass-concentration", factor: 1e-9 },
  "g/m3": { dimension: "mass-concentration", factor: 1 },
  "mg/m3": { dimension: "mass-concentration", factor: 1e-3 },
  "kg/m3": { dimension: "mass-concentration", factor: 1_000 },
  "mg/mL": { dimension: "mass-concentration", factor: 1_000 },
  "ug/mL": { dimension: "mass-concentration", factor: 1 },
  // mass fraction of dry soil, base mg/kg
  "g/kg": { dimension: "mass-fraction", factor: 1_000 },
  "mg/kg": { dimension: "mass-fraction", factor: 1 },
  "ug/kg": { dimension: "mass-fraction", factor: 1e-3 },
  "ng/kg": { dimension: "mass-fraction", factor: 1e-6 },
  "ug/g": { dimension: "mass-fraction", factor: 1 },
  "mg/g": { dimension: "mass-fraction", factor: 1_000 },
  "ng/g": { dimension: "mass-fraction", factor: 1e-3 },
  // amount concentration, base mmol/L
  "mol/L": { dimension: "amount-concentration", factor: 1_000 },
  "mmol/L": { dimension: "amount-concentration", factor: 1 },
  "umol/L": { dimension: "amount-concentration", factor: 1e-3 },
  // length, base m; foot and inch are the international ones (exact)
  m: { dimension: "length", factor: 1 },
  cm: { dimension: "length", factor: 0.01 },
  mm: { dimension: "length", factor: 1e-3 },
  ft: { dimension: "length", factor: 0.3048 },
  "[ft_i]": { dimension: "length", factor: 0.3048 },
  "[in_i]": { dimension: "length", factor: 0.0254 },
  // temperature, base °C
  "°C": { dimension: "temperature", factor: 1 },
  K: { dimension: "temperature", factor: 1, offset: -273.15 },
  "°F": { dimension: "temperature", factor: 5 / 9, offset: -160 / 9 },
  // conductivity, base µS/cm
  "uS/cm": { dimension: "conductivity", factor: 1 },
  "mS/cm": { dimension: "conductivity", factor: 1_000 },
  "mS/m": { dimension: "conductivity", factor: 10 },
  "S/m": { dimension: "conductivity", factor: 10_000 },
  "dS/m": { dimension: "conductivity", factor: 1_000 },
  // electric potential, base V
  V: { dimension: "potential", factor: 1 },
  mV: { dimension: "potential", factor: 1e-3 },
  // pressure, base kPa
  kPa: { dimension: "pressure", factor: 1 },
  Pa: { dimension: "pressure", factor: 1e-3 },
  MPa: { dimension: "pressure", factor: 1_000 },
  hPa: { dimension: "pressure", factor: 0.1 },
  bar: { dimension: "pressure", factor: 100 },
  // volume flow, base L/s
  "L/s": { dimension: "flow", factor: 1 },
  "L/min": { dimension: "flow", factor: 1 / 60 },
  "m3/s": { dimension: "flow", factor: 1_000 },
  "m3/h": { dimension: "flow", factor: 1_000 / 3_600 },
  "m3/d": { dimension: "flow", factor: 1_000 / 86_400 },
  // counts, base 1/L
  "MPN/L": { dimension: "count", factor: 1 },
  "CFU/L": { dimension: "count", factor: 1 },
  "1/L": { dimension: "count", factor: 1 },
  "MPN/100mL": { dimension: "count", factor: 10 },
  "CFU/100mL": { dimension: "count", factor: 10 },
  "CFU/mL": { dimension: "count", factor: 1_000 },
  "MPN/mL": { dimension: "count", factor: 1_000 },
  "eggs/10L": { dimension: "count", factor: 0.1 },
  // radioactivity
  "Bq/L": { dimension: "activity-concentration", factor: 1 },
  "mBq/L": { dimension: "activity-concentration", factor: 1e-3 },
  "Bq/kg": { dimension: "activity-fraction", factor: 1 },
  "nGy/h": { dimension: "dose-rate", factor: 1 },
  "uGy/h": { dimension: "dose-rate", factor: 1_000 },
  NTU: { dimension: "turbidity", factor: 1 },
  "Pt-Co units": { dimension: "colour", factor: 1 },
  "%": { dimension: "ratio", factor: 0.01 },
  "1": { dimension: "ratio", factor: 1 },
  dBm: { dimension: "power-level", factor: 1 },
};

/** Other spellings of a unit; keys after µ and μ have become u. */
const SPELLINGS: Readonly<Record<string, string>> = {
  pH: "1",
  "pH units": "1",
  "std units": "1",
  "": "1",
  "-": "1",
  "[pH]": "1",
  degC: "°C",
  Cel: "°C",
  "℃": "°C",
  degF: "°F",
  "[degF]": "°F",
  "mg/l": "mg/L",
  "ug/l": "ug/L",
  "ng/l": "ng/L",
  "g/l": "g/L",
  "uS/cm @25C": "uS/cm",
  "m³/h": "m3/h",
  "m³/s": "m3/s",
  "mg/m³": "mg/m3",
  "g/m³": "g/m3",
  "[pH units]": "1",
  "Pt-Co": "Pt-Co units",
  PCU: "Pt-Co units",
  "{NTU}": "NTU",
  "(count)/L": "1/L",
};

/**
 * Results reported as an ion that the canonical quantity counts as its element, by quantity and unit suffix: mass
 * ratios from standard atomic weights. GB limits nitrate as N, WHO as NO3: mixing them is wrong by a factor of 4.4.
 */
const SPECIES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  no3n: { N: 1, NO3: 14.007 / 62.004 },
  no2n: { N: 1, NO2: 14.007 / 46.005 },
  nh3n: { N: 1, NH4: 14.007 / 18.039, NH3: 14.007 / 17.031 },
  tp: { P: 1, PO4: 30.974 / 94.971 },
};
/** Matches "mg/L as NO3", "mg/L as NO3-", "mg/L{NO3}", "mg{NO3}/L". */
const SPECIES_UNIT = /^(.+?)(?: as ([A-Z0-9a-z]+?)[-+]*(?: 2-)?|\{([A-Za-z0-9]+)\}(\/L)?)$/;

/** `value * factor / divisor + offset`. Small factors are kept as divisors: 1000 is exact where 0.001 is not. */
export interface Conversion {
  readonly factor: number;
  readonly divisor: number;
  readonly offset: number;
}

const SAME: Conversion = { factor: 1, divisor: 1, offset: 0 };

function scale(factor: number, offset = 0): Conversion {
  const inverse = Math.round(1 / factor);
  const whole = factor < 1 && Math.abs(1 / factor - inverse) < 1e-9 * inverse;
  return whole ? { factor: 1, divisor: inverse, offset } : { factor, divisor: 1, offset };
}

const cache = new Map<string, Conversion | null>();

/**
 * How a value in `unit` becomes the canonical unit, see `convert`. Null when the unit is not known for the
 * quantity in this medium; the caller quarantines, never guesses.
 */
export function conversion(quantity: string, medium: Medium, unit: string): Conversion | null {
  const key = `${quantity}\n${medium}\n${unit}`;
  let known = cache.get(key);
  if (known === undefined) {
    known = findConversion(quantity, medium, unit);
    if (cache.size < 10_000) cache.set(key, known); // bounded: units come from the network
  }
  return known;
}

function findConversion(quantity: string, medium: Medium, unit: string): Conversion | null {
  const spec = quantitySpec(quantity, medium);
  if (!spec) return null;
  const text = plainUnit(unit);
  const species = SPECIES_UNIT.exec(text);
  if (species) {
    const ratio = SPECIES[quantity]?.[species[2] ?? species[3] ?? ""];
    const inner = ratio === undefined ? null : findConversion(quantity, medium, `${species[1]}${species[4] ?? ""}`);
    return inner && ratio !== undefined ? scale((inner.factor * ratio) / inner.divisor, inner.offset) : null;
  }
  const from = UNITS[text];
  const to = UNITS[plainUnit(spec.unit)];
  if (text === plainUnit(spec.unit)) return SAME;
  if (!from || !to) return null;
  if (from.dimension === to.dimension) {
    return scale(from.factor / to.factor, ((from.offset ?? 0) - (to.offset ?? 0)) / to.factor);
  }
  const molarMass = byId.get(quantity)?.molarMass;
  if (from.dimension === "amount-concentration" && to.dimension === "mass-concentration" && molarMass) {
    return scale((from.factor * molarMass) / to.factor); // mmol/L × g/mol = mg/L
  }
  return null;
}

function plainUnit(unit: string): string {
  const text = unit.trim().replace(/[µμ]/g, "u");
  return SPELLINGS[text] ?? text;
}

/**
 * Applies a conversion without leaving decimal dust: 20.46 µg/L is 0.02046 mg/L, not 0.020460000000000002. A result is
 * rounded to 15 significant digits, which every double keeps; a value that is canonical already stays as it is.
 */
export function convert(value: number, { factor, divisor, offset }: Conversion): number {
  if (offset === 0 && factor === 1 && divisor === 1) return value;
  return Number(((value * factor) / divisor + offset).toPrecision(15));
}
