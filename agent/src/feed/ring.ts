import { EventTrimmedError, type FeedEvent, isBefore, type Topic } from "./feed.ts";

/**
 * The last events of a feed in a fixed number of slots, read by any number of subscribers at their own pace. A
 * subscriber is a position and nothing else: however slowly it reads, it keeps no event alive.
 */
export class EventRing {
  readonly #slots: FeedEvent[] = [];
  readonly #capacity: number;
  readonly #waiting = new Set<() => void>();
  /** Events appended so far; the next one's position. */
  #end = 0;
  #floor: string;
  #closed: { readonly reason: Error | undefined } | undefined;

  /**
   * @param capacity At least 1.
   * @param floor All events after this id will be appended.
   */
  constructor(capacity: number, floor: string) {
    this.#capacity = capacity;
    this.#floor = floor;
  }

  /** The ring has all events after this id. */
  get floor(): string {
    return this.#floor;
  }

  /** Id of the last event appended, or of where the ring began. */
  get last(): string {
    return this.#end === 0 ? this.#floor : this.#at(this.#end - 1).id;
  }

  /** In the order of their ids, after all earlier ones. */
  append(events: readonly FeedEvent[]): void {
    for (const event of events) {
      const slot = this.#end % this.#capacity;
      if (this.#end >= this.#capacity) this.#floor = this.#slots[slot]!.id;
      this.#slots[slot] = event;
      this.#end += 1;
    }
    this.#wake();
  }

  /** Ends every `follow`: with an error where there is a reason. */
  close(reason?: Error): void {
    this.#closed ??= { reason };
    this.#wake();
  }

  /** Events after `after`, then those to come. Throws EventTrimmedError where the ring has lost some of them. */
  async *follow(
    topics: readonly Topic[],
    after: string,
    signal: AbortSignal,
  ): AsyncGenerator<FeedEvent, void, undefined> {
    let last = after;
    let position = this.#positionAfter(after);
    let wake = () => {};
    const onAbort = () => wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        if (this.#closed?.reason !== undefined) throw this.#closed.reason;
        if (this.#closed !== undefined) return;
        if (position < this.#end - this.#capacity) throw new EventTrimmedError(last, this.#floor);
        if (position === this.#end) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            this.#waiting.add(resolve);
          });
          continue;
        }
        const event = this.#at(position++);
        // `after` may lie ahead of the ring, which has not been given those events yet.
        if (last === after && !isBefore(after, event.id)) continue;
        last = event.id;
        if (topics.includes(event.topic)) yield event;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(wake);
    }
  }

  #at(position: number): FeedEvent {
    return this.#slots[position % this.#capacity]!;
  }

  #positionAfter(id: string): number {
    if (isBefore(id, this.#floor)) throw new EventTrimmedError(id, this.#floor);
    let [low, high] = [Math.max(0, this.#end - this.#capacity), this.#end];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(id, this.#at(middle).id)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #wake(): void {
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of woken) wake();
  }
}
