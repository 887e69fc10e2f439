import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll } from "vitest";

/** Whether a Redis can be started here. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis)
  console.log("redis-server is not installed: the feed between processes and keepers are left out");

const running = new Set<ChildProcess>();
const folders: string[] = [];
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function keep(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface RedisServer {
  readonly url: string;
  /** A client of the tests' own. */
  readonly client: Redis;
  kill(): Promise<void>;
  /** Starts it again at the same port with what it kept. */
  restart(): Promise<void>;
}

/** A Redis of its own in a temporary folder, with an append-only file unless it shall forget. */
export async function startRedis({ keeps = true, password = "" } = {}): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "ballast-redis-"));
  folders.push(folder);
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  const options = [...args, "--appendonly", keeps ? "yes" : "no", "--requirepass", password];
  const client = new Redis(port, "127.0.0.1", {
    lazyConnect: true,
    protocol: 2,
    ...(password !== "" && { password }),
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  });
  client.on("error", () => {});
  let child: ChildProcess;
  const launch = async () => {
    child = keep(spawn("redis-server", options, { stdio: "ignore" }));
    await client.ping();
  };
  await launch();
  return {
    url: `redis://${password === "" ? "" : `:${password}@`}127.0.0.1:${port}`,
    client,
    async kill() {
      if (child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    },
    restart: launch,
  };
}
