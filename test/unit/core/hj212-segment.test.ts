import { describe, expect, test } from "vitest";
import { answerFor, buildCommand } from "../../../core/hj212-answer.ts";
import { HJ212_WATER_CODES } from "../../../core/hj212-codes.ts";
import { parseSegment, peekMn } from "../../../core/hj212-segment.ts";
import { decryptSegment, encryptSegment } from "../../../core/hj212-sm4.ts";
import { hj212Qn, hj212Time, parseHj212Time } from "../../../core/hj212-time.ts";
import { conversion, findQuantity, quantitySpec } from "../../../core/quantity.ts";

const HEAD = "QN=20260315083000123;ST=24;CN=2011;PW=p;MN=A1;Flag=5;";
function parse(text: string | Uint8Array): ReturnType<typeof parseSegment> {
  return parseSegment(typeof text === "string" ? Buffer.from(text) : text);
}

describe("groups", () => {
  test.each`
    why                                  | cp                                  | groups
    ${"empty"}                           | ${""}                               | ${[]}
    ${"items and groups"} | ${"DataTime=1;a-Rtd=2,a-Flag=N"} | ${[[["DataTime", "1"]], [["a-Rtd", "2"], ["a-Flag", "N"]]]}
    ${"the first = splits"}              | ${"a=b=c"}                          | ${[[["a", "b=c"]]]}
    ${"blanks around names, trailing ;"} | ${" PolId=w01018; i12003-Info =0;"} | ${[[["PolId", "w01018"]], [["i12003-Info", "0"]]]}
    ${"a range separated by a comma"} | ${"BeginTime=1,EndTime=2"} | ${[[["BeginTime", "1"], ["EndTime", "2"]]]}
    ${"no equals sign"}                  | ${"a-Rtd;b-Rtd=1"}                  | ${[[["a-Rtd", ""]], [["b-Rtd", "1"]]]}
    ${"a text with every delimiter"} | ${"DataTime=1;i=//a,b;c&&d##e=f//,g=1;h=2"} | ${[[["DataTime", "1"]], [["i", "//a,b;c&&d##e=f//"], ["g", "1"]], [["h", "2"]]]}
    ${"a text that never ends"} | ${"i=//a,b=1;c=2"} | ${[[["i", "//a"], ["b", "1"]], [["c", "2"]]]}
    ${"an empty text"} | ${"i=////,g=1"} | ${[[["i", "////"], ["g", "1"]]]}
    ${"a URL is no text"} | ${"u=http://x/a,g=1"} | ${[[["u", "http://x/a"], ["g", "1"]]]}
  `("$why", ({ cp, groups }: { cp: string; groups: unknown }) => {
    expect(parse(`${HEAD}CP=&&${cp}&&`)).toMatchObject({ groups });
  });
});

describe("header", () => {
  test.each`
    why                                   | text                                          | header
    ${"PNO before PNUM, zero padded"}     | ${"ST=31;CN=2051;PNO=0002;PNUM=0002;CP=&&&&"} | ${{ ST: "31", CN: "2051", PNO: "0002", PNUM: "0002" }}
    ${"the ; before CP forgotten (C.19)"} | ${"CN=2041;Flag=5CP=&&&&"}                    | ${{ CN: "2041", Flag: "5" }}
    ${"empty PW"}                         | ${"CN=2081;PW=;CP=&&&&"}                      | ${{ CN: "2081", PW: "" }}
    ${"Flag in CP is not the header's"}   | ${"CN=2011;CP=&&Flag=N&&"}                    | ${{ CN: "2011" }}
    ${"an unknown item"}                  | ${"CN=2011;Foo=1;CP=&&&&"}                    | ${{ CN: "2011" }}
    ${"the same item twice"}              | ${"CN=2011;CN=2011;CP=&&&&"}                  | ${{ CN: "2011" }}
  `("$why", ({ text, header }: { text: string; header: object }) => {
    const segment = parse(text);
    expect("error" in segment).toBe(false);
    expect(segment.header).toEqual(header);
  });

  test.each`
    text                                            | code
    ${"CN=2011;Flag=5"}                             | ${"CP_MISSING"}
    ${"CN=2011;CP=&&a=1"}                           | ${"CP_NOT_CLOSED"}
    ${"CN=2011;CP=&&&"}                             | ${"CP_NOT_CLOSED"}
    ${"CN=2011;CP=&&a=1&&tail"}                     | ${"CP_FOLLOWED"}
    ${"ST=31;CP=&&&&"}                              | ${"CN_MISSING"}
    ${"CN=20x1;CP=&&&&"}                            | ${"HEADER_MALFORMED"}
    ${"CN=2011;Flag=256;CP=&&&&"}                   | ${"HEADER_MALFORMED"}
    ${"QN=20160801085857223,ST=32;CN=2011;CP=&&&&"} | ${"HEADER_MALFORMED"}
    ${"CN=2011;MN=a b;CP=&&&&"}                     | ${"HEADER_MALFORMED"}
    ${"CN=2011;CN=2051;CP=&&&&"}                    | ${"HEADER_TWICE"}
    ${""}                                           | ${"CP_MISSING"}
  `("$text is quarantined: $code", ({ text, code }: { text: string; code: string }) => {
    const refused = parse(text);
    expect("error" in refused && refused.error).toMatchObject({
      code,
      what: expect.any(String),
      mend: expect.any(String),
    });
  });

  test("a refused password is not told", () => {
    expect(JSON.stringify(parse("CN=2011;PW=sec ret;CP=&&&&"))).not.toContain("sec");
  });

  test("the MN of a segment that cannot be read yet", () => {
    expect(
      peekMn(Buffer.concat([Buffer.from("ST=1;MN=A_1-b;CP=&&"), Buffer.of(0x4d, 0xff), Buffer.from("MN=B;&&")])),
    ).toBe("A_1-b");
    expect([peekMn(Buffer.from("XMN=1;CP=&&")), peekMn(Buffer.from("CP=&&MN=1&&")), peekMn(new Uint8Array())]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

describe("text", () => {
  const around = (bytes: Uint8Array): Uint8Array =>
    Buffer.concat([Buffer.from(`${HEAD}CP=&&i=//`), bytes, Buffer.from("//&&")]);
  test.each`
    why                      | bytes                             | encoding     | value
    ${"UTF-8"}               | ${Buffer.from("清洗")}            | ${"utf-8"}   | ${"//清洗//"}
    ${"GB18030"}             | ${Buffer.from("c7e5cfb4", "hex")} | ${"gb18030"} | ${"//清洗//"}
    ${"GB18030, four bytes"} | ${Buffer.from("95328236", "hex")} | ${"gb18030"} | ${"//𠀀//"}
    ${"neither"}             | ${Buffer.of(0xff, 0x80)}          | ${"bytes"}   | ${"//\xff\x80//"}
  `("$why", ({ bytes, encoding, value }: { bytes: Uint8Array; encoding: string; value: string }) => {
    expect(parse(around(bytes))).toMatchObject({ encoding, groups: [[["i", value]]] });
  });
});

describe("answers", () => {
  const cp = "CP=&&DataTime=20260315083000&&";
  test.each`
    why                               | text                                                       | answer
    ${"data"}                         | ${`${HEAD}${cp}`}                                          | ${"QN=20260315083000123;ST=91;CN=9014;PW=p;MN=A1;Flag=4;CP=&&&&"}
    ${"2025 bits"}                    | ${`QN=1;CN=2061;MN=A;Flag=9;RF=1;${cp}`}                   | ${"QN=1;ST=91;CN=9014;MN=A;Flag=8;CP=&&&&"}
    ${"2005 bits, numbered"}          | ${`QN=1;CN=2061;MN=A;Flag=3;PNUM=2;PNO=1;${cp}`}           | ${"QN=1;ST=91;CN=9014;MN=A;Flag=0;CP=&&&&"}
    ${"clock wanted"}                 | ${"QN=1;CN=1013;MN=A;Flag=5;CP=&&&&"}                      | ${"QN=1;ST=91;CN=9013;MN=A;Flag=4;CP=&&&&"}
    ${"heartbeat"}                    | ${"QN=1;CN=9015;MN=A;Flag=9;CP=&&&&"}                      | ${"QN=1;ST=91;CN=9013;MN=A;Flag=8;CP=&&&&"}
    ${"serial number"}                | ${"QN=1;CN=3019;MN=A;Flag=5;CP=&&PolId=w1;w1-SN=2&&"}      | ${"QN=1;ST=91;CN=9014;MN=A;Flag=4;CP=&&&&"}
    ${"no answer wanted"}             | ${`QN=1;CN=2011;MN=A;Flag=4;${cp}`}                        | ${null}
    ${"no Flag"}                      | ${`QN=1;CN=2011;MN=A;${cp}`}                               | ${null}
    ${"an upload with nothing in it"} | ${"QN=1;CN=2011;MN=A;Flag=5;CP=&&&&"}                      | ${null}
    ${"an answer itself"}             | ${"QN=1;CN=9014;MN=A;Flag=5;CP=&&&&"}                      | ${null}
    ${"a part without DataTime"}      | ${"QN=2;CN=2061;MN=A;Flag=7;PNUM=2;PNO=2;CP=&&w1-Avg=2&&"} | ${"QN=2;ST=91;CN=9014;MN=A;Flag=4;CP=&&&&"}
    ${"an upload without DataTime"}   | ${"QN=2;CN=2061;MN=A;Flag=5;CP=&&w1-Avg=2&&"}              | ${"QN=2;ST=91;CN=9014;MN=A;Flag=4;CP=&&&&"}
    ${"a request for history"}        | ${"QN=2;CN=2061;MN=A;Flag=5;CP=&&BeginTime=1,EndTime=2&&"} | ${null}
    ${"a request to an instrument"}   | ${"QN=2;CN=3019;MN=A;Flag=5;CP=&&PolId=w1&&"}              | ${null}
    ${"a vendor's command"}           | ${`QN=1;CN=2000;MN=A;Flag=5;${cp}`}                        | ${null}
  `("$why", ({ text, answer }: { text: string; answer: string | null }) => {
    const segment = parse(text);
    expect("error" in segment ? "quarantined" : answerFor(segment)).toBe(answer);
  });

  test("a command reads back as it was built", () => {
    const groups = [
      [["PolId", "w01018"]],
      [
        ["BeginTime", "1"],
        ["EndTime", "2"],
      ],
    ] as const;
    const command = buildCommand({ qn: "1", st: "32", cn: "2051", pw: "p", mn: "A", version: 1, groups });
    expect(command).toBe("QN=1;ST=32;CN=2051;PW=p;MN=A;Flag=5;CP=&&PolId=w01018;BeginTime=1,EndTime=2&&");
    expect(parse(command)).toMatchObject({ groups, flag: { version: 1, numbered: false, answer: true } });
  });
});

describe("times", () => {
  test.each`
    text                   | zone               | iso
    ${"20260315083000"}    | ${"Asia/Shanghai"} | ${"2026-03-15T00:30:00.000Z"}
    ${"20260315083000123"} | ${"Asia/Shanghai"} | ${"2026-03-15T00:30:00.123Z"}
    ${"19880601120000"}    | ${"Asia/Shanghai"} | ${"1988-06-01T03:00:00.000Z"}
    ${"20260315083000"}    | ${"Asia/Urumqi"}   | ${"2026-03-15T02:30:00.000Z"}
    ${"20260329020000"}    | ${"Europe/Berlin"} | ${"2026-03-29T01:00:00.000Z"}
    ${"20260329030000"}    | ${"Europe/Berlin"} | ${"2026-03-29T01:00:00.000Z"}
    ${"20261025023000"}    | ${"Europe/Berlin"} | ${"2026-10-25T00:30:00.000Z"}
    ${"20261025030000"}    | ${"Europe/Berlin"} | ${"2026-10-25T02:00:00.000Z"}
    ${"20240229000000"}    | ${"UTC"}           | ${"2024-02-29T00:00:00.000Z"}
    ${"20260229000000"}    | ${"UTC"}           | ${null}
    ${"20260315240000"}    | ${"UTC"}           | ${null}
    ${"20260015083000"}    | ${"UTC"}           | ${null}
    ${"20261301083000"}    | ${"UTC"}           | ${null}
    ${"2026031508300x"}    | ${"UTC"}           | ${null}
    ${"202603150830"}      | ${"UTC"}           | ${null}
    ${"20260315083000"}    | ${"Mars/Olympus"}  | ${null}
  `("$text in $zone is $iso", ({ text, zone, iso }: { text: string; zone: string; iso: string | null }) => {
    const ms = parseHj212Time(text, zone);
    expect(ms === null ? null : new Date(ms).toISOString()).toBe(iso);
  });

  test("written and read", () => {
    const ms = Date.UTC(2026, 2, 15, 0, 30, 0, 7);
    expect([hj212Qn(ms, "Asia/Shanghai"), hj212Time(ms, "Asia/Shanghai")]).toEqual([
      "20260315083000007",
      "20260315083000",
    ]);
  });
});

describe("SM4", () => {
  const key = Buffer.alloc(16, 0x30);
  const plain = Buffer.from(`${HEAD}CP=&&DataTime=20260315083000;w01001-Rtd=7.1,w01001-Flag=N&&`);
  const open = plain.indexOf("CP=&&") + 5;

  test("whole blocks are encrypted, the rest and the length stay", () => {
    const sent = encryptSegment(plain, key) ?? new Uint8Array();
    const rest = (plain.length - open - 2) % 16;
    expect(rest).toBeGreaterThan(0);
    expect(sent.length).toBe(plain.length);
    expect(Buffer.from(sent.subarray(0, open))).toEqual(plain.subarray(0, open));
    expect(Buffer.from(sent.subarray(-2 - rest))).toEqual(plain.subarray(-2 - rest));
    expect(Buffer.from(sent).includes("DataTime")).toBe(false);
    expect(decryptSegment(sent, key)).toEqual(plain);
  });

  test("the printed form is read too", () => {
    const sent = Buffer.from(encryptSegment(plain, key) ?? []);
    const whole = Math.floor((plain.length - open - 2) / 16) * 16;
    const printed = [...sent.subarray(open, open + whole)].map((byte) => `0x${byte.toString(16).padStart(2, "0")}`);
    const text = Buffer.concat([
      sent.subarray(0, open),
      Buffer.from(`{${printed.join(",")}}`),
      sent.subarray(open + whole),
    ]);
    expect(decryptSegment(text, key)).toEqual(plain);
  });

  test("nothing to decrypt", () => {
    expect([decryptSegment(Buffer.from("CP=&&short&&"), key), decryptSegment(Buffer.from("no CP"), key)]).toEqual([
      null,
      null,
    ]);
  });
});

describe("code table", () => {
  test("63 codes of 2017, each once, each with a quantity whose unit it can become", () => {
    expect(new Set(HJ212_WATER_CODES.map(({ code }) => code)).size).toBe(63);
    const unlike = HJ212_WATER_CODES.filter(
      ({ quantity, unit }) =>
        !findQuantity(quantity) ||
        !quantitySpec(quantity, "surface-water") ||
        !conversion(quantity, "surface-water", unit),
    );
    expect(unlike.map(({ code }) => code)).toEqual(["w01002"]); // colour: the registry names its unit
  });
  test("the catalogue's own codes agree with it", () => {
    const other = HJ212_WATER_CODES.filter(({ code, quantity }) => (findQuantity(code)?.id ?? quantity) !== quantity);
    expect(other).toEqual([]);
  });
});
