import { type Feed, TOPICS, type Topic } from "@ballast/agent";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import websocket from "@fastify/websocket";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Static } from "typebox";
import { holderOf } from "../plugins/limits.ts";
import { toProblem } from "../problem.ts";
import { StreamQuery } from "../schemas/streams.ts";
import { Problem } from "../schemas.ts";
import { FEED_FAILED, OriginRefusedError } from "../streams/errors.ts";
import { openHub } from "../streams/hub.ts";
import { seats } from "../streams/seats.ts";
import { closeSocket, eventsSink, isCloseCode, socketSink } from "../streams/sinks.ts";

export interface StreamOptions {
  /** Streams of one address at a time. */
  readonly perAddress?: number;
  readonly inAll?: number;
  readonly heartbeatMs?: number;
  readonly stallMs?: number;
}

export const STREAM_DEFAULTS = {
  perAddress: 32,
  inAll: 2_000,
  heartbeatMs: 15_000,
  stallMs: 60_000,
  keptEvents: 4_096,
  keptBytes: 16 * 1024 * 1024,
};
const RETRY_AFTER_SECONDS = "5";

/** What streams, by Server-Sent Events and by WebSocket, each resumable after an event's id. */
export const streams: FastifyPluginAsyncTypebox<{
  feed: Feed;
  options?: StreamOptions | undefined;
  /** Whose pages may read, beside the service's own; `*`: anybody's. */
  origins: readonly string[];
}> = async (app, { feed, options, origins }) => {
  const settings = { ...STREAM_DEFAULTS, ...options };
  const hub = await openHub(feed, {
    ...settings,
    onError: (error) => app.log.error({ err: error }, "the feed failed"),
  });
  const places = seats(settings);

  await app.register(websocket, {
    options: { maxPayload: 1_024, perMessageDeflate: false, clientTracking: false },
    errorHandler: (_error, socket) => socket.terminate(),
    preClose: (done) => void hub.close().then(() => done(), done),
  });

  const schema = { tags: ["streams"], querystring: StreamQuery };
  app.get(
    "/v1/stream",
    {
      exposeHeadRoute: false,
      schema: {
        ...schema,
        summary: "Forecasts, decisions and vaults as they come, as Server-Sent Events",
        description:
          "Each event has the topic as its type, an id to resume after, and as its data what the topic's own resource shows. An event `end` says why the service ends the stream.",
        response: { 400: Problem, 410: Problem, 429: Problem, 503: Problem },
      },
    },
    async (request, reply) => {
      const gone = new AbortController();
      // Who left before it was let in closes no second time: its seat would be taken for ever.
      if (reply.raw.destroyed) return reply.hijack();
      const release = takeSeat(request, reply);
      reply.raw.once("close", () => {
        gone.abort();
        release();
      });
      const sink = eventsSink(reply.raw, () => {
        reply.hijack();
        for (const [name, value] of Object.entries(reply.getHeaders()))
          if (value !== undefined) reply.raw.setHeader(name, value);
      });
      const { topics, after } = request.query;
      await hub.attach(sink, toTopics(topics), after ?? lastIdOf(request), gone.signal);
      return reply;
    },
  );

  app.get(
    "/v1/stream/ws",
    { exposeHeadRoute: false, websocket: true, schema, attachValidation: true },
    async (socket, request) => {
      // A browser shows its scripts no answer to a refused upgrade: every refusal is a close code instead.
      const refuse = (error: unknown) => {
        const { code, detail } = toProblem(error, request.id);
        if (isCloseCode(code)) return closeSocket(socket, { code, detail });
        request.log.error({ err: error }, "stream failed");
        closeSocket(socket, FEED_FAILED);
      };
      const gone = new AbortController();
      socket.once("close", () => gone.abort());
      socket.on("message", () => socket.close(1003, "TAKES_NO_MESSAGES"));
      try {
        if (request.validationError !== undefined) throw request.validationError;
        checkOrigin(request);
        const release = places.take(holderOf(request.ip));
        socket.once("close", release);
        const { topics, after } = request.query as Static<typeof StreamQuery>;
        await hub.attach(socketSink(socket), toTopics(topics), after ?? lastIdOf(request), gone.signal);
      } catch (error) {
        refuse(error);
      }
    },
  );

  /** What is no browser names no origin. */
  function checkOrigin({ headers: { origin }, host }: FastifyRequest): void {
    if (origin === undefined || URL.parse(origin)?.host === host) return;
    if (!origins.includes("*") && !origins.includes(origin)) throw new OriginRefusedError(origin);
  }

  function takeSeat({ ip }: FastifyRequest, reply: FastifyReply): () => void {
    try {
      return places.take(holderOf(ip));
    } catch (error) {
      reply.header("retry-after", RETRY_AFTER_SECONDS);
      throw error;
    }
  }
};

const toTopics = (list: string | undefined): ReadonlySet<Topic> =>
  new Set(list === undefined ? TOPICS : (list.split(",") as Topic[]));

const lastIdOf = ({ headers }: FastifyRequest): string | undefined => {
  const id = headers["last-event-id"];
  return typeof id === "string" && id !== "" ? id : undefined;
};
