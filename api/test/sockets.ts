import { connect } from "node:net";

/** What came back over one connection, and after how many ms it ended. */
export interface Exchange {
  readonly text: string;
  readonly status: number;
  readonly head: string;
  readonly body: string;
  readonly ms: number;
  readonly isClosed: boolean;
}

/**
 * Sends bytes as they are, in pieces `pauseMs` apart, and waits for the end of the connection or `patienceMs`; an
 * answer with keep-alive is not waited for longer than `quietMs` after its last byte.
 */
export async function exchange(
  port: number,
  pieces: readonly (string | Buffer)[],
  { pauseMs = 0, patienceMs = 5_000, quietMs = 300 } = {},
): Promise<Exchange> {
  const started = performance.now();
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  let isClosed = false;
  await new Promise<void>((resolve) => {
    const patience = setTimeout(resolve, patienceMs);
    let quiet: NodeJS.Timeout | undefined;
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      clearTimeout(quiet);
      quiet = setTimeout(resolve, quietMs);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      isClosed = true;
      clearTimeout(quiet);
      clearTimeout(patience);
      resolve();
    });
    socket.on("connect", async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
        if (pauseMs > 0) await new Promise((after) => setTimeout(after, pauseMs));
      }
    });
  });
  socket.destroy();
  const text = Buffer.concat(chunks).toString("latin1");
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  return { text, head, body: rest.join("\r\n\r\n"), status, ms: performance.now() - started, isClosed };
}
