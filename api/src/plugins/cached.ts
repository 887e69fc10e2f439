import type { Journal } from "@ballast/agent";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The answer depends on the URL, on `Accept` and on the journal alone. */
    isOfJournal?: boolean;
  }
}

interface Kept {
  readonly version: string;
  readonly body: Buffer;
  readonly etag: string;
  readonly contentType: string;
}

const MAX_BYTES = 32 * 1024 * 1024;
const MAX_ANSWERS = 512;

/**
 * Answers of routes with `config.isOfJournal` are kept as bytes until the journal changes, the most lately asked for
 * up to 32 MiB. An answer is served after the hooks that every request passes: keys, limits, headers.
 */
export function keepAnswers(app: FastifyInstance, journal: Journal): void {
  const answers = new Map<string, Kept>();
  const versions = new WeakMap<FastifyRequest, string>();
  let bytes = 0;

  let known: string | undefined;
  /** Asked once for all requests that arrive together. */
  const versionNow = (): string => {
    if (known === undefined) {
      known = journal.version();
      setImmediate(() => {
        known = undefined;
      });
    }
    return known;
  };
  const remove = (key: string) => {
    bytes -= answers.get(key)?.body.length ?? 0;
    answers.delete(key);
  };
  const keyOf = ({ raw }: FastifyRequest) => `${raw.url}\n${raw.headers.accept ?? ""}`;

  function serve(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const version = versionNow();
    const key = keyOf(request);
    const kept = answers.get(key);
    if (kept?.version !== version) {
      versions.set(request, version);
      done();
      return;
    }
    // Asked for last, it goes last.
    answers.delete(key);
    answers.set(key, kept);
    reply.header("etag", kept.etag).header("content-type", kept.contentType);
    const { headers } = request.raw;
    // Left to those who negotiate: a 304, a compressed body.
    if (headers["if-none-match"] !== undefined || headers["accept-encoding"] !== undefined) {
      reply.send(kept.body);
      return;
    }
    reply.hijack();
    const fields: string[] = ["content-length", String(kept.body.length)];
    for (const [name, value] of Object.entries(reply.getHeaders())) fields.push(name, String(value));
    reply.raw.writeHead(200, fields).end(kept.body);
  }

  function keep(request: FastifyRequest, reply: FastifyReply, payload: unknown): void {
    const version = versions.get(request);
    const etag = reply.getHeader("etag");
    const isWhole = reply.statusCode === 200 && reply.getHeader("content-encoding") === undefined;
    if (version === undefined || !isWhole || typeof etag !== "string" || typeof payload !== "string") return;
    const body = Buffer.from(payload);
    const key = keyOf(request);
    remove(key);
    if (body.length > MAX_BYTES) return;
    answers.set(key, { version, body, etag, contentType: String(reply.getHeader("content-type")) });
    bytes += body.length;
    for (const oldest of answers.keys()) {
      if (bytes <= MAX_BYTES && answers.size <= MAX_ANSWERS) break;
      remove(oldest);
    }
  }

  app.addHook("onRoute", (route) => {
    if (!route.config?.isOfJournal || route.method !== "GET") return;
    const own = [route.onRequest ?? []].flat();
    route.onRequest = [...own, (request, reply, done) => serve(request, reply, done)];
    route.onSend = [
      ...[route.onSend ?? []].flat(),
      (request, reply, payload, done) => {
        keep(request, reply, payload);
        done(null, payload);
      },
    ];
  });
}
