import type { Random } from "@ballast/data";
import { requireLevels } from "./crps.ts";
import { type ChiSquareTest, kolmogorovSurvival, normalQuantile, toChiSquareTest } from "./distributions.ts";
import { mean, requireProbabilities, requireSample, requireThat } from "./sample.ts";

/** Kolmogorov-Smirnov distance and its p-value. */
export interface KolmogorovSmirnov {
  readonly distance: number;
  readonly pValue: number;
}

export interface Berkowitz {
  /** Of a standard normal, independent sequence: mean 0, variance 1, no first-order autocorrelation. */
  readonly joint: ChiSquareTest;
  /** Of no first-order autocorrelation alone. */
  readonly independence: ChiSquareTest;
}

/**
 * Probability integral transform F(y) of a forecast known by its quantiles at ascending `levels`: linear between
 * quantiles, and drawn uniformly where F is known only to an interval, in a jump or beyond the outer quantiles
 * (Czado, Gneiting & Held 2009), so that it is uniform if the forecast is right. Throws as crpsFromQuantiles.
 */
export function pitFromQuantiles(
  realised: number,
  levels: Float64Array,
  quantiles: Float64Array,
  random: Random,
): number {
  requireLevels(levels, quantiles);
  requireSample("realised values", Float64Array.of(realised));
  const last = levels.length - 1;
  const below = quantiles.findLastIndex((q) => q < realised);
  const notAbove = quantiles.findLastIndex((q) => q <= realised);
  const drawn = (from: number, to: number) => from + random.uniform() * (to - from);
  if (notAbove > below) {
    // On a quantile, or on several: mass may sit on the value only between the levels that name it.
    if (notAbove - below > 1) return drawn(levels[below + 1]!, levels[notAbove]!);
    return levels[notAbove]!;
  }
  if (below === -1) return drawn(0, levels[0]!);
  if (below === last) return drawn(levels[last]!, 1);
  const share = (realised - quantiles[below]!) / (quantiles[below + 1]! - quantiles[below]!);
  return levels[below]! + share * (levels[below + 1]! - levels[below]!);
}

/**
 * Randomised rank of y among m `samples` of its forecast, in (0, 1): exactly uniform if y and the samples share one
 * law, ties included (Czado, Gneiting & Held 2009). Throws TooFewObservationsError and NonFiniteSampleError.
 */
export function pitFromSamples(realised: number, samples: Float64Array, random: Random): number {
  requireSample("samples", samples);
  requireSample("realised values", Float64Array.of(realised));
  let below = 0;
  let equal = 0;
  for (const s of samples) {
    if (s < realised) below++;
    else if (s === realised) equal++;
  }
  return (below + random.uniform() * (equal + 1)) / (samples.length + 1);
}

/**
 * Counts of PIT values in equal bins of [0, 1] with Pearson's test that they are uniform, which takes them as
 * independent. Throws TooFewObservationsError, NonFiniteSampleError and OutOfRangeError.
 */
export function pitHistogram(pit: Float64Array, bins: number): { counts: Int32Array; test: ChiSquareTest } {
  requireProbabilities("PIT values", pit);
  requireThat(Number.isInteger(bins) && bins >= 2, "number of bins", bins, "a whole number from 2");
  const counts = new Int32Array(bins);
  for (const u of pit) {
    const bin = Math.min(bins - 1, Math.floor(u * bins));
    counts[bin] = counts[bin]! + 1;
  }
  const expected = pit.length / bins;
  const statistic = counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
  return { counts, test: toChiSquareTest(statistic, bins - 1) };
}

/**
 * Test that independent PIT values are uniform by the largest distance between the two distribution functions.
 * Throws TooFewObservationsError, NonFiniteSampleError and OutOfRangeError.
 */
export function kolmogorovSmirnov(pit: Float64Array): KolmogorovSmirnov {
  requireProbabilities("PIT values", pit);
  const sorted = pit.slice().sort();
  const n = sorted.length;
  let distance = 0;
  for (let i = 0; i < n; i++) {
    distance = Math.max(distance, sorted[i]! - i / n, (i + 1) / n - sorted[i]!);
  }
  return { distance, pValue: kolmogorovSurvival(distance, n) };
}

/** PIT values are taken no nearer to 0 and 1: ±8.2 standard deviations. */
const NEAREST = 2 ** -53;

/**
 * Likelihood ratio tests that z = Φ⁻¹(PIT), in time order, are standard normal and independent against a Gaussian
 * first-order autoregression (Berkowitz 2001), both given the first value. A z that never varies is
 * infinitely unlikely: statistic ∞. Throws TooFewObservationsError below four, NonFiniteSampleError and
 * OutOfRangeError.
 */
export function berkowitz(pit: Float64Array): Berkowitz {
  requireProbabilities("PIT values", pit, 4);
  const z = pit.map((u) => normalQuantile(Math.min(1 - NEAREST, Math.max(NEAREST, u))));
  const before = z.subarray(0, -1);
  const now = z.subarray(1);
  const m = now.length;
  const centreBefore = mean(before);
  const centreNow = mean(now);
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let i = 0; i < m; i++) {
    const x = before[i]! - centreBefore;
    const y = now[i]! - centreNow;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  const rho = xx === 0 ? 0 : xy / xx;
  const residual = Math.max(0, yy - rho * xy);
  const squares = now.reduce((sum, v) => sum + v * v, 0);
  // Twice the log likelihood at its maximum, without the constant −m·ln 2π that cancels.
  const free = -m * (Math.log(residual / m) + 1);
  const uncorrelated = -m * (Math.log(yy / m) + 1);
  return {
    joint: toChiSquareTest(free + squares, 3),
    independence: toChiSquareTest(yy === 0 ? 0 : free - uncorrelated, 1),
  };
}
