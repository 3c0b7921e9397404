import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Role } from "../../../core/site.ts";
import {
  ACTIONS,
  type Action,
  isSameOrigin,
  may,
  safeNext,
  visibleAlarms,
  visibleTo,
} from "../../../dashboards/access.ts";
import { anAlarm } from "../../support/builders.ts";

const somebody = (role: Role | "public", tenant?: string) => ({
  name: "x",
  role,
  ...(tenant === undefined ? {} : { tenant }),
});

describe("may", () => {
  test.each`
    role            | tenant       | allowed
    ${"public"}     | ${undefined} | ${["open"]}
    ${"enterprise"} | ${"a"}       | ${["open", "lab.write", "session.read", "place.read", "reading.read", "alarm.read", "stream.read", "maintenance.read", "fleet.read"]}
    ${"officer"}    | ${undefined} | ${["open", "lab.write", "session.read", "place.read", "reading.read", "alarm.read", "alarm.acknowledge", "stream.read", "farmland.confirm", "maintenance.read", "maintenance.set", "rule.read", "rule.preview", "fleet.read", "device.command", "operations.read"]}
    ${"officer"}    | ${"a"}       | ${["open", "lab.write", "session.read", "place.read", "reading.read", "alarm.read", "alarm.acknowledge", "stream.read", "farmland.confirm", "maintenance.read", "maintenance.set", "fleet.read", "device.command"]}
    ${"admin"}      | ${undefined} | ${ACTIONS.filter((action) => action !== "telemetry.send")}
  `("$role of tenant $tenant may $allowed", ({ role, tenant, allowed }) => {
    expect(ACTIONS.filter((action: Action) => may(somebody(role, tenant), action))).toEqual(allowed);
  });
});

describe("visibleTo", () => {
  test.each`
    why                                         | role            | tenant       | seen
    ${"own tenant"}                             | ${"enterprise"} | ${"a"}       | ${true}
    ${"another tenant"}                         | ${"enterprise"} | ${"b"}       | ${false}
    ${"an enterprise account without a tenant"} | ${"enterprise"} | ${undefined} | ${false}
    ${"nobody"}                                 | ${"public"}     | ${undefined} | ${false}
    ${"staff of everything"}                    | ${"officer"}    | ${undefined} | ${true}
    ${"staff bound to another tenant"}          | ${"admin"}      | ${"b"}       | ${false}
  `("$why: $seen", ({ role, tenant, seen }) => {
    expect(visibleTo(somebody(role, tenant), { tenant: "a" })).toBe(seen);
  });
});

describe("alarms of suspected data", () => {
  const [limit, doubt] = [anAlarm({ tenant: "a" }), anAlarm({ tenant: "a", category: "integrity" })];
  test.each`
    role            | tenant       | seen
    ${"enterprise"} | ${"a"}       | ${[limit]}
    ${"enterprise"} | ${"b"}       | ${[]}
    ${"enterprise"} | ${undefined} | ${[]}
    ${"public"}     | ${undefined} | ${[]}
    ${"officer"}    | ${undefined} | ${[limit, doubt]}
    ${"officer"}    | ${"a"}       | ${[limit, doubt]}
    ${"regulator"}  | ${undefined} | ${[limit, doubt]}
    ${"admin"}      | ${undefined} | ${[limit, doubt]}
  `("$role of tenant $tenant", ({ role, tenant, seen }) => {
    expect(visibleAlarms(somebody(role, tenant), [limit, doubt])).toEqual(seen);
  });

  test("what is seen whole stays the same array, which views are shared by", () => {
    const alarms = [limit, doubt];
    expect(visibleAlarms(somebody("officer", undefined), alarms)).toBe(alarms);
  });
});

describe("safeNext", () => {
  test.each`
    next                       | goes
    ${"/a/1?lang=en#x"}        | ${"/a/1?lang=en#x"}
    ${undefined}               | ${"/"}
    ${""}                      | ${"/"}
    ${"a/1"}                   | ${"/"}
    ${"https://evil.example/"} | ${"/"}
    ${"//evil.example"}        | ${"/"}
    ${"/\\evil.example"}       | ${"/"}
    ${"/\t/evil.example"}      | ${"/"}
    ${"/\n/evil.example"}      | ${"/"}
    ${"/.//evil.example"}      | ${"/"}
    ${"/x/..//evil.example"}   | ${"/"}
    ${"javascript:alert(1)"}   | ${"/"}
    ${"/".padEnd(600, "x")}    | ${"/"}
  `("$next goes to $goes", ({ next, goes }) => expect(safeNext(next)).toBe(goes));

  test("never leaves the site, whatever is asked", () => {
    const piece = fc.constantFrom(
      "/",
      "\\",
      ".",
      "..",
      "\t",
      "\n",
      "@",
      ":",
      "evil.example",
      "%2f",
      "?",
      "#",
      "http",
      "a",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const target = new URL(safeNext(`/${pieces.join("")}`), "https://jingtu.example/login");
        expect(target.origin).toBe("https://jingtu.example");
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("isSameOrigin", () => {
  const host = "jingtu.example:8080";
  test.each`
    why                                      | fetchSite        | origin                           | same
    ${"a page of ours"}                      | ${"same-origin"} | ${"http://jingtu.example:8080"}  | ${true}
    ${"typed or from a bookmark"}            | ${"none"}        | ${undefined}                     | ${true}
    ${"another site"}                        | ${"cross-site"}  | ${"https://evil.example"}        | ${false}
    ${"another host of the same domain"}     | ${"same-site"}   | ${"https://evil.jingtu.example"} | ${false}
    ${"Sec-Fetch-Site beats Origin"}         | ${"cross-site"}  | ${"http://jingtu.example:8080"}  | ${false}
    ${"an older browser, ours"}              | ${undefined}     | ${"http://jingtu.example:8080"}  | ${true}
    ${"an older browser, another port"}      | ${undefined}     | ${"http://jingtu.example:9090"}  | ${false}
    ${"an older browser, a sandboxed frame"} | ${undefined}     | ${"null"}                        | ${false}
    ${"the public address behind a proxy"}   | ${undefined}     | ${"https://public.example"}      | ${true}
    ${"a program"}                           | ${undefined}     | ${undefined}                     | ${true}
  `("$why: $same", ({ fetchSite, origin, same }) => {
    expect(isSameOrigin({ fetchSite, origin, host }, "https://public.example")).toBe(same);
  });
});
