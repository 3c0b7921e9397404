/** The UI's shapes are those of the server's schemas: a field that changes on one side does not compile here. */

import { expect, test } from "vitest";
import type { z } from "zod";
import type * as fleet from "../../../../dashboards/fleet-view.ts";
import type * as server from "../../../../dashboards/schemas.ts";
import type * as ui from "../../../../dashboards/web/api-types.ts";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

test("types agree", () => {
  const same: [
    Same<ui.SessionView, z.infer<typeof server.SessionView>>,
    Same<ui.SiteView, server.SiteView>,
    Same<ui.StationView, server.StationView>,
    Same<ui.LatestView, server.LatestView>,
    Same<ui.LimitView, z.infer<typeof server.LimitView>>,
    Same<ui.ReadingsView, z.infer<typeof server.ReadingsView>>,
    Same<ui.AlarmView, server.AlarmView>,
    Same<ui.PlaceState, server.PlaceState>,
    Same<ui.FleetView, fleet.FleetView>,
  ] = [true, true, true, true, true, true, true, true, true];
  expect(same).not.toContain(false);
});
