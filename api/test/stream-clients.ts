import { once } from "node:events";
import type { Feed, Topic } from "@ballast/agent";
import { afterEach } from "vitest";
import { WebSocket } from "ws";

/** What is undone after each test, the last first. */
export const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

export interface StreamEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
}

/** Reads events as the HTML Standard says, in a dozen lines. */
export async function listen(url: string, path = "/v1/stream", lastId?: string) {
  const stop = new AbortController();
  undo.push(() => stop.abort());
  const response = await fetch(`${url}${path}`, {
    signal: stop.signal,
    headers: lastId === undefined ? {} : { "last-event-id": lastId },
  });
  const blocks: StreamEvent[] = [];
  let text = "";
  let raw = "";
  let isOver = false;
  const reading = (async () => {
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return;
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      raw += chunk;
      text += chunk;
      const parts = text.split("\n\n");
      text = parts.pop()!;
      for (const part of parts) {
        const fields = part.split("\n").map((line): [string, string] => {
          const colon = line.indexOf(":");
          return [line.slice(0, colon), line.slice(colon + 2)];
        });
        blocks.push(Object.fromEntries(fields));
      }
    }
  })()
    .catch(() => undefined)
    .finally(() => {
      isOver = true;
    });
  const events = () => blocks.filter(({ event }) => event !== undefined);
  return {
    response,
    blocks,
    events,
    raw: () => raw,
    stop: () => stop.abort(),
    isOver: () => isOver,
    over: reading,
    count: (n: number) => until(() => events().length >= n),
  };
}

export async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function openSocket(url: string, path = "/v1/stream/ws") {
  const socket = new WebSocket(`${url.replace("http", "ws")}${path}`);
  undo.push(() => socket.terminate());
  const messages: { id?: string; topic?: string; data?: unknown; end?: unknown }[] = [];
  let pings = 0;
  socket.on("message", (data) => messages.push(JSON.parse(String(data))));
  socket.on("ping", () => pings++);
  const closed = once(socket, "close").then(([code, reason]) => ({ code, reason: String(reason) }));
  return {
    socket,
    messages,
    pings: () => pings,
    closed,
    count: (n: number) => until(() => messages.length >= n),
  };
}

export const publishMany = async (feed: Feed, from: number, to: number, topic: Topic = "decisions") => {
  const ids: string[] = [];
  for (let n = from; n < to; n++) ids.push(await feed.publish(topic, JSON.stringify({ n })));
  return ids;
};
export const numbersOf = (events: readonly { data?: unknown }[]) =>
  events.map(({ data }) => (typeof data === "string" ? JSON.parse(data) : data).n);
export const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
