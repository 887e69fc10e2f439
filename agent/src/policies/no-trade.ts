import { BallastError } from "@ballast/data";

/** What a rebalance between one risky asset and the rest costs, and how much its owner minds deviations. */
export interface NoTradeProblem {
  /** Target share of the asset, between 0 and 1. */
  readonly weight: number;
  /** Relative risk aversion, above 0. */
  readonly riskAversion: number;
  /** Cost of each unit traded, a share: fee, half spread; from 0. */
  readonly proportional: number;
  /** Cost of each trade whatever its size, share of the portfolio: gas; from 0. */
  readonly fixed: number;
}

/** Trade when the weight is `trigger` from target, back to `destination` from it; both shares of the portfolio. */
export interface NoTradeRegion {
  readonly trigger: number;
  readonly destination: number;
}

export class BadNoTradeProblemError extends BallastError {
  readonly code = "BAD_NO_TRADE_PROBLEM";
  readonly parameter: string;
  readonly value: number;
  constructor(parameter: string, value: number, range: string) {
    super(`The no-trade region's ${parameter} is ${value}; give a number ${range}.`);
    this.parameter = parameter;
    this.value = value;
  }
}

/**
 * The no-trade region that minimises costs plus ½γσ² times the mean squared deviation, to the lowest order in the
 * costs. A weight that moves like a Brownian motion, σₓ = w(1−w)σ, from ±k until ±h makes σₓ²/(h²−k²) trades a
 * year, σₓ²/(h+k) of turnover, and a mean squared deviation of (h²+k²)/6; with a = w²(1−w)², c and F that asks for
 *
 *   (h−k)³(h+k) = 12aF/γ  and  (h+k)³ = 12a(c + F/(h−k))/γ.
 *
 * σ drops out. Proportional costs alone: k = h = (3ca/2γ)^⅓, Leland 1999, Rogers 2004; fixed alone: k = 0,
 * h = (12Fa/γ)^¼, Morton & Pliska 1995; both: an impulse control as in Eastham & Hastings 1988. Throws
 * BadNoTradeProblemError.
 */
export function noTradeRegion(problem: NoTradeProblem): NoTradeRegion {
  const { weight, riskAversion, proportional, fixed } = problem;
  if (!(weight > 0 && weight < 1)) throw new BadNoTradeProblemError("weight", weight, "between 0 and 1");
  if (!(riskAversion > 0 && Number.isFinite(riskAversion)))
    throw new BadNoTradeProblemError("riskAversion", riskAversion, "above 0");
  for (const [name, value] of Object.entries({ proportional, fixed })) {
    if (!(value >= 0 && Number.isFinite(value))) throw new BadNoTradeProblemError(name, value, "from 0");
  }
  const scale = (12 * (weight * (1 - weight)) ** 2) / riskAversion;
  const a = scale * fixed;
  const c = scale * proportional;
  if (a === 0) {
    const half = Math.cbrt(c) / 2;
    return { trigger: half, destination: half };
  }
  // d = h − k: (a/d³)³ − a/d − c falls from +∞ to −c on (0, a^¼].
  let low = 0;
  let high = a ** 0.25;
  for (let i = 0; i < HALVINGS; i++) {
    const d = (low + high) / 2;
    if ((a / d ** 3) ** 3 - a / d - c > 0) low = d;
    else high = d;
  }
  const sum = a / high ** 3;
  return { trigger: (sum + high) / 2, destination: Math.max(0, (sum - high) / 2) };
}

/** Halves an interval of doubles to nothing. */
const HALVINGS = 200;
