import { BallastError } from "@ballast/data";

/** What is published: one line of one stream, in order. */
export const TOPICS = ["forecasts", "decisions", "vaults"] as const;
export type Topic = (typeof TOPICS)[number];

export interface FeedEvent {
  /** Opaque, ordered over all topics: `<ms>-<n>` as in Redis Streams. Every subscriber and process sees the same. */
  readonly id: string;
  readonly topic: Topic;
  /** JSON text, made once by the publisher: exactly what the API's own resource shows for it. */
  readonly data: string;
}

export interface Feed {
  /**
   * @param evidence Of a decision, as text of its file: for keepers alone, subscribers are not shown it.
   * @returns The event's id. Errors: FeedUnavailableError
   */
  publish(topic: Topic, data: string, evidence?: string): Promise<string>;
  /**
   * Events after `after` (exclusive; `0-0`: all that were ever published; `undefined`: from this call on), then live
   * ones, until the signal aborts or the feed closes. A subscriber that reads slowly costs no memory. While iterating
   * throws EventTrimmedError where events after `after`, or after the last one delivered, are no longer kept, and
   * UnknownEventError for an id that is malformed or from the future.
   */
  subscribe(
    topics: readonly Topic[],
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<FeedEvent>;
  /** The last event of a topic, even where the stream no longer keeps it. Errors: FeedUnavailableError */
  latest(topic: Topic): Promise<FeedEvent | undefined>;
  isHealthy(): boolean;
  /** Ends every subscription. */
  close(): Promise<void>;
}

export class EventTrimmedError extends BallastError {
  readonly code = "EVENT_TRIMMED";
  readonly after: string;
  /** All events after this id are kept. */
  readonly keptAfter: string;
  constructor(after: string, keptAfter: string) {
    super(
      `events after ${after} are no longer kept, only those after ${keptAfter}; ` +
        "read the current state again and subscribe without an id",
    );
    this.after = after;
    this.keptAfter = keptAfter;
  }
}

export class UnknownEventError extends BallastError {
  readonly code = "UNKNOWN_EVENT";
  readonly id: string;
  constructor(id: string, why: string) {
    super(
      `event id ${JSON.stringify(id.slice(0, 80))} ${why}; give the id of an event of this feed, or none to begin now`,
    );
    this.id = id;
  }
}

export class FeedUnavailableError extends BallastError {
  readonly code = "FEED_UNAVAILABLE";
}

interface EventTime {
  readonly ms: number;
  /** Number within the millisecond. */
  readonly n: number;
}

export function parseId(id: string): EventTime {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(id);
  if (match === null) throw new UnknownEventError(id, "is not of the form <milliseconds>-<number>");
  return { ms: Number(match[1]), n: Number(match[2]) };
}

/** Whether one id comes before another. Both must be ids. */
export function isBefore(id: string, other: string): boolean {
  const [a, b] = [parseId(id), parseId(other)];
  return a.ms === b.ms ? a.n < b.n : a.ms < b.ms;
}

/** Throws UnknownEventError unless `after` is an id no later than the last one given out. */
export function checkId(after: string, last: string): void {
  parseId(after);
  if (isBefore(last, after))
    throw new UnknownEventError(after, `is from the future, the last one is ${last}`);
}
