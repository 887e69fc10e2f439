import { Socket } from "node:net";
import { BallastError } from "@ballast/data";
import type { FastifyInstance } from "fastify";
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
const STREAMS = "/v1/stream";
/** Who watches a service must see it when it is busy. */
const ALWAYS = new Set(["/health", "/ready", "/metrics"]);

export interface Load {
  /** Requests under way, without streams and those that watch the service. */
  inFlight(): number;
  isClosing(): boolean;
}

/**
 * Answers 503 at once to what could only be answered late. All requests that one turn of the event loop finds were there
 * when it began, so a request has waited at least since then: who waited longer than `maxWaitMs` is refused, which takes
 * microseconds, and the turn ends soon after. No request that is served has waited in the loop much longer than that.
 */
export function shed(
  app: FastifyInstance,
  { maxInFlight, maxWaitMs }: Pick<Settings, "maxInFlight" | "maxWaitMs">,
  now: () => number = () => performance.now(),
): Load {
  const overloaded = new OverloadedError();
  const shuttingDown = new ShuttingDownError();
  let inFlight = 0;
  let isClosing = false;
  let turnBegan: number | undefined;
  const endTurn = () => {
    turnBegan = undefined;
  };

  app.addHook("preClose", async () => {
    isClosing = true;
  });
  app.addHook("onRequest", (request, reply, done) => {
    const url = request.routeOptions.url ?? "";
    if (ALWAYS.has(url)) return done();
    if (isClosing) return void sendProblem(shuttingDown, request, reply);
    if (turnBegan === undefined) {
      turnBegan = now();
      setImmediate(endTurn);
    }
    // An injected request never was in the loop's queue.
    const isLate = request.raw.socket instanceof Socket && now() - turnBegan > maxWaitMs;
    if (isLate || inFlight >= maxInFlight) {
      // A new connection may reach another process, where there are several.
      if (isLate) reply.header("connection", "close");
      return void sendProblem(overloaded, request, reply);
    }
    if (!url.startsWith(STREAMS)) {
      inFlight++;
      let hasEnded = false;
      const end = () => {
        if (!hasEnded) inFlight--;
        hasEnded = true;
      };
      // A client that goes away has a close alone, an injected request a finish alone.
      reply.raw.once("finish", end).once("close", end);
    }
    done();
  });
  return { inFlight: () => inFlight, isClosing: () => isClosing };
}
