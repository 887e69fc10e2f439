import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import {
  checkId,
  EventTrimmedError,
  type Feed,
  type FeedEvent,
  FeedUnavailableError,
  isBefore,
  parseId,
  type Topic,
} from "./feed.ts";
import { connectRedis, disconnect, type LinkEvents, type RedisLink } from "./redis-link.ts";
import { RedisPublisher } from "./redis-publisher.ts";
import {
  askWaiting,
  BLOCK_MS,
  type Entry,
  FEED_OPTIONS,
  fetchLast,
  fetchPage,
  toEvents,
  toKeys,
  WAITING_OPTIONS,
} from "./redis-stream.ts";
import { EventRing } from "./ring.ts";

export interface RedisFeedOptions extends LinkEvents {
  /** Names the feed's keys; several feeds may share a Redis. Default `ballast:feed`. */
  readonly name?: string | undefined;
  /** Events that Redis keeps at least, all topics together. Default 10,000. */
  readonly capacity?: number | undefined;
  /** Events that this process keeps for its subscribers; slower ones read from Redis. Default 4096. */
  readonly ring?: number | undefined;
}

/** Entries of one read. */
const PAGE = 512;
const RETRY_MS = 100;

/** One connection writes and answers, another waits for events on behalf of all subscribers of this process. */
class RedisFeed implements Feed {
  readonly #link: RedisLink;
  readonly #keys: ReturnType<typeof toKeys>;
  readonly #publisher: RedisPublisher;
  readonly #size: number;
  #reader: Redis | undefined;
  #ring: Promise<EventRing> | undefined;
  #isOpen = true;

  constructor(link: RedisLink, { name = "ballast:feed", capacity = 10_000, ring = 4_096 }: RedisFeedOptions) {
    this.#link = link;
    this.#keys = toKeys(name);
    this.#publisher = new RedisPublisher(link.redis, this.#keys, capacity, link.address);
    this.#size = ring;
  }

  publish(topic: Topic, data: string, evidence?: string): Promise<string> {
    return this.#publisher.publish(topic, data, evidence);
  }

  subscribe(topics: readonly Topic[], after: string | undefined, signal: AbortSignal) {
    // Asked now: an iterator begins to run only when it is first asked.
    const beginning = this.#begin(after);
    beginning.catch(() => {});
    return this.#follow(topics, beginning, signal);
  }

  async latest(topic: Topic): Promise<FeedEvent | undefined> {
    const kept = await this.#ask((redis) => redis.hget(this.#keys.latest, topic));
    if (kept === null) return undefined;
    const space = kept.indexOf(" ");
    return { id: kept.slice(0, space), topic, data: kept.slice(space + 1) };
  }

  isHealthy(): boolean {
    return [this.#link.redis, this.#reader].every((redis) => redis === undefined || redis.status === "ready");
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#publisher.close();
    this.#link.close();
    if (this.#reader !== undefined) disconnect(this.#reader);
    (await this.#ring?.catch(() => undefined))?.close();
  }

  /** Throws FeedUnavailableError where the feed is closed meanwhile, or Redis refuses. */
  async #ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      if (!this.#isOpen) throw new Error("the feed is closed");
      return await question(this.#link.redis);
    } catch (error) {
      const { message } = error as Error;
      throw new FeedUnavailableError(`Redis at ${this.#link.address} gave no answer (${message})`);
    }
  }

  async #begin(after: string | undefined): Promise<string> {
    if (after !== undefined) parseId(after);
    this.#ring ??= this.#read();
    const last = await this.#ask((redis) => fetchLast(redis, this.#keys.events));
    await this.#ring;
    if (after !== undefined) checkId(after, last);
    return after ?? last;
  }

  /** From Redis up to where this process's own ring begins, and from the ring as long as the subscriber keeps pace. */
  async *#follow(
    topics: readonly Topic[],
    beginning: Promise<string>,
    signal: AbortSignal,
  ): AsyncGenerator<FeedEvent, void, undefined> {
    const aborted = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    let last = await Promise.race([beginning, aborted]);
    while (last !== undefined && !signal.aborted && this.#isOpen) {
      const ring = await this.#ring!;
      if (isBefore(last, ring.floor)) {
        const from: string = last;
        const reading = this.#ask((redis) => fetchPage(redis, this.#keys.events, from, PAGE));
        reading.catch(() => {});
        const page = await Promise.race([reading, aborted]);
        if (page === undefined) return;
        if (page.trimmedTo !== undefined) throw new EventTrimmedError(last, page.trimmedTo);
        for (const event of toEvents(page.entries)) {
          if (signal.aborted) return;
          if (topics.includes(event.topic)) yield event;
        }
        // Nothing more to read: what lies between is no event of this feed.
        last = page.entries.at(-1)?.[0] ?? ring.floor;
        continue;
      }
      try {
        yield* ring.follow(topics, last, signal);
        return;
      } catch (error) {
        if (!(error instanceof EventTrimmedError) || ring !== (await this.#ring)) throw error;
        last = error.after;
      }
    }
  }

  /** Begins to read; resolves once the position is known. */
  async #read(): Promise<EventRing> {
    const reader = this.#link.redis.duplicate(WAITING_OPTIONS);
    this.#reader = reader;
    reader.on("error", () => {});
    const ring = new EventRing(this.#size, await fetchLast(this.#link.redis, this.#keys.events));
    await reader.connect();
    void this.#fill(reader, ring);
    return ring;
  }

  async #fill(reader: Redis, first: EventRing): Promise<void> {
    let ring = first;
    let position = first.floor;
    let isSure = true;
    const { events } = this.#keys;
    while (this.#isOpen) {
      try {
        if (!isSure) {
          ring = await this.#checkHistory(reader, ring);
          position = ring.last;
        }
        isSure = true;
        const after = position;
        const reply = await askWaiting(reader, () =>
          reader.xread("COUNT", PAGE, "BLOCK", BLOCK_MS, "STREAMS", events, after),
        );
        const entries = (reply?.[0]?.[1] ?? []) as Entry[];
        ring.append(toEvents(entries));
        position = entries.at(-1)?.[0] ?? position;
      } catch {
        isSure = false;
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  /** A Redis that came back without the last events gives their ids out anew: subscribers have to begin again. */
  async #checkHistory(reader: Redis, ring: EventRing): Promise<EventRing> {
    const last = await askWaiting(reader, () => fetchLast(reader, this.#keys.events));
    if (!isBefore(last, ring.last)) return ring;
    const renewed = new EventRing(this.#size, last);
    this.#ring = Promise.resolve(renewed);
    ring.close(new EventTrimmedError(ring.last, last));
    return renewed;
  }
}

/**
 * A feed on Redis Streams (Redis 7 or later): all processes on one Redis see the same events under the same ids. A
 * lost connection is sought again without end, and subscribers go on where they were. Throws RedisUnreachableError.
 */
export async function openRedisFeed(url: string, options: RedisFeedOptions = {}): Promise<Feed> {
  return new RedisFeed(await connectRedis(url, options, FEED_OPTIONS), options);
}
