import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { newFolder } from "./child.ts";

/** Whether a Redis can be started here; a test file that needs one says so where it cannot. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

export interface RedisServer {
  readonly url: string;
  stop(): void;
  /** Kills it, and once it is gone starts it again at the same port when the returned function is called. */
  kill(): Promise<() => Promise<void>>;
}

/** An empty Redis of its own on a free port; it keeps what it was told, through its own death, where it shall. */
export async function startRedis(password?: string, keeps = false): Promise<RedisServer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const secret = password === undefined ? [] : ["--requirepass", password];
  const file = keeps ? ["--dir", newFolder(), "--appendonly", "yes", "--appendfsync", "always"] : [];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", ...file, ...secret];
  let redis: ChildProcess;
  const launch = async () => {
    redis = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise<void>((resolve) => {
      redis.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
        if (chunk.includes("Ready to accept")) resolve();
      });
    });
  };
  await launch();
  const user = password === undefined ? "" : `:${password}@`;
  return {
    url: `redis://${user}127.0.0.1:${port}`,
    stop: () => void redis.kill("SIGKILL"),
    async kill() {
      const gone = once(redis, "exit");
      redis.kill("SIGKILL");
      await gone;
      return launch;
    },
  };
}
