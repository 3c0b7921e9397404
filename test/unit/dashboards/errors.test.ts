import { expect, test } from "vitest";
import { Misconfigured, Refused, TooMany, Unavailable } from "../../../core/errors.ts";
import { answerTo } from "../../../dashboards/errors.ts";

test.each`
  error                                                       | status | code                    | retryAfter   | isBug
  ${new Refused("ALARM_UNKNOWN", { what: "x" }, 404)}         | ${404} | ${"ALARM_UNKNOWN"}      | ${undefined} | ${false}
  ${new Refused("PASSWORD_WEAK", { what: "x" })}              | ${400} | ${"PASSWORD_WEAK"}      | ${undefined} | ${false}
  ${new TooMany("x", 60)}                                     | ${429} | ${"TOO_MANY"}           | ${60}        | ${false}
  ${new Unavailable("SERIES_UNAVAILABLE", { what: "x" })}     | ${503} | ${"SERIES_UNAVAILABLE"} | ${5}         | ${false}
  ${Object.assign(new Error("too big"), { statusCode: 413 })} | ${413} | ${"BODY_TOO_LARGE"}     | ${undefined} | ${false}
  ${Object.assign(new Error("type"), { statusCode: 415 })}    | ${415} | ${"MEDIA_TYPE"}         | ${undefined} | ${false}
  ${Object.assign(new Error("inside"), { statusCode: 502 })}  | ${500} | ${"BUG"}                | ${undefined} | ${true}
  ${new TypeError("secret detail")}                           | ${500} | ${"BUG"}                | ${undefined} | ${true}
  ${new Misconfigured("ANY", { what: "secret detail" })}      | ${500} | ${"BUG"}                | ${undefined} | ${true}
  ${"thrown text"}                                            | ${500} | ${"BUG"}                | ${undefined} | ${true}
`("$error → $status $code", ({ error, status, code, retryAfter, isBug }) => {
  const answer = answerTo(error);
  expect(answer).toMatchObject({ status, problem: { code }, isBug });
  expect(answer.retryAfterSeconds).toBe(retryAfter);
  expect(JSON.stringify(answer.problem)).not.toContain("secret detail");
});
