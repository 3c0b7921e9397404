/**
 * The check of HJ 212 frames (HJ 212-2017 Annex A, the same in 2025) and the Modbus one that some devices send instead.
 *
 * The standard calls its check "ANSI CRC16", but it is not Modbus: before a byte is added the old low byte is thrown
 * away. Only 256 of 65,536 values can occur, so a frame that passes is not proven right.
 */

/** What a device sends: the standard's check, or CRC-16/MODBUS with the high or the low byte first. */
export type Hj212CrcVariant = "hj212" | "modbus-be" | "modbus-le";
export const HJ212_CRC_VARIANTS: readonly Hj212CrcVariant[] = ["hj212", "modbus-be", "modbus-le"];

/** Eight shift steps of a byte with polynomial A001 (reflected 8005): the same table serves both checks. */
const STEPS = Uint16Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >> 1) ^ 0xa001 : register >> 1;
  return register;
});

/** HJ 212 check of `bytes[from..to)`: 0 to FFFF, empty gives FFFF. */
export function hj212Crc(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  let register = 0xffff;
  for (let at = from; at < to; at++) register = STEPS[(register >> 8) ^ (bytes[at] as number)] as number;
  return register;
}

/** CRC-16/MODBUS of `bytes[from..to)`; `123456789` gives 4B37. */
export function modbusCrc(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  let register = 0xffff;
  for (let at = from; at < to; at++) {
    register = (register >> 8) ^ (STEPS[(register ^ (bytes[at] as number)) & 0xff] as number);
  }
  return register;
}

/** The number that the four digits on the wire spell. */
export function wireCrc(bytes: Uint8Array, variant: Hj212CrcVariant, from = 0, to: number = bytes.length): number {
  if (variant === "hj212") return hj212Crc(bytes, from, to);
  const crc = modbusCrc(bytes, from, to);
  return variant === "modbus-be" ? crc : ((crc & 0xff) << 8) | (crc >> 8);
}

/** Four upper-case hexadecimal digits as on the wire. */
export function crcOf(bytes: Uint8Array, variant: Hj212CrcVariant): string {
  return crcText(wireCrc(bytes, variant));
}

export function crcText(crc: number): string {
  return crc.toString(16).toUpperCase().padStart(4, "0");
}
