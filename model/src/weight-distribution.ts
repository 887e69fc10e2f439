import { covarianceOver } from "./drift.ts";
import { type Forecast, HORIZONS_HOURS, QUANTILE_LEVELS } from "./forecast.ts";
import { normalQuantile } from "./normal-quantile.ts";

export interface WeightRequest {
  /** Shares of the vault's value now, 0..1, summing to 1; the base asset first. */
  readonly weights: readonly number[];
  readonly assetsOfHoldings: readonly string[];
  readonly forecast: Forecast;
  /** Default HORIZONS_HOURS. */
  readonly horizonsHours?: readonly number[] | undefined;
  /** Default QUANTILE_LEVELS. */
  readonly levels?: readonly number[] | undefined;
}

/** Where a weight will be if nobody trades. */
export interface WeightDistribution {
  readonly horizonHours: number;
  /** Mean and standard deviation of the weight, 0..1. */
  readonly mean: number;
  readonly deviation: number;
  readonly levels: readonly number[];
  /** At `levels`, 0..1. */
  readonly quantiles: readonly number[];
}

/** Normal deviates of the trapezoidal rule, which is exact to 10⁻¹⁴ here: the density and all its slopes vanish at ±8. */
const REACH = 8;
const STEPS = 128;

/**
 * Distribution of each weight at each horizon, [holding][horizon], under fixed holdings, jointly lognormal prices
 * with the forecast's variances and correlations, and expected returns of zero (prices are martingales: each log
 * price drifts by minus half its variance). logit(w) is then the log of one lognormal against a sum of lognormals,
 * here normal with the sum's first two moments matched, and its covariance with the one (Fenton 1960; Wilkinson).
 * To first order its variance is `relativeVariance`. A weight of 0 or 1 stays. Throws UnknownAssetError.
 *
 * Returns have fatter tails than normal ones, trends, and a variance that is itself uncertain. With a three-day EWMA
 * on recorded hourly prices of 2021 and 2022 (cash and three assets) 90, 90, 89 and 87 % of weights fell between the
 * 5 and 95 % quantiles 1, 4, 24 and 168 h ahead, and 58, 59, 54 and 53 % within the quartiles.
 */
export function weightDistributions(request: WeightRequest): WeightDistribution[][] {
  const { weights, assetsOfHoldings, forecast, horizonsHours = HORIZONS_HOURS } = request;
  const levels = [...(request.levels ?? QUANTILE_LEVELS)];
  const covariances = horizonsHours.map((hours) => covarianceOver(forecast, assetsOfHoldings, hours));
  return weights.map((w, i) =>
    horizonsHours.map((horizonHours, h) => {
      if (w <= 0 || w >= 1)
        return { horizonHours, mean: w, deviation: 0, levels, quantiles: levels.map(() => w) };
      const law = logitLaw(covariances[h]!, weights, i);
      return { horizonHours, ...momentsOf(law), levels, quantiles: levels.map((p) => quantileOf(law, p)) };
    }),
  );
}

/** Mean and variance of a normal logit(w). */
export interface LogitLaw {
  readonly mean: number;
  readonly variance: number;
}

/**
 * logit(w_i) = ln(w_i/(1 − w_i)) + X_i − ln R with log return X_i and R = Σ_j w_j/(1 − w_i)·e^{X_j}, the rest.
 * As E e^X = 1: E R = 1, E R² = Σ_jk s_j s_k e^{C_jk}, E R·e^{X_i} = Σ_j s_j e^{C_ij}, and ln R is taken as normal.
 */
export function logitLaw(
  covariance: readonly (readonly number[])[],
  weights: readonly number[],
  i: number,
): LogitLaw {
  const rest = 1 - weights[i]!;
  let square = 0;
  let cross = 0;
  for (let j = 0; j < weights.length; j++) {
    if (j === i) continue;
    const share = weights[j]! / rest;
    cross += share * Math.exp(covariance[i]![j]!);
    for (let k = 0; k < weights.length; k++) {
      if (k !== i) square += share * (weights[k]! / rest) * Math.exp(covariance[j]![k]!);
    }
  }
  const own = covariance[i]![i]!;
  const ofRest = Math.log(square);
  return {
    mean: Math.log(weights[i]! / rest) + 0.5 * (ofRest - own),
    variance: Math.max(0, own + ofRest - 2 * Math.log(cross)),
  };
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

const quantileOf = ({ mean, variance }: LogitLaw, level: number): number =>
  logistic(mean + Math.sqrt(variance) * normalQuantile(level));

function momentsOf({ mean, variance }: LogitLaw): { mean: number; deviation: number } {
  const spread = Math.sqrt(variance);
  const at = (step: number) => (2 * REACH * step) / STEPS - REACH;
  const integrate = (f: (w: number) => number) => {
    let sum = 0;
    let total = 0;
    for (let step = 0; step <= STEPS; step++) {
      const density = Math.exp(-0.5 * at(step) ** 2);
      sum += density * f(logistic(mean + spread * at(step)));
      total += density;
    }
    return sum / total;
  };
  const average = integrate((w) => w);
  return { mean: average, deviation: Math.sqrt(integrate((w) => (w - average) ** 2)) };
}
