import { expect, test } from "vitest";
import { isLoopback, judgeListener } from "../../../dashboards/listen.ts";

const plain = { host: "127.0.0.1", httpPort: 0, httpInsecure: false };

test.each`
  why                                                 | config                                                              | outcome
  ${"plain on loopback"}                              | ${plain}                                                            | ${{ tls: false }}
  ${"plain on every address"}                         | ${{ ...plain, host: "0.0.0.0" }}                                    | ${"HTTP_PLAIN"}
  ${"plain on every IPv6 address"}                    | ${{ ...plain, host: "::" }}                                         | ${"HTTP_PLAIN"}
  ${"plain on a name that only begins like loopback"} | ${{ ...plain, host: "127.evil.example" }}                           | ${"HTTP_PLAIN"}
  ${"plain because the operator insists"}             | ${{ ...plain, host: "0.0.0.0", httpInsecure: true }}                | ${{ tls: false }}
  ${"TLS on every address"}                           | ${{ ...plain, host: "0.0.0.0", httpTlsCert: "c", httpTlsKey: "k" }} | ${{ tls: true }}
  ${"a certificate without its key"}                  | ${{ ...plain, httpTlsCert: "c" }}                                   | ${"HTTP_TLS"}
`("$why: $outcome", ({ config, outcome }) => {
  if (typeof outcome === "string") expect(() => judgeListener(config)).toThrow(outcome);
  else expect(judgeListener(config)).toEqual(outcome);
});

test.each`
  address               | loopback
  ${"127.0.0.1"}        | ${true}
  ${"127.8.9.1"}        | ${true}
  ${"::1"}              | ${true}
  ${"::ffff:127.0.0.1"} | ${true}
  ${"10.0.0.1"}         | ${false}
  ${"::ffff:10.0.0.1"}  | ${false}
`("$address is loopback: $loopback", ({ address, loopback }) => expect(isLoopback(address)).toBe(loopback));
