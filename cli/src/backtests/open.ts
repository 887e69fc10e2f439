import { statSync } from "node:fs";
import type { BacktestJobs } from "@ballast/api";
import { BallastError } from "@ballast/data";
import { NoBarsFolderError } from "../market.ts";
import { openBacktestJobs } from "./jobs.ts";
import { openQueuedBacktests } from "./queued.ts";
import { startBacktestWorker } from "./queueWorker.ts";

export interface BacktestsOptions {
  /** Where backtests are kept, or with Redis where this process runs them. */
  readonly folder: string;
  readonly dataSets: Readonly<Record<string, string>>;
  readonly artefacts: string;
  /** Backtests that this process runs at once. */
  readonly workers: number;
  /** Shares them with other processes. */
  readonly redis: string | undefined;
  readonly log: (line: string) => void;
}

export class NoWorkersError extends BallastError {
  readonly code = "NO_WORKERS";
  constructor() {
    super(
      "--backtest-workers is 0, and without --redis no other process runs backtests. Give 1 or more, or --redis.",
    );
  }
}

/**
 * The backtests of a service: a queue of this process's own, or with Redis one that it shares.
 * Errors: NoBarsFolderError, NoWorkersError, StoreBusyError, RedisUnreachableError.
 */
export async function openBacktests(
  options: BacktestsOptions,
): Promise<BacktestJobs & { close(): Promise<void> }> {
  const { redis: url, workers, ...rest } = options;
  checkFolders(rest.dataSets);
  if (url === undefined) {
    if (workers === 0) throw new NoWorkersError();
    return openBacktestJobs({ ...rest, limits: { running: workers }, clock: Date.now });
  }
  const jobs = await openQueuedBacktests({ ...rest, url, clock: Date.now });
  if (workers === 0) return jobs;
  try {
    const worker = await startBacktestWorker({ ...rest, url, count: workers });
    return {
      ...jobs,
      async close() {
        await worker.close();
        await jobs.close();
      },
    };
  } catch (error) {
    await jobs.close();
    throw error;
  }
}

/** Error: NoBarsFolderError. */
export function checkFolders(dataSets: Readonly<Record<string, string>>): void {
  for (const bars of Object.values(dataSets))
    if (!statSync(bars, { throwIfNoEntry: false })?.isDirectory()) throw new NoBarsFolderError(bars);
}
