import { compareFrontiers, gapClosed, type Pooled, poolFolds } from "../backtest/comparison.ts";
import type { Frontiers, Objective } from "../backtest/contest.ts";
import { FAMILIES } from "../backtest/families.ts";
import type { BootstrapInterval } from "../evaluation/bootstrap.ts";

/** Days: of the mean resampled stretch. */
export const MEAN_BLOCK = 5;

/** What the families' scored windows say of each other; intervals of 95 %, of blocks resampled together. */
export interface Scores {
  /** The reactive family with the lowest frontier on the scored windows themselves: the hardest one to beat. */
  readonly best: Readonly<Record<Objective, string>>;
  /** How much higher the first family's frontier is than the second's; with `resamples` 1 the estimate alone counts. */
  ratio(objective: Objective, own: string, other: string, resamples?: number): BootstrapInterval;
  /** Share of the way from the best reactive family's cost to the clairvoyant's. */
  gapClosed(own: string): BootstrapInterval;
  /** A family's scored windows, one after the other. */
  pooled(objective: Objective, name: string): Pooled;
}

/** `folds`: [fold][family] in the order of FAMILIES. */
export function toScores(
  folds: readonly (readonly Frontiers[])[],
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): Scores {
  const poolsOf = (objective: Objective) =>
    new Map(
      FAMILIES.map(({ name }, i) => [
        name,
        poolFolds(
          folds.map((fold) => fold[i]!),
          objective,
        ),
      ]),
    );
  const pools: Record<Objective, ReadonlyMap<string, Pooled>> = {
    "cost-at-tracking-error": poolsOf("cost-at-tracking-error"),
    "outside-at-cost": poolsOf("outside-at-cost"),
  };
  const pooled = (objective: Objective, name: string): Pooled => pools[objective].get(name)!;
  const ratio = (objective: Objective, own: string, other: string, count = resamples) =>
    compareFrontiers(pooled(objective, own), pooled(objective, other), {
      objective,
      meanBlock: MEAN_BLOCK,
      seed,
      resamples: count,
    });
  const bestOf = (objective: Objective): string => {
    const ranked = FAMILIES.filter(({ kind }) => kind === "reactive").map(({ name }) => ({
      name,
      ratio: ratio(objective, name, "threshold", 1).estimate,
    }));
    return ranked.reduce((a, b) => (b.ratio < a.ratio ? b : a)).name;
  };
  const best = {
    "cost-at-tracking-error": bestOf("cost-at-tracking-error"),
    "outside-at-cost": bestOf("outside-at-cost"),
  };
  return {
    best,
    ratio,
    gapClosed(own) {
      const objective = "cost-at-tracking-error";
      const [ours, clairvoyant, reactive] = [own, "clairvoyant", best[objective]].map((name) =>
        pooled(objective, name),
      );
      return gapClosed(ours!, clairvoyant!, reactive!, { objective, meanBlock: MEAN_BLOCK, seed, resamples });
    },
    pooled,
  };
}
