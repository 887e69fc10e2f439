import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventTrimmedError, type Feed, type FeedEvent, isBefore, TOPICS, type Topic } from "./feed.ts";
import { openMemoryFeed } from "./memory-feed.ts";

const never = new AbortController().signal;

/** The first events of a subscription. */
async function take(events: AsyncIterable<FeedEvent>, count: number): Promise<FeedEvent[]> {
  const taken: FeedEvent[] = [];
  if (count === 0) return taken;
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}
const dataOf = async (events: AsyncIterable<FeedEvent>, count: number) =>
  (await take(events, count)).map(({ data }) => data);

const publishAll = async (feed: Feed, lines: readonly string[], topic: Topic = "decisions") => {
  const ids: string[] = [];
  for (const line of lines) ids.push(await feed.publish(topic, line));
  return ids;
};

describe("openMemoryFeed", () => {
  it("default: subscribers see what is published from then on, in order, with the publisher's ids", async () => {
    const feed = openMemoryFeed({ clock: () => 1_000 });
    await feed.publish("decisions", "before");
    const two = [feed.subscribe(["decisions"], undefined, never), feed.subscribe(TOPICS, undefined, never)];
    const first = two.map((events) => take(events, 2));
    const id = await feed.publish("decisions", "1");
    await feed.publish("forecasts", "2");
    await feed.publish("decisions", "3");
    expect(id).toBe("1000-2");
    expect(await first[0]).toEqual([
      { id: "1000-2", topic: "decisions", data: "1" },
      { id: "1000-4", topic: "decisions", data: "3" },
    ]);
    expect((await first[1])!.map(({ data }) => data)).toEqual(["1", "2"]);
  });

  it("behaviour: a subscription begins when it is made, not when it is first read", async () => {
    const feed = openMemoryFeed();
    const events = feed.subscribe(["decisions"], undefined, never);
    await publishAll(feed, ["a", "b"]);
    expect(await dataOf(events, 2)).toEqual(["a", "b"]);
  });

  it("behaviour: ids grow even where the clock stands still or is set back", async () => {
    const times = [50, 50, 50, 40, 60, 60];
    const feed = openMemoryFeed({ clock: () => times.shift()! });
    expect(await publishAll(feed, ["a", "b", "c", "d", "e"])).toEqual([
      "50-1",
      "50-2",
      "50-3",
      "60-0",
      "60-1",
    ]);
  });

  it("behaviour: resumed after any event, the rest follows without a loss or a duplicate", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...TOPICS), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(40),
        fc.subarray([...TOPICS], { minLength: 1 }),
        async (published, capacity, cut, wanted) => {
          const feed = openMemoryFeed({ capacity, clock: () => 7 });
          const all: FeedEvent[] = [];
          for (const [k, topic] of published.entries())
            all.push({ id: await feed.publish(topic, String(k)), topic, data: String(k) });
          const from = Math.min(cut, all.length);
          const after = from === 0 ? "0-0" : all[from - 1]!.id;
          const rest = all.slice(from);
          const expected = rest.filter(({ topic }) => wanted.includes(topic));
          const events = feed.subscribe(wanted, after, never);
          if (rest.length > capacity) await expect(take(events, 1)).rejects.toThrow(EventTrimmedError);
          else expect(await take(events, expected.length)).toEqual(expected);
          for (const [k, { id }] of all.entries()) if (k > 0) expect(isBefore(all[k - 1]!.id, id)).toBe(true);
        },
      ),
      { seed: 6, numRuns: 200 },
    );
  });

  it("behaviour: a slow subscriber that is overtaken learns it, and a quick one loses nothing", async () => {
    const feed = openMemoryFeed({ capacity: 10 });
    const slow = feed.subscribe(["decisions"], undefined, never)[Symbol.asyncIterator]();
    const quick = feed.subscribe(["decisions"], undefined, never)[Symbol.asyncIterator]();
    const first = slow.next();
    for (let k = 0; k < 1_000; k++) {
      const next = quick.next();
      await feed.publish("decisions", String(k));
      expect((await next).value.data).toBe(String(k));
    }
    const { id } = (await first).value;
    await expect(slow.next()).rejects.toMatchObject({ code: "EVENT_TRIMMED", after: id });
    expect(
      await dataOf(feed.subscribe(["decisions"], (await feed.latest("decisions"))!.id, never), 0),
    ).toEqual([]);
  });

  it("behaviour: ends when the signal aborts and when the feed closes, and publishing then fails", async () => {
    const feed = openMemoryFeed();
    const stop = new AbortController();
    const [aborted, closed] = [stop.signal, never].map(async (signal) => {
      const seen: string[] = [];
      for await (const { data } of feed.subscribe(["vaults"], undefined, signal)) seen.push(data);
      return seen;
    });
    await feed.publish("vaults", "1");
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    expect(await aborted).toEqual(["1"]);
    await feed.publish("vaults", "2");
    expect(feed.isHealthy()).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    await feed.close();
    expect(await closed).toEqual(["1", "2"]);
    expect(feed.isHealthy()).toBe(false);
    await expect(feed.publish("vaults", "3")).rejects.toMatchObject({ code: "FEED_UNAVAILABLE" });
  });

  it("behaviour: the latest of each topic is known after it is trimmed", async () => {
    const feed = openMemoryFeed({ capacity: 2 });
    expect(await feed.latest("forecasts")).toBeUndefined();
    const id = await feed.publish("forecasts", "f");
    await publishAll(feed, ["a", "b", "c"]);
    expect(await feed.latest("forecasts")).toEqual({ id, topic: "forecasts", data: "f" });
  });

  it.each([
    ["", /<milliseconds>-<number>/],
    ["12", /<milliseconds>-<number>/],
    ["-1-0", /<milliseconds>-<number>/],
    ["1-0\n", /<milliseconds>-<number>/],
    ["0x10-0", /<milliseconds>-<number>/],
    ["$", /<milliseconds>-<number>/],
    [`${"9".repeat(30)}-0`, /<milliseconds>-<number>/],
    ["9999999999999-0", /from the future, the last one is 500-1/],
    ["500-2", /from the future/],
  ])("error: an event id %j", async (after, message) => {
    const feed = openMemoryFeed({ clock: () => 500 });
    await feed.publish("decisions", "x");
    const read = take(feed.subscribe(["decisions"], after, never), 1);
    await expect(read).rejects.toMatchObject({ code: "UNKNOWN_EVENT" });
    await expect(read).rejects.toThrow(message);
  });

  it("error: an id of an earlier process's feed, whose events are gone", async () => {
    const feed = openMemoryFeed({ clock: () => 500 });
    await expect(take(feed.subscribe(["decisions"], "499-7", never), 1)).rejects.toMatchObject({
      code: "EVENT_TRIMMED",
      after: "499-7",
      keptAfter: "500-0",
    });
  });
});
