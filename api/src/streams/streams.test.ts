import { once } from "node:events";
import { connect } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { type Feed, openJournal, openMemoryFeed } from "@ballast/agent";
import type { FastifyInstance } from "fastify";
import { describe, expect, test } from "vitest";
import { ARTEFACTS, decidedOf, forecastOf, startFixture } from "../../test/fixture.ts";
import { listen, numbersOf, openSocket, publishMany, range, undo, until } from "../../test/stream-clients.ts";
import { createApi } from "../app.ts";
import type { StreamOptions } from "../routes/streams.ts";
import { openJournalFeed } from "./journal-feed.ts";

async function serve(options: StreamOptions = {}, feed: Feed = openMemoryFeed()) {
  const fixture = await startFixture();
  const app = await createApi({
    journal: fixture.journal,
    artefacts: { list: async () => [], get: async () => new Uint8Array() },
    feed,
    streams: options,
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  undo.push(async () => {
    await app.close();
    await feed.close();
    await fixture.close();
  });
  return { app, feed, url };
}

describe("server-sent events", () => {
  test("default: live events of all topics, in order, with the publisher's very text", async () => {
    const { feed, url } = await serve();
    const stream = await listen(url);
    const first = await feed.publish("forecasts", '{"price":1.10}');
    await feed.publish("decisions", '{"n":2}');
    await feed.publish("vaults", '{"n":3}');
    await stream.count(3);
    expect(stream.response.status).toBe(200);
    expect(stream.response.headers.get("content-encoding")).toBeNull();
    expect(stream.response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(stream.events()[0]).toEqual({ id: first, event: "forecasts", data: '{"price":1.10}' });
    expect(stream.events().map(({ event }) => event)).toEqual(["forecasts", "decisions", "vaults"]);
    expect(stream.blocks[0]).toEqual({ retry: "2000" });
  });

  test("behaviour: topics are chosen, and the last id is known before the first event", async () => {
    const { feed, url } = await serve();
    const [, last] = await publishMany(feed, 0, 2);
    const stream = await listen(url, "/v1/stream?topics=vaults,forecasts");
    await publishMany(feed, 2, 4);
    await publishMany(feed, 4, 5, "vaults");
    await stream.count(1);
    expect(numbersOf(stream.events())).toEqual([4]);
    expect(stream.blocks[0]).toEqual({ retry: "2000", id: last });
  });

  test.each([
    ["the header", (id: string) => ["/v1/stream", id] as const],
    ["?after=", (id: string) => [`/v1/stream?after=${id}`, undefined] as const],
  ])("behaviour: %s resumes without a loss or a duplicate while events go on", async (_, toRequest) => {
    const { feed, url } = await serve();
    const ids = await publishMany(feed, 0, 50);
    const publishing = publishMany(feed, 50, 500);
    const [path, header] = toRequest(ids[9]!);
    const stream = await listen(url, path, header);
    await publishing;
    await publishMany(feed, 500, 600);
    await stream.count(590);
    expect(numbersOf(stream.events())).toEqual(range(10, 600));
  });

  test("behaviour: reads what is older than the service from the feed, then joins the others", async () => {
    const feed = openMemoryFeed();
    const ids = await publishMany(feed, 0, 200);
    const { url } = await serve({}, feed);
    const stream = await listen(url, `/v1/stream?after=${ids[0]}&topics=decisions`);
    await publishMany(feed, 200, 210);
    await stream.count(209);
    expect(numbersOf(stream.events())).toEqual(range(1, 210));
  });

  test("behaviour: a chain of cut connections, each resumed, misses nothing", async () => {
    const { feed, url } = await serve();
    const received: number[] = [];
    let last: string | undefined = await feed.publish("decisions", '{"n":0}');
    for (let round = 0; round < 10; round++) {
      const publishing = publishMany(feed, 1 + 20 * round, 21 + 20 * round);
      const stream = await listen(url, "/v1/stream", last);
      await stream.count(1 + round);
      stream.stop();
      await publishing;
      received.push(...numbersOf(stream.events()));
      last = stream.events().at(-1)?.id ?? last;
    }
    const rest = await listen(url, "/v1/stream", last);
    await until(() => received.length + rest.events().length >= 200);
    expect([...received, ...numbersOf(rest.events())]).toEqual(range(1, 201));
  });

  test("behaviour: a restart of the service over a journal loses no place", async () => {
    const fixture = await startFixture();
    const start = async () => {
      const feed = openJournalFeed(fixture.journal, {
        pollMs: 10,
        onError: () => expect.unreachable("the journal failed"),
      });
      const app = await createApi({ journal: fixture.journal, artefacts: ARTEFACTS, feed });
      const url = await app.listen({ port: 0, host: "127.0.0.1" });
      return {
        url,
        async close() {
          await app.close();
          await feed.close();
        },
      };
    };
    const record = (n: number) =>
      fixture.writer.record("predictive", decidedOf(n, false), { policy: "p", forecast: forecastOf(n) });
    const before = await start();
    const first = await listen(before.url, "/v1/stream?topics=decisions");
    for (let n = 30; n < 40; n++) record(n);
    await first.count(5);
    await before.close();
    await first.over;
    const seen = first.events().filter(({ event }) => event === "decisions");
    for (let n = 40; n < 50; n++) record(n);
    const after = await start();
    const second = await listen(after.url, "/v1/stream?topics=decisions", seen.at(-1)!.id);
    await second.count(20 - seen.length);
    const hashes = [...seen, ...second.events()].map(({ data }) => JSON.parse(data!).hash);
    expect(hashes).toEqual(range(30, 50).map((n) => decidedOf(n, false).hash));
    second.stop();
    await after.close();
    await fixture.close();
  });

  test("error: while another process has the journal to itself streams wait and lose nothing, new ones are told", async () => {
    const { path, app: unused, journal: own, writer, close } = await startFixture();
    undo.push(() => close().catch(() => undefined));
    await unused.close();
    own.close();
    writer.close();
    // Out of write-ahead mode, in which a reader hardly ever meets a lock.
    const other = new DatabaseSync(path);
    other.exec("PRAGMA journal_mode = DELETE");
    const journal = openJournal(path, { readOnly: true });
    const complaints: unknown[] = [];
    const feed = openJournalFeed(journal, { pollMs: 10, onError: (error) => complaints.push(error) });
    const app = await createApi({ journal, artefacts: ARTEFACTS, feed });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    undo.push(async () => {
      await app.close();
      await feed.close();
      journal.close();
    });
    const record = (n: number) => {
      const again = openJournal(path);
      again.record("predictive", decidedOf(n, false), { policy: "p", forecast: forecastOf(n) });
      again.close();
    };
    const stream = await listen(url, "/v1/stream?topics=decisions");
    other.exec("BEGIN EXCLUSIVE");
    await until(() => complaints.length > 0);
    expect(await problemAt(url, "/v1/stream", "2-0")).toMatchObject({
      ...{
        status: 503,
        code: "JOURNAL_LOCKED",
        retryAfter: "1",
        detail: expect.stringContaining("Ask again"),
      },
    });
    const socket = await openSocket(url, "/v1/stream/ws?after=2-0");
    expect((await socket.closed).code).toBe(1013);
    other.exec("ROLLBACK");
    other.close();
    record(30);
    record(31);
    await stream.count(2);
    const hashes = stream.events().map(({ data }) => JSON.parse(data!).hash);
    expect(hashes).toEqual([30, 31].map((n) => decidedOf(n, false).hash));
  });

  test("behaviour: a heartbeat, and line breaks that do not break an event", async () => {
    const { feed, url } = await serve({ heartbeatMs: 20 });
    const stream = await listen(url);
    await feed.publish("decisions", '{\n"n": 1}');
    await stream.count(1);
    await until(() => stream.raw().split(": heartbeat\n\n").length > 3);
    expect(stream.raw()).toContain('data: {\ndata: "n": 1}\n\n');
  });

  test("behaviour: the end of the service is told, with when to come back", async () => {
    const { app, url } = await serve();
    const stream = await listen(url);
    const start = performance.now();
    await app.close();
    await stream.over;
    expect(performance.now() - start).toBeLessThan(1_500);
    const end = stream.events().at(-1)!;
    expect(end.event).toBe("end");
    expect(JSON.parse(end.data!)).toMatchObject({ code: "RESTARTING" });
    expect((end as { retry?: string }).retry).toBe("2000");
  });

  const problemAt = async (url: string, path: string, lastId?: string) => {
    const { response } = await listen(url, path, lastId);
    return {
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      ...((await response.json()) as { code: string; detail: string }),
    };
  };

  test("error: an id from the future, one that is none, one that is trimmed, an unknown topic", async () => {
    const feed = openMemoryFeed({ capacity: 4 });
    const ids = await publishMany(feed, 0, 10);
    const { url } = await serve({}, feed);
    const future = "999999999999999-0";
    expect(await problemAt(url, "/v1/stream", future)).toMatchObject({ status: 400, code: "UNKNOWN_EVENT" });
    expect(await problemAt(url, "/v1/stream?after=-1")).toMatchObject({ status: 400, code: "UNKNOWN_EVENT" });
    const trimmed = await problemAt(url, `/v1/stream?after=${ids[0]}`);
    expect(trimmed).toMatchObject({ status: 410, code: "EVENT_TRIMMED" });
    expect(trimmed.detail).toContain("subscribe without an id");
    expect(await problemAt(url, "/v1/stream?topics=cats")).toMatchObject({ code: "INVALID_PARAMETER" });
    const { response } = await listen(url, `/v1/stream?after=${ids[7]}`);
    expect(response.status).toBe(200);
  });

  test("error: as many as an address, and as the service, may hold; a closed one frees its seat", async () => {
    const { url } = await serve({ perAddress: 2, inAll: 3 });
    const first = await listen(url);
    await listen(url);
    expect(await problemAt(url, "/v1/stream")).toMatchObject({
      ...{ status: 429, code: "TOO_MANY_STREAMS", retryAfter: "5" },
    });
    first.stop();
    let status = 429;
    while (status === 429) status = (await listen(url)).response.status;
    expect(status).toBe(200);
    const { url: small } = await serve({ perAddress: 2, inAll: 1 });
    await listen(small);
    const full = await problemAt(small, "/v1/stream");
    expect(full).toMatchObject({ status: 503, code: "STREAMS_FULL" });
    expect(full.detail).toContain("Try again later");
  });

  test("error: clients that do not read are dropped, cost no more than their bound, and no reader's stream", async () => {
    const { app, feed, url } = await serve({ heartbeatMs: 50, stallMs: 1_500, perAddress: 100 });
    const { port } = new URL(url);
    const stuck: Awaited<ReturnType<typeof stall>>[] = [];
    for (let n = 0; n < 20; n++) stuck.push(await stall(app, Number(port)));
    const reader = await listen(url);
    const body = (n: number) => JSON.stringify({ n, text: "x".repeat(64 * 1024) });
    let most = 0;
    for (let n = 0; n < 400; n++) {
      await feed.publish("decisions", body(n));
      most = Math.max(most, ...stuck.map(({ waiting }) => waiting()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await reader.count(400);
    expect(numbersOf(reader.events())).toEqual(range(0, 400));
    await until(() => stuck.every(({ isGone }) => isGone()));
    expect(reader.isOver()).toBe(false);
    expect(most).toBeLessThan(3 * 64 * 1024);
    expect(most).toBeGreaterThan(64 * 1024);
  });

  test("behaviour: a burst, and slow reading that goes on, cost no stream and no event", async () => {
    const options = { heartbeatMs: 50, stallMs: 1_000 };
    const { feed, url } = await serve(options, openMemoryFeed({ capacity: 5_000 }));
    const [socket, ...others] = [await openSocket(url), await openSocket(url), await listen(url)] as const;
    await socket.count(1);
    // More than is kept here, all in one turn.
    const text = "x".repeat(8 * 1024);
    void Promise.all(range(0, 5_000).map((n) => feed.publish("decisions", JSON.stringify({ n, text }))));
    for (let round = 0; round < 20; round++) {
      socket.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 100));
      socket.socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await Promise.all([socket.count(5_001), others[0].count(5_001), others[1].count(5_000)]);
    for (const { messages } of [socket, others[0]])
      expect(numbersOf(messages.slice(1))).toEqual(range(0, 5_000));
    expect(numbersOf(others[1].events())).toEqual(range(0, 5_000));
  });
});

/** A client that asks and never reads; what waits for it is seen from the server's end of the connection. */
async function stall(app: FastifyInstance, port: number) {
  const accepted = once(app.server, "connection");
  const socket = connect(port, "127.0.0.1");
  socket.pause();
  socket.on("error", () => undefined);
  undo.push(() => socket.destroy());
  socket.write("GET /v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const [served] = await accepted;
  await until(() => served.bytesWritten > 0);
  return { waiting: (): number => served.writableLength, isGone: (): boolean => served.destroyed };
}

describe("WebSocket", () => {
  test("default: where the stream starts, then live events", async () => {
    const { feed, url } = await serve();
    const [before] = await publishMany(feed, 0, 1);
    const { messages, count } = await openSocket(url, "/v1/stream/ws?topics=decisions");
    await count(1);
    await publishMany(feed, 1, 2, "vaults");
    const [id] = await publishMany(feed, 2, 3);
    await count(2);
    expect(messages).toEqual([{ id: before }, { id, topic: "decisions", data: { n: 2 } }]);
  });

  test("behaviour: resumes without a loss or a duplicate, and is pinged", async () => {
    const { feed, url } = await serve({ heartbeatMs: 20 });
    const ids = await publishMany(feed, 0, 50);
    const publishing = publishMany(feed, 50, 500);
    const { messages, count, pings } = await openSocket(url, `/v1/stream/ws?after=${ids[9]}`);
    await publishing;
    await count(491);
    expect(numbersOf(messages.slice(1))).toEqual(range(10, 500));
    await until(() => pings() > 2);
  });

  test("behaviour: the end of the service has close code 1012", async () => {
    const { app, url } = await serve();
    const { closed, count, messages } = await openSocket(url);
    await count(1);
    await app.close();
    expect(await closed).toEqual({ code: 1012, reason: "RESTARTING" });
    expect(messages.at(-1)).toMatchObject({ end: { code: "RESTARTING" } });
  });

  test("error: each refusal has its own close code and says what to do", async () => {
    const feed = openMemoryFeed({ capacity: 4 });
    const ids = await publishMany(feed, 0, 10);
    const { url } = await serve({ perAddress: 1 }, feed);
    const refusal = async (path: string) => {
      const { closed, messages } = await openSocket(url, `/v1/stream/ws${path}`);
      const { code, reason } = await closed;
      const end = messages.at(-1)?.end as { code: string; detail: string } | undefined;
      expect(end?.code).toBe(reason);
      expect(end?.detail).toMatch(/\. |; |must/);
      return code;
    };
    expect(await refusal("?after=999999999999999-0")).toBe(4404);
    expect(await refusal(`?after=${ids[0]}`)).toBe(4410);
    expect(await refusal("?topics=cats")).toBe(4400);
    const held = await openSocket(url);
    await held.count(1);
    expect(await refusal("")).toBe(4429);
  });

  test("error: a client that does not read is dropped; one that sends is told that nothing is taken", async () => {
    const { feed, url } = await serve({ heartbeatMs: 50, stallMs: 300 });
    const { socket, count } = await openSocket(url);
    await count(1);
    const talker = await openSocket(url);
    await talker.count(1);
    talker.socket.send("hello");
    expect(await talker.closed).toEqual({ code: 1003, reason: "TAKES_NO_MESSAGES" });
    socket.pause();
    for (let n = 0; n < 200; n++) {
      await feed.publish("decisions", JSON.stringify("x".repeat(64 * 1024)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const closed = once(socket, "close");
    socket.resume();
    expect([4408, 1006]).toContain((await closed)[0]);
  });
});
