import type { BacktestJob } from "@ballast/api";
import { BallastError } from "@ballast/data";

export interface BacktestLimits {
  /** Bars × assets × policies of one backtest. */
  readonly mostSteps: number;
  /** Backtests at once. */
  readonly running: number;
  /** That wait, of all keys and of one. */
  readonly queued: number;
  readonly queuedPerOwner: number;
  readonly mostSeconds: number;
  /** Heap of one backtest's process. */
  readonly memoryMb: number;
  /** Finished ones that are kept; older ones are removed. */
  readonly kept: number;
  /** Results in Redis, compressed, in MiB: of one backtest, and of all that are kept. */
  readonly resultMb: number;
  readonly keptMb: number;
}

export const BACKTEST_LIMITS: BacktestLimits = {
  mostSteps: 2_000_000,
  running: 1,
  queued: 100,
  queuedPerOwner: 10,
  mostSeconds: 3_600,
  memoryMb: 2_048,
  kept: 200,
  resultMb: 64,
  keptMb: 1_024,
};

export class QueueFullError extends BallastError {
  readonly code = "BACKTEST_QUEUE_FULL";
  constructor(waiting: number, whose: string) {
    super(
      `${waiting} backtests ${whose} are waiting already. Submit again once one has ended, or cancel one.`,
    );
  }
}

export class BacktestOverError extends BallastError {
  readonly code = "BACKTEST_OVER";
  constructor({ id, state }: BacktestJob) {
    super(`The backtest ${id} is ${state} already; there is nothing to cancel.`);
  }
}

export class NoSuchBacktestError extends BallastError {
  readonly code = "BACKTEST_NOT_FOUND";
  constructor(id: string) {
    super(`There is no backtest ${id} here. /v1/backtests lists what there is.`);
  }
}

export class BacktestsUnavailableError extends BallastError {
  readonly code = "BACKTESTS_UNAVAILABLE";
  constructor(address: string, reason: string) {
    super(
      `The backtests in Redis at ${address} cannot be reached (${reason}). Start it again, or look at its log.`,
    );
  }
}
