/** Folders of tests with real files: each test gets its own and loses it when it ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** An empty folder that goes when the running test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "jingtu-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
