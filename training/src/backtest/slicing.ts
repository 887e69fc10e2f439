import { requireThat } from "../evaluation/sample.ts";
import { liquidationSchedule } from "./almgren-chriss.ts";
import { TradeExceedsPoolError } from "./sim-result.ts";

export interface SlicingProblem {
  /** To trade, above 0. */
  readonly dollars: number;
  /** Value of the portfolio, dollars, above 0. */
  readonly nav: number;
  /** A slice of x dollars costs x²/depth against the price, as in `SimCosts.depths`. */
  readonly depth: number;
  /** Standard deviation per bar of the asset's return over the base asset's. */
  readonly volatility: number;
  /** γ as in `noTradeRegion`: half of it times the variance of the portfolio's return is minded like a cost. From 0. */
  readonly riskAversion: number;
  /** Dollars that each slice costs whatever its size: gas of rebalance, swap and attestation. From 0. */
  readonly fixedCost: number;
  /** Bars from one slice to the next, after which the pool is taken to be as deep as before. Whole, from 1. */
  readonly refillBars: number;
  readonly mostSlices: number;
}

export interface SlicePlan {
  /** Dollars of each, the first at once. */
  readonly slices: Float64Array;
  /** From the first slice to the last. */
  readonly bars: number;
  /** Expected, dollars. */
  readonly impact: number;
  readonly fixed: number;
  /** What the variance of what is still to be traded is minded, dollars. */
  readonly risk: number;
}

/**
 * In how many slices a trade goes, and of what size, so that impact, fixed costs and minded risk are least together:
 * for each number of slices the schedule of Almgren & Chriss (2000) with temporary impact η = refillBars/depth, none that
 * lasts, and λ = γ/(2·nav); then the best number. A trade of x with x² ≤ 2·depth·fixedCost is never worth a second slice:
 * n slices save at most x²/depth·(1 − 1/n). Throws TradeExceedsPoolError where even the smallest slices exceed the depth,
 * and OutOfRangeError.
 */
export function planSlices(problem: SlicingProblem): SlicePlan {
  const { dollars, nav, depth, volatility, riskAversion, fixedCost, refillBars, mostSlices } = problem;
  for (const [name, value] of Object.entries({ dollars, nav, depth, volatility }))
    requireThat(value > 0 && Number.isFinite(value), name, value, "above 0");
  for (const [name, value] of Object.entries({ riskAversion, fixedCost }))
    requireThat(value >= 0 && Number.isFinite(value), name, value, "from 0");
  for (const [name, value] of Object.entries({ refillBars, mostSlices }))
    requireThat(Number.isInteger(value) && value >= 1, name, value, "a whole number from 1");
  const minded = riskAversion / (2 * nav);
  let best: SlicePlan | undefined;
  for (let n = 1; n <= mostSlices; n++) {
    const { holdings, expectedCost, standardDeviation } = liquidationSchedule({
      amount: dollars,
      time: n * refillBars,
      periods: n,
      volatility,
      permanentImpact: 0,
      fixedCost: 0,
      temporaryImpact: refillBars / depth,
      riskAversion: minded,
    });
    const plan = {
      slices: Float64Array.from({ length: n }, (_, j) => holdings[j]! - holdings[j + 1]!),
      bars: (n - 1) * refillBars,
      impact: expectedCost,
      fixed: n * fixedCost,
      risk: minded * standardDeviation ** 2,
    };
    if (plan.slices[0]! <= depth && (best === undefined || lossOf(plan) < lossOf(best))) best = plan;
  }
  if (best === undefined) throw new TradeExceedsPoolError(`${mostSlices} slices,`, dollars, depth);
  return best;
}

const lossOf = ({ impact, fixed, risk }: SlicePlan): number => impact + fixed + risk;
