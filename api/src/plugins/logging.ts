import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyBaseLogger, FastifyServerOptions } from "fastify";
import { KEY_PATTERN } from "../keys.ts";

type Logger = NonNullable<FastifyServerOptions["logger"]>;
interface Sink {
  write(line: string): void;
}

const WELL_FORMED = /^[A-Za-z0-9._-]{1,64}$/;

/** The client's own x-request-id where it is short and harmless in a log, else a new one. */
export function toRequestId({ headers }: Pick<IncomingMessage, "headers">): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && WELL_FORMED.test(given) ? given : randomUUID();
}

const HEADERS = ["authorization", "cookie", "set-cookie", "x-api-key", "proxy-authorization"];

/** Without keys, bearer tokens and the credentials of addresses such as redis://:password@host. */
export const redact = (text: string): string =>
  text
    .replace(KEY_PATTERN, "[redacted]")
    .replace(/\b(Bearer|Basic)(\s+|%20)[^\s"\\&]+/gi, "$1 [redacted]")
    .replace(/(\w:\/\/)[^\s/"]*@/g, "$1[redacted]@");

/**
 * Lines of JSON in which no secret stands, whoever logs it and wherever in the line: known fields are left out by name,
 * and every line is searched for what looks like one.
 */
export function toLogger(logger: Logger): Logger {
  if (logger === false) return false;
  const { stream = process.stderr, ...options } = (logger === true ? {} : logger) as { stream?: Sink };
  return {
    ...options,
    redact: {
      paths: HEADERS.flatMap((name) => [`*["${name}"]`, `*.headers["${name}"]`]),
      censor: "[redacted]",
    },
    stream: { write: (line: string) => stream.write(redact(line)) },
  } as Logger;
}

const ignore = () => undefined;

/** Of a request of which no line is written unless something is wrong: its logger is made when there is one. */
class QuietLog {
  readonly #make: () => FastifyBaseLogger;
  #made: FastifyBaseLogger | undefined;
  readonly level: string;
  readonly info = ignore;
  readonly debug = ignore;
  readonly trace = ignore;
  readonly silent = ignore;
  constructor(level: string, make: () => FastifyBaseLogger) {
    this.level = level;
    this.#make = make;
  }
  get #own(): FastifyBaseLogger {
    this.#made ??= this.#make();
    return this.#made;
  }
  fatal(...line: Parameters<FastifyBaseLogger["fatal"]>): void {
    this.#own.fatal(...line);
  }
  error(...line: Parameters<FastifyBaseLogger["error"]>): void {
    this.#own.error(...line);
  }
  warn(...line: Parameters<FastifyBaseLogger["warn"]>): void {
    this.#own.warn(...line);
  }
  child(...given: Parameters<FastifyBaseLogger["child"]>): FastifyBaseLogger {
    return this.#own.child(...given);
  }
}

const QUIET = new Set(["silent", "fatal", "error", "warn"]);

/** Fastify's `childLoggerFactory`: making a logger takes longer than a kept answer. */
export const toRequestLog: NonNullable<FastifyServerOptions["childLoggerFactory"]> = (
  logger,
  bindings,
  options,
) => {
  const make = () => logger.child(bindings, options);
  return QUIET.has(logger.level)
    ? (new QuietLog(logger.level, make) as unknown as FastifyBaseLogger)
    : make();
};
