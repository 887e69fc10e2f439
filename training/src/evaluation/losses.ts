import digamma from "@stdlib/math-base-special-digamma";
import { requireLength, requireSample, requireThat } from "./sample.ts";

/** Loss of one forecast for one realised value, NaN where either is. QLIKE has this shape too. */
export type Loss = (realised: number, forecast: number) => number;

export const squaredError: Loss = (realised, forecast) => (realised - forecast) ** 2;

/** |ln y − ln f| of positive y and f. */
export const absoluteLogError: Loss = (realised, forecast) => Math.abs(Math.log(realised / forecast));

/**
 * Pinball loss of q as the forecast of the `level` quantile, 0 < level < 1, in the units of y (Koenker & Bassett
 * 1978): its expectation is least at the true quantile.
 */
export const pinballLoss = (realised: number, quantile: number, level: number): number =>
  (realised - quantile) * (level - (realised < quantile ? 1 : 0));

/**
 * Score of the central interval [low, high] said to hold y with probability 1 − alpha: its width and 2/alpha times
 * the distance by which it misses (Winkler 1972; Gneiting & Raftery 2007, eq. 43), in the units of y.
 */
export const intervalScore = (realised: number, low: number, high: number, alpha: number): number =>
  high - low + (2 / alpha) * (Math.max(0, low - realised) + Math.max(0, realised - high));

/**
 * QLIKE that even the true variance scores when realised variance is the mean of m ≥ 1 squared Gaussian returns:
 * log(m/2) − ψ(m/2), since m·RV/σ² is chi-square with m degrees of freedom. Throws OutOfRangeError.
 */
export function qlikeNoiseFloor(m: number): number {
  requireThat(Number.isInteger(m) && m >= 1, "number of returns", m, "a whole number from 1");
  return Math.log(m / 2) - digamma(m / 2);
}

/**
 * The loss of each forecast, in order. Throws TooFewObservationsError of nothing, UnequalLengthsError, and
 * NonFiniteSampleError where a value or its loss is not finite, such as QLIKE of a realised variance of 0.
 */
export function toLosses(loss: Loss, realised: Float64Array, forecast: Float64Array): Float64Array {
  requireSample("realised values", realised);
  requireSample("forecasts", forecast);
  requireLength("forecasts", forecast, realised.length);
  const losses = realised.map((y, i) => loss(y, forecast[i]!));
  requireSample("losses", losses);
  return losses;
}
