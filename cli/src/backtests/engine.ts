import { fork } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { BacktestMessage } from "./messages.ts";

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
/** What a stopped process has to leave its checkpoint. */
const GRACE_MS = 15_000;
const STDERR_CHARS = 2_000;
/** Behind the service itself, which shall go on answering. */
const NICENESS = 10;

export type Ending =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly code: string; readonly detail: string }
  /** Without a word; what it wrote on stderr is for the service's log. */
  | { readonly kind: "died"; readonly stderr: string };

export interface EngineRun {
  readonly ended: Promise<Ending>;
  /** Ends it with a checkpoint, and then by force. Returns once it is gone. */
  stop(): Promise<void>;
}

/**
 * Runs `ballast backtest` on a file of settings in a process of its own: a run that needs too much memory ends itself and
 * not the service. The same file goes on where a run before it was stopped.
 * @param memoryMb Of its JavaScript heap.
 */
export function startEngine(
  config: string,
  memoryMb: number,
  onProgress: (message: BacktestMessage & { kind: "progress" }) => void,
): EngineRun {
  const child = fork(CHILD, [config], {
    execArgv: [`--max-old-space-size=${memoryMb}`],
    // Nothing of the service's environment is its business: there are keys and passwords in it.
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let stderr = "";
  let ending: Ending | undefined;
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARS);
  });
  child.on("message", (message: BacktestMessage) => {
    if (message.kind === "progress") onProgress(message);
    else ending = message;
  });
  if (child.pid !== undefined) setPriority(child.pid, NICENESS);
  const ended = new Promise<Ending>((resolve) => {
    child.once("error", (error) => resolve({ kind: "died", stderr: String(error) }));
    child.once("close", () => resolve(ending ?? { kind: "died", stderr }));
  });
  return {
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "close");
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
      await gone;
      clearTimeout(force);
    },
  };
}
