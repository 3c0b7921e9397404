/**
 * Water parameters of HJ 212-2017, table B.1: 63 codes with their code of 2005, unit, unit of the total and data type.
 *
 * Units are per code and uneven: total lead is in µg/L (w20120) and lead in mg/L (w20144), thallium in ng/L. They hold
 * unless the device's profile or registry row says otherwise for the very code. There is no code for water level, pore
 * pressure, displacement or soil moisture: those come through the profile's map.
 */

export interface Hj212Code {
  readonly code: string;
  readonly zh: string;
  /** Code of the 2005 edition; empty when it had none. */
  readonly code2005: string;
  readonly unit: string;
  /** Of `Cou`, the total over the interval; empty when a total has no meaning. */
  readonly totalUnit: string;
  /** N, digits before the point, digits after it. */
  readonly type: string;
  /** Id in core/quantity-catalogue.ts. */
  readonly quantity: string;
}

/** Hazen units or a dilution ratio: the standard does not say, so the registry must. */
export const COLOUR_UNIT = "color unit";

type Row = readonly [code: string, zh: string, code2005: string, unit: string, total: string, type: string, id: string];

// biome-ignore format: a table is read in rows
const ROWS: readonly Row[] = [
  ["w00000", "污水", "B01", "L/s", "m3", "N5.2", "flow"],
  ["w01001", "pH值", "001", "1", "", "N2.2", "ph"],
  ["w01002", "色度", "002", "color unit", "", "N3.2", "colour"],
  ["w01006", "溶解性总固体", "", "mg/L", "kg", "N4", "tds"],
  ["w01009", "溶解氧", "", "mg/L", "", "N3.1", "do"],
  ["w01010", "水温", "", "°C", "", "N3.1", "temp"],
  ["w01012", "悬浮物", "003", "mg/L", "kg", "N4", "ss"],
  ["w01014", "电导率", "", "µS/cm", "", "N3.1", "ec"],
  ["w01017", "五日生化需氧量", "010", "mg/L", "kg", "N5.1", "bod5"],
  ["w01018", "化学需氧量", "011", "mg/L", "kg", "N5.1", "cod"],
  ["w01019", "高锰酸盐指数", "", "mg/L", "kg", "N3.1", "codmn"],
  ["w01020", "总有机碳", "015", "mg/L", "kg", "N3.1", "toc"],
  ["w02003", "粪大肠菌群", "550", "1/L", "", "N9", "fecal_coliform"],
  ["w02006", "细菌总数", "", "1/L", "", "N9", "colony_count"],
  ["w03001", "总 α 放射性", "570", "Bq/L", "", "N3.1", "alpha"],
  ["w03002", "总 β 放射性", "571", "Bq/L", "", "N3.1", "beta"],
  ["w19001", "表面活性剂", "", "mg/L", "kg", "N3.2", "surfactants"],
  ["w19002", "阴离子表面活性剂", "520", "mg/L", "kg", "N3.2", "las"],
  ["w20012", "钡", "039", "mg/L", "kg", "N3.3", "ba"],
  ["w20023", "硼", "037", "mg/L", "kg", "N3.3", "b"],
  ["w20038", "钴", "040", "mg/L", "kg", "N3.4", "co"],
  ["w20061", "钼", "038", "mg/L", "kg", "N3.4", "mo"],
  ["w20089", "铊", "041", "ng/L", "mg", "N4", "tl"],
  ["w20092", "锡", "036", "mg/L", "kg", "N3.1", "sn"],
  ["w20111", "总汞", "020", "µg/L", "g", "N3.2", "hg"],
  ["w20113", "烷基汞", "021", "ng/L", "mg", "N4", "alkylhg"],
  ["w20115", "总镉", "022", "µg/L", "g", "N3.1", "cd"],
  ["w20116", "总铬", "023", "mg/L", "kg", "N3.3", "cr"],
  ["w20117", "六价铬", "024", "µg/L", "g", "N2.3", "cr6"],
  ["w20119", "总砷", "026", "µg/L", "g", "N2.3", "as"],
  ["w20120", "总铅", "027", "µg/L", "g", "N4", "pb"],
  ["w20121", "总镍", "028", "mg/L", "kg", "N3.2", "ni"],
  ["w20122", "总铜", "029", "mg/L", "kg", "N3.2", "cu"],
  ["w20123", "总锌", "030", "mg/L", "kg", "N3.3", "zn"],
  ["w20124", "总锰", "031", "mg/L", "kg", "N3.3", "mn"],
  ["w20125", "总铁", "032", "mg/L", "kg", "N3.3", "fe"],
  ["w20126", "总银", "033", "mg/L", "kg", "N3.3", "ag"],
  ["w20127", "总铍", "034", "µg/L", "g", "N3.3", "be"],
  ["w20128", "总硒", "035", "µg/L", "g", "N4.2", "se"],
  ["w20138", "铜", "", "mg/L", "kg", "N3.3", "cu"],
  ["w20139", "锌", "", "mg/L", "kg", "N3.3", "zn"],
  ["w20140", "硒", "", "mg/L", "kg", "N3.3", "se"],
  ["w20141", "砷", "", "mg/L", "kg", "N3.3", "as"],
  ["w20142", "汞", "", "µg/L", "g", "N3.3", "hg"],
  ["w20143", "镉", "", "µg/L", "g", "N3.3", "cd"],
  ["w20144", "铅", "", "mg/L", "kg", "N3.3", "pb"],
  ["w21001", "总氮", "065", "mg/L", "kg", "N4.2", "tn"],
  ["w21003", "氨氮", "060", "mg/L", "kg", "N4.2", "nh3n"],
  ["w21004", "凯氏氮", "062", "mg/L", "kg", "N3.1", "tkn"],
  ["w21006", "亚硝酸盐", "063", "mg/L", "kg", "N2.3", "no2n"],
  ["w21007", "硝酸盐", "064", "mg/L", "kg", "N2.3", "no3n"],
  ["w21011", "总磷", "101", "mg/L", "kg", "N3.2", "tp"],
  ["w21016", "氰化物", "070", "mg/L", "kg", "N3.3", "cn"],
  ["w21017", "氟化物", "072", "mg/L", "kg", "N4.2", "f"],
  ["w21019", "硫化物", "071", "mg/L", "kg", "N3.3", "s2"],
  ["w21022", "氯化物", "090", "mg/L", "kg", "N3.1", "cl"],
  ["w21038", "硫酸盐", "", "mg/L", "kg", "N6", "so4"],
  ["w22001", "石油类", "080", "mg/L", "kg", "N3.2", "oil"],
  ["w23002", "挥发酚", "110", "mg/L", "kg", "N3.4", "phenol_volatile"],
  ["w25043", "苯并[α]芘", "540", "µg/L", "g", "N3.1", "bap"],
  ["w33001", "六六六", "350", "ng/L", "mg", "N4", "hch"],
  ["w33007", "滴滴涕", "351", "ng/L", "mg", "N4", "ddt_total"],
  ["w99001", "有机氮", "061", "mg/L", "kg", "N3.1", "org_n"],
];

export const HJ212_WATER_CODES: readonly Hj212Code[] = ROWS.map(
  ([code, zh, code2005, unit, totalUnit, type, quantity]) => ({ code, zh, code2005, unit, totalUnit, type, quantity }),
);

const byCode = new Map([
  ...HJ212_WATER_CODES.flatMap((row) => (row.code2005 === "" ? [] : [[row.code2005, row] as const])),
  ...HJ212_WATER_CODES.map((row) => [row.code, row] as const),
]);

/** By code of 2017 (`w01018`) or 2005 (`011`). */
export function findHj212Code(code: string): Hj212Code | undefined {
  return byCode.get(code);
}
