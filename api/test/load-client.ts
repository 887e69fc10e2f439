import { Agent, request } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

/** One request as its client saw it; status 0 is a connection that failed. */
export interface Seen {
  readonly status: number;
  readonly ms: number;
  readonly retryAfter: string | undefined;
}

const { url, perSecond, seconds } = workerData as { url: string; perSecond: number; seconds: number };
const agent = new Agent({ keepAlive: true, maxSockets: 1_000 });

const ask = () =>
  new Promise<Seen>((resolve) => {
    const began = performance.now();
    const end = (status: number, retryAfter?: string) =>
      resolve({ status, ms: performance.now() - began, retryAfter });
    request(url, { agent, timeout: 30_000 }, (response) => {
      response.resume().on("end", () => end(response.statusCode ?? 0, response.headers["retry-after"]));
    })
      .on("error", () => end(0))
      .end();
  });

// By the clock, however late the answers are: a load that waits for its server is none.
const asked: Promise<Seen>[] = [];
const began = performance.now();
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const due = Math.min(seconds, (performance.now() - began) / 1_000) * perSecond;
    while (asked.length < due) asked.push(ask());
    if (asked.length < perSecond * seconds) return;
    clearInterval(timer);
    resolve();
  }, 2);
});
parentPort!.postMessage(await Promise.all(asked));
agent.destroy();
