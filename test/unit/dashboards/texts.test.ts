import { describe, expect, test } from "vitest";
import { durationText, pickLocale, translator, wordFor } from "../../../dashboards/texts.ts";

test.each`
  asked        | header                 | locale
  ${undefined} | ${undefined}           | ${"zh-CN"}
  ${undefined} | ${"en-GB,en;q=0.9"}    | ${"en"}
  ${undefined} | ${"zh-TW,en;q=0.9"}    | ${"zh-CN"}
  ${undefined} | ${"en;q=0.5,zh;q=0.8"} | ${"zh-CN"}
  ${undefined} | ${"fr,en;q=0.1"}       | ${"en"}
  ${undefined} | ${"fr"}                | ${"zh-CN"}
  ${undefined} | ${"en;q=0,zh;q=0.1"}   | ${"zh-CN"}
  ${"en"}      | ${"zh-CN"}             | ${"en"}
  ${"xx"}      | ${"en"}                | ${"en"}
`("lang=$asked, Accept-Language $header: $locale", ({ asked, header, locale }) => {
  expect(pickLocale(asked, header)).toBe(locale);
});

describe("texts", () => {
  const t = translator("en");
  test.each`
    ms            | text
    ${0}          | ${"under 1 min"}
    ${59_999}     | ${"under 1 min"}
    ${60_000}     | ${"1 min"}
    ${7_800_000}  | ${"2 h 10 min"}
    ${90_061_000} | ${"1 d 1 h"}
  `("$ms ms is $text", ({ ms, text }) => expect(durationText(ms, t)).toBe(text));

  test("values go in as they are; a word that is not in the catalogue stays itself", () => {
    expect(t("merged", { id: "<b>$&" })).toBe("Merged into alarm <b>$&");
    expect(wordFor(t, "flag", "3")).toBe("suspect");
    expect(wordFor(t, "qualifier", "constructor")).toBe("constructor");
  });
});
