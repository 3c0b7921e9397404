/**
 * Pure: the serial numbers in a certificate revocation list (RFC 5280, section 5.1). OpenSSL checks signature and dates at
 * each handshake; this is for connections that are open already and for resumed sessions, which it does not check again.
 */

const [SEQUENCE, INTEGER, UTC_TIME, GENERALIZED_TIME] = [0x30, 0x02, 0x17, 0x18];

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/**
 * @param pem one or more PEM blocks.
 * @returns serial numbers as `serialOf` writes them.
 * @throws RangeError when it is not a list.
 */
export function revokedSerials(pem: string): ReadonlySet<string> {
  const blocks = [...pem.matchAll(/-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g)];
  if (blocks.length === 0) throw new RangeError("there is no X509 CRL in it");
  return new Set(blocks.flatMap(([, text = ""]) => serials(Buffer.from(text, "base64"))));
}

/** Upper-case hexadecimal without leading zeros, whoever wrote it. */
export function serialOf(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, "");
}

function serials(der: Buffer): string[] {
  const [list] = elements(der);
  const [signed] = elements(expect(list, SEQUENCE));
  const fields = elements(expect(signed, SEQUENCE));
  const isTime = ({ tag }: Element): boolean => tag === UTC_TIME || tag === GENERALIZED_TIME;
  const start = fields.findIndex(isTime);
  if (start < 0) throw new RangeError("a revocation list names its time");
  const after = fields.slice(start).find((field) => !isTime(field));
  if (after?.tag !== SEQUENCE) return []; // nothing is revoked: the field is left out
  return elements(after.content).map((entry) => {
    const [serial] = elements(expect(entry, SEQUENCE));
    return serialOf(expect(serial, INTEGER).toString("hex"));
  });
}

function expect(element: Element | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw new RangeError("this is no revocation list");
  return element.content;
}

/** DER: tag, length, content, one after the other. */
function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.readUInt8(at);
    let length = bytes.readUInt8(at + 1);
    at += 2;
    if (length > 0x80) {
      const size = length & 0x7f;
      if (size > 4) throw new RangeError("a length of more than 4 bytes");
      length = bytes.readUIntBE(at, size);
      at += size;
    }
    if (at + length > bytes.length) throw new RangeError("the list is cut off");
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}
