import {
  type Change,
  type Feed,
  type FeedEvent,
  FeedUnavailableError,
  type Journal,
  type Topic,
  UnknownEventError,
} from "@ballast/agent";
import { eventText } from "./event-text.ts";

const ID = /^(\d{1,15})-(\d{1,15})$/;
const BEGINNING = "0-0";
/** 12 hexadecimal digits are a number of at most 15 decimal ones. */
const DIGEST_DIGITS = 12;
const POLL_MS = 200;
const PAGE = 100;

export interface JournalFeedOptions {
  /** Between two looks at the journal, ms. */
  readonly pollMs?: number;
  readonly onError: (error: unknown) => void;
}

/**
 * The events of a journal that another process writes. An id is `<place>-<digest>`: twice the place of the change in
 * the journal (one more for the vault state, which comes after its decision), and what tells it from the change at
 * the same place of another journal. So ids outlive this process, nothing is ever trimmed, and several processes that
 * serve one journal give the same ids. The journal is asked for its version at each poll and read only where that
 * has changed.
 */
export function openJournalFeed(journal: Journal, { pollMs = POLL_MS, onError }: JournalFeedOptions): Feed {
  const closed = new AbortController();
  const waiting = new Set<() => void>();
  let version = journal.version();
  let isHealthy = true;
  const wake = () => {
    for (const resume of waiting) resume();
    waiting.clear();
  };
  const polling = setInterval(() => {
    try {
      const now = journal.version();
      if (now !== version || !isHealthy) wake();
      version = now;
      isHealthy = true;
    } catch (error) {
      if (isHealthy) onError(error);
      isHealthy = false;
    }
  }, pollMs);
  polling.unref();
  const changed = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener("abort", done);
    });

  const end = () => {
    const last = journal.lastChange("all");
    return last === undefined ? BEGINNING : toEvents(last).at(-1)!.id;
  };

  return {
    async publish() {
      throw new FeedUnavailableError("this feed follows a journal; what is written there is published");
    },
    subscribe(topics, after, signal) {
      const start = after ?? end();
      const stop = AbortSignal.any([signal, closed.signal]);
      return (async function* () {
        let place = toPlace(journal, start);
        while (!stop.aborted) {
          const changes = journal.changes(Math.max(0, Math.ceil(place / 2) - 1), PAGE);
          const events = changes.flatMap(toEvents).filter(({ id }) => placeOf(id) > place);
          for (const event of events) {
            place = placeOf(event.id);
            if (topics.includes(event.topic)) yield event;
            if (stop.aborted) return;
          }
          if (events.length === 0) await changed(stop);
        }
      })();
    },
    async latest(topic) {
      const last = journal.lastChange(LATEST[topic]);
      return last && toEvents(last).find((event) => event.topic === topic);
    },
    isHealthy: () => isHealthy && !closed.signal.aborted,
    async close() {
      clearInterval(polling);
      closed.abort();
    },
  };
}

const LATEST = { forecasts: "forecasts", decisions: "decisions", vaults: "new decisions" } as const;

function toEvents({ sequence, digest, forecast, entry, isNew }: Change): FeedEvent[] {
  const check = Number.parseInt(digest.slice(0, DIGEST_DIGITS), 16);
  const event = (topic: Topic, data: string, offset = 0) => ({
    id: `${2 * sequence + offset}-${check}`,
    topic,
    data,
  });
  if (forecast !== undefined) return [event("forecasts", eventText.forecasts(forecast))];
  if (entry === undefined) return [];
  const decision = event("decisions", eventText.decisions(entry));
  return isNew ? [decision, event("vaults", eventText.vaults(entry), 1)] : [decision];
}

const placeOf = (id: string): number => Number(id.slice(0, id.indexOf("-")));

/** Errors: UnknownEventError for what is no id, and for one that this journal has not or has for something else. */
function toPlace(journal: Journal, id: string): number {
  if (id === BEGINNING) return 0;
  const match = ID.exec(id);
  if (match === null) throw new UnknownEventError(id, "is not of the form <place>-<number>");
  const place = Number(match[1]);
  const sequence = Math.floor(place / 2);
  const [change] = sequence < 1 ? [] : journal.changes(sequence - 1, 1);
  const isKnown =
    change?.sequence === sequence && toEvents(change).some((event) => event.id === `${place}-${match[2]}`);
  if (!isKnown) throw new UnknownEventError(id, "is not of this journal");
  return place;
}
