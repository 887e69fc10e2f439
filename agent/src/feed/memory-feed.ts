import { checkId, type Feed, type FeedEvent, FeedUnavailableError, parseId, type Topic } from "./feed.ts";
import { EventRing } from "./ring.ts";

export interface MemoryFeedOptions {
  /** Events kept, all topics together, at least 1. Default 4096. */
  readonly capacity?: number;
  /** Unix milliseconds. */
  readonly clock?: () => number;
}

/** A feed within this process. It knows nothing of what an earlier process published: such ids count as trimmed. */
export function openMemoryFeed({ capacity = 4_096, clock = Date.now }: MemoryFeedOptions = {}): Feed {
  const opened = `${clock()}-0`;
  const ring = new EventRing(capacity, opened);
  const newest = new Map<Topic, FeedEvent>();
  let isOpen = true;

  function nextId(): string {
    const { ms, n } = parseId(ring.last);
    const now = clock();
    // A clock that is set back must not set the ids back.
    return now > ms ? `${now}-0` : `${ms}-${n + 1}`;
  }

  return {
    async publish(topic, data) {
      if (!isOpen) throw new FeedUnavailableError("the feed is closed; publish before closing it");
      const event = { id: nextId(), topic, data };
      newest.set(topic, event);
      ring.append([event]);
      return event.id;
    },
    subscribe(topics, after, signal) {
      // Read now: an iterator begins to run only when it is first asked.
      const now = ring.last;
      return (async function* () {
        if (after !== undefined) checkId(after, now);
        // Nothing was published here before the feed was opened.
        yield* ring.follow(
          topics,
          after === "0-0" && ring.floor === opened ? opened : (after ?? now),
          signal,
        );
      })();
    },
    latest: async (topic) => newest.get(topic),
    isHealthy: () => isOpen,
    async close() {
      isOpen = false;
      ring.close();
    },
  };
}
