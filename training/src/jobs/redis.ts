import { BallastError } from "@ballast/data";
import type { Redis } from "ioredis";

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

export class RedisGoneError extends BallastError {
  readonly code = "REDIS_GONE";
  readonly address: string;
  readonly seconds: number;
  constructor(address: string, seconds: number) {
    super(
      `Redis at ${address} has not answered for ${seconds} s. ` +
        "Finished trials are kept: start it and run the same command again, or run it without --redis.",
    );
    this.address = address;
    this.seconds = seconds;
  }
}

export interface RedisLink {
  readonly redis: Redis;
  /** Host and port, without the password that the URL may hold. */
  readonly address: string;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const SLOWEST_RETRY_MS = 2_000;

/**
 * Connects, once; afterwards a lost connection is sought again without end, and commands wait for it. `onLost`
 * and `onBack` tell of each loss and its end. Throws RedisUnreachableError.
 */
export async function connectRedis(
  url: string,
  { onLost, onBack }: { readonly onLost: () => void; readonly onBack: () => void },
): Promise<RedisLink> {
  const parsed = URL.parse(url);
  if (parsed === null || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === "")
    throw new RedisUnreachableError(parsed === null ? "this address" : parsed.host, "it is no Redis URL");
  const address = parsed.port === "" ? `${parsed.hostname}:6379` : parsed.host;
  let isUp = false;
  let hasBeenUp = false;
  let reason = "no answer";
  const ioredis = await import("ioredis");
  const redis = new ioredis.Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // BullMQ's blocking calls ask for this: a command waits for the connection instead of failing.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (hasBeenUp ? Math.min(100 * times, SLOWEST_RETRY_MS) : null),
  });
  redis.on("error", (error: Error) => {
    reason = error.message || String((error as NodeJS.ErrnoException).code);
  });
  redis.on("close", () => {
    if (isUp) onLost();
    isUp = false;
  });
  redis.on("ready", () => {
    if (hasBeenUp && !isUp) onBack();
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
      redis.disconnect();
    },
  };
}
