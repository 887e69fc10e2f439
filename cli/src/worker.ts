import { once } from "node:events";
import { openTrialThreads, startQueueWorker } from "@ballast/training";
import type { Terminal } from "./terminal.ts";

export interface WorkerOptions {
  readonly redis: string;
  readonly artefacts: string;
  readonly threads: number;
  readonly retryAfter: number;
}

/** Runs trials until SIGINT or SIGTERM; those it is at then go back to the queue. */
export async function runWorker(
  { redis: url, artefacts, threads: count, retryAfter }: WorkerOptions,
  terminal: Terminal,
): Promise<void> {
  const threads = openTrialThreads({ artefacts });
  const log = (line: string) => terminal.say(line);
  const worker = await startQueueWorker({ url, threads, count, log, silenceMs: retryAfter * 1000 });
  const asked = new AbortController();
  const { signal } = asked;
  await Promise.race((["SIGINT", "SIGTERM"] as const).map((name) => once(process, name, { signal })));
  asked.abort();
  terminal.say("Stopping; the trials at hand go back to the queue.");
  await worker.close();
  await threads.close();
}
