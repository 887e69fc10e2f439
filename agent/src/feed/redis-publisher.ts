import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { FeedUnavailableError, type Topic } from "./feed.ts";
import { answerOf } from "./redis-link.ts";
import type { toKeys } from "./redis-stream.ts";

/**
 * Appends a batch of events and returns their ids. A batch whose answer was lost with the connection is sent again:
 * its publisher's number tells that it was appended already, and which ids it got.
 */
const PUBLISH = `
local events, latest, once = KEYS[1], KEYS[2], KEYS[3]
local done = redis.call('HMGET', once, 'batch', 'ids')
if done[1] == ARGV[1] then return done[2] end
local ids, newest = {}, {}
for i = 3, #ARGV, 3 do
  local fields = {'topic', ARGV[i], 'data', ARGV[i + 1]}
  if ARGV[i + 2] ~= '' then fields[5], fields[6] = 'evidence', ARGV[i + 2] end
  local id = redis.call('XADD', events, 'MAXLEN', '~', ARGV[2], '*', unpack(fields))
  ids[#ids + 1] = id
  newest[ARGV[i]] = id .. ' ' .. ARGV[i + 1]
end
for topic, event in pairs(newest) do redis.call('HSET', latest, topic, event) end
local joined = table.concat(ids, ' ')
redis.call('HSET', once, 'batch', ARGV[1], 'ids', joined)
redis.call('EXPIRE', once, 86400)
return joined`;

/** Events of one call at most. */
const BATCH = 256;
/** Events that wait for a Redis that is gone, at most. */
const MOST_WAITING = 10_000;
const CLOSE_MS = 2_000;

interface Waiting {
  readonly topic: Topic;
  readonly data: string;
  readonly evidence: string;
  readonly resolve: (id: string) => void;
  readonly reject: (error: Error) => void;
}

/** Publishes in the order of the calls, each event once, whatever becomes of the connection. */
export class RedisPublisher {
  readonly #redis: Redis;
  readonly #keys: readonly [events: string, latest: string, once: string];
  readonly #capacity: number;
  readonly #address: string;
  readonly #waiting: Waiting[] = [];
  #batch = 0;
  #sending: Promise<void> | undefined;
  #isOpen = true;

  constructor(redis: Redis, keys: ReturnType<typeof toKeys>, capacity: number, address: string) {
    this.#redis = redis;
    this.#keys = [keys.events, keys.latest, `${keys.once}:${randomUUID()}`];
    this.#capacity = capacity;
    this.#address = address;
  }

  publish(topic: Topic, data: string, evidence = ""): Promise<string> {
    if (!this.#isOpen)
      return Promise.reject(new FeedUnavailableError("the feed is closed; publish before closing it"));
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(
        new FeedUnavailableError(
          `${MOST_WAITING} events wait for Redis at ${this.#address} already; start it, then publish again`,
        ),
      );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ topic, data, evidence, resolve, reject });
      this.#sending ??= this.#send();
    });
  }

  /** Waits a moment for what is on its way; the rest fails. */
  async close(): Promise<void> {
    this.#isOpen = false;
    if (this.#redis.status === "ready")
      await Promise.race([this.#sending, sleep(CLOSE_MS, undefined, { ref: false })]);
    const why = `Redis at ${this.#address} did not take the event before the feed was closed; publish it again`;
    for (const { reject } of this.#waiting.splice(0)) reject(new FeedUnavailableError(why));
  }

  async #send(): Promise<void> {
    // Whatever is published in this turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      const number = `${++this.#batch}`;
      const lines = batch.flatMap(({ topic, data, evidence }) => [topic, data, evidence]);
      try {
        const ids = await answerOf(
          this.#redis,
          this.#redis.eval(PUBLISH, 3, ...this.#keys, number, this.#capacity, ...lines),
        );
        this.#waiting.splice(0, batch.length);
        for (const [k, id] of String(ids).split(" ").entries()) batch[k]!.resolve(id);
      } catch (error) {
        // A lost connection is waited for, not reported: Redis itself refuses, or the feed was closed.
        this.#waiting.splice(0, batch.length);
        const why = `Redis at ${this.#address} refused an event (${(error as Error).message}); see that it may write`;
        for (const { reject } of batch) reject(new FeedUnavailableError(why));
      }
    }
    this.#sending = undefined;
  }
}
