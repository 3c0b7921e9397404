/** A claim code as people carry it to the field: a QR code in the terminal, or a label to print. */
import { renderSVG, renderUnicodeCompact } from "uqr";

/** Medium error correction: a label outdoors gets scratched. */
const CORRECTION = { ecc: "M" } as const;

export function terminalQr(code: string): string {
  return renderUnicodeCompact(code, CORRECTION);
}

/** SVG of 60 × 80 mm: QR code, device, code in letters, last day. @param label.until ISO 8601 */
export function claimLabel({ device, code, until }: { device: string; code: string; until: string }): string {
  const qr = renderSVG(code, CORRECTION).replace("<svg ", '<svg x="5" y="2" width="50" height="50" ');
  const line = (y: number, size: number, text: string): string =>
    `<text x="30" y="${y}" font-size="${size}" text-anchor="middle" font-family="monospace">${text}</text>`;
  // Ids and codes have no characters that XML minds, see `Id` in core/site.ts.
  const [day = ""] = until.split("T");
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" width="60mm" height="80mm" viewBox="0 0 60 80">',
    '<rect width="60" height="80" fill="#fff"/>',
    qr,
    line(58, device.length > 20 ? 2.2 : 4, device),
    line(66, 5, code),
    line(73, 3, `≤ ${day}`),
    "</svg>\n",
  ].join("\n");
}
