/** What every adapter of the port FieldSecrets must keep. */
import { describe, expect, test } from "vitest";
import type { FieldSecrets } from "../../core/field-secret.ts";

/** @param open a ledger with devices `dev-1` and `dev-2` and no secrets; whoever opens it closes it. */
export function fieldSecretsContract(name: string, open: () => Promise<FieldSecrets>): void {
  describe(`${name} keeps the field secrets contract`, () => {
    test("the last put of a device and kind counts", async () => {
      const secrets = await open();
      expect(await secrets.list()).toEqual([]);
      await secrets.put({ device: "dev-2", kind: "hj212-password", sealed: "b" }, "ann");
      await secrets.put({ device: "dev-1", kind: "hj212-sm4", sealed: "k" }, "ann");
      await secrets.put({ device: "dev-1", kind: "hj212-password", sealed: "a" }, "ann");
      await secrets.put({ device: "dev-1", kind: "hj212-password", sealed: "a2" }, "bob");
      expect(await secrets.list()).toEqual([
        { device: "dev-1", kind: "hj212-password", sealed: "a2" },
        { device: "dev-1", kind: "hj212-sm4", sealed: "k" },
        { device: "dev-2", kind: "hj212-password", sealed: "b" },
      ]);
    });

    test("dropping says whether there was one, and leaves the others", async () => {
      const secrets = await open();
      await secrets.put({ device: "dev-1", kind: "hj212-password", sealed: "a" }, "ann");
      await secrets.put({ device: "dev-1", kind: "hj212-sm4", sealed: "k" }, "ann");
      expect(await secrets.drop("dev-1", "hj212-password", "ann")).toBe(true);
      expect(await secrets.drop("dev-1", "hj212-password", "ann")).toBe(false);
      expect(await secrets.list()).toEqual([{ device: "dev-1", kind: "hj212-sm4", sealed: "k" }]);
    });

    test("a device nobody registered is refused", async () => {
      const secrets = await open();
      const put = secrets.put({ device: "nobody", kind: "hj212-password", sealed: "a" }, "ann");
      await expect(put).rejects.toMatchObject({ code: "DEVICE_UNKNOWN" });
      expect(await secrets.list()).toEqual([]);
    });
  });
}
