import { inspect } from "node:util";
import { expect, test } from "vitest";
import { isLoopback, pem, portFault } from "../../../core/listen.ts";

test.each`
  address               | loopback
  ${"127.0.0.1"}        | ${true}
  ${"127.8.9.1"}        | ${true}
  ${"::1"}              | ${true}
  ${"::ffff:127.0.0.1"} | ${true}
  ${"localhost"}        | ${true}
  ${"10.0.0.1"}         | ${false}
  ${"::ffff:10.0.0.1"}  | ${false}
  ${"::ffff:::1"}       | ${false}
  ${"127.evil.example"} | ${false}
  ${"0.0.0.0"}          | ${false}
  ${"::"}               | ${false}
`("$address is loopback: $loopback", ({ address, loopback }) => expect(isLoopback(address)).toBe(loopback));

test("PEM text is taken as it is", () => {
  const text = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----";
  expect(pem("mqttTlsCert", text)).toBe(text);
});

test.each([
  ["a path that is not there", "/nowhere/key.pem", "ENOENT"],
  ["key text without its first line", "c2VjcmV0".repeat(1_000), "ENAMETOOLONG"],
  ["bytes that are no path", "c2VjcmV0\0", "ERR_INVALID_ARG_VALUE"],
])("%s is told by its setting, never by its value", (_why, value, code) => {
  let fault: unknown;
  try {
    pem("httpTlsKey", value);
  } catch (error) {
    fault = error;
  }
  expect(fault).toMatchObject({ code: "TLS_UNREADABLE", fault: { where: "EWS_HTTP_TLS_KEY" } });
  expect(String(fault)).toContain(`(${code})`);
  expect(inspect(fault, { maxStringLength: null })).not.toContain(value.slice(0, 8));
});

test.each`
  code               | reason
  ${"EADDRINUSE"}    | ${{ code: "PORT_IN_USE", fault: { where: "EWS_HTTP_PORT=80" } }}
  ${"EACCES"}        | ${{ code: "PORT_FORBIDDEN", fault: { where: "EWS_HTTP_PORT=80" } }}
  ${"EADDRNOTAVAIL"} | ${{ code: "HOST_UNKNOWN", fault: { where: "EWS_HOST" } }}
  ${"ENOTFOUND"}     | ${{ code: "HOST_UNKNOWN", fault: { where: "EWS_HOST" } }}
`("$code when binding is told as something to mend", ({ code, reason }) => {
  const error = Object.assign(new Error(code), { code });
  const fault = portFault(error, { key: "httpPort", port: 80, host: "192.0.2.1" });
  expect(fault).toMatchObject({ name: "Misconfigured", ...reason });
});

test("any other fault of binding stays what it is", () => {
  const bug = new TypeError("a bug");
  expect(portFault(bug, { key: "httpPort", port: 80, host: "::" })).toBe(bug);
});
