import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { BallastError } from "@ballast/data";
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from "fastify";
import type { Static } from "typebox";
import type * as schemas from "./schemas.ts";

type Missing =
  | "decision"
  | "attestation"
  | "model"
  | "vault"
  | "verification"
  | "backtest"
  | "report"
  | "record"
  | "snapshot"
  | "network";

/** Thrown by handlers where nothing has the given id. */
export class NotFoundError extends BallastError {
  readonly code: string;
  constructor(what: Missing, id: string, list: string) {
    super(`There is no ${what} ${id} here. ${list} lists what there is.`);
    this.code = `${what.toUpperCase()}_NOT_FOUND`;
  }
}

/** For what a schema cannot refuse. */
export class InvalidParameterError extends BallastError {
  readonly code = "INVALID_PARAMETER";
  constructor(name: string, value: unknown, takes: string) {
    super(`${name} is ${String(value)}; give ${takes}.`);
  }
}

/** HTTP status by the error's code. What is not here and does not come from Fastify is a 500. */
const STATUS: Readonly<Record<string, number>> = {
  FST_ERR_VALIDATION: 400,
  INVALID_PARAMETER: 400,
  JOURNAL_CURSOR: 400,
  DECISION_NOT_FOUND: 404,
  ATTESTATION_NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  UNKNOWN_FIELD: 400,
  TIME_CURSOR: 400,
  AMBIGUOUS_BARS: 400,
  BAD_BAR_KEY: 400,
  BARS_NOT_FOUND: 404,
  BARS_NOT_SERVED: 404,
  SNAPSHOT_NOT_FOUND: 404,
  NOT_ACCEPTABLE: 406,
  VAULT_NOT_FOUND: 404,
  VERIFICATION_NOT_FOUND: 404,
  BACKTEST_NOT_FOUND: 404,
  REPORT_NOT_FOUND: 404,
  RECORD_NOT_FOUND: 404,
  BACKTESTS_OFF: 404,
  VERIFY_OFF: 404,
  BAD_BACKTEST: 400,
  UNKNOWN_DATA_SET: 400,
  BACKTEST_CURSOR: 400,
  BACKTEST_TOO_LARGE: 413,
  BACKTEST_QUEUE_FULL: 429,
  BACKTEST_OVER: 409,
  NOT_YOURS: 403,
  NOT_SIGNED: 409,
  VERIFY_BUSY: 429,
  NETWORK_NOT_FOUND: 404,
  MALFORMED_JSON: 400,
  MALFORMED_SNAPSHOT: 400,
  NOTARY_REFUSED: 409,
  NOTARY_SOURCE: 409,
  PROPOSAL_IN_FUTURE: 409,
  KEY_REQUIRED: 401,
  KEY_UNKNOWN: 401,
  KEY_REVOKED: 401,
  SCOPE_TOO_SMALL: 403,
  RATE_LIMITED: 429,
  ORIGIN_REFUSED: 403,
  HOST_REFUSED: 421,
  UNKNOWN_EVENT: 400,
  EVENT_TRIMMED: 410,
  TOO_MANY_STREAMS: 429,
};
/** Codes of ours for what Fastify calls otherwise; another refusal of Fastify's is a BAD_REQUEST. */
const CODE: Readonly<Record<string, string>> = {
  FST_ERR_VALIDATION: "INVALID_PARAMETER",
  FST_ERR_BAD_URL: "MALFORMED_URL",
  FST_ERR_MAX_PARAM_LENGTH: "PARAMETER_TOO_LONG",
  FST_ERR_CTP_BODY_TOO_LARGE: "BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
  FST_ERR_CTP_EMPTY_JSON_BODY: "MALFORMED_JSON",
  FST_ERR_CTP_INVALID_JSON_BODY: "MALFORMED_JSON",
};
/** What the operating system says of a disk without room, wherever it was met. */
const SYSTEM_CODE: Readonly<Record<string, string>> = { ENOSPC: "DISK_FULL", EDQUOT: "DISK_FULL" };

/** What this server cannot do now: what a client may know of it, and after how many seconds to ask again. */
const UNAVAILABLE: Readonly<Record<string, readonly [detail: string, retryAfter: number]>> = {
  OVERLOADED: ["More is asked of this server than it can answer in time. Ask again, less often.", 1],
  STREAMS_FULL: ["All streams of this service are taken. Try again later, or poll the lists meanwhile.", 5],
  STREAMS_CLOSED: ["This server is being stopped. Go on with the last event id when it is back.", 5],
  VERIFY_FAILED: [
    "The decision could not be verified now. Ask again; if it stays so, the operator has to look.",
    5,
  ],
  BACKTESTS_UNAVAILABLE: [
    "The backtests cannot be reached now; none is lost. Ask again, and look at /v1/backtests before submitting again.",
    5,
  ],
  SHUTTING_DOWN: ["This server is being stopped. Ask again when it is back, or another one.", 5],
  JOURNAL_LOCKED: ["Another process has the journal to itself. Ask again.", 1],
  JOURNAL_FULL: ["There is no disk space left; nothing was changed. The operator has to free some.", 60],
  DISK_FULL: ["There is no disk space left; nothing was changed. The operator has to free some.", 60],
  JOURNAL_MISSING: ["The journal is not where it was. The operator has to put it back.", 60],
  JOURNAL_UNUSABLE: ["The journal cannot be read. The operator has to look at its disk.", 60],
  KEYS_UNREADABLE: ["The keys cannot be read. The operator has to mend their file.", 60],
  KEYS_EXPOSED: ["The keys cannot be read. The operator has to mend their file.", 60],
  AUDIT_UNWRITABLE: [
    "The audit log cannot be written; nothing was changed. The operator has to mend it.",
    60,
  ],
};

/** After how many seconds what is full or busy may have room again. */
const RETRY_AFTER: Readonly<Record<string, number>> = {
  TOO_MANY_STREAMS: 5,
  BACKTEST_QUEUE_FULL: 30,
  VERIFY_BUSY: 5,
};

/** What does not reach a handler, by Node's code of it. */
const UNPARSED: Readonly<Record<string, readonly [status: number, code: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "HEADERS_TOO_LARGE", "The head of a request may have 8 KiB."],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "BODY_TOO_LARGE", "The chunk extensions are too large."],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "REQUEST_TIMEOUT", "The request took too long to arrive."],
};
const UNREADABLE = [400, "MALFORMED_REQUEST", "This is no HTTP request."] as const;

/** Every code that a client may meet, with its status. */
export const PROBLEM_STATUS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.entries(STATUS).map(([code, status]) => [CODE[code] ?? code, status])),
  MALFORMED_URL: 400,
  PARAMETER_TOO_LONG: 414,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  BAD_REQUEST: 400,
  ROUTE_NOT_FOUND: 404,
  INTERNAL: 500,
  ...Object.fromEntries([UNREADABLE, ...Object.values(UNPARSED)].map(([status, code]) => [code, status])),
  ...Object.fromEntries(Object.keys(UNAVAILABLE).map((code) => [code, 503])),
};

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** What a caller may know of a failure. Of the server's own faults only that they happened. */
export function toProblem(error: unknown, requestId: string): Static<typeof schemas.Problem> {
  const {
    code: thrown = "",
    statusCode = 500,
    message = "",
    validation,
  } = (error ?? {}) as Partial<FastifyError>;
  const code = SYSTEM_CODE[thrown] ?? thrown;
  const unavailable = UNAVAILABLE[code]?.[0];
  const isFastifys = code.startsWith("FST_") && statusCode < 500;
  const status = unavailable !== undefined ? 503 : (STATUS[code] ?? (isFastifys ? statusCode : 500));
  return {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail:
      unavailable ??
      (status >= 500
        ? "The server could not answer; its log says why, under this requestId."
        : validation?.[0] === undefined
          ? message
          : toDetail(validation[0])),
    code: status === 500 ? "INTERNAL" : (CODE[code] ?? (isFastifys ? "BAD_REQUEST" : code)),
    requestId,
  };
}

/** The first thing that is wrong with a parameter, by its name and what it holds. */
function toDetail(error: FastifySchemaValidationError & { readonly data?: unknown }): string {
  const { keyword, instancePath, params, message, data } = error;
  const shown = data === null || typeof data !== "object" ? JSON.stringify(data)?.slice(0, 80) : undefined;
  // Nothing is named where what was sent is wrong as a whole.
  const path = instancePath.slice(1) || "what was sent";
  const name = shown === undefined ? path : `${path} is ${shown}, but`;
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

const codes = new WeakMap<FastifyRequest, string>();
/** Of the problem that the request was answered with. */
export const problemCodeOf = (request: FastifyRequest): string | undefined => codes.get(request);

/** So common under load that a line for each would be a load of its own; they are counted instead. */
const UNLOGGED = new Set(["OVERLOADED", "SHUTTING_DOWN"]);

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, request.id);
  if (problem.status >= 500 && !UNLOGGED.has(problem.code))
    request.log.error({ err: error }, "request failed");
  const retryAfter =
    UNAVAILABLE[problem.code]?.[1] ??
    RETRY_AFTER[problem.code] ??
    (error as { retryAfter?: number } | null)?.retryAfter;
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  return send(problem, request, reply);
}

/** Past any route's response schema: the one that failed may be the very cause. */
function send(problem: Static<typeof schemas.Problem>, request: FastifyRequest, reply: FastifyReply) {
  codes.set(request, problem.code);
  return reply
    .code(problem.status)
    .header("content-type", PROBLEM_TYPE)
    .header("cache-control", "no-store")
    .header("x-request-id", request.id)
    .serializer(JSON.stringify)
    .send(problem);
}

export const sendUnknownRoute = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
  send(
    {
      type: "about:blank",
      title: "Not Found",
      status: 404,
      detail: `There is no ${request.method} ${request.url.split("?", 1)[0]?.slice(0, 200)}. /v1 lists the routes, /docs explains them.`,
      code: "ROUTE_NOT_FOUND",
      requestId: request.id,
    },
    request,
    reply,
  );

/** Answers what the parser could make no request of, and closes the connection. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  if (!socket.writable) return void socket.destroy();
  const [status, code, detail] = UNPARSED[error.code ?? ""] ?? UNREADABLE;
  const title = STATUS_CODES[status] ?? "Error";
  const body = JSON.stringify({ type: "about:blank", title, status, detail, code, requestId: randomUUID() });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Cache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
    // What the client goes on sending is not waited for.
    () => socket.destroy(),
  );
}
