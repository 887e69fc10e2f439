import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";

/** Proxies close what is silent for longer. */
const HEARTBEAT_MS = 15_000;
/** What a client may leave unread; one that leaves more is dropped. */
const MOST_UNREAD_BYTES = 262_144;

/**
 * Server-Sent Events (WHATWG HTML, 9.2) from one source, until that ends it, the client goes or the service closes.
 * @param open Begins to emit and returns what stops it.
 */
export function eventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  closing: AbortSignal,
  open: (emit: (event: string, data: string) => void, end: () => void) => () => void,
): void {
  const stream = new Readable({ read() {} });
  let stop = (): void => {};
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(heart);
    closing.removeEventListener("abort", end);
    stop();
    stream.push(null);
  };
  const write = (text: string): void => {
    if (isOver) return;
    stream.push(text);
    if (stream.readableLength > MOST_UNREAD_BYTES) stream.destroy();
  };
  const heart = setInterval(() => write(": here\n\n"), HEARTBEAT_MS);
  closing.addEventListener("abort", end);
  request.raw.once("close", end);
  stream.once("close", end);
  stop = open((event, data) => write(`event: ${event}\ndata: ${data}\n\n`), end);
  // The first event may be the last.
  if (isOver) stop();
  void reply
    .type("text/event-stream; charset=utf-8")
    .header("cache-control", "no-store")
    .header("x-accel-buffering", "no")
    .send(stream);
}
