import { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { BallastError } from "@ballast/data";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Settings } from "../config.ts";
import { sendProblem } from "../problem.ts";

export class OverloadedError extends BallastError {
  readonly code = "OVERLOADED";
  constructor() {
    super("More is asked of this server than it can answer in time.");
  }
}
export class ShuttingDownError extends BallastError {
  readonly code = "SHUTTING_DOWN";
  constructor() {
    super("This server is being stopped.");
  }
}

/** Streams stay open for hours; they are bounded where they are served. */
const STREAMS = /^\/v1\/(stream(\/ws)?|backtests\/:id\/events)$/;
/** Who watches a service must see it when it is busy. */
const ALWAYS = new Set(["/health", "/ready", "/metrics"]);

export interface Load {
  /** Requests under way, without streams and those that watch the service. */
  inFlight(): number;
  isClosing(): boolean;
}

/** Work that a turn of the event loop does for requests before it looks for new ones. */
const SLICE_MS = 10;
const BATCH = 16;
/** How long work may rest while connections are taken in. */
const HOLD_MS = 20;

interface Waiting {
  readonly since: number;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly serve: () => void;
}

/**
 * Answers 503 to what could only be answered late. While a turn of the event loop is young a request is served at once;
 * later it waits in a queue of this process, where the wait of each is known: who waited longer than `maxWaitMs` is
 * refused, which takes microseconds. The kernel hands over one connection a turn, and those behind it wait unseen; so
 * while connections come in they are taken first. All requests that a turn finds were there when it began.
 */
export function shed(
  app: FastifyInstance,
  { maxInFlight, maxWaitMs }: Pick<Settings, "maxInFlight" | "maxWaitMs">,
): Load {
  const overloaded = new OverloadedError();
  const shuttingDown = new ShuttingDownError();
  const now = () => performance.now();
  const waiting: Waiting[] = [];
  let inFlight = 0;
  let isClosing = false;
  /** The present turn of the event loop; looking at its end each time would cost a quiet one as much as its request. */
  let turn = -1;
  let turnBegan = 0;
  let acceptedIn = -2;
  let isEndPlanned = false;
  let servedAt = 0;

  const enterTurn = () => {
    const { loopCount } = performance.nodeTiming.uvMetricsInfo;
    if (loopCount === turn) return;
    turn = loopCount;
    turnBegan = now();
  };
  const planEnd = () => {
    if (!isEndPlanned) setImmediate(endTurn);
    isEndPlanned = true;
  };
  const endTurn = () => {
    isEndPlanned = false;
    enterTurn();
    const isHeld = acceptedIn === turn && now() - servedAt < HOLD_MS;
    if (!isHeld) {
      const until = now() + SLICE_MS;
      // One by one, for what a request does in promises is done between them.
      for (let n = Math.min(BATCH, waiting.length); n > 0; n--) setImmediate(serveNext, until);
    }
    if (waiting.length > 0) planEnd();
  };
  const serveNext = (until: number) => {
    if (now() > until) return;
    const next = waiting.shift();
    if (next === undefined) return;
    const { since, request, reply, serve } = next;
    if (request.raw.destroyed) return;
    if (now() - since > maxWaitMs) sendProblem(overloaded, request, reply);
    else serve();
    servedAt = now();
  };

  app.addHook("preClose", async () => {
    isClosing = true;
  });
  app.server.on("connection", () => {
    enterTurn();
    acceptedIn = turn;
  });
  app.addHook("onRequest", (request, reply, done) => {
    const url = request.routeOptions.url ?? "";
    if (ALWAYS.has(url)) return done();
    if (isClosing) return void sendProblem(shuttingDown, request, reply);
    if (inFlight >= maxInFlight) return void sendProblem(overloaded, request, reply);
    if (!STREAMS.test(url)) {
      inFlight++;
      let hasEnded = false;
      const end = () => {
        if (!hasEnded) inFlight--;
        hasEnded = true;
      };
      // A client that goes away has a close alone, an injected request a finish alone.
      reply.raw.once("finish", end).once("close", end);
    }
    enterTurn();
    const isAccepting = turn - acceptedIn <= 1;
    const isQuiet = waiting.length === 0 && !isAccepting && now() - turnBegan < SLICE_MS;
    // An injected request never was in the loop's queue.
    if (isQuiet || !(request.raw.socket instanceof Socket)) return done();
    waiting.push({ since: turnBegan, request, reply, serve: done });
    planEnd();
  });
  return { inFlight: () => inFlight, isClosing: () => isClosing };
}
