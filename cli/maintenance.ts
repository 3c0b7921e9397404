/** Maintenance windows at a terminal: set, list, end. */
import { userInfo } from "node:os";
import { createMaintenanceDesk } from "../alerts/maintenance.ts";
import { systemClock } from "../core/clock.ts";
import { createDirectory } from "../core/directory.ts";
import { EXIT } from "../core/errors.ts";
import {
  MAINTENANCE_REASONS,
  MaintenanceAsk,
  type MaintenanceDesk,
  type MaintenanceWindow,
} from "../core/maintenance.ts";
import { newSecret } from "../core/secret.ts";
import { parseWireTime, WireTime } from "../core/wire.ts";
import { ACTOR, withLedger } from "./ledger.ts";
import { type Call, operand, UsageError, type Verb } from "./verb.ts";

function withDesk<T>(call: Call, work: (desk: MaintenanceDesk) => Promise<T>): Promise<T> {
  return withLedger(call, async (ledger) => {
    const directory = createDirectory(await ledger.registry.snapshot());
    const { maintenance: store, alarms } = ledger;
    const newId = () => newSecret().slice(0, 12);
    return work(createMaintenanceDesk({ directory: () => directory, store, alarms, clock: systemClock, newId }));
  });
}

function deedOf(call: Call) {
  return { by: call.text("by")?.trim() || accountName(), via: "cli" as const, at: systemClock.now() };
}

/** Who is signed in on this machine: the audit is to name a person. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return ACTOR; // a container's user may have no name
  }
}

/** Data time of an option, ms. */
function timeOf(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const wire = WireTime.safeParse(text);
  const time = wire.success ? parseWireTime(wire.data) : null;
  if (time === null) throw new UsageError(`${option} takes a time such as 2026-03-15T08:30:00+08:00, not "${text}"`);
  return time;
}

function line(window: MaintenanceWindow): string {
  const { id, station, quantities, from, to, reason, by, note, retrospective, endedAt, endedBy } = window;
  const iso = (ms: number) => new Date(ms).toISOString();
  const ended = endedAt === undefined ? "" : ` ended ${iso(endedAt)} by ${endedBy}`;
  const mark = retrospective ? " retrospective" : "";
  return `${id} ${station} ${reason} ${quantities?.join(",") ?? "all"} ${iso(from)} ${iso(to)}${ended}${mark} ${by}: ${note}`;
}

const BY = {
  by: { type: "string", value: "NAME", help: "who says so; the account of this machine when left out" },
} as const;

const add: Verb = {
  name: "maintenance add",
  summary: "set a maintenance window: its readings stay, marked M or C, and raise no pollution alarm",
  operands: "",
  options: {
    station: { type: "string", value: "S", help: "where" },
    quantity: { type: "string", value: "Q[,Q]", help: "only these; all of the station when left out" },
    from: { type: "string", value: "T", help: "data time, RFC 3339 with an offset" },
    to: { type: "string", value: "T", help: "data time, at most 30 days later" },
    reason: { type: "string", value: "R", help: MAINTENANCE_REASONS.join(" or ") },
    note: { type: "string", value: "TEXT", help: "why" },
    ...BY,
  },
  run: async (call) => {
    const station = call.text("station");
    if (station === undefined) throw new UsageError("--station S is needed");
    const quantities = call.text("quantity")?.split(",");
    const ask = MaintenanceAsk.safeParse({
      ...{ from: timeOf(call.text("from"), "--from"), to: timeOf(call.text("to"), "--to") },
      ...{ reason: call.text("reason"), note: call.text("note"), ...(quantities ? { quantities } : {}) },
    });
    if (!ask.success) {
      const [issue] = ask.error.issues;
      throw new UsageError(`--${String(issue?.path[0] ?? "to")}: ${issue?.message}; see --help`);
    }
    return withDesk(call, async (desk) => {
      const window = await desk.add(station, ask.data, deedOf(call));
      call.out.result(window, line(window));
      if (window.retrospective)
        call.out.say("the window holds an alarm of pollution / 该时段内已有污染报警：已记入审计 (retrospective)");
      return EXIT.ok;
    });
  },
};

const list: Verb = {
  name: "maintenance list",
  summary: "list maintenance windows, oldest first, those that are over too",
  operands: "",
  options: { station: { type: "string", value: "S", help: "only of this station" } },
  run: (call) =>
    withDesk(call, async (desk) => {
      for (const window of await desk.list(call.text("station"))) call.out.result(window, line(window));
      return EXIT.ok;
    }),
};

const end: Verb = {
  name: "maintenance end",
  summary: "end a maintenance window early: from then on readings are as the device sent them",
  operands: "ID",
  options: { until: { type: "string", value: "T", help: "data time; now when left out" }, ...BY },
  run: (call) => {
    const [id, until] = [operand(call, 0, "ID"), timeOf(call.text("until"), "--until")];
    return withDesk(call, async (desk) => {
      const window = await desk.end(id, { station: null, until }, deedOf(call));
      call.out.result(window, line(window));
      return EXIT.ok;
    });
  },
};

export const maintenanceVerbs: readonly Verb[] = [add, list, end];
