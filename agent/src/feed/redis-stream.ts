import type { Redis } from "ioredis";
import { type FeedEvent, isBefore, TOPICS, type Topic } from "./feed.ts";
import { answerOf, type LinkOptions } from "./redis-link.ts";

/** Keys of a feed. The braces keep them on one node of a cluster. */
export const toKeys = (name: string) => ({
  events: `{${name}}:events`,
  latest: `{${name}}:latest`,
  /** What each publisher did last. */
  once: `{${name}}:once`,
  refused: `{${name}}:refused`,
});

/** Of a connection to a feed's Redis; replies have the arrays of RESP 2. */
export const FEED_OPTIONS: LinkOptions = { protocol: 2 };
/** Of a connection that waits for events: what it waited for is not asked again by itself, see `askWaiting`. */
export const WAITING_OPTIONS: LinkOptions = { ...FEED_OPTIONS, autoResendUnfulfilledCommands: false };

/** Rejects when the connection is lost: ioredis leaves a command that it shall not send again without any answer. */
export async function askWaiting<T>(redis: Redis, question: (redis: Redis) => Promise<T>): Promise<T> {
  const { promise: closed, reject } = Promise.withResolvers<never>();
  const onClose = () => reject(new Error("the connection was lost"));
  redis.once("close", onClose);
  try {
    return await answerOf(redis, Promise.race([question(redis), closed]));
  } finally {
    redis.off("close", onClose);
  }
}
/** How long one blocking call waits; well within what `answerOf` takes for silence. */
export const BLOCK_MS = 5_000;

/** An entry of a stream as Redis replies it; without fields where it was trimmed meanwhile. */
export type Entry = readonly [id: string, fields: readonly string[] | null];

/** Undefined where somebody else wrote it. */
export function toEvent([id, fields]: Entry): FeedEvent | undefined {
  const [topicName, topic, dataName, data] = fields ?? [];
  const isOurs = topicName === "topic" && dataName === "data" && data !== undefined;
  return isOurs && TOPICS.includes(topic as Topic) ? { id, topic: topic as Topic, data } : undefined;
}

/** What the publisher of a decision gave to keepers. */
export const toEvidence = ([, fields]: Entry): string | undefined =>
  fields?.[4] === "evidence" ? fields[5] : undefined;

export const toEvents = (entries: readonly Entry[]): FeedEvent[] =>
  entries.map(toEvent).filter((event) => event !== undefined);

interface StreamInfo {
  /** The last id given out. */
  readonly last: string;
  /** Of the oldest entry kept. */
  readonly first: string | undefined;
  readonly hasTrimmed: boolean;
}

function toInfo(reply: readonly unknown[]): StreamInfo {
  const fields = new Map(reply.map((name, k) => [name, reply[k + 1]]));
  const added = fields.get("entries-added") as number | undefined;
  return {
    last: String(fields.get("last-generated-id")),
    first: (fields.get("first-entry") as Entry | null)?.[0],
    hasTrimmed: added !== fields.get("length"),
  };
}

const isMissing = (error: unknown) => error instanceof Error && /no such key/.test(error.message);

/** Before every event. */
const BEGINNING = "0-0";

/** Id of the last event, `0-0` where there is none yet. */
export async function fetchLast(redis: Redis, events: string): Promise<string> {
  try {
    return toInfo((await redis.xinfo("STREAM", events)) as unknown[]).last;
  } catch (error) {
    if (isMissing(error)) return BEGINNING;
    throw error;
  }
}

export interface StreamPage {
  readonly entries: readonly Entry[];
  /** Set where events after the asked id may be trimmed: the oldest one kept. */
  readonly trimmedTo: string | undefined;
}

/**
 * Entries after an id, and in the same moment whether the stream has lost any of them. It does not remember what it
 * trimmed: an id older than all it keeps counts as lost, unless it never trimmed anything.
 */
export async function fetchPage(
  redis: Redis,
  events: string,
  after: string,
  count: number,
): Promise<StreamPage> {
  const replies = await redis
    .multi()
    .xrange(events, `(${after}`, "+", "COUNT", count)
    .xinfo("STREAM", events)
    .exec();
  const [[rangeError, entries], [infoError, reply]] = replies as [
    [Error | null, Entry[]],
    [Error | null, unknown[]],
  ];
  if (isMissing(infoError)) return { entries: [], trimmedTo: undefined };
  const error = rangeError ?? infoError;
  if (error !== null) throw error;
  const { first, last, hasTrimmed } = toInfo(reply);
  const oldest = first ?? last;
  // An id older than all there are was trimmed, or given out by a Redis that has lost its events since.
  const isLost = (hasTrimmed || after !== BEGINNING) && isBefore(after, oldest);
  return { entries, trimmedTo: isLost ? oldest : undefined };
}
