import type { GarchModel } from "./garch.ts";
import { MEAN_ABSOLUTE_NORMAL } from "./garch-likelihood.ts";
import { scaledNormalInterval } from "./normal.ts";

/** Variance of the next return, given that of the last, `variance`, and the last return itself. */
export function nextVariance(model: GarchModel, variance: number, lastReturn: number): number {
  const { mu, omega, alpha, gamma, beta } = model;
  const e = lastReturn - mu;
  if (model.kind !== "egarch") return omega + (alpha + (e < 0 ? gamma : 0)) * e * e + beta * variance;
  const z = e / Math.sqrt(variance);
  return Math.exp(
    omega + alpha * (Math.abs(z) - MEAN_ABSOLUTE_NORMAL) + gamma * z + beta * Math.log(variance),
  );
}

/**
 * Variance of each return given those before it, and of the one that follows the last: returns.length + 1
 * entries. Entry i + 1 is the one-step forecast made once return i is known.
 */
export function filterVariance(model: GarchModel, returns: Float64Array): Float64Array {
  const { omega, alpha, gamma, beta, startVariance } = model;
  const path = new Float64Array(returns.length + 1);
  path[0] =
    model.kind === "egarch"
      ? Math.exp(omega + beta * Math.log(startVariance))
      : omega + (alpha + gamma / 2 + beta) * startVariance;
  for (let i = 0; i < returns.length; i++) path[i + 1] = nextVariance(model, path[i]!, returns[i]!);
  return path;
}

/** α + γ/2 + β, or EGARCH's β: what is left after one step of a shock to (log) variance. */
export const persistenceOf = ({ kind, alpha, gamma, beta }: GarchModel): number =>
  kind === "egarch" ? beta : alpha + gamma / 2 + beta;

/**
 * Expected variance of each of the next `steps` returns, from the variance `next` of the first of them.
 * GARCH and GJR: σ² + pᵏ(next − σ²), p the persistence and σ² = ω/(1 − p) (Baillie & Bollerslev 1992;
 * a symmetric z puts half of γ in p). EGARCH: next^βᵏ · Π exp(βʲω)·E exp(βʲg(z)) (Nelson 1991, appendix 1) with a
 * Gaussian z under both distributions, as under a Student-t the expectation does not exist.
 */
export function forecastVariance(model: GarchModel, next: number, steps: number): Float64Array {
  const path = new Float64Array(steps);
  if (model.kind !== "egarch") {
    const persistence = persistenceOf(model);
    for (let k = 0, h = next; k < steps; k++, h = model.omega + persistence * h) path[k] = h;
    return path;
  }
  const logs = egarchLogFactors(model, steps);
  const log = Math.log(next);
  for (let k = 0, power = 1; k < steps; k++, power *= model.beta) path[k] = Math.exp(power * log + logs[k]!);
  return path;
}

/**
 * Forecasts at every return: [return][horizon] mean variance per step over the next `horizons` steps, given the
 * returns up to and including that one. Row i depends on no return after i.
 */
export function forecastGarchRows(
  model: GarchModel,
  returns: Float64Array,
  horizons: readonly number[],
): Float64Array {
  const variances = filterVariance(model, returns);
  const width = horizons.length;
  const out = new Float64Array(returns.length * width);
  const longest = Math.max(...horizons);
  const mean = model.kind === "egarch" ? egarchMean(model, longest) : linearMean(model);
  for (let i = 0; i < returns.length; i++) {
    for (let h = 0; h < width; h++) out[i * width + h] = mean(variances[i + 1]!, horizons[h]!);
  }
  return out;
}

/** The mean of `forecastVariance` in closed form: next·s + ω·(steps − s)/(1 − p), s = (1 − pⁿ)/(n(1 − p)). */
function linearMean(model: GarchModel): (next: number, steps: number) => number {
  const p = persistenceOf(model);
  return (next, steps) => {
    // expm1 and log1p keep the digits of 1 − pⁿ where p is all but 1.
    const share = -Math.expm1(steps * Math.log1p(p - 1)) / ((1 - p) * steps);
    return next * share + (model.omega / (1 - p)) * (1 - share);
  };
}

function egarchMean(model: GarchModel, longest: number): (next: number, steps: number) => number {
  const logs = egarchLogFactors(model, longest);
  return (next, steps) => {
    const log = Math.log(next);
    let sum = 0;
    for (let k = 0, power = 1; k < steps; k++, power *= model.beta) sum += Math.exp(power * log + logs[k]!);
    return sum / steps;
  };
}

/** [k] what the k steps after the first add to ln E h: Σ over j < k of βʲω + ln E exp(βʲg(z)). */
function egarchLogFactors(model: GarchModel, steps: number): Float64Array {
  const { omega, alpha, gamma, beta } = model;
  const logs = new Float64Array(steps);
  for (let k = 1, power = 1; k < steps; k++, power *= beta) {
    logs[k] = logs[k - 1]! + power * omega + Math.log(expectedShock(power * alpha, power * gamma));
  }
  return logs;
}

/** E exp(α(|z| − √(2/π)) + γz), z standard normal (Nelson 1991, appendix 1): one half-line of z at a time. */
const expectedShock = (alpha: number, gamma: number): number =>
  Math.exp(-alpha * MEAN_ABSOLUTE_NORMAL) * (tilted(gamma + alpha) + tilted(alpha - gamma));

/** E[exp(bz); z > 0] = e^{b²/2}·P(Z < b). */
const tilted = (b: number): number => scaledNormalInterval((b * b) / 2, Number.NEGATIVE_INFINITY, b);
