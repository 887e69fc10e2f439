import { budgetOf, toContender } from "../backtest/contest.ts";
import { FAMILIES } from "../backtest/families.ts";
import { runProtocol, type ScoreLedger, type Window } from "../backtest/protocol.ts";
import { type ContestPlan, foldsOf, type Ground, toContestOptions } from "./plan.ts";
import { type Scores, toScores } from "./scores.ts";

export interface ContestRun {
  /** What the ledger calls the market, the venue and the basket. */
  readonly data: string;
  readonly ledger: ScoreLedger;
  readonly resamples: number;
  readonly seed: number;
  /** Told how often each window has been scored by now, in all runs. */
  readonly onScored: (window: Window, times: number) => void;
}

/** Every family tuned by the same budget on each fold's first window and scored once on its second. */
export function runContest(ground: Ground, plan: ContestPlan, run: ContestRun): Scores {
  const options = toContestOptions(ground, plan);
  const results = runProtocol(
    { folds: foldsOf(ground, plan), budget: budgetOf(options), data: run.data, ledger: run.ledger },
    FAMILIES.map((family) => toContender(family, options)),
    run.onScored,
  );
  return toScores(
    results.map((fold) => fold.map(({ score }) => score)),
    run,
  );
}
