/** Plans and their due lists, control zones, classes, farmland categories: the regulatory engine at a terminal. */
import { parse } from "yaml";
import { z } from "zod";
import { planFaults, planRemarks, zoneRemarks } from "../alerts/regulation/check.ts";
import { createRegulationDesk } from "../alerts/regulation/desk.ts";
import { chinaDate } from "../core/china-day.ts";
import { systemClock } from "../core/clock.ts";
import { createDirectory } from "../core/directory.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { PlanFile } from "../core/plan.ts";
import type { RegistrySnapshot } from "../core/ports.ts";
import { CropResult, FARMLAND_CATEGORIES, FarmlandDecision, type RegulationDesk } from "../core/regulation.ts";
import { packsOf } from "../packs.ts";
import { withLedger } from "./ledger.ts";
import { withSeries } from "./series.ts";
import { type Call, dayOf, operand, readText, UsageError, type Verb } from "./verb.ts";

function withDesk<T>(call: Call, work: (desk: RegulationDesk, snapshot: RegistrySnapshot) => Promise<T>): Promise<T> {
  return withLedger(call, (ledger, dataDir) =>
    withSeries(call.config(), async (series) => {
      const snapshot = await ledger.registry.snapshot();
      const directory = createDirectory(snapshot);
      const packs = packsOf(dataDir);
      const store = ledger.regulation;
      return work(
        createRegulationDesk({ directory: () => directory, store, series, packs, clock: systemClock }),
        snapshot,
      );
    }),
  );
}

const planImport: Verb = {
  name: "plan import",
  summary: "import self-monitoring plans (HJ 1209) and control zones; a changed one becomes its next version",
  operands: "FILE.yaml",
  options: { "dry-run": { type: "boolean", help: "report every fault, change nothing" } },
  run: async (call) => {
    const name = operand(call, 0, "FILE.yaml");
    const file = readPlanFile(readText(name), name);
    return withLedger(call, async (ledger) => {
      const snapshot = await ledger.registry.snapshot();
      const faults = planFaults(file, snapshot);
      if (faults.length > 0) throw invalid(faults.join("\n  "), name);
      const changed = call.flag("dry-run") ? 0 : await ledger.regulation.putPlans(file, "cli");
      const remarks = [
        ...file.plans.flatMap(planRemarks),
        ...file.zones.flatMap((zone) => zoneRemarks(zone, snapshot)),
      ];
      const counts = { plans: file.plans.length, zones: file.zones.length, changed };
      call.out.result({ ...counts, remarks }, `${counts.plans} plans, ${counts.zones} zones, ${changed} changed`);
      for (const { where, text } of remarks) call.out.say(`${where}: ${text["zh-CN"]} / ${text.en}`);
      return EXIT.ok;
    });
  },
};

/** @throws Refused `PLAN_INVALID` with every fault of form. */
function readPlanFile(text: string, name: string): PlanFile {
  let raw: unknown;
  try {
    raw = parse(text) ?? {};
  } catch (error) {
    throw invalid((error as Error).message, name);
  }
  const parsed = PlanFile.safeParse(raw);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error), name);
  return parsed.data;
}

function invalid(what: string, where: string): Refused {
  return new Refused("PLAN_INVALID", { what, where, mend: "alerts/regulation/README.md shows a plan and a zone" });
}

const planDue: Verb = {
  name: "plan due",
  summary: "what the plans ask for next: point, date, overdue mark, items and the reason",
  operands: "",
  options: {
    site: { type: "string", value: "S", help: "only this site" },
    on: { type: "string", value: "DATE", help: "as of this day; today when left out" },
  },
  run: (call) => {
    const [on, site] = [onDay(call), call.text("site")];
    return withDesk(call, async (desk, { sites }) => {
      if (site !== undefined && !sites.some(({ id }) => id === site))
        throw new Refused("SITE_UNKNOWN", {
          what: `there is no site ${site}`,
          mend: "`jingtu registry export` shows all",
        });
      for (const { id } of sites.filter((one) => site === undefined || one.id === site)) {
        const points = (await desk.plan(id, on)).flatMap((state) => state.points);
        for (const point of [...points].sort((a, b) => (a.due < b.due ? -1 : 1))) {
          const mark = point.status === "overdue" ? "!" : " ";
          const words = `${point.text["zh-CN"]}\n    ${point.text.en}\n    ${point.analytes.join(" ")}`;
          call.out.result(point, `${mark} ${point.due} ${id} ${point.point} (${point.station}): ${words}`);
        }
      }
      return EXIT.ok;
    });
  },
};

function onDay(call: Call): string {
  const at = dayOf(call.text("on"), "--on");
  return chinaDate(at ?? systemClock.now());
}

const zonesVerb: Verb = {
  name: "zones",
  summary: "control zones of contaminated plots: state, media, and what each lacks",
  operands: "",
  options: { site: { type: "string", value: "S", help: "only this site" } },
  run: (call) =>
    withDesk(call, async (desk) => {
      for (const { zone, version, remarks } of await desk.zones(call.text("site"))) {
        const lacks = remarks.map(({ text }) => `\n    ${text["zh-CN"]} / ${text.en}`).join("");
        call.out.result({ zone, version, remarks }, `${zone.id} ${zone.site} ${zone.state} ${zone.since}${lacks}`);
      }
      return EXIT.ok;
    }),
};

const classVerb: Verb = {
  name: "class",
  summary: "water class of a station by date (GB/T 14848, GB 3838), each by the edition in force then",
  operands: "STATION",
  options: {},
  run: (call) =>
    withDesk(call, async (desk, { stations }) => {
      const id = operand(call, 0, "STATION");
      if (!stations.some((station) => station.id === id))
        throw new Refused("STATION_UNKNOWN", {
          what: `there is no station ${id}`,
          mend: "`jingtu registry export` shows all",
        });
      for (const entry of await desk.classes(id)) {
        const edition = entry.inForce ? entry.pack : `${entry.pack}, not in force then`;
        call.out.result(entry, `${entry.date} ${entry.class} (${entry.deciding.join(" ")}; ${edition})`);
      }
      return EXIT.ok;
    }),
};

const farmlandList: Verb = {
  name: "farmland list",
  summary: "farmland points: suggested category (GB 15618 and produce), and a person's word",
  operands: "",
  options: { open: { type: "boolean", help: "only those that wait for a person" } },
  run: (call) =>
    withDesk(call, async (desk) => {
      for (const state of await desk.farmlands()) {
        if (call.flag("open") && !state.toConfirm) continue;
        const { station, suggestion, confirmed } = state;
        const word = confirmed ? `${confirmed.category} (${confirmed.by}: ${confirmed.reason})` : "-";
        const text = suggestion ? `${suggestion.text["zh-CN"]}\n    ${suggestion.text.en}` : "no results";
        call.out.result(state, `${state.toConfirm ? "?" : " "} ${station} confirmed ${word}\n    ${text}`);
      }
      return EXIT.ok;
    }),
};

const farmlandConfirm: Verb = {
  name: "farmland confirm",
  summary: `give a point its category in your name: ${FARMLAND_CATEGORIES.join(", ")}`,
  operands: "STATION CATEGORY",
  options: {
    by: { type: "string", value: "NAME", help: "who decides" },
    reason: { type: "string", value: "TEXT", help: "why" },
  },
  run: (call) => {
    const [station, category] = [operand(call, 0, "STATION"), operand(call, 1, "CATEGORY")];
    const decision = FarmlandDecision.safeParse({ category, reason: call.text("reason") });
    if (!decision.success)
      throw new UsageError(`CATEGORY is one of ${FARMLAND_CATEGORIES.join(", ")}, and --reason TEXT is needed`);
    const deed = deedOf(call);
    return withDesk(call, async (desk) => {
      call.out.result(await desk.confirm(station, decision.data, deed), `${station} is ${category} by ${deed.by}`);
      return EXIT.ok;
    });
  },
};

const farmlandCrop: Verb = {
  name: "farmland crop",
  summary: "add results of farm produce at a point: how many samples exceeded (GB 2762)",
  operands: "STATION",
  options: {
    by: { type: "string", value: "NAME", help: "who adds them" },
    on: { type: "string", value: "DATE", help: "day of sampling" },
    samples: { type: "string", value: "N", help: "samples taken" },
    exceeded: { type: "string", value: "N", help: "samples above the limit" },
  },
  run: (call) => {
    const station = operand(call, 0, "STATION");
    const [on, samples, exceeded] = [call.text("on"), call.text("samples"), call.text("exceeded")];
    const result = CropResult.safeParse({ on, samples: Number(samples), exceeded: Number(exceeded) });
    if (!result.success)
      throw new UsageError(`--on DATE, --samples N and --exceeded N: ${z.prettifyError(result.error)}`);
    const deed = deedOf(call);
    return withDesk(call, async (desk) => {
      call.out.result(await desk.addCrop(station, result.data, deed), `${station}: ${exceeded} of ${samples} exceed`);
      return EXIT.ok;
    });
  },
};

function deedOf(call: Call) {
  const by = call.text("by")?.trim();
  if (!by) throw new UsageError("--by NAME is needed: it is a person's word");
  return { by, via: "cli" as const, at: systemClock.now() };
}

const farmlandTrend: Verb = {
  name: "farmland trend",
  summary: "priority-protection farmland by county over the years, and which counties are to be reminded (预警提醒)",
  operands: "",
  options: { year: { type: "string", value: "YEAR", help: "this year when left out" } },
  run: (call) => {
    const year = Number(call.text("year") ?? chinaDate(systemClock.now()).slice(0, 4));
    if (!Number.isInteger(year) || year < 1949 || year > 9999) throw new UsageError("--year takes a year such as 2026");
    return withDesk(call, async (desk) => {
      for (const county of await desk.trend(year)) {
        call.out.result(
          county,
          `${county.reasons.length > 0 ? "!" : " "} ${county.text["zh-CN"]}\n    ${county.text.en}`,
        );
      }
      return EXIT.ok;
    });
  },
};

export const regulationVerbs: readonly Verb[] = [
  ...[planImport, planDue, zonesVerb, classVerb],
  ...[farmlandList, farmlandConfirm, farmlandCrop, farmlandTrend],
];
