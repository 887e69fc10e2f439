import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { type Feed, type FeedEvent, TOPICS, type Topic } from "@ballast/agent";
import { BallastError } from "@ballast/data";
import { type Ending, FEED_FAILED, RESTARTING, SLOW_CLIENT, StreamsClosedError } from "./errors.ts";
import { comparePlaces, type Frame, type Place, toFrame, toPlace } from "./frame.ts";

/** One client's connection, whatever its protocol. */
export interface Sink {
  /** Accepted. @param id where the stream starts: events after it follow; undefined where there is none yet */
  open(id: string | undefined): void;
  /** Bytes accepted that the peer has not taken. */
  buffered(): number;
  /** @param flushed called once the bytes have left this process, or the connection is gone */
  send(frame: Frame, flushed?: () => void): void;
  beat(): void;
  /** Says why, closes, and breaks the connection off where the peer does not take even that. */
  end(reason: Ending): void;
}

export interface HubOptions {
  readonly heartbeatMs: number;
  /** A client that takes nothing of what was sent for this long is dropped. */
  readonly stallMs: number;
  /** Encoded events kept for those who resume; older ones come from the feed. */
  readonly keptEvents: number;
  readonly keptBytes: number;
  readonly onError: (error: unknown) => void;
}

export interface Hub {
  /**
   * Sends what follows `after` (`undefined`: from now on) to the sink until `signal` aborts. Resolves once it is
   * certain that `after` can be followed. Errors: StreamsClosedError and those of `Feed.subscribe`.
   */
  attach(
    sink: Sink,
    topics: ReadonlySet<Topic>,
    after: string | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  /** Ends every stream with a reason. */
  close(): Promise<void>;
}

interface Client {
  readonly sink: Sink;
  readonly topics: ReadonlySet<Topic>;
  readonly signal: AbortSignal;
  /** When it last took something, or nothing waited for it; ms, monotonic. */
  lastTaken: number;
}

/** Before every event. */
const BEGINNING = "0-0";
/** The feed judges an id at once; one that it follows without a new event says nothing. */
const VERDICT_MS = 1_000;
const RETRY_MS = 1_000;
/** Where more waits for a client, it is sent no more before it has taken that. */
const MOST_WAITING_BYTES = 64 * 1024;

/**
 * Follows the feed once for all clients: an event is encoded once and the same bytes are written to each. A client
 * that resumes, or does not keep pace with the others, reads the events kept here, or the feed, at its own pace, and
 * joins the others where it has met them. So what waits for a client is bounded, and a burst costs no reader its stream.
 */
export async function openHub(feed: Feed, options: HubOptions): Promise<Hub> {
  const stopped = new AbortController();
  const all = new Set<Client>();
  const live = new Set<Client>();
  let kept: Frame[] = [];
  let keptBytes = 0;
  /** The event before `kept[0]`; undefined where the feed was empty. */
  let floor = await newestOf(feed);

  const newest = () => kept.at(-1)?.id ?? floor;
  /** Where in `kept` the events after a place begin. */
  const indexAfter = (place: Place): number => {
    let [low, high] = [0, kept.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (comparePlaces(kept[middle]!.place, place) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  /** By the whole id: one that merely lies between is not known here, and the feed judges it. */
  const covers = (id: string): boolean => {
    const place = toPlace(id);
    return place !== undefined && (id === floor || kept[indexAfter(place) - 1]?.id === id);
  };
  /** The first kept event after `id` of the topics. */
  const nextKept = (id: string, topics: ReadonlySet<Topic>): Frame | undefined => {
    let index = indexAfter(toPlace(id)!);
    while (index < kept.length && !topics.has(kept[index]!.topic)) index++;
    return kept[index];
  };

  const drop = (client: Client, reason: Ending) => {
    all.delete(client);
    live.delete(client);
    client.sink.end(reason);
  };

  function publish(frame: Frame): void {
    const before = newest() ?? BEGINNING;
    kept.push(frame);
    keptBytes += frame.sse.length;
    while (kept.length > options.keptEvents || (keptBytes > options.keptBytes && kept.length > 1)) {
      const oldest = kept.shift()!;
      keptBytes -= oldest.sse.length;
      floor = oldest.id;
    }
    for (const client of live) {
      if (!client.topics.has(frame.topic)) continue;
      if (client.sink.buffered() < MOST_WAITING_BYTES) client.sink.send(frame);
      else {
        live.delete(client);
        catchUp(client, before);
      }
    }
  }

  /** Goes on after a failure where it was; where the feed has lost that place, so have all clients. */
  async function follow(): Promise<void> {
    let sinceTurn = 0;
    while (!stopped.signal.aborted) {
      try {
        for await (const event of feed.subscribe(TOPICS, newest() ?? BEGINNING, stopped.signal)) {
          const frame = toFrame(event);
          publish(frame);
          sinceTurn += frame.sse.length;
          if (sinceTurn < MOST_WAITING_BYTES) continue;
          // A feed has many events at once; in between, sockets must get to send them.
          sinceTurn = 0;
          await turn();
        }
      } catch (error) {
        if (stopped.signal.aborted) return;
        options.onError(error);
        const ending = toEnding(error);
        if (ending !== FEED_FAILED) {
          for (const client of live) drop(client, ending);
          kept = [];
          keptBytes = 0;
          floor = await newestOf(feed).catch(() => undefined);
        }
      }
      await sleep(RETRY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  }

  /** From the events kept where they reach back far enough, else from the feed itself. */
  async function sendFrom(client: Client, after: string, opened: Opened | undefined): Promise<void> {
    let cursor = after;
    let source = opened;
    try {
      while (!client.signal.aborted && all.has(client)) {
        let frame: Frame | undefined;
        if (covers(cursor)) {
          source?.close();
          source = undefined;
          frame = nextKept(cursor, client.topics);
          if (frame === undefined) return void live.add(client);
        } else {
          source ??= openSource(feed, client, cursor);
          const { done, value } = await source.next();
          if (done) return;
          frame = toFrame(value);
        }
        cursor = frame.id;
        await sendSlowly(client.sink, frame);
        client.lastTaken = performance.now();
      }
    } finally {
      source?.close();
    }
  }

  function catchUp(client: Client, after: string, opened?: Opened): void {
    sendFrom(client, after, opened).catch((error) => {
      if (client.signal.aborted || !all.has(client)) return;
      if (toEnding(error) === FEED_FAILED) options.onError(error);
      drop(client, toEnding(error));
    });
  }

  const following = follow();
  const beating = setInterval(() => {
    const now = performance.now();
    for (const client of all) {
      if (client.sink.buffered() === 0) client.lastTaken = now;
      if (now - client.lastTaken > options.stallMs) drop(client, SLOW_CLIENT);
      else client.sink.beat();
    }
  }, options.heartbeatMs);

  return {
    async attach(sink, topics, after, signal) {
      const client: Client = { sink, topics, signal, lastTaken: performance.now() };
      const opened = after === undefined || covers(after) ? undefined : openSource(feed, client, after);
      try {
        await opened?.verdict();
      } catch (error) {
        opened?.close();
        throw error;
      }
      if (signal.aborted || stopped.signal.aborted) {
        opened?.close();
        if (signal.aborted) return;
        throw new StreamsClosedError();
      }
      sink.open(after ?? newest());
      all.add(client);
      signal.addEventListener("abort", () => {
        all.delete(client);
        live.delete(client);
      });
      if (after === undefined) return void live.add(client);
      catchUp(client, after, opened);
    },
    async close() {
      clearInterval(beating);
      stopped.abort();
      for (const client of all) drop(client, RESTARTING);
      await following;
    },
  };
}

interface Opened {
  next(): Promise<IteratorResult<FeedEvent, unknown>>;
  /** Throws where the feed does not know the place. */
  verdict(): Promise<unknown>;
  close(): void;
}

/** A subscription of one client. */
function openSource(feed: Feed, { topics, signal }: Client, after: string): Opened {
  const closed = new AbortController();
  const events = feed.subscribe([...topics], after, AbortSignal.any([signal, closed.signal]));
  const iterator = events[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<FeedEvent, unknown>> | undefined = iterator.next();
  first.catch(() => undefined); // It is thrown to whoever asks.
  return {
    verdict: () => Promise.race([first, sleep(VERDICT_MS, undefined, { ref: false })]),
    next() {
      const taken = first ?? iterator.next();
      first = undefined;
      return taken;
    },
    close() {
      closed.abort();
      iterator.return?.()?.catch(() => undefined);
    },
  };
}

async function newestOf(feed: Feed): Promise<string | undefined> {
  const latest = await Promise.all(TOPICS.map((topic) => feed.latest(topic)));
  return latest
    .flatMap((event) => (event === undefined ? [] : [event.id]))
    .sort((a, b) => comparePlaces(toPlace(a) ?? [0, 0], toPlace(b) ?? [0, 0]))
    .at(-1);
}

const sendSlowly = (sink: Sink, frame: Frame): Promise<void> | undefined => {
  if (sink.buffered() < MOST_WAITING_BYTES) return void sink.send(frame);
  return new Promise((resolve) => sink.send(frame, resolve));
};

const toEnding = (error: unknown): Ending =>
  error instanceof BallastError && (error.code === "EVENT_TRIMMED" || error.code === "UNKNOWN_EVENT")
    ? { code: error.code, detail: error.message }
    : FEED_FAILED;
