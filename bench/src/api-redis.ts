import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Feed, openMemoryFeed, openRedisFeed, TOPICS } from "@ballast/agent";
import { quantile, type Row } from "./measure.ts";

const CONSUMERS = 10;

export const hasRedis = (): boolean => spawnSync("redis-server", ["--version"]).status === 0;

/** Events through a Redis of its own to ten subscribers of one process, beside the feed within a process. */
export async function measureRedis(plan: {
  readonly events: number;
  readonly paced: number;
}): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "ballast-bench-redis-"));
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const server = spawn("redis-server", args, { stdio: "ignore" });
  const ended = once(server, "exit");
  try {
    const url = `redis://127.0.0.1:${port}`;
    const [publisher, consumer] = [await connect(url), await connect(url)];
    const memory = openMemoryFeed({ capacity: 100_000 });
    const own = await fanOut(publisher, consumer, plan);
    const peer = await fanOut(memory, memory, plan);
    for (const feed of [publisher, consumer, memory]) await feed.close();
    const row = { peer: `the feed within one process, ${CONSUMERS} subscribers` };
    return [
      {
        ...{ ...row, name: "redis_deliveries_per_s", unit: "1/s", better: "more" },
        ...{ value: own.perSecond, peerValue: peer.perSecond },
      },
      { ...row, name: "redis_p99_ms", unit: "ms", better: "less", value: own.p99, peerValue: peer.p99 },
    ];
  } finally {
    server.kill();
    await ended;
    rmSync(folder, { recursive: true });
  }
}

async function fanOut(
  publisher: Feed,
  consumer: Feed,
  plan: { readonly events: number; readonly paced: number },
) {
  const stop = new AbortController();
  const latencies: number[] = [];
  let delivered = 0;
  const first = await publisher.publish("decisions", "{}");
  const reading = Array.from({ length: CONSUMERS }, async () => {
    for await (const { data } of consumer.subscribe(TOPICS, first, stop.signal)) {
      delivered++;
      if (data.startsWith("{")) latencies.push(performance.now() - JSON.parse(data).sentAt);
    }
  });
  const arrived = async (count: number) => {
    while (delivered < count) await sleep(1);
  };
  for (let n = 0; n < plan.paced; n++) {
    await publisher.publish("decisions", JSON.stringify({ sentAt: performance.now() }));
    await sleep(2);
  }
  await arrived(plan.paced * CONSUMERS);
  const text = JSON.stringify("x".repeat(500));
  const start = performance.now();
  for (let sent = 0; sent < plan.events; sent += 500)
    await Promise.all(Array.from({ length: 500 }, () => publisher.publish("decisions", text)));
  await arrived((plan.paced + plan.events) * CONSUMERS);
  const seconds = (performance.now() - start) / 1000;
  stop.abort();
  await Promise.all(reading);
  return {
    perSecond: (plan.events * CONSUMERS) / seconds,
    p99: quantile(Float64Array.from(latencies), 0.99),
  };
}

/** Redis takes a moment to listen. */
async function connect(url: string): Promise<Feed> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await openRedisFeed(url, { capacity: 100_000, ring: 100_000 });
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(100);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
