import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LorawanDownlink } from "../../../core/device-profile.ts";
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

describe("downlinks of LoRaWAN", () => {
  const lorawan = (downlink: LorawanDownlink) =>
    aDeviceContext({
      device: aDevice({
        id: "probe",
        profile: { lorawan: { devEui: "00AABBCCDDEEFF01", payload: "object", downlink } },
      }),
    });
  const server = deviceGrant(aDeviceContext({ device: aDevice({ id: "ns" }) }), [
    lorawan({ server: "chirpstack", application: "app-1", commands: {} }),
    lorawan({ server: "tts", application: "app1@ttn", device: "well-1", commands: {} }),
  ]);
  test.each`
    filter                                       | verdict
    ${"application/+/device/+/command/+"}        | ${"granted"}
    ${"application/app-1/device/+/command/down"} | ${"granted"}
    ${"v3/+/devices/+/down/push"}                | ${"granted"}
    ${"v3/app1@ttn/devices/well-1/down/push"}    | ${"granted"}
    ${"application/+/device/+/event/+"}          | ${"foreign-topic"}
    ${"application/#"}                           | ${"foreign-topic"}
    ${"v3/#"}                                    | ${"foreign-topic"}
    ${"v3/+/devices/+/up"}                       | ${"foreign-topic"}
    ${"+/+/device/+/command/down"}               | ${"foreign-topic"}
    ${"application/+/device/+/command/down/#"}   | ${"foreign-topic"}
  `("a network server subscribes to $filter: $verdict", ({ filter, verdict }) => {
    expect(maySubscribe(server, filter)).toBe(verdict);
    expect(maySubscribe(well1, filter)).toBe("foreign-topic");
  });

  test("it receives those of the nodes that it carries, and of no others", () => {
    expect(mayReceive(server, "application/app-1/device/00aabbccddeeff01/command/down")).toBe(true);
    expect(mayReceive(server, "v3/app1@ttn/devices/well-1/down/push")).toBe(true);
    expect(mayReceive(server, "application/app-1/device/00aabbccddeeff02/command/down")).toBe(false);
    expect(mayReceive(server, "v3/app1@ttn/devices/well-2/down/push")).toBe(false);
    expect(mayReceive(well1, "v3/app1@ttn/devices/well-1/down/push")).toBe(false);
    expect(mayPublish(server, "application/app-1/device/00aabbccddeeff01/command/down", 1)).not.toBe("granted");
  });
});

/** A network server's account that carries one LoRaWAN device and one Sparkplug device behind an edge node. */
const carrier = deviceGrant(aDeviceContext({ device: aDevice({ id: "bridge" }) }), [
  aDeviceContext({
    device: aDevice({ id: "probe", profile: { lorawan: { devEui: "00AABBCCDDEEFF01", payload: "object" } } }),
  }),
  aDeviceContext({ device: aDevice({ id: "pump", profile: { sparkplug: { group: "g", edge: "e", device: "p" } } }) }),
]);
/** An edge node whose account carries no LoRaWAN device, and a LoRaWAN device with an account of its own. */
const edgeNode = deviceGrant(
  aDeviceContext({ device: aDevice({ id: "edge", profile: { sparkplug: { group: "g", edge: "e" } } }) }),
);
const probe = deviceGrant(
  aDeviceContext({
    device: aDevice({ id: "probe", profile: { lorawan: { devEui: "00AABBCCDDEEFF01", payload: "object" } } }),
  }),
);

describe("topics of other worlds", () => {
  test.each`
    grant       | topic                                                   | verdict
    ${well1}    | ${"v1/devices/me/telemetry"}                            | ${"granted"}
    ${well1}    | ${"v1/devices/me/attributes"}                           | ${"granted"}
    ${well1}    | ${"v1/devices/me/rpc/request/1"}                        | ${"foreign-topic"}
    ${well1}    | ${"v1/devices/you/telemetry"}                           | ${"foreign-topic"}
    ${well1}    | ${"application/a/device/00aabbccddeeff01/event/up"}     | ${"foreign-topic"}
    ${well1}    | ${"v3/app@tenant/devices/probe/up"}                     | ${"foreign-topic"}
    ${well1}    | ${"spBv1.0/g/NBIRTH/e"}                                 | ${"foreign-topic"}
    ${acme}     | ${"v1/devices/me/telemetry"}                            | ${"consumers-only-read"}
    ${carrier}  | ${"application/a/device/00aabbccddeeff01/event/up"}     | ${"granted"}
    ${carrier}  | ${"application/a/device/00AABBCCDDEEFF01/event/up"}     | ${"granted"}
    ${carrier}  | ${"application/a/device/00aabbccddeeff01/event/join"}   | ${"granted"}
    ${carrier}  | ${"application/a/device/00aabbccddeeff01/event/xy"}     | ${"foreign-topic"}
    ${carrier}  | ${"application/a/device/00aabbccddeeff01/command/down"} | ${"foreign-topic"}
    ${carrier}  | ${"application/a/device/00aabbccddeeff02/event/up"}     | ${"granted"}
    ${edgeNode} | ${"application/a/device/00aabbccddeeff01/event/up"}     | ${"foreign-topic"}
    ${edgeNode} | ${"v3/app@tenant/devices/anything/up"}                  | ${"foreign-topic"}
    ${edgeNode} | ${"spBv1.0/g/DDATA/e/q"}                                | ${"granted"}
    ${probe}    | ${"application/a/device/00aabbccddeeff01/event/up"}     | ${"granted"}
    ${carrier}  | ${"application/a/device/+/event/up"}                    | ${"foreign-topic"}
    ${carrier}  | ${"application/#/device/00aabbccddeeff01/event/up"}     | ${"foreign-topic"}
    ${carrier}  | ${"application//device/00aabbccddeeff01/event/up"}      | ${"foreign-topic"}
    ${carrier}  | ${"application/a/b/device/00aabbccddeeff01/event/up"}   | ${"foreign-topic"}
    ${carrier}  | ${"application/a/device/00aabbccddeeff01/event/up/"}    | ${"foreign-topic"}
    ${carrier}  | ${"application/\n/device/00aabbccddeeff01/event/up"}    | ${"control-character-in-topic"}
    ${carrier}  | ${"v3/app@tenant/devices/anything/up"}                  | ${"granted"}
    ${carrier}  | ${"v3/app/devices/anything/down/ack"}                   | ${"granted"}
    ${carrier}  | ${"v3/app/devices/anything/down/push"}                  | ${"foreign-topic"}
    ${carrier}  | ${"v3/app/devices/a/b/up"}                              | ${"foreign-topic"}
    ${carrier}  | ${"spBv1.0/g/NBIRTH/e"}                                 | ${"granted"}
    ${carrier}  | ${"spBv1.0/g/DDATA/e/p"}                                | ${"granted"}
    ${carrier}  | ${"spBv1.0/g/DDATA/e/q"}                                | ${"granted"}
    ${carrier}  | ${"spBv1.0/g/DDATA/e"}                                  | ${"foreign-topic"}
    ${carrier}  | ${"spBv1.0/g/NDATA/e/p"}                                | ${"foreign-topic"}
    ${carrier}  | ${"spBv1.0/g/NCMD/e"}                                   | ${"foreign-topic"}
    ${carrier}  | ${"spBv1.0/g/DDATA/e/p/x"}                              | ${"foreign-topic"}
    ${carrier}  | ${"spBv1.0/h/NBIRTH/e"}                                 | ${"foreign-topic"}
    ${carrier}  | ${"spBv1.0/STATE/host"}                                 | ${"foreign-topic"}
  `("publish $topic: $verdict", ({ grant, topic, verdict }) => {
    expect(mayPublish(grant, topic, 10)).toBe(verdict);
  });

  test.each`
    grant      | filter                       | verdict
    ${carrier} | ${"spBv1.0/g/NCMD/e"}        | ${"granted"}
    ${carrier} | ${"spBv1.0/g/NCMD/e/#"}      | ${"granted"}
    ${carrier} | ${"spBv1.0/g/DCMD/e/+"}      | ${"granted"}
    ${carrier} | ${"spBv1.0/g/DCMD/e/#"}      | ${"granted"}
    ${carrier} | ${"spBv1.0/g/DCMD/e/p"}      | ${"granted"}
    ${carrier} | ${"spBv1.0/STATE/+"}         | ${"granted"}
    ${carrier} | ${"spBv1.0/STATE/#"}         | ${"granted"}
    ${carrier} | ${"spBv1.0/STATE/host"}      | ${"granted"}
    ${carrier} | ${"spBv1.0/g/NCMD/+"}        | ${"foreign-topic"}
    ${carrier} | ${"spBv1.0/+/NCMD/e"}        | ${"foreign-topic"}
    ${carrier} | ${"spBv1.0/g/+/e"}           | ${"foreign-topic"}
    ${carrier} | ${"spBv1.0/g/DDATA/e/p"}     | ${"foreign-topic"}
    ${carrier} | ${"spBv1.0/g/NDATA/e"}       | ${"foreign-topic"}
    ${carrier} | ${"spBv1.0/g/#"}             | ${"foreign-topic"}
    ${carrier} | ${"spBv1.0/#"}               | ${"foreign-topic"}
    ${carrier} | ${"spBv1.0/h/NCMD/e"}        | ${"foreign-topic"}
    ${carrier} | ${"application/#"}           | ${"foreign-topic"}
    ${carrier} | ${"v1/devices/me/telemetry"} | ${"foreign-topic"}
    ${well1}   | ${"spBv1.0/STATE/+"}         | ${"foreign-topic"}
    ${well1}   | ${"spBv1.0/STATE/host"}      | ${"foreign-topic"}
    ${well1}   | ${"spBv1.0/g/NCMD/e"}        | ${"foreign-topic"}
  `("subscribe $filter: $verdict", ({ grant, filter, verdict }) => {
    expect(maySubscribe(grant, filter)).toBe(verdict);
  });

  test.each`
    topic                    | may
    ${"spBv1.0/g/NCMD/e"}    | ${true}
    ${"spBv1.0/g/DCMD/e/p"}  | ${true}
    ${"spBv1.0/STATE/host"}  | ${true}
    ${"spBv1.0/g/NCMD/f"}    | ${false}
    ${"spBv1.0/g/DCMD/f/p"}  | ${false}
    ${"spBv1.0/g/NDATA/e"}   | ${false}
    ${"spBv1.0/g/DDATA/e/p"} | ${false}
    ${"spBv1.0/STATE/a/b"}   | ${false}
  `("receive $topic: $may", ({ topic, may }) => {
    expect(mayReceive(carrier, topic)).toBe(may);
  });

  test("no name gives a right to another name's topics, and no filter granted reaches beyond what is received", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9 _.$-]{1,8}$/);
    fc.assert(
      fc.property(name, name, name, name, (group, edge, other, device) => {
        fc.pre(edge !== other);
        const profile = { sparkplug: { group, edge, device } };
        const grant = deviceGrant(aDeviceContext({ device: aDevice({ profile }) }));
        expect(mayPublish(grant, `spBv1.0/${group}/DDATA/${edge}/${device}`, 1)).toBe("granted");
        expect(mayPublish(grant, `spBv1.0/${group}/DDATA/${other}/${device}`, 1)).toBe("foreign-topic");
        expect(mayPublish(grant, `spBv1.0/${group}/NDATA/${other}`, 1)).toBe("foreign-topic");
        expect(maySubscribe(grant, `spBv1.0/${group}/NCMD/${other}`)).toBe("foreign-topic");
        expect(mayReceive(grant, `spBv1.0/${group}/DCMD/${other}/${device}`)).toBe(false);
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

test("a connection's share is that of all devices whose messages it carries", () => {
  expect([well1.devices, carrier.devices > 1]).toEqual([1, true]);
});

test("a device behind an edge node of another account moves neither the edge nor its neighbours", () => {
  const profile = { sparkplug: { group: "g", edge: "e", device: "w2" } };
  const grant = deviceGrant(aDeviceContext({ device: aDevice({ id: "well-2", via: "edge", profile }) }));
  for (const topic of ["DBIRTH/e/w1", "DDATA/e/w2", "NDEATH/e", "NBIRTH/e"])
    expect(mayPublish(grant, `spBv1.0/g/${topic}`, 1)).toBe("foreign-topic");
  expect(maySubscribe(grant, "spBv1.0/g/DCMD/e/+")).toBe("foreign-topic");
});
