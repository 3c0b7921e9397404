/** `jingtu alarm explain|export` and `jingtu verify`: how an alarm came about, and whether that is so. */
import { engineOf } from "../alerts/detectors.ts";
import { readAlarm } from "../alerts/explain/alarm-file.ts";
import { explain } from "../alerts/explain/explain.ts";
import { verifyAlarm } from "../alerts/explain/verify.ts";
import type { Alarm } from "../core/alarm.ts";
import { EXIT, Refused } from "../core/errors.ts";
import { explanationText } from "../core/explanation.ts";
import { LOCALES, type Locale } from "../core/locale.ts";
import { packsOf } from "../packs.ts";
import { withLedger } from "./ledger.ts";
import { type Call, operand, readText, UsageError, type Verb } from "./verb.ts";

const LANG = { type: "string", value: "LANG", help: `${LOCALES.join(" or ")}, default zh-CN` } as const;

function localeOf(call: Call): Locale {
  const asked = call.text("lang") ?? "zh-CN";
  const known = LOCALES.find((locale) => locale === asked);
  if (!known) throw new UsageError(`--lang takes ${LOCALES.join(" or ")}`);
  return known;
}

async function storedAlarm(call: Call): Promise<Alarm> {
  const id = operand(call, 0, "ID");
  const alarm = await withLedger(call, (ledger) => ledger.alarms.get(id));
  if (alarm) return alarm;
  const mend = "`GET /api/v1/alarms` lists them; an alarm of the last second may not be recorded yet";
  throw new Refused("UNKNOWN", { what: "there is no such alarm", where: id, mend }, 404);
}

const explainVerb: Verb = {
  name: "alarm explain",
  summary: "tell step by step how an alarm came about: rule, limit and clause, readings, delays, level",
  operands: "ID",
  options: { lang: LANG },
  run: async (call) => {
    const locale = localeOf(call);
    const explanation = explain(await storedAlarm(call));
    call.out.result(explanation, explanationText(explanation, locale));
    return EXIT.ok;
  },
};

const exportVerb: Verb = {
  name: "alarm export",
  summary: "print an alarm with its evidence as JSON, for `jingtu verify`",
  operands: "ID",
  options: {},
  run: async (call) => {
    call.out.result(await storedAlarm(call));
    return EXIT.ok;
  },
};

const verifyVerb: Verb = {
  name: "verify",
  summary: "compute an alarm's verdict again from its file alone; exit code 1 when something differs",
  more: "FILE is what `alarm export` prints, an answer of /api/v1/alarms/{id}, or an event of an alarm; - is stdin.",
  operands: "FILE",
  options: { lang: LANG },
  run: async (call) => {
    const locale = localeOf(call);
    const read = readAlarm(readFileOrUsage(operand(call, 0, "FILE")));
    if ("fault" in read) throw new UsageError(`this is no alarm:\n${read.fault}`);
    const packs = packsOf(call.config().dataDir);
    const found = verifyAlarm(read.alarm, { packs, book: engineOf(packs).detectors });
    const lines = found.checks.map((check) => `${MARKS[check.outcome]} ${check[locale]}`);
    call.out.result(found, [OUTCOMES[found.outcome][locale], ...lines].join("\n"));
    return found.outcome === "differs" ? EXIT.failed : EXIT.ok;
  },
};

const MARKS = { agrees: "=", differs: "!", unseen: "?" } as const;
const OUTCOMES = {
  agrees: { "zh-CN": "重算结果与报警一致。", en: "Agrees: the computation gives the same alarm." },
  partly: {
    "zh-CN": "部分核对：可重算的各项均一致，带 ? 的各项文件中没有依据。",
    en: "Partly verified: all that can be computed agrees; for lines with ? the file holds no grounds.",
  },
  differs: {
    "zh-CN": "不一致：带 ! 的各项与重算结果不符。",
    en: "Differs: lines with ! do not agree with the computation.",
  },
} as const;

/** Exit code 1 is kept for alarms that differ. */
function readFileOrUsage(file: string): string {
  try {
    return readText(file === "-" ? "/dev/stdin" : file);
  } catch (error) {
    if (error instanceof Refused) throw new UsageError(error.message);
    throw error;
  }
}

export const alarmVerbs: readonly Verb[] = [explainVerb, exportVerb, verifyVerb];
