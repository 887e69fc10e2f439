import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { FeedUnavailableError } from "./feed.ts";
import { connectRedis, disconnect, type LinkEvents, type RedisLink } from "./redis-link.ts";
import {
  askWaiting,
  BLOCK_MS,
  type Entry,
  FEED_OPTIONS,
  toEvent,
  toEvidence,
  toKeys,
  WAITING_OPTIONS,
} from "./redis-stream.ts";

/** A decision that waits for a keeper. */
export interface KeeperTask {
  readonly id: string;
  /** The decision as subscribers see it. */
  readonly data: string;
  /** Its evidence as text of a file; undefined where the publisher gave none. Not to be trusted. */
  readonly evidence: string | undefined;
}

export interface KeeperQueue {
  /** Host and port of Redis. */
  readonly address: string;
  /**
   * Decisions in order, one at a time, until the signal aborts. One that is neither acknowledged nor refused by the
   * time the next is asked for comes again later, to this keeper or to another one of its group.
   */
  tasks(signal: AbortSignal): AsyncIterable<KeeperTask>;
  /** The task is settled: nobody of the group sees it again. Errors: FeedUnavailableError */
  ack(task: KeeperTask): Promise<void>;
  /** As `ack`, and leaves the task in the stream of refused ones, with the reason. */
  refuse(task: KeeperTask, reason: string): Promise<void>;
  isHealthy(): boolean;
  close(): void;
}

export interface KeeperQueueOptions extends LinkEvents {
  /** Names the feed's keys. Default `ballast:feed`. */
  readonly name?: string | undefined;
  /** A task whose keeper gives no sign for this long is given to another, ms. Default 30 s. */
  readonly silenceMs?: number | undefined;
}

const RETRY_MS = 100;
const KEPT_REFUSALS = 10_000;

/** Acknowledging tells whether it was the first time, so that a refusal sent again is not kept twice. */
const REFUSE = `
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ${KEPT_REFUSALS}, '*', 'id', ARGV[2], 'group', ARGV[1],
  'reason', ARGV[3], 'data', ARGV[4], 'evidence', ARGV[5])
return 1`;

class RedisKeeperQueue implements KeeperQueue {
  readonly #link: RedisLink;
  readonly #waiting: Redis;
  readonly #keys: ReturnType<typeof toKeys>;
  readonly #group: string;
  readonly #consumer: string;
  readonly #silenceMs: number;
  #isOpen = true;

  constructor(
    link: RedisLink,
    waiting: Redis,
    group: string,
    consumer: string,
    { name = "ballast:feed", silenceMs = 30_000 }: KeeperQueueOptions,
  ) {
    this.#link = link;
    this.#waiting = waiting;
    this.#keys = toKeys(name);
    this.#group = group;
    this.#consumer = consumer;
    this.#silenceMs = silenceMs;
  }

  get address(): string {
    return this.#link.address;
  }

  async *tasks(signal: AbortSignal): AsyncGenerator<KeeperTask, void, undefined> {
    let hasGroup = false;
    let claimAt = 0;
    const onAbort = () => disconnect(this.#waiting);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal.aborted) {
        let entry: Entry | undefined;
        try {
          if (!hasGroup) await this.#createGroup();
          hasGroup = true;
          if (Date.now() >= claimAt) entry = await this.#claim();
          if (entry === undefined) {
            if (Date.now() >= claimAt) claimAt = Date.now() + this.#silenceMs / 2;
            entry = await this.#read();
          }
        } catch {
          // Redis is gone, or came back without the group.
          hasGroup = false;
          await sleep(RETRY_MS);
        }
        if (entry === undefined) continue;
        const event = toEvent(entry);
        const task = { id: entry[0], data: event?.data ?? "", evidence: toEvidence(entry) };
        if (event?.topic !== "decisions") await this.ack(task);
        else yield* this.#hold(task);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async ack({ id }: KeeperTask): Promise<void> {
    await this.#tell((redis) => redis.xack(this.#keys.events, this.#group, id));
  }

  async refuse({ id, data, evidence = "" }: KeeperTask, reason: string): Promise<void> {
    const { events, refused } = this.#keys;
    const lines = [id, reason, data, evidence];
    await this.#tell((redis) => redis.eval(REFUSE, 2, events, refused, this.#group, ...lines));
  }

  isHealthy(): boolean {
    return this.#link.redis.status === "ready" && this.#waiting.status === "ready";
  }

  close(): void {
    this.#isOpen = false;
    this.#link.close();
    disconnect(this.#waiting);
  }

  /** Waits for a Redis that is gone. What a closing queue cannot tell any more comes again, and is found settled. */
  async #tell(work: (redis: Redis) => Promise<unknown>): Promise<void> {
    try {
      await work(this.#link.redis);
    } catch (error) {
      if (!this.#isOpen) return;
      throw new FeedUnavailableError(
        `Redis at ${this.#link.address} refused to settle a decision (${(error as Error).message}); see that it may write`,
      );
    }
  }

  /** While a keeper works on a task, nobody takes it for abandoned. */
  async *#hold(task: KeeperTask): AsyncGenerator<KeeperTask, void, undefined> {
    const { events } = this.#keys;
    const sign = setInterval(() => {
      this.#link.redis
        .xclaim(events, this.#group, this.#consumer, 0, task.id, "JUSTID")
        // Without Redis nobody can take it either.
        .catch(() => {});
    }, this.#silenceMs / 3);
    try {
      yield task;
    } finally {
      clearInterval(sign);
    }
  }

  /** From the oldest event kept: what is too old has expired, which its keeper finds. */
  async #createGroup(): Promise<void> {
    try {
      await askWaiting(this.#waiting, (redis) =>
        redis.xgroup("CREATE", this.#keys.events, this.#group, "0", "MKSTREAM"),
      );
    } catch (error) {
      if (!/^BUSYGROUP/.test((error as Error).message)) throw error;
    }
  }

  /** The oldest task that a silent keeper, be it this one, has left. */
  async #claim(): Promise<Entry | undefined> {
    let cursor = "0-0";
    do {
      const from = cursor;
      const reply = (await askWaiting(this.#waiting, (redis) =>
        redis.xautoclaim(this.#keys.events, this.#group, this.#consumer, this.#silenceMs, from, "COUNT", 1),
      )) as [string, Entry[]];
      cursor = reply[0];
      if (reply[1].length > 0) return reply[1][0];
    } while (cursor !== "0-0");
    return undefined;
  }

  async #read(): Promise<Entry | undefined> {
    const block = Math.min(BLOCK_MS, Math.ceil(this.#silenceMs / 2));
    const reply = await askWaiting(this.#waiting, (redis) =>
      redis.xreadgroup(
        ...(["GROUP", this.#group, this.#consumer, "COUNT", 1, "BLOCK", block] as const),
        ...(["STREAMS", this.#keys.events, ">"] as const),
      ),
    );
    return (reply as [string, Entry[]][] | null)?.[0]?.[1][0];
  }
}

/**
 * The decisions of a feed on Redis, handed out among the keepers of a group: each to one of them, and to another
 * where that one falls silent. Delivered at least once: whoever settles a task must bear to meet it again.
 * Throws RedisUnreachableError.
 * @param consumer Names this keeper within its group.
 */
export async function openKeeperQueue(
  url: string,
  group: string,
  consumer: string,
  options: KeeperQueueOptions = {},
): Promise<KeeperQueue> {
  const link = await connectRedis(url, options, FEED_OPTIONS);
  const waiting = link.redis.duplicate(WAITING_OPTIONS);
  waiting.on("error", () => {});
  await waiting.connect();
  return new RedisKeeperQueue(link, waiting, group, consumer, options);
}
