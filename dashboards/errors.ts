/** The table from errors to HTTP answers. Internals never leave: an unknown error is logged and answered as `BUG`. */
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from "fastify-type-provider-zod";
import { type Fault, Refused, TooMany, Unavailable } from "../core/errors.ts";

export interface Problem extends Fault {
  readonly code: string;
  readonly issues?: { readonly path: string; readonly message: string }[];
}
export interface ErrorAnswer {
  readonly status: number;
  readonly problem: Problem;
  readonly retryAfterSeconds?: number;
  /** The error is our fault and goes to the log. */
  readonly isBug: boolean;
}

const RETRY_AFTER_SECONDS = 5;

export function answerTo(error: unknown): ErrorAnswer {
  if (error instanceof TooMany) {
    const { status, retryAfterSeconds } = error;
    return { status, problem: error.toJSON(), retryAfterSeconds, isBug: false };
  }
  if (error instanceof Refused) return { status: error.status, problem: error.toJSON(), isBug: false };
  if (error instanceof Unavailable) {
    return { status: 503, problem: error.toJSON(), retryAfterSeconds: RETRY_AFTER_SECONDS, isBug: false };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issues = error.validation.map(({ instancePath, message }) => ({
      path: instancePath,
      message: message ?? "invalid",
    }));
    const where = error.validationContext ?? "request";
    return {
      status: 400,
      problem: { code: "REQUEST_INVALID", what: "the request does not fit its schema", where, issues },
      isBug: false,
    };
  }
  if (error instanceof Error && !isResponseSerializationError(error)) {
    const status = statusOf(error);
    if (status !== null && status < 500) {
      return { status, problem: { code: codeOf(status), what: error.message }, isBug: false };
    }
  }
  const what = "the server has a fault; it has been logged";
  return { status: 500, problem: { code: "BUG", what }, isBug: true };
}

/** Fastify's own refusals (bad JSON, too large, unknown media type) carry their status. */
function statusOf(error: Error): number | null {
  const statusCode = "statusCode" in error ? error.statusCode : null;
  return typeof statusCode === "number" && statusCode >= 400 && statusCode < 600 ? statusCode : null;
}

function codeOf(status: number): string {
  const codes: Record<number, string> = { 404: "NOT_FOUND", 413: "BODY_TOO_LARGE", 415: "MEDIA_TYPE", 429: "TOO_MANY" };
  return codes[status] ?? "REQUEST_INVALID";
}

/** The same answer for what is not there and for what belongs to somebody else. */
export function unknown(what: string, where: string): Refused {
  return new Refused("UNKNOWN", { what: `there is no such ${what}`, where }, 404);
}
