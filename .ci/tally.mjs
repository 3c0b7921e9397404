// Adds up the steps of .ci/run and the tests of every Vitest project; a skipped test counts as failed unless it is one
// that needs the shared measurements and there are none. Prints "N passed, N failed" as the last line.
import { readFileSync } from "node:fs";

const [stepsPassed, stepsFailed, ...files] = process.argv.slice(2);
let passed = Number(stepsPassed);
let failed = Number(stepsFailed);
const hasShared = Boolean(process.env.EWS_SHARED);

for (const file of files) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    console.log(`no report: ${file}`);
    failed++;
    continue;
  }
  for (const suite of report.testResults) {
    if (suite.assertionResults.length === 0 && suite.status === "failed") failed++;
    for (const test of suite.assertionResults) {
      if (test.status === "passed") passed++;
      else if (test.status === "failed") failed++;
      else if (!hasShared && test.fullName.includes("[shared]")) continue;
      else {
        console.log(`unexpectedly skipped: ${test.fullName}`);
        failed++;
      }
    }
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
