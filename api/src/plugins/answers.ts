import { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import type { Journal } from "@ballast/agent";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Encoding, encodingFor, toPacked } from "./packing.ts";

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

/** What is sent. */
interface Body {
  readonly bytes: Buffer;
  /** The same where it is short and ASCII: node:http sends it and the headers in one piece, byte for character. */
  readonly text: string | undefined;
  /** All but those of the single request. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same as node:http writes them, name and value in turn, with the length. */
  readonly fields: readonly string[];
}
/** What one answer was made of. */
interface Answer {
  readonly key: string;
  readonly plain: Body;
  /** Compressed when it is first asked for so, once for all who ask meanwhile. */
  readonly packed: Map<Encoding, Body | Promise<Body>>;
  /** Bytes, about, that keeping it takes: a long URL or Accept header may be longer than what it is answered with. */
  size: number;
}

const SHORT = 64 * 1024;
/** Of an answer, beside its body and the texts of its key and its headers. */
const ENTRY_BYTES = 1_024;
/** Headers that a request has of its own: its name, what it may still ask for, and from which page it may be read. */
const OWN_HEADER = /^(x-request-id|ratelimit-.*|access-control-.*|content-length|date)$/;

/**
 * Keeps what was answered from the journal until anything is written to it: what everybody asks for again and again is
 * then neither read nor serialised again; the oldest make room. To be added after the ETag and all that decides whether a
 * request is let in, and before compression.
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

  let readIn = -1;
  /**
   * Of all requests that one turn of the event loop finds, the first asks the journal: the others were sent before it
   * did, so that nobody sees less than what was written when he asked. An injected request came through no socket.
   */
  const versionFor = ({ raw }: FastifyRequest): string => {
    const { loopCount } = performance.nodeTiming.uvMetricsInfo;
    if (loopCount === readIn && raw.socket instanceof Socket) return version;
    const found = journal.version();
    // Only now: where the journal could not be asked, the next request asks again.
    readIn = loopCount;
    return found;
  };

  app.decorateRequest("journalVersion", "");
  app.addHook("onRequest", (request, reply, done) => {
    if (request.routeOptions.config.isOfJournal !== true || request.method !== "GET") {
      return done();
    }
    request.journalVersion = versionFor(request);
    if (request.journalVersion !== version) {
      kept.clear();
      size = 0;
      version = request.journalVersion;
    }
    const answer = kept.get(keyOf(request));
    if (answer === undefined) return done();
    const { plain, packed } = answer;
    const isOther = OTHER_WAYS.some((name) => request.headers[name] !== undefined);
    if (isOther) return void reply.headers(plain.headers).send(plain.bytes);
    const encoding = encodingFor(request, plain.headers["content-type"] ?? "", plain.bytes.length);
    const body = encoding === undefined ? plain : (packed.get(encoding) ?? pack(answer, encoding));
    if (body instanceof Promise) body.then((made) => sendAtOnce(reply, made)).catch(done);
    else sendAtOnce(reply, body);
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    // What was read while the journal changed is not kept.
    const isKept = reply.statusCode === 200 && request.journalVersion === version && version !== "";
    const isText = typeof payload === "string";
    const key = keyOf(request);
    if (isKept && (isText || Buffer.isBuffer(payload)) && !kept.has(key)) {
      const bytes = isText ? Buffer.from(payload) : (payload as Buffer);
      if (bytes.length <= maxBytes / 16) {
        const isShort = isText && bytes.length <= SHORT && bytes.length === payload.length;
        const plain = toBody(bytes, isShort, keptHeadersOf(reply));
        const answer = { key, plain, packed: new Map(), size: 0 };
        kept.set(key, answer);
        grow(answer, key.length + sizeOf(plain));
      }
    }
    done(null, payload);
  });

  const grow = (answer: Answer, by: number) => {
    answer.size += by;
    size += by;
    for (const [oldest, { size: freed }] of kept) {
      if (size <= maxBytes) break;
      kept.delete(oldest);
      size -= freed;
    }
  };
  const pack = (answer: Answer, encoding: Encoding): Promise<Body> => {
    const { key, plain, packed } = answer;
    const making = toPacked(plain.bytes, encoding).then((bytes) => {
      const vary = [plain.headers.vary, "accept-encoding"].filter(Boolean).join(", ");
      const body = toBody(bytes, false, { ...plain.headers, vary, "content-encoding": encoding });
      packed.set(encoding, body);
      if (kept.get(key) === answer) grow(answer, sizeOf(body));
      return body;
    });
    packed.set(encoding, making);
    making.catch(() => packed.delete(encoding));
    return making;
  };
}

/** What makes the answer another one than its bytes: a 304, or the wish that nothing on the way compresses it. */
const OTHER_WAYS = ["if-none-match", "x-no-compression"];

function toBody(bytes: Buffer, isShortText: boolean, headers: Body["headers"]): Body {
  return {
    bytes,
    // Anew from its bytes, for what a serialiser strings together is put together again at each write.
    text: isShortText ? bytes.toString("latin1") : undefined,
    headers,
    fields: [...Object.entries(headers).flat(), "content-length", String(bytes.length)],
  };
}

const sizeOf = ({ bytes, text = "", fields }: Body): number =>
  fields.reduce((sum, { length }) => sum + length, ENTRY_BYTES + bytes.length + text.length);

/** Past the hooks that look at a body, which cost more than the rest of a kept answer. */
function sendAtOnce(reply: FastifyReply, { bytes, text, headers, fields }: Body): void {
  reply.hijack();
  const all = fields.slice();
  const own = reply.getHeaders();
  for (const name in own) if (headers[name] === undefined) all.push(name, String(own[name]));
  reply.raw.writeHead(reply.statusCode, all);
  if (text === undefined) reply.raw.end(bytes);
  else reply.raw.end(text, "latin1");
}

const keptHeadersOf = (reply: FastifyReply): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(reply.getHeaders())
      .filter(([name]) => !OWN_HEADER.test(name))
      .map(([name, value]) => [name, String(value)]),
  );
