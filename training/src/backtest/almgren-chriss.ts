import { requireThat } from "../evaluation/sample.ts";

/** An order to be worked off in equal periods (Almgren & Chriss 2000, section 1). Units as in the paper. */
export interface LiquidationProblem {
  /** Units to sell, above 0. */
  readonly amount: number;
  /** Time to do it in, and the number of equal periods. */
  readonly time: number;
  readonly periods: number;
  /** Standard deviation of the price per square root of a unit of time, in money. */
  readonly volatility: number;
  /** Permanent impact γ: money per unit sold. */
  readonly permanentImpact: number;
  /** Temporary impact: ε, money each unit; η, money per unit sold in a unit of time. */
  readonly fixedCost: number;
  readonly temporaryImpact: number;
  /** λ, per money: how much variance is minded, from 0. */
  readonly riskAversion: number;
}

export interface LiquidationSchedule {
  /** Urgency κ per unit of time: its inverse is the order's half-life but for a factor. */
  readonly kappa: number;
  /** Units held after 0 … periods of them. */
  readonly holdings: Float64Array;
  readonly expectedCost: number;
  readonly standardDeviation: number;
}

/**
 * The schedule that minimises expected cost + λ · variance (Almgren & Chriss 2000, eqs. 17 and 18, costs by eqs. 4
 * and 5). Throws OutOfRangeError.
 */
export function liquidationSchedule(problem: LiquidationProblem): LiquidationSchedule {
  const { amount, time, periods, volatility, permanentImpact, fixedCost, temporaryImpact, riskAversion } =
    problem;
  for (const [name, value] of Object.entries({ amount, time, volatility, temporaryImpact }))
    requireThat(value > 0 && Number.isFinite(value), name, value, "above 0");
  for (const [name, value] of Object.entries({ permanentImpact, fixedCost, riskAversion }))
    requireThat(value >= 0 && Number.isFinite(value), name, value, "from 0");
  requireThat(Number.isInteger(periods) && periods >= 1, "periods", periods, "a whole number from 1");
  const tau = time / periods;
  // What of the temporary impact is left beside the half of the permanent one that a period's own sale feels.
  const eta = temporaryImpact - (permanentImpact * tau) / 2;
  requireThat(eta > 0, "temporary impact", temporaryImpact, "above half of the permanent impact of a period");
  // cosh(κτ) − 1 = 2·sinh²(κτ/2), which keeps the digits of a small κ.
  const kappa = (2 * Math.asinh((tau / 2) * Math.sqrt((riskAversion * volatility ** 2) / eta))) / tau;
  const holdings = Float64Array.from(
    { length: periods + 1 },
    (_, j) => amount * sinhRatio(kappa * (time - j * tau), kappa * time, 1 - j / periods),
  );
  let cost = (permanentImpact * amount ** 2) / 2;
  let variance = 0;
  for (let j = 1; j <= periods; j++) {
    const sold = holdings[j - 1]! - holdings[j]!;
    cost += fixedCost * sold + (eta / tau) * sold ** 2;
    variance += volatility ** 2 * tau * holdings[j]! ** 2;
  }
  return { kappa, holdings, expectedCost: cost, standardDeviation: Math.sqrt(variance) };
}

/** sinh(a)/sinh(b) for a ≤ b, neither of which overflows; `limit` as both vanish. */
const sinhRatio = (a: number, b: number, limit: number): number =>
  b === 0 ? limit : (Math.exp(a - b) * Math.expm1(-2 * a)) / Math.expm1(-2 * b);
