import { BallastError } from "@ballast/data";
import rateLimit, { normalizeIP, type RateLimitPluginOptions } from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Redis } from "ioredis";
import type { Settings } from "../config.ts";
import { redact } from "./logging.ts";

export class RateLimitedError extends BallastError {
  readonly code = "RATE_LIMITED";
  /** Seconds */
  readonly retryAfter: number;
  constructor(max: number, retryAfter: number) {
    super(
      `More than ${max} requests in a minute. Wait ${retryAfter} s, or ask the operator for a key with more.`,
    );
    this.retryAfter = retryAfter;
  }
}

const WINDOW_MS = 60_000;
type Limiter = ReturnType<FastifyInstance["createRateLimit"]>;

/** In a context of its own, for the plugin holds one store each. */
async function openLimiter(app: FastifyInstance, options: RateLimitPluginOptions): Promise<Limiter> {
  let limiter: Limiter | undefined;
  await app.register(async (own) => {
    await own.register(rateLimit, { ...options, global: false });
    limiter = own.createRateLimit();
  });
  return limiter!;
}

/**
 * Counts requests a minute per key, or per address without one; IPv6 addresses by their /64. With Redis all processes
 * count together; while it does not answer each counts for itself.
 */
export async function limitRates(
  app: FastifyInstance,
  settings: Pick<Settings, "ratePerAddress" | "ratePerKey" | "redis">,
): Promise<void> {
  if (settings.ratePerAddress === 0 && settings.ratePerKey === 0) return;
  const maxFor = ({ caller }: FastifyRequest) =>
    caller.keyId === undefined ? settings.ratePerAddress : settings.ratePerKey;
  const options: RateLimitPluginOptions = {
    timeWindow: WINDOW_MS,
    max: maxFor,
    cache: 100_000,
    keyGenerator: ({ caller, ip }) => (caller.keyId === undefined ? `address:${normalizeIP(ip)}` : caller.id),
  };
  const own = await openLimiter(app, options);
  const redis = settings.redis === undefined ? undefined : openRedis(app, settings.redis);
  const together = redis && (await openLimiter(app, { ...options, redis, nameSpace: "ballast-rate-" }));

  const count = async (request: FastifyRequest) => {
    if (together === undefined || redis?.status !== "ready") return own(request);
    try {
      return await together(request);
    } catch (error) {
      request.log.warn({ err: error }, "Redis does not count requests; this process counts for itself");
      return own(request);
    }
  };
  app.addHook("onRequest", async (request: FastifyRequest, reply: FastifyReply) => {
    const max = maxFor(request);
    if (max === 0) return;
    const counted = await count(request);
    if (counted.isAllowed) return;
    reply.header("ratelimit-limit", max);
    reply.header("ratelimit-remaining", counted.remaining);
    reply.header("ratelimit-reset", counted.ttlInSeconds);
    if (counted.isExceeded) throw new RateLimitedError(max, Math.max(1, counted.ttlInSeconds));
  });
}

function openRedis(app: FastifyInstance, url: string): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 250,
    retryStrategy: (attempt) => Math.min(5_000, 100 * attempt),
  });
  redis.on("error", (error: Error) => app.log.warn(`Redis: ${redact(error.message)}`));
  app.addHook("onClose", async () => redis.disconnect());
  return redis;
}
