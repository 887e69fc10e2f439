import { BallastError } from "@ballast/data";
import rateLimit, { normalizeIP, type RateLimitPluginOptions } from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Redis } from "ioredis";
import { LruMap } from "toad-cache";
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
/** Of keys and addresses that are counted; who was not heard of for longest makes room. */
const COUNTED = 100_000;

/** Where a caller stands in the present minute. */
interface Standing {
  readonly remaining: number;
  /** Until the next minute. */
  readonly seconds: number;
  readonly isExceeded: boolean;
}

/** Counts in this process, at once: waiting for a promise takes longer than all the rest of a kept answer. */
function openCounter(): (id: string, max: number) => Standing {
  const minutes = new LruMap<{ count: number; began: number }>(COUNTED);
  return (id, max) => {
    const now = Date.now();
    let minute = minutes.get(id);
    if (minute === undefined || !(Math.abs(now - minute.began) < WINDOW_MS)) {
      minute = { count: 0, began: now };
      minutes.set(id, minute);
    }
    minute.count++;
    return {
      remaining: Math.max(0, max - minute.count),
      seconds: Math.ceil((minute.began + WINDOW_MS - now) / 1000),
      isExceeded: minute.count > max,
    };
  };
}

/** Counts together with every process on that Redis. */
async function openSharedCounter(
  app: FastifyInstance,
  redis: Redis,
  options: RateLimitPluginOptions,
): Promise<(request: FastifyRequest) => Promise<Standing>> {
  let limiter: ReturnType<FastifyInstance["createRateLimit"]> | undefined;
  // In a context of its own, which keeps the plugin's hooks from the routes.
  await app.register(async (own) => {
    await own.register(rateLimit, { ...options, redis, nameSpace: "ballast-rate-", global: false });
    limiter = own.createRateLimit();
  });
  return async (request) => {
    const counted = await limiter!(request);
    if (counted.isAllowed) throw new Error("no caller is on a list of those who are not counted");
    return {
      remaining: counted.remaining,
      seconds: counted.ttlInSeconds,
      isExceeded: counted.isExceeded,
    };
  };
}

/** Whom an address stands for: of IPv6 whoever has the /64, who may use any address in it. */
export const holderOf = (ip: string): string => (ip.includes(":") ? normalizeIP(ip) : ip);

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
  const idOf = ({ caller, ip }: FastifyRequest) =>
    caller.keyId === undefined && ip.includes(":") ? `address:${holderOf(ip)}` : caller.id;
  const countHere = openCounter();
  const redis = settings.redis === undefined ? undefined : openRedis(app, settings.redis);
  const countTogether =
    redis &&
    (await openSharedCounter(app, redis, { timeWindow: WINDOW_MS, max: maxFor, keyGenerator: idOf }));

  app.addHook("onRequest", (request, reply, done) => {
    const max = maxFor(request);
    if (max === 0) return done();
    const admit = ({ remaining, seconds, isExceeded }: Standing) => {
      reply.header("ratelimit-limit", max);
      reply.header("ratelimit-remaining", remaining);
      reply.header("ratelimit-reset", seconds);
      done(isExceeded ? new RateLimitedError(max, Math.max(1, seconds)) : undefined);
    };
    if (countTogether === undefined || redis?.status !== "ready") return admit(countHere(idOf(request), max));
    countTogether(request)
      .catch((error: unknown) => {
        request.log.warn({ err: error }, "Redis does not count requests; this process counts for itself");
        return countHere(idOf(request), max);
      })
      .then(admit);
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
