/** Each command in the words of HJ 212-2017: code and CP as its Annex C has them. */
import { describe, expect, test } from "vitest";
import type { FieldCommand } from "../../../core/field-session.ts";
import { segmentText } from "../../../core/hj212-answer.ts";
import { wordingOf } from "../../../gateway/hj212-commands.ts";

const ZONE = "Asia/Shanghai";
const FROM = Date.UTC(2016, 6, 31, 17, 5, 22);
const TO = Date.UTC(2016, 7, 1, 0, 58, 57);
const SPAN = "BeginTime=20160801010522;EndTime=20160801085857";
const parameter = "w01018";

function worded(command: FieldCommand): string {
  const wording = wordingOf(command);
  if (typeof wording === "string") return wording;
  return `${wording.code} ${wording.expects} ${segmentText({}, wording.groups(TO, ZONE))}`;
}

test.each<[FieldCommand, string]>([
  [{ kind: "set-timeouts", seconds: 5, resends: 3 }, "1000 result CP=&&OverTime=5;ReCount=3&&"],
  [{ kind: "read-clock" }, "1011 result CP=&&&&"],
  [{ kind: "set-clock" }, "1012 result CP=&&SystemTime=20160801085857&&"],
  [{ kind: "read-interval" }, "1061 result CP=&&&&"],
  [{ kind: "set-interval", seconds: 30 }, "1062 result CP=&&RtdInterval=30&&"],
  [{ kind: "read-average-interval" }, "1063 result CP=&&&&"],
  [{ kind: "set-average-interval", minutes: 10 }, "1064 result CP=&&MinInterval=10&&"],
  [{ kind: "start-realtime" }, "2011 stream CP=&&&&"],
  [{ kind: "stop-realtime" }, "2012 notice CP=&&&&"],
  [{ kind: "start-facility" }, "2021 stream CP=&&&&"],
  [{ kind: "stop-facility" }, "2022 notice CP=&&&&"],
  [{ kind: "fetch-history", data: "day", from: FROM, to: TO }, `2031 result CP=&&${SPAN}&&`],
  [{ kind: "fetch-run-hours", from: FROM, to: TO }, `2041 result CP=&&${SPAN}&&`],
  [{ kind: "fetch-history", data: "minute", from: FROM, to: TO }, `2051 result CP=&&${SPAN}&&`],
  [{ kind: "fetch-history", data: "hour", from: FROM, to: TO }, `2061 result CP=&&${SPAN}&&`],
  [{ kind: "calibrate", parameter }, "3011 result CP=&&PolId=w01018&&"],
  [{ kind: "sample-now" }, "3012 result CP=&&&&"],
  [{ kind: "sample-now", parameter }, "3012 result CP=&&PolId=w01018&&"],
  [{ kind: "clean", parameter }, "3013 result CP=&&PolId=w01018&&"],
  [{ kind: "compare-sample", parameter }, "3014 result CP=&&PolId=w01018&&"],
  [{ kind: "keep-sample" }, "3015 result CP=&&&&"],
  [
    { kind: "set-sampling", parameter, start: "000000", hours: 2 },
    "3016 result CP=&&PolId=w01018;CstartTime=000000;Ctime=2&&",
  ],
  [{ kind: "read-sampling", parameter }, "3017 result CP=&&PolId=w01018&&"],
  [{ kind: "read-analysis-time", parameter }, "3018 result CP=&&PolId=w01018&&"],
  [{ kind: "read-serial", parameter }, "3019 result CP=&&PolId=w01018&&"],
  [{ kind: "read-info", parameter, info: "i13004" }, "3020 result CP=&&PolId=w01018;InfoId=i13004&&"],
  [
    { kind: "read-info", parameter, info: "i11001", from: FROM, to: TO },
    `3020 result CP=&&PolId=w01018;InfoId=i11001;${SPAN}&&`,
  ],
  [
    { kind: "set-parameter", parameter, info: "i13004", value: "168.0" },
    "3021 result CP=&&PolId=w01018;InfoId=i13004;i13004-Info=168.0&&",
  ],
  [{ kind: "restart" }, "unsupported"],
])("%j", (command, expected) => {
  expect(worded(command)).toBe(expected);
});

describe("what would be another command, or none of the standard, is not sent", () => {
  test.each<FieldCommand>([
    { kind: "sample-now", parameter: "w01018&&" },
    { kind: "calibrate", parameter: "w01018;CP=&&" },
    { kind: "calibrate", parameter: "" },
    { kind: "set-timeouts", seconds: 0, resends: 3 },
    { kind: "set-timeouts", seconds: 5, resends: 100 },
    { kind: "set-timeouts", seconds: Number.NaN, resends: 3 },
    { kind: "set-sampling", parameter, start: "240000", hours: 2 },
    { kind: "set-sampling", parameter, start: "000000", hours: 25 },
    { kind: "read-info", parameter, info: "i13004;X=1" },
    { kind: "read-info", parameter, info: "i11001", from: FROM },
    { kind: "read-info", parameter, info: "i11001", from: TO, to: FROM },
    { kind: "set-parameter", parameter, info: "i13004", value: "1;i13005-Info=2" },
    { kind: "set-parameter", parameter, info: "i13004", value: "" },
    { kind: "fetch-run-hours", from: TO, to: FROM },
  ])("%j", (command) => {
    expect(worded(command)).toBe("invalid");
  });
});
