import { connect, type Socket } from "node:net";

/** Opens SSE connections; `latencies` waits for the next event at each and gives the ms since it was published. */
export async function openListeners(url: string, count: number) {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  let onArrival: (sentAt: number, now: number) => void = () => undefined;
  for (let n = 0; n < count; n++) {
    const socket = connect({ host: hostname, port: Number(port) });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.write(`GET /v1/stream HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
      // The first bytes are the head of the response.
      socket.once("data", () => resolve());
    });
    socket.on("data", (chunk) => {
      const sentAt = /"sentAt":([\d.]+)/.exec(chunk.toString("latin1"))?.[1];
      if (sentAt !== undefined) onArrival(Number(sentAt), performance.timeOrigin + performance.now());
    });
    sockets.push(socket);
  }
  return {
    /** @param publish given the data of the event to send */
    latencies: (publish: (data: string) => void, timeoutMs = 10_000) =>
      new Promise<number[]>((resolve, reject) => {
        const taken: number[] = [];
        const late = setTimeout(
          () => reject(new Error(`${taken.length} of ${count} clients got the event in ${timeoutMs} ms`)),
          timeoutMs,
        );
        onArrival = (sentAt, now) => {
          taken.push(now - sentAt);
          if (taken.length < count) return;
          clearTimeout(late);
          resolve(taken);
        };
        publish(
          JSON.stringify({ sentAt: performance.timeOrigin + performance.now(), text: "x".repeat(2_000) }),
        );
      }),
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
