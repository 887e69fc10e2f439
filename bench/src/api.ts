import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { openListeners } from "./api-fanout.ts";
import { hasRedis, measureRedis } from "./api-redis.ts";
import type { Answer, Question } from "./api-server.ts";
import type { BenchmarkOptions } from "./benchmark.ts";
import { openLoad } from "./load.ts";
import { measureInterleaved, quantile, type Row, toTimedRow } from "./measure.ts";

const SERVER = fileURLToPath(new URL("./api-server.ts", import.meta.url));
const DIST = fileURLToPath(new URL("../../api/web/dist", import.meta.url));

const PLANS = {
  full: {
    hours: 500,
    connections: 16,
    latest: { requests: 2_000, warmUp: 3, samples: 21 },
    history: { requests: 40, warmUp: 2, samples: 15 },
    table: { requests: 32, warmUp: 2, samples: 9 },
    redis: { events: 20_000, paced: 300 },
    clients: 1_000,
    events: 40,
    memoryRequests: 1_000_000,
    memorySeconds: 60,
  },
  quick: {
    hours: 260,
    connections: 4,
    latest: { requests: 50, warmUp: 1, samples: 3 },
    history: { requests: 4, warmUp: 1, samples: 3 },
    table: { requests: 4, warmUp: 1, samples: 3 },
    redis: { events: 1_000, paced: 20 },
    clients: 20,
    events: 3,
    memoryRequests: 400,
    memorySeconds: 5,
  },
} as const;
const LATEST = "/v1/forecasts";
/** 250 hours of one asset's four horizons: 1,000 points. */
const HISTORY = "/v1/forecasts?from=0&asset=BTC&limit=250";
const BARE = "node:http with JSON.stringify of the same body";
/** What a first view may weigh, kB. */
const FIRST_VIEW_BUDGET = 200;

interface Server {
  readonly url: string;
  send(question: Question): void;
  ask(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

async function start(...args: string[]): Promise<Server> {
  const child: ChildProcess = fork(SERVER, args, { execArgv: ["--expose-gc"] });
  const next = async () => {
    const [answer] = await Promise.race([
      once(child, "message"),
      once(child, "exit").then(([code]) => {
        throw new Error(`the server ended with status ${code}`);
      }),
    ]);
    return answer as Answer;
  };
  const { url } = await next();
  return {
    url: url!,
    send: (question) => void child.send(question),
    ask(question) {
      child.send(question);
      return next();
    },
    async close() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

/** What the service gives, beside the least that must happen for it, each server alone in a process of its own. */
export async function api({ isQuick, log }: BenchmarkOptions): Promise<Row[]> {
  const plan = isQuick ? PLANS.quick : PLANS.full;
  log(`writing a journal of ${plan.hours} hours`);
  const own = await start("api", String(plan.hours));
  const peer = await start("bare");
  try {
    const bodies: Record<string, unknown> = {};
    for (const path of [LATEST, HISTORY]) bodies[path] = await (await fetch(`${own.url}${path}`)).json();
    await peer.ask({ kind: "bodies", bodies });
    const rows: Row[] = [];
    for (const [name, path, counts] of [
      ["latest_vs_node_http", LATEST, plan.latest],
      ["history_vs_node_http", HISTORY, plan.history],
    ] as const) {
      log(`${path}, ${plan.connections} connections`);
      rows.push(await measureRequests(name, path, own, peer, plan.connections, counts));
    }
    log(`one event to ${plan.clients} clients, ${plan.events} times`);
    rows.push(await measureFanOut(own, peer, plan.clients, plan.events));
    rows.push(await measureMemory(own, plan, log));
    for (const format of ["csv", "arrow"]) {
      log(`10,000 bars as ${format}`);
      rows.push(await measureTable(format, own, peer, plan.connections, plan.table));
    }
    if (hasRedis()) {
      log(`${plan.redis.events} events through Redis`);
      rows.push(...(await measureRedis(plan.redis)));
    } else log("redis_deliveries_per_s and redis_p99_ms are left out: redis-server is not installed");
    const weight = firstView();
    if (weight === undefined) log("first_view_kb is left out: the dashboard is not built");
    else rows.push(weight);
    return rows;
  } finally {
    await own.close();
    await peer.close();
  }
}

async function measureRequests(
  name: string,
  path: string,
  own: Server,
  peer: Server,
  connections: number,
  { requests, ...counts }: { readonly requests: number; readonly warmUp: number; readonly samples: number },
): Promise<Row> {
  const [ownLoad, peerLoad] = [
    await openLoad(`${own.url}${path}`, connections),
    await openLoad(`${peer.url}${path}`, connections),
  ];
  try {
    const times = await measureInterleaved(
      { own: { run: () => ownLoad.run(requests) }, peer: { run: () => peerLoad.run(requests) } },
      counts,
    );
    const scale = (ms: number) => (1000 * requests) / ms;
    return toTimedRow({ name, unit: "req/s", better: "more", peer: BARE }, times.own, times.peer, scale);
  } finally {
    ownLoad.close();
    peerLoad.close();
  }
}

/** A table made for each request, beside the same bytes made before. */
async function measureTable(
  format: string,
  own: Server,
  peer: Server,
  connections: number,
  { requests, ...counts }: { readonly requests: number; readonly warmUp: number; readonly samples: number },
): Promise<Row> {
  const path = `/v1/bars?asset=BTC&limit=10000&format=${format}`;
  const response = await fetch(`${own.url}${path}`, { headers: { "accept-encoding": "identity" } });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  await peer.ask({ kind: "bytes", bytes: { [path]: bytes.toString("base64") } });
  const [ownLoad, peerLoad] = [
    await openLoad(`${own.url}${path}`, connections),
    await openLoad(`${peer.url}${path}`, connections),
  ];
  try {
    const times = await measureInterleaved(
      { own: { run: () => ownLoad.run(requests) }, peer: { run: () => peerLoad.run(requests) } },
      counts,
    );
    const scale = (ms: number) => (bytes.length * requests) / 1000 / ms;
    const row = { name: `${format}_mb_per_s`, unit: "MB/s", better: "more" } as const;
    return toTimedRow({ ...row, peer: "node:http sending the same bytes" }, times.own, times.peer, scale);
  } finally {
    ownLoad.close();
    peerLoad.close();
  }
}

async function measureFanOut(own: Server, peer: Server, clients: number, events: number): Promise<Row> {
  const [ours, theirs] = [await openListeners(own.url, clients), await openListeners(peer.url, clients)];
  const taken = { own: [] as number[], peer: [] as number[] };
  const publishTo = (server: Server) => (data: string) => server.send({ kind: "publish", data });
  try {
    for (let event = 0; event < events; event++) {
      taken.own.push(...(await ours.latencies(publishTo(own))));
      taken.peer.push(...(await theirs.latencies(publishTo(peer))));
    }
  } finally {
    ours.close();
    theirs.close();
  }
  const p99 = (sample: readonly number[]) => quantile(Float64Array.from(sample), 0.99);
  return {
    name: "sse_fanout_p99_ms",
    value: p99(taken.own),
    unit: "ms",
    better: "less",
    peer: `node:http with a write to each of ${clients} clients`,
    peerValue: p99(taken.peer),
  };
}

/** Memory in use after many requests beside the memory before them; as many as the seconds allow. */
async function measureMemory(
  own: Server,
  plan: { readonly memoryRequests: number; readonly memorySeconds: number; readonly connections: number },
  log: (line: string) => void,
): Promise<Row> {
  const load = await openLoad(`${own.url}${LATEST}`, plan.connections);
  const step = Math.ceil(plan.memoryRequests / 100);
  try {
    await load.run(step);
    const before = (await own.ask({ kind: "memory" })).bytes!;
    const end = performance.now() + 1000 * plan.memorySeconds;
    let done = 0;
    while (done < plan.memoryRequests && performance.now() < end) {
      await load.run(step);
      done += step;
    }
    const after = (await own.ask({ kind: "memory" })).bytes!;
    log(`memory after ${done.toLocaleString("en-US")} requests, of ${plan.memoryRequests} asked for`);
    return {
      name: "memory_after_requests_mb",
      value: after / 2 ** 20,
      unit: "MiB",
      better: "less",
      peer: `the same before ${done} requests`,
      peerValue: before / 2 ** 20,
    };
  } finally {
    load.close();
  }
}

/** Page, scripts and styles of the dashboard's build, each compressed by itself. */
function firstView(): Row | undefined {
  if (!existsSync(join(DIST, "index.html"))) return undefined;
  const page = readFileSync(join(DIST, "index.html"), "utf8");
  const linked = readdirSync(DIST, { recursive: true, encoding: "utf8" }).filter(
    (file) => /\.(js|css)$/.test(file) && page.includes(file),
  );
  const bytes = ["index.html", ...linked].map(
    (file) => brotliCompressSync(readFileSync(join(DIST, file))).length,
  );
  return {
    name: "first_view_kb",
    value: bytes.reduce((sum, one) => sum + one, 0) / 1000,
    unit: "kB",
    better: "less",
    peer: "what it may weigh",
    peerValue: FIRST_VIEW_BUDGET,
  };
}
