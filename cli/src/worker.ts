import { once } from "node:events";
import { BallastError } from "@ballast/data";
import { openTrialThreads, startQueueWorker } from "@ballast/training";
import { checkFolders } from "./backtests/open.ts";
import { startBacktestWorker } from "./backtests/queueWorker.ts";
import type { Terminal } from "./terminal.ts";

export interface WorkerOptions {
  readonly redis: string;
  readonly artefacts: string;
  readonly threads: number;
  readonly retryAfter: number;
  /** Folders of bars by name; without any no backtests are run. */
  readonly data: Readonly<Record<string, string>>;
  readonly backtests: string;
  readonly backtestWorkers: number;
}

export class NothingToRunError extends BallastError {
  readonly code = "NOTHING_TO_RUN";
  constructor() {
    super("--threads is 0, and there are no backtests to run without --data. Give one of the two.");
  }
}

/**
 * Runs trials and backtests until SIGINT or SIGTERM; those it is at then go back to their queue.
 * Errors: NothingToRunError, NoBarsFolderError, RedisUnreachableError.
 */
export async function runWorker(options: WorkerOptions, terminal: Terminal): Promise<void> {
  const {
    redis: url,
    artefacts,
    threads: count,
    data: dataSets,
    backtests: folder,
    backtestWorkers,
  } = options;
  const runsBacktests = Object.keys(dataSets).length > 0 && backtestWorkers > 0;
  if (count === 0 && !runsBacktests) throw new NothingToRunError();
  checkFolders(dataSets);
  const shared = { url, silenceMs: options.retryAfter * 1000, log: (line: string) => terminal.say(line) };
  const closing: { close(): Promise<void> }[] = [];
  try {
    if (count > 0) {
      const threads = openTrialThreads({ artefacts });
      closing.push(threads);
      closing.push(await startQueueWorker({ ...shared, threads, count }));
    }
    if (runsBacktests)
      closing.push(
        await startBacktestWorker({ ...shared, folder, dataSets, artefacts, count: backtestWorkers }),
      );
    const asked = new AbortController();
    const { signal } = asked;
    await Promise.race((["SIGINT", "SIGTERM"] as const).map((name) => once(process, name, { signal })));
    asked.abort();
    terminal.say("Stopping; the trials at hand go back to the queue, and so do backtests.");
  } finally {
    for (const worker of closing.reverse()) await worker.close();
  }
}
