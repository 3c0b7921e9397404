import { describe, expect, test } from "vitest";
import { Config, environmentName, loadConfig } from "../../../core/config.ts";
import { Misconfigured } from "../../../core/errors.ts";

function fault(env: Record<string, string>): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof Misconfigured) return error.message;
    throw error;
  }
  return "";
}

describe("configuration", () => {
  test("defaults need nothing", () => {
    expect(loadConfig({ PATH: "/bin" })).toMatchObject({
      mqttPort: 1883,
      httpPort: 8080,
      series: "duckdb",
      host: "127.0.0.1",
    });
  });

  test("environment names", () => {
    expect(environmentName("httpTlsCert")).toBe("EWS_HTTP_TLS_CERT");
    expect(Object.keys(Config.shape).map(environmentName)).toEqual(
      expect.arrayContaining(["EWS_DATA_DIR", "EWS_HJ212_PORT", "EWS_INFLUX_WRITE_PATH", "EWS_MQTT_TLS_CA"]),
    );
  });

  test("numbers, flags and durations from text", () => {
    const config = loadConfig({ EWS_MQTT_PORT: "0", EWS_HTTP_INSECURE: "1", EWS_DRAIN: "5s" });
    expect(config).toMatchObject({ mqttPort: 0, httpInsecure: true, drain: 5_000 });
  });

  test("every fault is named at once", () => {
    const message = fault({ EWS_MQTT_PORT: "70000", EWS_SERIES: "oracle", EWS_MQTT_PROT: "1" });
    expect(message).toMatch(/CONFIG_INVALID/);
    expect(message).toMatch(/EWS_MQTT_PROT/);
    expect(message).toMatch(/mqttPort/);
    expect(message).toMatch(/series/);
    expect(message).toMatch(/To mend/);
  });

  test("a secret file that cannot be read stops the start", () => {
    expect(fault({ EWS_INFLUX_AUTH_FILE: "/does/not/exist" })).toMatch(/CONFIG_UNREADABLE.*\n.*EWS_INFLUX_AUTH_FILE/);
  });

  test("variables of tests and tools are not ours", () => {
    expect(fault({ EWS_TEST_INFLUX_URL: "http://x", EWS_SHARED: "/s" })).toBe("");
  });
});
