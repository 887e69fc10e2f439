import { BallastError } from "@ballast/data";
import type { Redis, RedisOptions } from "ioredis";

export class RedisUnreachableError extends BallastError {
  readonly code = "REDIS_UNREACHABLE";
  readonly address: string;
  constructor(address: string, reason: string) {
    super(
      `Redis at ${address} cannot be used (${reason}). Start it, or correct --redis; it takes redis://host:6379.`,
    );
    this.address = address;
  }
}

export interface RedisLink {
  readonly redis: Redis;
  /** Host and port, without the password that the URL may hold. */
  readonly address: string;
  close(): void;
}

export interface LinkEvents {
  readonly onLost?: (() => void) | undefined;
  readonly onBack?: (() => void) | undefined;
}

/** What replies look like shall not depend on who asks. */
export type LinkOptions = Omit<RedisOptions, "replyMapping">;

const CONNECT_TIMEOUT_MS = 5_000;
const SLOWEST_RETRY_MS = 2_000;

/**
 * Connects, once; afterwards a lost connection is sought again without end, and commands wait for it. `onLost`
 * and `onBack` tell of each loss and its end. Throws RedisUnreachableError.
 */
export async function connectRedis(
  url: string,
  { onLost, onBack }: LinkEvents = {},
  options: LinkOptions = {},
): Promise<RedisLink> {
  const parsed = URL.parse(url);
  if (parsed === null || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === "")
    throw new RedisUnreachableError(parsed === null ? "this address" : parsed.host, "it is no Redis URL");
  const address = parsed.port === "" ? `${parsed.hostname}:6379` : parsed.host;
  let isUp = false;
  let hasBeenUp = false;
  let reason = "no answer";
  // Loaded where it is used: most commands never speak to Redis.
  const ioredis = await import("ioredis");
  const all: LinkOptions = {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A command waits for the connection instead of failing.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (hasBeenUp ? Math.min(100 * times, SLOWEST_RETRY_MS) : null),
    ...options,
  };
  const redis = new ioredis.Redis(url, all);
  redis.on("error", (error: Error) => {
    reason = error.message || String((error as NodeJS.ErrnoException).code);
  });
  redis.on("close", () => {
    if (isUp) onLost?.();
    isUp = false;
  });
  redis.on("ready", () => {
    if (hasBeenUp && !isUp) onBack?.();
    isUp = true;
    hasBeenUp = true;
  });
  try {
    await redis.connect();
  } catch {
    redis.disconnect();
    throw new RedisUnreachableError(address, reason);
  }
  return {
    redis,
    address,
    close() {
      isUp = false;
      disconnect(redis);
    },
  };
}

/** Disconnects, and fails every command that waits: ioredis leaves them waiting where it is between two attempts. */
export function disconnect(redis: Redis): void {
  redis.disconnect();
  if (redis.status !== "reconnecting") return;
  redis.connect().then(
    () => redis.disconnect(),
    () => {},
  );
}
