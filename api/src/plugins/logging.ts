import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyServerOptions } from "fastify";
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
