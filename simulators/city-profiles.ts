/** What each kind of station of the demonstration city measures, in which unit, and how it behaves. */
import type { Medium } from "../core/site.ts";
import type { Behaviour } from "./plant.ts";

interface Profile {
  readonly unit: string;
  readonly behaviour: Behaviour;
}
type Profiles = Readonly<Record<string, Profile>>;

const relative = (unit: string, base: number, digits: number, noise = 0.03, diurnal = 0.04): Profile => ({
  unit,
  behaviour: { base, digits, noise, diurnal, seasonal: 0.05 },
});
const absolute = (unit: string, base: number, digits: number, noise: number, diurnal: number): Profile => ({
  unit,
  behaviour: { base, digits, noise, diurnal, absolute: true },
});

/** `probe` and `piezometer`: small instruments on a battery, which measure no metals. */
export type StationKind = "well" | "soil" | "river" | "source" | "irrigation" | "dam" | "probe" | "piezometer";

/** Every value stays inside its class limit on calm data. */
export const PROFILES: Readonly<Record<StationKind, Profiles>> = {
  well: {
    cd: relative("µg/L", 1.1, 3),
    as: relative("µg/L", 2.4, 2),
    pb: relative("µg/L", 2.1, 2),
    mn: relative("mg/L", 0.041, 4),
    ph: absolute("pH", 7.32, 2, 0.02, 0.05),
    ec: relative("µS/cm", 612, 0, 0.008, 0.01),
    gw_level: absolute("m", 6.4, 3, 0.004, 0.03),
  },
  soil: {
    cd: relative("mg/kg", 0.11, 3, 0.02, 0.01),
    as: relative("mg/kg", 6.8, 2, 0.02, 0.01),
    pb: relative("mg/kg", 24, 1, 0.02, 0.01),
    ph: absolute("pH", 7.1, 2, 0.02, 0.03),
    soil_moisture: absolute("%", 24, 1, 0.3, 2),
  },
  river: {
    nh3n: relative("mg/L", 0.31, 3, 0.04, 0.12),
    cd: relative("µg/L", 0.42, 3),
    do: absolute("mg/L", 8.2, 2, 0.05, 0.8),
    ph: absolute("pH", 7.9, 2, 0.02, 0.15),
    temp: absolute("°C", 17.5, 1, 0.05, 1.2),
  },
  source: {
    cd: relative("µg/L", 0.3, 3),
    as: relative("µg/L", 1.6, 2),
    no3n: relative("mg/L", 3.4, 2),
    ph: absolute("pH", 7.5, 2, 0.02, 0.05),
    turbidity: relative("NTU", 0.8, 2, 0.08, 0.1),
  },
  irrigation: {
    cd: relative("µg/L", 0.8, 3),
    as: relative("µg/L", 3.2, 2),
    pb: relative("µg/L", 2.6, 2),
    ph: absolute("pH", 7.6, 2, 0.02, 0.1),
    ec: relative("µS/cm", 540, 0, 0.01, 0.03),
  },
  dam: {
    phreatic_depth: absolute("m", 12.4, 3, 0.01, 0.03),
    pool_level: absolute("m", 412.6, 3, 0.004, 0.02),
    dry_beach: absolute("m", 164, 1, 0.2, 0.5),
    displacement_surface: absolute("mm", 3.1, 2, 0.05, 0.1),
    seepage: relative("L/s", 1.4, 3, 0.02, 0.05),
  },
  probe: {
    soil_moisture: absolute("%", 27, 1, 0.3, 2),
    soil_temp: absolute("°C", 18.5, 1, 0.1, 1.5),
    soil_ec: relative("µS/cm", 340, 0, 0.01, 0.04),
    battery_v: absolute("V", 3.6, 2, 0.005, 0.02),
  },
  piezometer: {
    gw_level: absolute("m", 5.2, 3, 0.004, 0.03),
    temp: absolute("°C", 17.2, 1, 0.03, 0.1),
    ec: relative("µS/cm", 585, 0, 0.008, 0.01),
    battery_v: absolute("V", 3.6, 2, 0.005, 0.02),
  },
};
export const MEDIUM_OF: Readonly<Record<StationKind, Medium>> = {
  well: "groundwater",
  soil: "soil",
  river: "surface-water",
  source: "groundwater",
  irrigation: "irrigation-water",
  dam: "tailings",
  probe: "soil",
  piezometer: "groundwater",
};
