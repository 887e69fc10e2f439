import { normalCdf, normalDensity } from "./distributions.ts";
import { pinballLoss } from "./losses.ts";
import { requireLength, requireSample, requireThat } from "./sample.ts";

/**
 * Continuous ranked probability score of N(mean, deviation²) for y, in the units of y (Gneiting & Raftery 2007,
 * section 4.2). A deviation of 0 is a point forecast: |y − mean|. Throws NonFiniteSampleError and
 * OutOfRangeError.
 */
export function crpsNormal(realised: number, mean: number, deviation: number): number {
  requireArguments(realised, mean, deviation);
  if (deviation === 0) return Math.abs(realised - mean);
  const z = (realised - mean) / deviation;
  return deviation * (z * (2 * normalCdf(z) - 1) + 2 * normalDensity(z) - 1 / Math.sqrt(Math.PI));
}

/**
 * CRPS of a log-normal whose logarithm is N(logMean, logDeviation²), for y ≥ 0, in the units of y (Baran & Lerch
 * 2015). A deviation of 0 is a point forecast. Throws as crpsNormal.
 */
export function crpsLogNormal(realised: number, logMean: number, logDeviation: number): number {
  requireArguments(realised, logMean, logDeviation);
  requireThat(realised >= 0, "realised value", realised, "at least 0");
  if (logDeviation === 0) return Math.abs(realised - Math.exp(logMean));
  const w = (Math.log(realised) - logMean) / logDeviation;
  const expectation = Math.exp(logMean + (logDeviation * logDeviation) / 2);
  const tail = normalCdf(w - logDeviation) + normalCdf(logDeviation * Math.SQRT1_2) - 1;
  return realised * (2 * normalCdf(w) - 1) - 2 * expectation * tail;
}

function requireArguments(realised: number, mean: number, deviation: number): void {
  requireSample("realised values", Float64Array.of(realised));
  requireSample("means", Float64Array.of(mean));
  requireThat(
    deviation >= 0 && deviation < Number.POSITIVE_INFINITY,
    "deviation",
    deviation,
    "finite and at least 0",
  );
}

/**
 * CRPS of a forecast known by its quantiles at ascending `levels` in (0, 1): twice the integral of the pinball loss
 * over the level (Laio & Tamea 2007), by the trapezoidal rule with the outer quantiles standing for the tails
 * beyond them. Throws TooFewObservationsError, NonFiniteSampleError, UnequalLengthsError and OutOfRangeError.
 */
export function crpsFromQuantiles(realised: number, levels: Float64Array, quantiles: Float64Array): number {
  requireSample("realised values", Float64Array.of(realised));
  requireLevels(levels, quantiles);
  let sum = 0;
  for (let i = 0; i < levels.length; i++) {
    // Half the way to each neighbour; the first and last reach to 0 and 1.
    const from = i === 0 ? 0 : (levels[i - 1]! + levels[i]!) / 2;
    const to = i === levels.length - 1 ? 1 : (levels[i]! + levels[i + 1]!) / 2;
    sum += 2 * (to - from) * pinballLoss(realised, quantiles[i]!, levels[i]!);
  }
  return sum;
}

/** Throws unless `levels` ascend strictly inside (0, 1) and `quantiles` ascend beside them. */
export function requireLevels(levels: Float64Array, quantiles: Float64Array): void {
  requireSample("quantile levels", levels);
  requireSample("quantiles", quantiles);
  requireLength("quantiles", quantiles, levels.length);
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!;
    requireThat(level > (levels[i - 1] ?? 0) && level < 1, "level", level, "ascending inside 0 and 1");
    const least = quantiles[i - 1] ?? Number.NEGATIVE_INFINITY;
    requireThat(quantiles[i]! >= least, `quantile at ${level}`, quantiles[i]!, `at least ${least}`);
  }
}

/**
 * CRPS of the empirical distribution of `samples` in any order: E|X − y| − ½·E|X − X′| (Gneiting & Raftery 2007,
 * section 4.2, with X and X′ drawn with replacement). Throws TooFewObservationsError and NonFiniteSampleError.
 */
export function crpsFromSamples(realised: number, samples: Float64Array): number {
  requireSample("realised values", Float64Array.of(realised));
  requireSample("samples", samples);
  const sorted = samples.slice().sort();
  const m = sorted.length;
  let distance = 0;
  let spread = 0;
  for (let i = 0; i < m; i++) {
    distance += Math.abs(sorted[i]! - realised);
    // Of the m² pairs, x₍ᵢ₎ is the larger in i more than it is the smaller in: ΣΣ|x − x′| = 2·Σ(2i − m + 1)·x₍ᵢ₎.
    spread += (2 * i - m + 1) * (sorted[i]! - sorted[0]!);
  }
  return distance / m - spread / (m * m);
}
