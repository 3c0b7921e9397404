import { expect, test } from "vitest";
import { Misconfigured } from "../../../core/errors.ts";
import { createListener, judgeListener } from "../../../dashboards/listen.ts";

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

test("PEM text that does not hold together is refused without printing a line of it", () => {
  const pemOf = (kind: string) => `-----BEGIN ${kind}-----\nbm90IGEga2V5\n-----END ${kind}-----`;
  const pair = { httpTlsCert: pemOf("CERTIFICATE"), httpTlsKey: pemOf("PRIVATE KEY") };
  let fault: unknown;
  try {
    createListener({ ...plain, ...pair }, () => {});
  } catch (error) {
    fault = error;
  }
  expect(fault).toBeInstanceOf(Misconfigured);
  expect(fault).toMatchObject({ code: "HTTP_TLS", fault: { where: "EWS_HTTP_TLS_CERT, EWS_HTTP_TLS_KEY" } });
  expect(String(fault)).not.toContain("bm90IGEga2V5");
});
