import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";

/** Whether a Redis can be started here; a test file that needs one says so where it cannot. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

/** An empty Redis of its own on a free port, which keeps nothing. */
export async function startRedis(password?: string): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const secret = password === undefined ? [] : ["--requirepass", password];
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", ...secret];
  const redis = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
  await new Promise<void>((resolve) => {
    redis.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      if (chunk.includes("Ready to accept")) resolve();
    });
  });
  const user = password === undefined ? "" : `:${password}@`;
  return { url: `redis://${user}127.0.0.1:${port}`, stop: () => redis.kill("SIGKILL") };
}
