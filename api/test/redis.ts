import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { undo } from "./stream-clients.ts";

/** Whether a Redis can be started here; a test file that needs one says so where it cannot. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;

export interface RedisServer {
  readonly url: string;
  /** As a machine that fails: without a word to anybody. */
  kill(): Promise<void>;
  /** Starts it again at the same port, with what it kept. */
  restart(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A Redis of the test's own, with an append-only file unless it shall forget; ended after the test. */
export async function startRedis({ keeps = true } = {}): Promise<RedisServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "ballast-redis-"));
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
  let child: ChildProcess;
  const restart = async () => {
    child = spawn("redis-server", [...args, "--appendonly", keeps ? "yes" : "no"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await new Promise<void>((resolve, reject) => {
      let text = "";
      child.once("exit", () => reject(new Error(`redis-server ended: ${text}`)));
      child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (text.includes("Ready to accept")) resolve();
      });
    });
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  };
  await restart();
  undo.push(async () => {
    await kill();
    rmSync(folder, { recursive: true });
  });
  return { url: `redis://127.0.0.1:${port}`, kill, restart };
}
