import { STATUS_CODES } from "node:http";
import { BallastError } from "@ballast/data";
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from "fastify";
import type { Static } from "typebox";
import type * as schemas from "./schemas.ts";

/** Thrown by handlers where nothing has the given id. */
export class NotFoundError extends BallastError {
  readonly code: string;
  constructor(what: "decision" | "attestation" | "model" | "network", id: string, list: string) {
    super(`There is no ${what} ${id} here. ${list} lists what there is.`);
    this.code = `${what.toUpperCase()}_NOT_FOUND`;
  }
}

/** HTTP status by the error's code. What is not here and does not come from Fastify is a 500. */
const STATUS: Readonly<Record<string, number>> = {
  FST_ERR_VALIDATION: 400,
  JOURNAL_CURSOR: 400,
  DECISION_NOT_FOUND: 404,
  ATTESTATION_NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  NETWORK_NOT_FOUND: 404,
  MALFORMED_JSON: 400,
  MALFORMED_SNAPSHOT: 400,
  NOTARY_REFUSED: 409,
  NOTARY_SOURCE: 409,
  PROPOSAL_IN_FUTURE: 409,
  JOURNAL_LOCKED: 503,
  JOURNAL_MISSING: 503,
  JOURNAL_UNUSABLE: 503,
};
/** Codes of ours for what Fastify calls otherwise. */
const CODE: Readonly<Record<string, string>> = { FST_ERR_VALIDATION: "INVALID_PARAMETER" };

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** What a caller may know of a failure. Of the server's own faults only that they happened. */
export function toProblem(error: unknown, requestId: string): Static<typeof schemas.Problem> {
  const { code = "", statusCode = 500, message = "", validation } = (error ?? {}) as Partial<FastifyError>;
  const status = STATUS[code] ?? (code.startsWith("FST_") && statusCode < 500 ? statusCode : 500);
  const isOurs = status >= 500;
  return {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: isOurs
      ? "The server could not answer; its log says why, under this requestId."
      : validation?.[0] === undefined
        ? message
        : toDetail(validation[0]),
    code: isOurs ? (status === 503 ? "UNAVAILABLE" : "INTERNAL") : (CODE[code] ?? code),
    requestId,
  };
}

/** The first thing that is wrong with a parameter, by its name. */
function toDetail({ keyword, instancePath, params, message }: FastifySchemaValidationError): string {
  const name = instancePath.slice(1);
  switch (keyword) {
    case "additionalProperties":
      return `${String(params.additionalProperty).slice(0, 80)} is no parameter of this route. /docs lists those there are.`;
    case "enum":
      return `${name} must be one of ${(params.allowedValues as string[]).join(", ")}.`;
    case "format":
      return `${name} must be Unix milliseconds or ISO 8601 with a zone, e.g. 2022-10-11T00:00:00Z.`;
    default:
      return `${name} ${message}.`;
  }
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, request.id);
  if (problem.status >= 500) request.log.error({ err: error }, "request failed");
  // Past any route's response schema: the one that failed may be the very cause.
  return reply
    .code(problem.status)
    .header("content-type", PROBLEM_TYPE)
    .header("cache-control", "no-store")
    .serializer(JSON.stringify)
    .send(problem);
}

export const sendUnknownRoute = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const problem: Static<typeof schemas.Problem> = {
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: `There is no ${request.method} ${request.url.split("?", 1)[0]?.slice(0, 200)}. /v1 lists the routes, /docs explains them.`,
    code: "ROUTE_NOT_FOUND",
    requestId: request.id,
  };
  return reply.code(404).header("content-type", PROBLEM_TYPE).serializer(JSON.stringify).send(problem);
};
