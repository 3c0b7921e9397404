/** What every adapter of the port Registry must keep. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Registry, RegistryContents } from "../../core/ports.ts";
import { aDevice, aRule, aSite, aStation, aTenant } from "../support/builders.ts";

const city: RegistryContents = {
  tenants: [aTenant()],
  sites: [aSite()],
  stations: [aStation()],
  devices: [aDevice()],
};

/** @param open an empty registry; the suite closes it. */
export function registryContract(name: string, open: () => Promise<Registry>): void {
  const opened = async (): Promise<Registry> => {
    const registry = await open();
    onTestFinished(() => registry.close());
    return registry;
  };

  describe(`${name} keeps the registry contract`, () => {
    test("is empty at version 0", async () => {
      const registry = await opened();
      expect(await registry.version()).toBe(0);
      expect(await registry.snapshot()).toEqual({
        ...{
          version: 0,
          tenants: [],
          sites: [],
          stations: [],
          devices: [],
          credentials: [],
          revoked: [],
          rules: [],
          maintenance: [],
        },
      });
    });

    test("gives back what was put, and each change raises the version", async () => {
      const registry = await opened();
      await registry.put(city, "ann");
      const first = await registry.version();
      await registry.putCredentials([{ device: "dev-1", hmac: "aa" }], "ann");
      const second = await registry.version();
      await registry.putRules([aRule()], "ann");
      const third = await registry.version();
      expect(second).toBeGreaterThan(first);
      expect(third).toBeGreaterThan(second);
      const snapshot = await registry.snapshot();
      expect(snapshot).toMatchObject({ ...city, version: third, credentials: [{ device: "dev-1", hmac: "aa" }] });
      expect(snapshot.rules).toMatchObject([{ version: 1, rule: aRule(), changedBy: "ann" }]);
    });

    test("replaces by id and keeps the rest", async () => {
      const registry = await opened();
      await registry.put(city, "ann");
      await registry.put({ devices: [aDevice({ interval: 1_000 }), aDevice({ id: "dev-2" })] }, "ann");
      await registry.putCredentials([{ device: "dev-1", hmac: "aa" }], "ann");
      await registry.putCredentials([{ device: "dev-1", hmac: "bb" }], "ann");
      const snapshot = await registry.snapshot();
      expect(snapshot.sites).toEqual(city.sites);
      expect(snapshot.devices).toEqual([aDevice({ interval: 1_000 }), aDevice({ id: "dev-2" })]);
      expect(snapshot.credentials).toEqual([
        { device: "dev-1", hmac: "aa", validUntil: expect.any(Number) },
        { device: "dev-1", hmac: "bb" },
      ]);
    });

    test("rotation lets the old credential go on for the overlap, and two are open at most", async () => {
      const registry = await opened();
      await registry.put(city, "ann");
      const endOf = async (hmac: string): Promise<number | undefined> =>
        (await registry.snapshot()).credentials.find((one) => one.hmac === hmac)?.validUntil;
      await registry.putCredentials([{ device: "dev-1", hmac: "aa" }], "ann");
      await registry.putCredentials([{ device: "dev-1", hmac: "bb" }], "ann", 60_000);
      const soon = (await endOf("aa")) ?? 0;
      await registry.putCredentials([{ device: "dev-1", hmac: "cc" }], "ann", 120_000);
      expect((await endOf("bb")) ?? 0).toBeGreaterThanOrEqual(soon + 60_000);
      expect(await endOf("aa")).toBeLessThanOrEqual(soon - 50_000);
      expect(await endOf("cc")).toBeUndefined();
    });

    test("revocation ends every credential now and raises the version", async () => {
      const registry = await opened();
      await registry.put({ ...city, devices: [aDevice(), aDevice({ id: "dev-2" })] }, "ann");
      await registry.putCredentials(
        [
          { device: "dev-1", hmac: "aa" },
          { device: "dev-2", hmac: "dd" },
        ],
        "ann",
      );
      await registry.putCredentials([{ device: "dev-1", hmac: "bb" }], "ann", 3_600_000);
      const before = await registry.version();
      await registry.revokeCredentials(["dev-1"], "ann");
      expect(await registry.version()).toBe(before + 1);
      const { credentials } = await registry.snapshot();
      const ends = credentials.filter(({ device }) => device === "dev-1").map(({ validUntil }) => validUntil);
      expect(ends).toEqual([ends[1], ends[0]]);
      expect(ends).toEqual([expect.any(Number), expect.any(Number)]);
      expect(credentials).toContainEqual({ device: "dev-2", hmac: "dd" });
      await expect(registry.revokeCredentials(["dev-9"], "ann")).rejects.toMatchObject({ code: "REGISTRY_INVALID" });
    });

    test("a revoked device is listed, also one without credentials, until it is admitted or given a new one", async () => {
      const registry = await opened();
      await registry.put({ ...city, devices: [aDevice(), aDevice({ id: "dev-2" }), aDevice({ id: "dev-3" })] }, "ann");
      const names = async (): Promise<string[]> => (await registry.snapshot()).revoked.map(({ device }) => device);
      await registry.revokeCredentials(["dev-1", "dev-2", "dev-2"], "ann");
      const [first] = (await registry.snapshot()).revoked;
      await registry.revokeCredentials(["dev-1"], "ann");
      expect((await registry.snapshot()).revoked[0]).toEqual(first);
      expect(await names()).toEqual(["dev-1", "dev-2"]);
      const before = await registry.version();
      expect(await registry.admitDevices(["dev-3"], "ann")).toEqual([]);
      expect(await registry.version()).toBe(before);
      expect(await registry.admitDevices(["dev-1", "dev-3"], "ann")).toEqual(["dev-1"]);
      expect(await registry.version()).toBe(before + 1);
      await registry.putCredentials([{ device: "dev-2", hmac: "bb" }], "ann");
      expect(await names()).toEqual([]);
      await expect(registry.admitDevices(["dev-9"], "ann")).rejects.toMatchObject({ code: "REGISTRY_INVALID" });
    });

    test.each<[why: string, put: Partial<RegistryContents>, faults: readonly string[]]>([
      ["a site of no tenant", { sites: [aSite({ tenant: "t-9" })] }, ['no tenant "t-9"', "sites/site-1/tenant"]],
      ["a station of no site", { stations: [aStation({ site: "s-9" })] }, ['no site "s-9"', "stations/mw-1/site"]],
      ["a device at no station", { devices: [aDevice({ station: "x" })] }, ['no station "x"', "devices/dev-1/station"]],
      ["an unknown quantity", { devices: [aDevice({ quantities: { xyz: "m" } })] }, ["devices/dev-1/quantities/xyz"]],
      [
        "a foreign unit",
        { devices: [aDevice({ quantities: { cd: "mg/kg" } })] },
        ["devices/dev-1/quantities/cd", "mg/L"],
      ],
      [
        "a medium that its device cannot serve",
        { stations: [aStation({ medium: "soil" })] },
        ["devices/dev-1/quantities/cd"],
      ],
      [
        "one Sparkplug edge node under two carriers",
        {
          devices: [
            aDevice({ id: "e-1", profile: { sparkplug: { group: "g", edge: "e" } } }),
            aDevice({ id: "w-1", via: "e-1", profile: { sparkplug: { group: "g", edge: "e", device: "w1" } } }),
            aDevice({ id: "w-2", profile: { sparkplug: { group: "g", edge: "e", device: "w2" } } }),
          ],
        },
        ["devices/w-2/via", '"g/e"', '"e-1"'],
      ],
      ["one id twice", { devices: [aDevice(), aDevice()] }, ["devices/dev-1", "twice"]],
      [
        "several faults at once",
        { sites: [aSite({ id: "s-2", tenant: "t-9" })], devices: [aDevice({ id: "d-2", station: "x" })] },
        ["sites/s-2/tenant", "devices/d-2/station"],
      ],
    ])("refuses %s, names it and changes nothing", async (_why, put, faults) => {
      const registry = await opened();
      await registry.put(city, "ann");
      const before = await registry.snapshot();
      const refusal = await registry.put(put, "ann").then(
        () => null,
        (error: unknown) => error as Error & { code: string },
      );
      expect(refusal?.code).toBe("REGISTRY_INVALID");
      for (const fault of faults) expect(refusal?.message).toContain(fault);
      expect(await registry.snapshot()).toEqual(before);
    });

    test("accepts HJ 212 codes and references inside the same put", async () => {
      const registry = await opened();
      await registry.put({ ...city, devices: [aDevice({ quantities: { w20115: "ug/L" } })] }, "ann");
      expect((await registry.snapshot()).devices).toHaveLength(1);
    });

    test("refuses a credential of no device", async () => {
      const registry = await opened();
      await registry.put(city, "ann");
      const put = registry.putCredentials(
        [
          { device: "dev-1", hmac: "aa" },
          { device: "dev-9", hmac: "bb" },
        ],
        "ann",
      );
      await expect(put).rejects.toMatchObject({ code: "REGISTRY_INVALID", message: expect.stringContaining("dev-9") });
      expect((await registry.snapshot()).credentials).toEqual([]);
    });

    test("gives only changed rules a new version", async () => {
      const registry = await opened();
      const [cadmium, lead] = [aRule(), aRule({ id: "pb-high", on: { quantity: "pb" } })];
      expect(await registry.putRules([cadmium, lead], "ann")).toBe(2);
      const version = await registry.version();
      const reordered = Object.fromEntries(Object.entries(cadmium).reverse()) as typeof cadmium;
      expect(await registry.putRules([reordered, lead], "bob")).toBe(0);
      expect(await registry.version()).toBe(version);
      expect(await registry.putRules([aRule({ above: 0.02 }), lead], "bob")).toBe(1);
      const { rules } = await registry.snapshot();
      expect(rules.map((row) => [row.rule.id, row.version, row.changedBy])).toEqual([
        ["cd-high", 2, "bob"],
        ["pb-high", 1, "ann"],
      ]);
      expect(await registry.version()).toBeGreaterThan(version);
    });

    test("refuses two rules of one id", async () => {
      const registry = await opened();
      await expect(registry.putRules([aRule(), aRule()], "ann")).rejects.toMatchObject({ code: "REGISTRY_INVALID" });
      expect(await registry.version()).toBe(0);
    });
  });
}
