import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Feed, type FeedEvent, isBefore, TOPICS } from "../src/feed/feed.ts";
import { openRedisFeed, type RedisFeedOptions } from "../src/feed/redis-feed.ts";
import { RedisUnreachableError } from "../src/feed/redis-link.ts";
import { hasRedis, keep, type RedisServer, startRedis } from "./redis.fixture.ts";

const never = new AbortController().signal;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open({ url }: RedisServer, options: RedisFeedOptions = {}): Promise<Feed> {
  const feed = await openRedisFeed(url, options);
  closing.push(() => feed.close());
  return feed;
}

async function server(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
  const started = await startRedis(options);
  closing.push(async () => {
    started.client.disconnect();
    await started.kill();
  });
  return started;
}

async function take(events: AsyncIterable<FeedEvent>, count: number): Promise<FeedEvent[]> {
  const taken: FeedEvent[] = [];
  for await (const event of events) if (taken.push(event) === count) break;
  return taken;
}
const publishAll = (feed: Feed, from: number, to: number) =>
  Promise.all(Array.from({ length: to - from }, (_, k) => feed.publish("decisions", String(from + k))));
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => String(from + k));
const until = async (isSo: () => boolean | Promise<boolean>) => {
  for (let waited = 0; waited < 20_000 && !(await isSo()); waited += 10) await sleep(10);
  expect(await isSo()).toBe(true);
};

describe.skipIf(!hasRedis)("openRedisFeed", () => {
  let redis: RedisServer;
  beforeEach(async () => {
    redis = await server();
  });

  it("default: in order, with the ids that publishing returned, for every subscriber of a topic", async () => {
    const feed = await open(redis);
    await feed.publish("decisions", "before");
    const all = take(feed.subscribe(TOPICS, undefined, never), 6);
    const some = take(feed.subscribe(["decisions"], undefined, never), 3);
    await sleep(100);
    const published: FeedEvent[] = [];
    for (let k = 0; k < 6; k++) {
      const topic = k % 2 === 0 ? "decisions" : "vaults";
      const data = JSON.stringify({ k, text: "ä\n\u0000 " });
      published.push({ id: await feed.publish(topic, data), topic, data });
    }
    expect(await all).toEqual(published);
    expect(await some).toEqual(published.filter(({ topic }) => topic === "decisions"));
  });

  it("behaviour: publishing without waiting keeps the order of the calls", async () => {
    const feed = await open(redis);
    const ids = await publishAll(feed, 0, 2_000);
    const seen = await take(feed.subscribe(TOPICS, "0-0", never), 2_000);
    expect(seen.map(({ id }) => id)).toEqual(ids);
    expect(seen.map(({ data }) => data)).toEqual(numbers(0, 2_000));
  });

  it("behaviour: resumed after any id, in this process's ring or older than it", async () => {
    const writer = await open(redis);
    const before = await publishAll(writer, 0, 1_200);
    const feed = await open(redis, { ring: 50 });
    const warm = take(feed.subscribe(TOPICS, undefined, never), 100);
    await sleep(100);
    const ids = [...before, ...(await publishAll(writer, 1_200, 1_300))];
    await warm;
    for (const from of [0, 1, 500, 1_199, 1_200, 1_240, 1_260, 1_299]) {
      const after = from === 0 ? "0-0" : ids[from - 1]!;
      const seen = await take(feed.subscribe(TOPICS, after, never), 1_300 - from);
      expect(seen.map(({ data }) => data)).toEqual(numbers(from, 1_300));
    }
  });

  it("behaviour: two processes see the same events under the same ids", async () => {
    const script = fileURLToPath(new URL("./feed-process.ts", import.meta.url));
    const outputs = [300, 200].map((publishes) => {
      const child = keep(
        spawn(process.execPath, [script, redis.url, String(publishes), "500"], {
          stdio: ["ignore", "pipe", "inherit"],
        }),
      );
      return new Promise<string>((resolve) => {
        let text = "";
        child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        child.once("close", () => resolve(text));
      });
    });
    const [one, two] = (await Promise.all(outputs)).map((text) => JSON.parse(text.split("\n")[1]!));
    expect(one).toEqual(two);
    expect(new Set(one).size).toBe(500);
    const pids = new Set(one.map((line: string) => line.split(/[ :]/)[1]));
    expect(pids.size).toBe(2);
  });

  it("behaviour: Redis killed and started again in the middle: nothing lost, nothing twice", async () => {
    const lines: string[] = [];
    const [feed, other] = [
      await open(redis, { onLost: () => lines.push("lost"), onBack: () => lines.push("back") }),
      await open(redis),
    ];
    const seen = [feed, other].map((of) => take(of.subscribe(TOPICS, undefined, never), 3_000));
    await sleep(100);
    const first = publishAll(feed, 0, 1_000);
    // In the midst of it: some are written and their answers lost, some are not written yet.
    await until(async () => (await redis.client.xlen("{ballast:feed}:events")) > 0);
    await redis.kill();
    await until(() => lines.length === 1);
    expect(feed.isHealthy()).toBe(false);
    const second = publishAll(feed, 1_000, 2_000);
    await sleep(300);
    await redis.restart();
    const ids = [...(await first), ...(await second)];
    expect(lines).toEqual(["lost", "back"]);
    await until(() => feed.isHealthy());
    ids.push(...(await publishAll(feed, 2_000, 3_000)));
    for (const events of await Promise.all(seen)) {
      expect(events.map(({ data }) => data)).toEqual(numbers(0, 3_000));
      expect(events.map(({ id }) => id)).toEqual(ids);
    }
    expect(await redis.client.xlen("{ballast:feed}:events")).toBe(3_000);
  });

  it("behaviour: a batch whose answer is lost is not appended twice", async () => {
    const feed = await open(redis);
    const clients = async () => String(await redis.client.client("LIST"));
    await feed.publish("decisions", "0");
    // Redis carries the command out after the connection it came by is gone.
    await redis.client.call("CLIENT", "PAUSE", "300", "WRITE");
    const published = publishAll(feed, 1, 20);
    await sleep(50);
    const blocked = (await clients()).split("\n").find((line) => / cmd=eval/.test(line))!;
    expect(blocked).toBeDefined();
    await redis.client.call("CLIENT", "KILL", "ID", /id=(\d+)/.exec(blocked)![1]!);
    const ids = await published;
    const seen = await take(feed.subscribe(TOPICS, "0-0", never), 20);
    expect(seen.map(({ data }) => data)).toEqual(numbers(0, 20));
    expect(seen.slice(1).map(({ id }) => id)).toEqual(ids);
    expect(await redis.client.xlen("{ballast:feed}:events")).toBe(20);
  });

  it("behaviour: a slow subscriber reads from Redis what the ring no longer has, until Redis trims it too", async () => {
    const feed = await open(redis, { ring: 20, capacity: 100 });
    const slow = feed.subscribe(TOPICS, undefined, never)[Symbol.asyncIterator]();
    const first = slow.next();
    await sleep(100);
    await publishAll(feed, 0, 100);
    expect((await first).value.data).toBe("0");
    for (let k = 1; k < 100; k++) expect((await slow.next()).value.data).toBe(String(k));
    // Redis trims by whole nodes of its tree: many more than the capacity have to come.
    for (let k = 100; k < 1_000; k += 100) await publishAll(feed, k, k + 100);
    await expect(
      (async () => {
        for (let k = 100; k < 1_000; k++) expect((await slow.next()).value.data).toBe(String(k));
      })(),
    ).rejects.toMatchObject({ code: "EVENT_TRIMMED" });
    const kept = await redis.client.xlen("{ballast:feed}:events");
    expect(kept).toBeGreaterThanOrEqual(100);
    expect(kept).toBeLessThan(350);
  });

  it("behaviour: the latest of each topic outlives trimming and the process that published it", async () => {
    const writer = await open(redis, { capacity: 1 });
    const id = await writer.publish("forecasts", '{"a b":1}');
    await publishAll(writer, 0, 500);
    const feed = await open(redis);
    expect(await feed.latest("forecasts")).toEqual({ id, topic: "forecasts", data: '{"a b":1}' });
    expect((await feed.latest("decisions"))?.data).toBe("499");
    expect(await feed.latest("vaults")).toBeUndefined();
    await expect(take(feed.subscribe(TOPICS, id, never), 1)).rejects.toMatchObject({
      code: "EVENT_TRIMMED",
      after: id,
    });
  });

  it("behaviour: aborting and closing end a subscription, also while Redis is gone", async () => {
    const feed = await open(redis);
    const stop = new AbortController();
    const aborted = take(feed.subscribe(TOPICS, undefined, stop.signal), 1);
    const closed = take(feed.subscribe(TOPICS, undefined, never), 1);
    await sleep(100);
    await redis.kill();
    const late = take(feed.subscribe(TOPICS, "0-0", stop.signal), 1);
    await sleep(50);
    stop.abort();
    expect(await aborted).toEqual([]);
    expect(await late).toEqual([]);
    const publishing = feed.publish("vaults", "x");
    publishing.catch(() => {});
    const asking = take(feed.subscribe(TOPICS, "0-0", never), 1);
    asking.catch(() => {});
    await feed.close();
    expect(await closed).toEqual([]);
    await expect(asking).rejects.toMatchObject({ code: "FEED_UNAVAILABLE" });
    await expect(publishing).rejects.toMatchObject({ code: "FEED_UNAVAILABLE" });
    await expect(feed.publish("vaults", "y")).rejects.toMatchObject({ code: "FEED_UNAVAILABLE" });
    await expect(feed.latest("vaults")).rejects.toMatchObject({ code: "FEED_UNAVAILABLE" });
  });

  it("behaviour: what somebody else writes into the stream is passed over", async () => {
    const feed = await open(redis);
    const events = take(feed.subscribe(TOPICS, undefined, never), 2);
    await sleep(100);
    await feed.publish("vaults", "1");
    await redis.client.xadd("{ballast:feed}:events", "*", "noise", "x");
    await redis.client.xadd("{ballast:feed}:events", "*", "topic", "secrets", "data", "x");
    await feed.publish("vaults", "2");
    expect((await events).map(({ data }) => data)).toEqual(["1", "2"]);
  });

  it("error: ids that are malformed or from the future", async () => {
    const feed = await open(redis);
    const id = await feed.publish("decisions", "x");
    const [ms, n] = id.split("-").map(Number);
    for (const after of ["", "$", "1", "1-0 ", `${ms}-${n! + 1}`, "999999999999999-0", "0-0-0", "*"])
      await expect(take(feed.subscribe(TOPICS, after, never), 1)).rejects.toMatchObject({
        code: "UNKNOWN_EVENT",
        id: after,
      });
    expect(isBefore(id, `${ms}-${n! + 1}`)).toBe(true);
  });

  it("error: no Redis, a wrong password and no URL, none of which shows the password", async () => {
    const locked = await server({ password: "hunter2" });
    const port = URL.parse(locked.url)!.port;
    for (const url of [
      "redis://:hunter2@127.0.0.1:9",
      `redis://:hunter22@127.0.0.1:${port}`,
      "http://u:hunter2@127.0.0.1:6379",
      "hunter2",
    ]) {
      const error = await openRedisFeed(url).then(
        () => expect.fail("it was opened"),
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(RedisUnreachableError);
      expect(String(error)).not.toContain("hunter2");
    }
    expect((await open(locked)).isHealthy()).toBe(true);
  });
});

describe.skipIf(!hasRedis)("openRedisFeed on a Redis that forgets", () => {
  it("error: back without its events: subscribers are told to begin again, and do", async () => {
    const redis = await server({ keeps: false });
    const feed = await open(redis);
    const events = take(feed.subscribe(TOPICS, undefined, never), 3);
    events.catch(() => {});
    await sleep(100);
    const lost = (await publishAll(feed, 0, 2))[1]!;
    await sleep(100);
    await redis.kill();
    await redis.restart();
    await expect(events).rejects.toMatchObject({ code: "EVENT_TRIMMED", after: lost });
    await expect(take(feed.subscribe(TOPICS, lost, never), 1)).rejects.toMatchObject({
      code: "UNKNOWN_EVENT",
    });
    const renewed = take(feed.subscribe(TOPICS, undefined, never), 1);
    await sleep(100);
    await feed.publish("vaults", "new");
    expect((await renewed)[0]!.data).toBe("new");
  });
});
