import type { Journal } from "@ballast/agent";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The answer depends on the URL, the Accept header and the journal, and on nothing else. */
    isOfJournal?: boolean;
  }
  interface FastifyRequest {
    /** Of the journal, before it was read for this answer. */
    journalVersion: string;
  }
}

/** What one answer was made of. */
interface Answer {
  readonly bytes: Buffer;
  /** The same where it is short text: node:http sends it and the headers in one piece. */
  readonly text: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const SHORT = 64 * 1024;
const KEPT_HEADERS = ["content-type", "content-disposition", "etag", "link", "vary", "cache-control"];

/**
 * Keeps what was answered from the journal until anything is written to it: what everybody asks for again and again is
 * then neither read nor serialised again; the oldest make room. To be added after the ETag and before compression.
 */
export function keepAnswers(
  app: FastifyInstance,
  journal: Pick<Journal, "version">,
  { maxBytes = 16 << 20 }: { /** All together. */ readonly maxBytes?: number } = {},
): void {
  const kept = new Map<string, Answer>();
  let version = "";
  let size = 0;
  const keyOf = ({ url, headers }: FastifyRequest) => `${url} ${headers.accept ?? ""}`;

  app.decorateRequest("journalVersion", "");
  // After all that decides whether a request is let in.
  app.addHook("preValidation", (request, reply, done) => {
    if (request.routeOptions.config.isOfJournal !== true || request.method !== "GET") {
      done();
      return;
    }
    request.journalVersion = journal.version();
    if (request.journalVersion !== version) {
      kept.clear();
      size = 0;
      version = request.journalVersion;
    }
    const answer = kept.get(keyOf(request));
    if (answer === undefined) done();
    else if (isPlain(request)) sendAtOnce(reply.headers(answer.headers), answer);
    else reply.headers(answer.headers).send(answer.bytes);
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    // What was read while the journal changed is not kept.
    const isKept = reply.statusCode === 200 && request.journalVersion === version && version !== "";
    const isText = typeof payload === "string";
    if (isKept && (isText || Buffer.isBuffer(payload)) && !kept.has(keyOf(request))) {
      const bytes = isText ? Buffer.from(payload) : (payload as Buffer);
      if (bytes.length <= maxBytes / 16) {
        const text = isText && bytes.length <= SHORT ? payload : undefined;
        kept.set(keyOf(request), { bytes, text, headers: headersOf(reply) });
        size += bytes.length;
      }
      for (const [oldest, { bytes: old }] of kept) {
        if (size <= maxBytes) break;
        kept.delete(oldest);
        size -= old.length;
      }
    }
    done(null, payload);
  });
}

/** Asks neither for a 304 nor for compression: the kept bytes are the answer. */
const isPlain = ({ headers }: FastifyRequest): boolean =>
  headers["if-none-match"] === undefined && headers["accept-encoding"] === undefined;

/** Past the hooks that look at a body, which cost more than the rest of a kept answer. */
function sendAtOnce(reply: FastifyReply, { bytes, text }: Answer): void {
  reply.hijack();
  const fields = ["content-length", String(bytes.length)];
  for (const [name, value] of Object.entries(reply.getHeaders())) fields.push(name, String(value));
  reply.raw.writeHead(reply.statusCode, fields).end(text ?? bytes);
}

const headersOf = (reply: FastifyReply): Readonly<Record<string, string>> =>
  Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = reply.getHeader(name);
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
