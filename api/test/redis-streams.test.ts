import { setTimeout as sleep } from "node:timers/promises";
import { type Feed, openRedisFeed } from "@ballast/agent";
import { describe, expect, test } from "vitest";
import { createApi } from "../src/index.ts";
import type { StreamOptions } from "../src/routes/streams.ts";
import { ARTEFACTS, startFixture } from "./fixture.ts";
import { hasRedis, type RedisServer, startRedis } from "./redis.ts";
import { listen, numbersOf, openSocket, publishMany, range, undo, until } from "./stream-clients.ts";

if (!hasRedis)
  console.log("redis-server is not installed: streams of several services on one Redis are left out");

async function openFeed(
  { url }: RedisServer,
  options: Parameters<typeof openRedisFeed>[1] = {},
): Promise<Feed> {
  const feed = await openRedisFeed(url, options);
  undo.push(() => feed.close());
  return feed;
}

/** A service with a connection of its own, as another process has it. */
async function serve(
  redis: RedisServer,
  options: StreamOptions = {},
  feed: Parameters<typeof openFeed>[1] = {},
) {
  const fixture = await startFixture();
  const own = await openFeed(redis, feed);
  const { journal } = fixture;
  const app = await createApi({ journal, artefacts: ARTEFACTS, feed: own, streams: options });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await app.close();
    await own.close();
    await fixture.close();
  };
  undo.push(close);
  return { url, close };
}

const idsOf = (events: readonly { readonly id?: string }[]) => events.map(({ id }) => id);

describe.skipIf(!hasRedis)("streams of several services on one Redis", () => {
  test("default: both show the same events under the ids of Redis, by either protocol", async () => {
    const redis = await startRedis();
    const [a, b] = [await serve(redis), await serve(redis)];
    const publisher = await openFeed(redis);
    const [first, second] = [await listen(a.url), await listen(b.url)];
    const socket = await openSocket(b.url);
    await socket.count(1);
    const ids = await publishMany(publisher, 0, 300);
    await Promise.all([first.count(300), second.count(300), socket.count(301)]);
    expect(idsOf(first.events())).toEqual(ids);
    expect(second.events()).toEqual(first.events());
    expect(idsOf(socket.messages.slice(1))).toEqual(ids);
    expect(numbersOf(socket.messages.slice(1))).toEqual(range(0, 300));
  });

  test("behaviour: who loses one service goes on at the other, each event exactly once", async () => {
    const redis = await startRedis();
    const [a, b] = [await serve(redis), await serve(redis)];
    const publisher = await openFeed(redis);
    const before = await listen(a.url);
    const publishing = publishMany(publisher, 0, 1_000);
    await before.count(200);
    await a.close();
    await before.over;
    const seen = before.events().filter(({ event }) => event !== "end");
    expect(seen.length).toBeLessThan(1_000);
    const after = await listen(b.url, "/v1/stream", seen.at(-1)!.id);
    await publishing;
    await after.count(1_000 - seen.length);
    await sleep(100);
    expect(numbersOf([...seen, ...after.events()])).toEqual(range(0, 1_000));
  });

  test("behaviour: a service that is new reads from Redis what it never saw", async () => {
    const redis = await startRedis();
    const publisher = await openFeed(redis);
    const ids = await publishMany(publisher, 0, 1_000);
    const { url } = await serve(redis, {}, { ring: 16 });
    const stream = await listen(url, "/v1/stream", ids[99]);
    await publishMany(publisher, 1_000, 1_100);
    await stream.count(1_000);
    expect(numbersOf(stream.events())).toEqual(range(100, 1_100));
  });

  test("behaviour: Redis killed and started again: what was published before, meanwhile and after comes once", async () => {
    const redis = await startRedis();
    const [a, b] = [await serve(redis), await serve(redis)];
    const publisher = await openFeed(redis);
    const [lasting, broken] = [await listen(a.url), await listen(a.url)];
    const socket = await openSocket(b.url);
    await socket.count(1);
    await publishMany(publisher, 0, 100);
    await broken.count(50);
    broken.stop();
    await broken.over;
    const seen = broken.events();
    await redis.kill();
    const meanwhile = publishMany(publisher, 100, 200);
    // Connected while Redis is gone.
    const resumed = await listen(b.url, "/v1/stream", seen.at(-1)!.id);
    expect(resumed.response.status).toBe(200);
    await sleep(300);
    await redis.restart();
    await meanwhile;
    await publishMany(publisher, 200, 300);
    await Promise.all([lasting.count(300), socket.count(301), resumed.count(300 - seen.length)]);
    await sleep(100);
    expect(numbersOf(lasting.events())).toEqual(range(0, 300));
    expect(numbersOf(socket.messages.slice(1))).toEqual(range(0, 300));
    expect(numbersOf([...seen, ...resumed.events()])).toEqual(range(0, 300));
  }, 60_000);

  test("error: a Redis that forgot its events: streams end and say so, and new ones begin anew", async () => {
    const redis = await startRedis({ keeps: false });
    const { url } = await serve(redis);
    const publisher = await openFeed(redis);
    const stream = await listen(url);
    const socket = await openSocket(url);
    const ids = await publishMany(publisher, 0, 10);
    await stream.count(10);
    await redis.kill();
    await redis.restart();
    await stream.over;
    const end = stream.events().at(-1)!;
    expect([end.event, JSON.parse(end.data!).code]).toEqual(["end", "EVENT_TRIMMED"]);
    expect(await socket.closed).toEqual({ code: 4410, reason: "EVENT_TRIMMED" });
    const refused = await listen(url, "/v1/stream", ids.at(-1));
    expect(refused.response.status).toBe(400);
    const anew = await listen(url);
    await publishMany(publisher, 10, 20);
    await anew.count(10);
    expect(numbersOf(anew.events())).toEqual(range(10, 20));
  }, 60_000);

  test("error: an id that a Redis gave out before it lost its events is no place to go on from", async () => {
    const redis = await startRedis({ keeps: false });
    const publisher = await openFeed(redis);
    const ids = await publishMany(publisher, 0, 10);
    await redis.kill();
    await redis.restart();
    await publishMany(publisher, 10, 20);
    const { url } = await serve(redis);
    // Events 5 to 9 are gone for good.
    expect((await listen(url, "/v1/stream", ids[4])).response.status).toBe(410);
  });

  test("error: an id from the future and one that is trimmed, by either protocol", async () => {
    const redis = await startRedis();
    const publisher = await openFeed(redis, { capacity: 100 });
    const ids = await publishMany(publisher, 0, 1_000);
    const { url } = await serve(redis);
    const problem = async (after: string | undefined) => {
      const { response } = await listen(url, "/v1/stream", after);
      const { status, code, detail } = (await response.json()) as Record<string, string>;
      const { closed, messages } = await openSocket(url, `/v1/stream/ws?after=${after}`);
      expect(messages.every(({ data }) => data === undefined)).toBe(true);
      return { status, code, detail, close: (await closed).code };
    };
    expect(await problem("999999999999999-0")).toMatchObject({
      ...{ status: 400, code: "UNKNOWN_EVENT", close: 4404 },
      detail: expect.stringMatching(/is from the future, the last one is .*; give the id of an event/),
    });
    expect(await problem(ids[0])).toMatchObject({
      ...{ status: 410, code: "EVENT_TRIMMED", close: 4410 },
      detail: expect.stringMatching(/no longer kept, only those after .*; read the current state again/),
    });
    const kept = await listen(url, "/v1/stream", ids[950]);
    await kept.count(49);
    expect(numbersOf(kept.events())).toEqual(range(951, 1_000));
  });

  test("error: a slow client is dropped with a reason, and goes on elsewhere without a loss or a duplicate", async () => {
    const redis = await startRedis();
    const [a, b] = [await serve(redis, { heartbeatMs: 50, stallMs: 500 }), await serve(redis)];
    const publisher = await openFeed(redis);
    const { socket, closed, messages, count } = await openSocket(a.url);
    await count(1);
    const reader = await listen(a.url, "/v1/stream?topics=decisions");
    socket.pause();
    const text = "x".repeat(64 * 1024);
    for (let n = 0; n < 200; n++) await publisher.publish("decisions", JSON.stringify({ n, text }));
    await reader.count(200);
    // Longer than it may take nothing, and shorter than the service waits until it is told so.
    await sleep(1_200);
    socket.resume();
    const { code, reason } = await closed;
    expect({ code, reason, end: messages.at(-1)?.end }).toEqual({
      code: 4408,
      reason: "SLOW_CLIENT",
      end: { code: "SLOW_CLIENT", detail: expect.stringContaining("Read faster") },
    });
    const seen = messages.filter(({ topic }) => topic !== undefined);
    expect(seen.length).toBeLessThan(200);
    const rest = await openSocket(b.url, `/v1/stream/ws?after=${seen.at(-1)?.id ?? messages[0]!.id}`);
    await until(() => seen.length + rest.messages.length - 1 >= 200);
    expect(numbersOf([...seen, ...rest.messages.slice(1)])).toEqual(range(0, 200));
  });
});
