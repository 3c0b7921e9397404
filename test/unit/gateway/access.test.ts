import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEVICE_CHANNELS } from "../../../core/wire.ts";
import { consumerGrant, deviceGrant, mayPublish, mayReceive, maySubscribe } from "../../../gateway/access.ts";
import { filterMatches } from "../../../gateway/sessions.ts";
import { aDevice, aDeviceContext } from "../../support/builders.ts";

const well1 = deviceGrant(aDeviceContext({ device: aDevice({ id: "well-1" }) }));
const acme = consumerGrant({ name: "board", tenant: "acme", hmac: "" });
const all = consumerGrant({ name: "bureau", tenant: null, hmac: "" });
const OWN = "ews/1/tenant-1/site-1/mw-1/well-1/";

describe("mayPublish", () => {
  test.each(DEVICE_CHANNELS)("a device may publish %s", (channel) => {
    expect(mayPublish(well1, OWN + channel, 10)).toBe("granted");
  });

  test.each`
    grant    | topic                                         | bytes      | verdict
    ${null}  | ${"$SYS/x/new/clients"}                       | ${1}       | ${"reserved-topic"}
    ${null}  | ${`${OWN}telemetry`}                          | ${1}       | ${"no-account"}
    ${acme}  | ${"ews/1/acme/alerts/a"}                      | ${1}       | ${"consumers-only-read"}
    ${well1} | ${"$SYS/x"}                                   | ${1}       | ${"reserved-topic"}
    ${well1} | ${""}                                         | ${1}       | ${"foreign-topic"}
    ${well1} | ${"ews/1/tenant-1/site-1/mw-1/well-10/state"} | ${1}       | ${"foreign-topic"}
    ${well1} | ${`/${OWN}state`}                             | ${1}       | ${"foreign-topic"}
    ${well1} | ${`${OWN}cmd`}                                | ${1}       | ${"unknown-channel"}
    ${well1} | ${OWN}                                        | ${1}       | ${"unknown-channel"}
    ${well1} | ${`${OWN}constructor`}                        | ${1}       | ${"unknown-channel"}
    ${well1} | ${`${OWN}sta\nte`}                            | ${1}       | ${"control-character-in-topic"}
    ${well1} | ${`${OWN}state`}                              | ${131_072} | ${"granted"}
    ${well1} | ${`${OWN}state`}                              | ${131_073} | ${"payload-too-large"}
  `("$topic, $bytes bytes: $verdict", ({ grant, topic, bytes, verdict }) => {
    expect(mayPublish(grant, topic, bytes)).toBe(verdict);
  });

  test("no other device's topic is ever granted, however the ids look", () => {
    const id = fc.stringMatching(/^[A-Za-z0-9_.+#$-]{1,12}$/);
    fc.assert(
      fc.property(id, id, fc.constantFrom(...DEVICE_CHANNELS), (mine, other, channel) => {
        fc.pre(mine !== other);
        const grant = deviceGrant(aDeviceContext({ device: aDevice({ id: mine }) }));
        expect(mayPublish(grant, `ews/1/tenant-1/site-1/mw-1/${other}/${channel}`, 1)).not.toBe("granted");
        expect(maySubscribe(grant, `ews/1/tenant-1/site-1/mw-1/${other}/cmd`)).not.toBe("granted");
      }),
    );
  });
});

describe("maySubscribe", () => {
  const level = fc.constantFrom(
    "ews",
    "1",
    "acme",
    "rival",
    "alerts",
    "alerts-log",
    "current",
    "site",
    "well",
    "telemetry",
    "$SYS",
  );
  const filterLevel = fc.oneof(level, fc.constantFrom("+", "#"));

  test("a filter granted to a consumer matches topics it may read and no others", () => {
    fc.assert(
      fc.property(
        fc.array(filterLevel, { minLength: 1, maxLength: 6 }),
        fc.array(level, { minLength: 1, maxLength: 7 }),
        fc.constantFrom(acme, all),
        (filter, topic, grant) => {
          const head = ["ews", "1"];
          const anyFilter = [...head, ...filter];
          const anyTopic = [...head, ...topic].join("/");
          if (maySubscribe(grant, anyFilter.join("/")) !== "granted" || !filterMatches(anyFilter, anyTopic)) return;
          expect(anyTopic).toMatch(
            grant === acme
              ? /^ews\/1\/acme\/(alerts|alerts-log|current)/
              : /^ews\/1\/[^/]+\/(alerts|alerts-log|current)/,
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each`
    grant    | filter                        | verdict
    ${null}  | ${"ews/1/acme/alerts/#"}      | ${"no-account"}
    ${null}  | ${"$SYS/#"}                   | ${"reserved-topic"}
    ${acme}  | ${"ews/1/acme/alerts"}        | ${"foreign-topic"}
    ${acme}  | ${"ews/1/acme/alerts/#"}      | ${"granted"}
    ${acme}  | ${"ews/1/acme/alerts/+/mw/#"} | ${"granted"}
    ${acme}  | ${"ews/1/acme/alerts/a\0"}    | ${"foreign-topic"}
    ${acme}  | ${"ews/2/acme/alerts/#"}      | ${"foreign-topic"}
    ${all}   | ${"ews/1/acm+/alerts/#"}      | ${"foreign-topic"}
    ${well1} | ${`${OWN}cfg`}                | ${"granted"}
    ${well1} | ${`${OWN}cmd/ack`}            | ${"foreign-topic"}
  `("$filter: $verdict", ({ grant, filter, verdict }) => {
    expect(maySubscribe(grant, filter)).toBe(verdict);
  });
});

test.each`
  grant    | topic                      | may
  ${null}  | ${`${OWN}cmd`}             | ${false}
  ${well1} | ${`${OWN}cmd`}             | ${true}
  ${well1} | ${"ews/1/acme/alerts/a"}   | ${false}
  ${acme}  | ${"ews/1/acme/alerts/a"}   | ${true}
  ${acme}  | ${"ews/1/rival/alerts/a"}  | ${false}
  ${all}   | ${"ews/1/rival/alerts/a"}  | ${true}
  ${all}   | ${"$SYS/broker/heartbeat"} | ${false}
`("mayReceive $topic: $may", ({ grant, topic, may }) => {
  expect(mayReceive(grant, topic)).toBe(may);
});

test.each`
  filter     | topic      | matches
  ${"a/+/c"} | ${"a/b/c"} | ${true}
  ${"a/#"}   | ${"a"}     | ${true}
  ${"a/#"}   | ${"a/b/c"} | ${true}
  ${"a/+"}   | ${"a"}     | ${false}
  ${"a/+"}   | ${"a/b/c"} | ${false}
  ${"a/b"}   | ${"a/b/c"} | ${false}
  ${"+/+"}   | ${"/a"}    | ${true}
`("filter $filter on $topic: $matches", ({ filter, topic, matches }) => {
  expect(filterMatches(filter.split("/"), topic)).toBe(matches);
});
