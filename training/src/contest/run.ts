import { budgetOf, toContender } from "../backtest/contest.ts";
import { FAMILIES } from "../backtest/families.ts";
import { runProtocol, type ScoreLedger, type Window } from "../backtest/protocol.ts";
import { type ContestPlan, foldsOf, type Ground, toContestOptions } from "./plan.ts";
import { type Scores, toScores } from "./scores.ts";
import { type TuningOptions, tuneFamilies } from "./tuning.ts";

export interface ContestRun extends TuningOptions {
  /** What the ledger calls the market, the venue and the basket. */
  readonly data: string;
  readonly ledger: ScoreLedger;
  readonly resamples: number;
  readonly seed: number;
  /** Told how often each window has been scored by now, in all runs. */
  readonly onScored: (window: Window, times: number) => void;
}

/**
 * Every family tuned by the same budget on each fold's first window and scored once on its second. All
 * tuning ends before the first window is scored. Throws TooShortError and as `runProtocol` and `tuneFamilies`.
 */
export async function runContest(ground: Ground, plan: ContestPlan, run: ContestRun): Promise<Scores> {
  const options = toContestOptions(ground, plan);
  const folds = foldsOf(ground, plan);
  const tunings = await tuneFamilies(ground, plan, run);
  const results = runProtocol(
    { folds, budget: budgetOf(options), data: run.data, ledger: run.ledger },
    FAMILIES.map((family, f) => ({
      ...toContender(family, options),
      tune(window, spend) {
        const { trials, tuned } = tunings[folds.findIndex(({ tune }) => tune === window)]![f]!;
        for (let trial = 0; trial < trials; trial++) spend();
        return tuned;
      },
    })),
    run.onScored,
  );
  return toScores(
    results.map((fold) => fold.map(({ score }) => score)),
    run,
  );
}
