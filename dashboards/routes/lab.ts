/** `/lab-results`: laboratory results as CSV or XLSX, judged like readings of a device. */
import { z } from "zod";
import { Refused } from "../../core/errors.ts";
import type { LabForm } from "../../core/lab.ts";
import { visibleTo } from "../access.ts";
import type { App } from "../app-type.ts";
import { Comparison } from "../schemas.ts";
import type { Services } from "../services.ts";
import { iso } from "../times.ts";

const BODY_BYTES_MAX = 4 * 1_024 * 1_024;
const FORMS: Readonly<Record<string, LabForm>> = {
  "text/csv": "csv",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
};

const Yes = z.enum(["0", "1", "false", "true"]).transform((word) => word === "1" || word === "true");
const Query = z.strictObject({
  dryRun: Yes.default(false).describe("only look"),
  partial: Yes.default(false).describe("take the rows without fault although others have one"),
  zone: z.string().max(64).optional().describe("of times without one: +08:00 or an IANA name"),
});
const Report = z.object({
  rows: z.number(),
  imported: z.number(),
  faults: z.array(z.object({ row: z.number(), column: z.string(), "zh-CN": z.string(), en: z.string() })),
  results: z.array(
    z.object({
      row: z.number(),
      station: z.string(),
      time: z.string(),
      quantity: z.string(),
      fraction: z.string(),
      value: z.number(),
      cmp: Comparison,
      unit: z.string(),
      method: z.string(),
      detectionLimit: z.number().nullable(),
      lab: z.string(),
      sample: z.string(),
    }),
  ),
});

export function registerLab(app: App, { parts }: Services): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    );
    (scope as App).route({
      method: "POST",
      url: "/lab-results",
      config: { action: "lab.write" },
      bodyLimit: BODY_BYTES_MAX,
      schema: {
        tags: ["telemetry"],
        summary: "Laboratory results as CSV or XLSX; with faults nothing is taken unless `partial` is given",
        consumes: Object.keys(FORMS),
        querystring: Query,
        response: { 200: Report },
      },
      handler: async ({ principal, query, headers, body }) => {
        const type = (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
        const form = Object.hasOwn(FORMS, type) ? FORMS[type] : undefined;
        if (!form) {
          const what = `content type is none of ${Object.keys(FORMS).join(", ")}`;
          throw new Refused("CONTENT_TYPE_UNKNOWN", { what, where: "content-type" }, 415);
        }
        const { dryRun, partial, zone } = query;
        const report = await parts.lab.import({
          bytes: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
          ...{ form, dryRun, partial, by: principal.name, via: principal.via === "token" ? "api" : "web" },
          ...(zone === undefined ? {} : { zone }),
          mayUse: (station) => {
            const place = parts.directory().station(station);
            return place !== undefined && visibleTo(principal, place.site);
          },
        });
        const results = report.results.map((result) => ({ ...result, time: iso(result.time) }));
        return { ...report, results, faults: [...report.faults] };
      },
    });
  });
}
