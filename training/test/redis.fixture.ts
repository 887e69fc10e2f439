import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, expect } from "vitest";

/** Whether a Redis can be started here; a test file that needs one says so once where it cannot. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis) console.log("redis-server is not installed: trials over a queue are left out");

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
});

function keep(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export interface RedisProcess {
  readonly url: string;
  readonly port: number;
  kill(): Promise<void>;
}

/** An empty Redis that forgets everything when it is killed. */
export async function startRedis(port?: number, password?: string): Promise<RedisProcess> {
  const chosen = port ?? (await freePort());
  const secret = password === undefined ? [] : ["--requirepass", password];
  const options = ["--port", String(chosen), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = keep(spawn("redis-server", [...options, ...secret], { stdio: "ignore" }));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const probe = new Redis(chosen, "127.0.0.1", {
    lazyConnect: true,
    ...(password !== undefined && { password }),
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  });
  probe.on("error", () => {});
  await probe.ping();
  probe.disconnect();
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Waits until its lines match. */
  until(pattern: RegExp): Promise<void>;
  /** What it has said so far. */
  text(): string;
}

/** A process that takes trials from the queue; with `dies` it ends, killed, as it begins one. */
export function startWorkerProcess(
  url: string,
  artefacts: string,
  silenceMs: number,
  dies = false,
): WorkerProcess {
  const script = fileURLToPath(new URL("./worker.fixture.ts", import.meta.url));
  const child = keep(
    spawn(process.execPath, [script, url, artefacts, String(silenceMs), String(dies)], {
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
  });
  return {
    child,
    text: () => said,
    async until(pattern) {
      for (let waited = 0; waited < 50_000 && !pattern.test(said); waited += 20) await sleep(20);
      expect(said).toMatch(pattern);
    },
  };
}
