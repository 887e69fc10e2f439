import type { Random } from "@ballast/data";
import { mean, quantileOfSorted, requireLength, requireSample, requireThat } from "./sample.ts";

export interface BootstrapOptions {
  readonly random: Random;
  /** Mean length of a block in steps, at least 1 (independent data) and no less than losses overlap. */
  readonly meanBlock: number;
  readonly resamples: number;
}

/** A statistic with its percentile interval. */
export interface BootstrapInterval {
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
}

/**
 * Draws one stationary bootstrap of n times (Politis & Romano 1994): blocks from a uniform start, circular, of
 * geometric length, until there are n times. Calls `visit` with each block.
 */
export function drawBlocks(
  n: number,
  meanBlock: number,
  random: Random,
  visit: (start: number, length: number) => void,
): void {
  const logContinue = Math.log(1 - 1 / meanBlock);
  for (let left = n; left > 0; ) {
    const start = random.integer(n);
    const length = Math.min(left, 1 + Math.floor(Math.log(1 - random.uniform()) / logContinue));
    visit(start, length);
    left -= length;
  }
}

/**
 * Deviations of the resampled means of several series from their means, [resample][series] row-major: every series
 * is resampled at the same times. Throws TooFewObservationsError, NonFiniteSampleError, UnequalLengthsError and
 * OutOfRangeError.
 */
export function bootstrapDeviations(
  series: readonly Float64Array[],
  { random, meanBlock, resamples }: BootstrapOptions,
): Float64Array {
  const n = series[0]?.length ?? 0;
  requireThat(series.length >= 1, "number of series", series.length, "at least 1");
  for (const values of series) {
    requireSample("series to resample", values, 2);
    requireLength("series to resample", values, n);
  }
  requireThat(meanBlock >= 1 && meanBlock <= n, "mean block", meanBlock, `from 1 to ${n}`);
  requireThat(Number.isInteger(resamples) && resamples >= 1, "resamples", resamples, "a whole number from 1");
  // Running sums of deviations give the sum over a block at once.
  const sums = series.map((values) => {
    const centre = mean(values);
    const running = new Float64Array(n + 1);
    for (let i = 0; i < n; i++) running[i + 1] = running[i]! + (values[i]! - centre);
    return running;
  });
  const deviations = new Float64Array(resamples * series.length);
  for (let b = 0; b < resamples; b++) {
    const out = deviations.subarray(b * series.length, (b + 1) * series.length);
    drawBlocks(n, meanBlock, random, (start, length) => {
      const end = start + length;
      for (let s = 0; s < sums.length; s++) {
        const running = sums[s]!;
        const block =
          end <= n
            ? running[end]! - running[start]!
            : running[n]! - running[start]! + (running[end - n]! - running[0]!);
        out[s] = out[s]! + block / n;
      }
    });
  }
  return deviations;
}

/**
 * Percentile confidence interval of a function of the means of several series, such as a ratio of mean losses, by
 * the stationary bootstrap. `level` in (0, 1), e.g. 0.95. Throws as bootstrapDeviations, and NonFiniteSampleError
 * where the statistic of a resample is not finite.
 */
export function bootstrapInterval(
  series: readonly Float64Array[],
  statistic: (means: Float64Array) => number,
  level: number,
  options: BootstrapOptions,
): BootstrapInterval {
  requireThat(level > 0 && level < 1, "confidence level", level, "between 0 and 1");
  const deviations = bootstrapDeviations(series, options);
  const means = Float64Array.from(series, mean);
  const resampled = new Float64Array(options.resamples);
  for (let b = 0; b < resampled.length; b++) {
    resampled[b] = statistic(means.map((m, s) => m + deviations[b * means.length + s]!));
  }
  requireSample("resampled statistics", resampled);
  const centre = mean(resampled);
  let variance = 0;
  for (const value of resampled) variance += (value - centre) ** 2 / resampled.length;
  resampled.sort();
  return {
    estimate: statistic(means),
    low: quantileOfSorted(resampled, (1 - level) / 2),
    high: quantileOfSorted(resampled, (1 + level) / 2),
    standardError: Math.sqrt(variance),
  };
}

/**
 * The mean block that estimates the variance of the mean best, chosen from the autocorrelations (Politis & White
 * 2004, with the constant corrected by Patton, Politis & White 2009). From 1; at most
 * min(3√n, n/3). Throws TooFewObservationsError below 10 values and NonFiniteSampleError.
 */
export function optimalMeanBlock(values: Float64Array): number {
  requireSample("series to resample", values, 10);
  const n = values.length;
  const centre = mean(values);
  const quiet = Math.max(5, Math.floor(Math.log10(n)));
  const farthest = Math.min(Math.ceil(Math.sqrt(n)) + quiet, n - 2);
  const insignificant = 2 * Math.sqrt(Math.log10(n) / n);
  const covariances = new Float64Array(farthest + 1);
  const isQuiet: boolean[] = [];
  for (let k = 0; k <= farthest; k++) {
    for (let i = k; i < n; i++) {
      covariances[k] = covariances[k]! + ((values[i]! - centre) * (values[i - k]! - centre)) / n;
    }
    isQuiet.push(Math.abs(covariances[k]!) < insignificant * covariances[0]!);
  }
  if (!(covariances[0]! > 0)) return 1;
  // The last lag before a run of `quiet` insignificant ones.
  let last = 1;
  while (last + quiet <= farthest && !isQuiet.slice(last + 1, last + 1 + quiet).every(Boolean)) last++;
  const bandwidth = last + quiet <= farthest ? Math.min(2 * last, farthest) : farthest;
  let slope = 0;
  let longRun = covariances[0]!;
  for (let k = 1; k <= bandwidth; k++) {
    const weight = k / bandwidth <= 0.5 ? 1 : 2 * (1 - k / bandwidth);
    slope += 2 * weight * k * covariances[k]!;
    longRun += 2 * weight * covariances[k]!;
  }
  const block = Math.cbrt((n * slope * slope) / (longRun * longRun));
  return Math.max(1, Math.min(block, Math.ceil(Math.min(3 * Math.sqrt(n), n / 3))));
}
