import { once } from "node:events";
import { createServer } from "node:net";
import { type Feed, openMemoryFeed } from "@ballast/agent";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { ARTEFACTS, decidedOf, forecastOf, startFixture } from "../../test/fixture.ts";
import { createApi } from "../app.ts";
import type { Settings } from "../config.ts";
import { openJournalFeed } from "./journal-feed.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function serve(settings: Partial<Settings>, toFeed?: (fixture: Fixture) => Feed) {
  const fixture = await startFixture();
  const feed = toFeed?.(fixture) ?? openMemoryFeed();
  const app = await createApi({
    journal: fixture.journal,
    artefacts: ARTEFACTS,
    logger: false,
    feed,
    streams: { perAddress: 1 },
    settings,
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  undo.push(async () => {
    await app.close();
    await feed.close();
    await fixture.close();
  });
  return { url, fixture };
}
type Fixture = Awaited<ReturnType<typeof startFixture>>;

/** Status and code of what a stream is answered with; it is left again at once. */
async function knock(url: string, path = "/v1/stream", headers: Record<string, string> = {}) {
  const stop = new AbortController();
  const response = await fetch(`${url}${path}`, { headers, signal: stop.signal });
  const code = response.ok ? undefined : ((await response.json()) as { code: string }).code;
  if (response.ok) await response.body!.getReader().read();
  return { status: response.status, code, leave: () => stop.abort() };
}

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A Redis that is well, but counts nothing, and says so only after a while. */
async function startSlowRedis(delayMs: number) {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      for (const command of String(bytes).split(/^(?=\*\d+\r\n)/m)) {
        if (/\r\ninfo\r\n/i.test(command)) socket.write("$9\r\nloading:0\r\n");
        else if (/\r\nevalsha\r\n/i.test(command))
          setTimeout(() => socket.write("-ERR refused\r\n"), delayMs);
        else socket.write("+OK\r\n");
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  undo.push(() => new Promise((resolve) => server.close(resolve)));
  return `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
}

test("error: a client that leaves while Redis counts it holds no seat", async () => {
  const DELAY = 150;
  const { url } = await serve({ redis: await startSlowRedis(DELAY) });
  const started = performance.now();
  while (performance.now() - started < 5_000) {
    const began = performance.now();
    await fetch(`${url}/v1/runs`);
    if (performance.now() - began >= DELAY) break;
  }
  const stop = new AbortController();
  const left = fetch(`${url}/v1/stream`, { signal: stop.signal }).catch(() => "left");
  await after(DELAY / 3);
  stop.abort();
  expect(await left).toBe("left");
  await after(2 * DELAY);
  const next = await knock(url);
  expect(next.status).toBe(200);
  next.leave();
});

test("behaviour: a /64 of IPv6 has the seats of one address", async () => {
  const { url } = await serve({ trustProxy: ["127.0.0.1"] });
  const from = (ip: string) => knock(url, "/v1/stream", { "x-forwarded-for": ip });
  const first = await from("2001:db8:0:1::1");
  expect(first.status).toBe(200);
  expect(await from("2001:db8:0:1::2")).toMatchObject({ status: 429, code: "TOO_MANY_STREAMS" });
  const other = await from("2001:db8:0:2::1");
  expect(other.status).toBe(200);
  first.leave();
  other.leave();
});

test("error: a page of another origin opens no WebSocket, unless it is listed; the service's own does", async () => {
  const { url } = await serve({ cors: ["https://a.example"] });
  /** The first message, or the code that it is closed with. */
  const open = async (origin?: string) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/stream/ws`, { origin });
    const message = JSON.parse(String((await once(socket, "message"))[0]));
    const closed = once(socket, "close");
    if (message.end === undefined) socket.close();
    const [code] = await closed;
    return message.end === undefined ? "open" : [message.end.code, code];
  };
  for (const origin of [
    "https://evil.example",
    "https://a.example.evil.example",
    "null",
    "http://127.0.0.1:1",
  ])
    expect(await open(origin), origin).toEqual(["ORIGIN_REFUSED", 4403]);
  for (const origin of [undefined, "https://a.example", url]) expect(await open(origin), origin).toBe("open");
});

test("error: an id of another journal, also where this one has come past its place", async () => {
  const onError = () => expect.unreachable("the journal failed");
  const { url, fixture } = await serve({}, ({ journal }) =>
    openJournalFeed(journal, { pollMs: 10, onError }),
  );
  const live = await fetch(`${url}/v1/stream`);
  const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let n = 30; n < 33; n++)
    fixture.writer.record("r", decidedOf(n, false), { policy: "p", forecast: forecastOf(n) });
  let text = "";
  const ids = () => [...text.matchAll(/^id: (\S+)\nevent/gm)].map(([, id]) => id!);
  while (ids().length < 9) text += (await reader.read()).value;
  await reader.cancel();
  await after(50);
  const known = ids()[4]!;
  const foreign = `${known.split("-")[0]}-1`;
  expect(await knock(url, `/v1/stream?after=${foreign}`)).toMatchObject({
    ...{ status: 400, code: "UNKNOWN_EVENT" },
  });
  const { status, leave } = await knock(url, `/v1/stream?after=${known}`);
  expect(status).toBe(200);
  leave();
});
