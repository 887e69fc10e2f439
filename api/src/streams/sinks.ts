import type { ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import type { Ending } from "./errors.ts";
import type { Sink } from "./hub.ts";

/** How long a connection may take to be told why it ends. */
const GRACE_MS = 2_000;
const HEARTBEAT = Buffer.from(": heartbeat\n\n");
/** What a client waits before it connects again, ms. */
const RECONNECT_MS = 2_000;

/** @param prepare called before the first byte: the headers that others have set */
export function eventsSink(response: ServerResponse, prepare: () => void): Sink {
  return {
    open(id) {
      prepare();
      response.writeHead(200, {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store, no-transform",
        // Proxies such as nginx would collect events before they pass them on.
        "x-accel-buffering": "no",
      });
      // The server ends connections on which nothing moves; a stream is judged by its heartbeat instead.
      response.socket?.setTimeout(0);
      // A client that is cut off before its first event still knows where it was.
      response.write(`retry: ${RECONNECT_MS}\n${id === undefined ? "" : `id: ${id}\n`}\n`);
    },
    buffered: () => response.writableLength,
    send: ({ sse }, flushed) => void response.write(sse, flushed),
    beat: () => void response.write(HEARTBEAT),
    end(reason) {
      response.end(`retry: ${RECONNECT_MS}\nevent: end\ndata: ${JSON.stringify(reason)}\n\n`, () =>
        response.socket?.end(),
      );
      const timer = setTimeout(() => response.destroy(), GRACE_MS);
      response.once("close", () => clearTimeout(timer));
    },
  };
}

/** 1012 and 1013 are registered with IANA (Service Restart, Try Again Later); 4000–4999 are an application's own. */
const CLOSE_CODE = {
  RESTARTING: 1012,
  STREAMS_CLOSED: 1012,
  FEED_FAILED: 1013,
  STREAMS_FULL: 1013,
  INVALID_PARAMETER: 4400,
  ORIGIN_REFUSED: 4403,
  UNKNOWN_EVENT: 4404,
  SLOW_CLIENT: 4408,
  EVENT_TRIMMED: 4410,
  TOO_MANY_STREAMS: 4429,
} as const;
export type CloseReason = { readonly code: keyof typeof CLOSE_CODE; readonly detail: string };
export const isCloseCode = (code: unknown): code is keyof typeof CLOSE_CODE =>
  typeof code === "string" && Object.hasOwn(CLOSE_CODE, code);

/** Says why in a last message, and by the close code and its reason. */
export function closeSocket(socket: WebSocket, reason: CloseReason | Ending): void {
  socket.send(JSON.stringify({ end: reason }));
  socket.close(CLOSE_CODE[reason.code], reason.code);
  const timer = setTimeout(() => socket.terminate(), GRACE_MS);
  socket.once("close", () => clearTimeout(timer));
}

export function socketSink(socket: WebSocket): Sink {
  return {
    open: (id) => socket.send(JSON.stringify({ id: id ?? null })),
    buffered: () => socket.bufferedAmount,
    send: ({ message }, flushed) => socket.send(message, { binary: false }, () => flushed?.()),
    beat: () => socket.ping(),
    end: (reason) => closeSocket(socket, reason),
  };
}
