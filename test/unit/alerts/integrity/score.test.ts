/** A quick part of the falsification score over real series; the whole is `npm run score -- integrity`. */
import { expect, test } from "vitest";
import { placesFor, scoreClean, tryCheat } from "../../../score/integrity.ts";
import { CHEATS } from "../../../score/integrity-cheats.ts";
import { loadTape } from "../../../score/integrity-sets.ts";
import { shared } from "../../../support/vectors.ts";

test.skipIf(shared === undefined)(
  "[shared] cheats in a real river are found, honest groundwater heads raise no case",
  () => {
    const river = loadTape(shared ?? "", "logan-river");
    let [tried, found] = [0, 0];
    for (const kind of ["constant", "copy of the past", "noise removed"]) {
      const cheat = CHEATS.find((one) => one.kind === kind);
      if (!cheat) throw new Error(`no cheat ${kind}`);
      for (const name of ["temp", "do"]) {
        const column = river.columns.indexOf(name);
        for (const at of placesFor(river, column, cheat).slice(0, 1)) {
          tried++;
          if (tryCheat(river, column, cheat, at, tried)) found++;
        }
      }
    }
    expect(tried).toBeGreaterThanOrEqual(4);
    expect(found).toBeGreaterThanOrEqual(0.8 * tried);
    expect(scoreClean(loadTape(shared ?? "", "heads-sweden")).cases).toEqual([]);
  },
);
