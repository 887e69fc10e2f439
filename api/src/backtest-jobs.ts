import type { Static } from "typebox";
import type * as schemas from "./schemas/backtests.ts";

export type BacktestRequest = Static<typeof schemas.BacktestRequest>;
export type BacktestResult = Static<typeof schemas.BacktestResult>;
export type BacktestJob = Omit<Static<typeof schemas.Backtest>, "links">;

/**
 * What the service asks of whoever runs backtests. Who may ask for what is the service's to check. Where several
 * processes share them, any call may fail with BACKTESTS_UNAVAILABLE, and has changed nothing then that is known of.
 */
export interface BacktestJobs {
  /** Names of the data sets that a request may choose from, with what each one holds. */
  dataSets(): Promise<readonly DataSet[]>;
  /**
   * Queues a backtest. Errors: BAD_BACKTEST for a request that could not be run, UNKNOWN_DATA_SET, BACKTEST_TOO_LARGE,
   * BACKTEST_QUEUE_FULL, DISK_FULL.
   */
  submit(request: BacktestRequest, owner: string): Promise<BacktestJob>;
  get(id: string): Promise<BacktestJob | undefined>;
  /** Newest first; `cursor` is the last id of the page before. Error: BACKTEST_CURSOR. */
  list(query: BacktestsQuery): Promise<BacktestJobsPage>;
  /** Ends one that is queued or running. Errors: BACKTEST_NOT_FOUND, BACKTEST_OVER. */
  cancel(id: string): Promise<BacktestJob>;
  /** Undefined until it is done. */
  result(id: string): Promise<BacktestResult | undefined>;
  /** A file that a backtest left, as text; undefined where there is none such. */
  read(id: string, file: BacktestFile): Promise<string | undefined>;
  /** Calls back with a job as it is, and at each change, until the returned function is called. */
  watch(id: string, listener: (job: BacktestJob) => void): () => void;
}

export interface BacktestsQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface BacktestJobsPage {
  readonly items: readonly BacktestJob[];
  readonly nextCursor: string | undefined;
}

/** The record of the policy of that label, or the page that compares all of them. */
export type BacktestFile = { readonly record: string } | "report";

export interface DataSet {
  readonly name: string;
  readonly assets: readonly string[];
  /** First bar's opening and last bar's close, ms UTC. */
  readonly from: number;
  readonly until: number;
  readonly intervalMs: number;
}
