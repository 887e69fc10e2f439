import { kolmogorovSurvival } from "./distributions.ts";
import type { KolmogorovSmirnov } from "./pit.ts";
import {
  quantileOfSorted,
  requireBinary,
  requireLength,
  requireProbabilities,
  requireSample,
  requireThat,
} from "./sample.ts";

/**
 * Population stability index of `current` against `reference`: Σ (c − r)·ln(c/r) over `bins` between quantiles of the
 * reference, c and r the shares of each sample in a bin, half a count added to each so that an empty bin stays
 * finite. By the convention of credit scoring (Siddiqi 2006) below 0.1 is stable and above 0.25 a shift; for
 * independent samples of n and m of one law its expectation is about (bins − 1)·(1/n + 1/m) (Yurdakul 2018).
 * Quantiles that coincide are one edge; a value on an edge lies below it. Throws TooFewObservationsError,
 * NonFiniteSampleError and OutOfRangeError.
 */
export function populationStability(reference: Float64Array, current: Float64Array, bins = 10): number {
  requireSample("reference values", reference);
  requireSample("current values", current);
  requireThat(Number.isInteger(bins) && bins >= 2, "number of bins", bins, "a whole number from 2");
  const sorted = reference.slice().sort();
  const quantiles = Array.from({ length: bins - 1 }, (_, i) => quantileOfSorted(sorted, (i + 1) / bins));
  const edges = quantiles.filter((edge, i) => edge !== quantiles[i - 1]);
  const expected = sharesBetween(edges, reference);
  const actual = sharesBetween(edges, current);
  return expected.reduce((sum, r, i) => sum + (actual[i]! - r) * Math.log(actual[i]! / r), 0);
}

/**
 * The index of each column of two tables [row][feature], row-major, such as the features at training and of late.
 * Throws as populationStability, and UnequalLengthsError where a table has no whole number of rows.
 */
export function featureStability(
  reference: Float64Array,
  current: Float64Array,
  features: number,
  bins = 10,
): Float64Array {
  requireThat(Number.isInteger(features) && features >= 1, "number of features", features, "from 1");
  const columnOf = (name: string, table: Float64Array, feature: number) => {
    const rows = Math.floor(table.length / features);
    requireLength(name, table, rows * features);
    return Float64Array.from({ length: rows }, (_, row) => table[row * features + feature]!);
  };
  return Float64Array.from({ length: features }, (_, feature) =>
    populationStability(
      columnOf("reference table", reference, feature),
      columnOf("current table", current, feature),
      bins,
    ),
  );
}

function sharesBetween(edges: readonly number[], values: Float64Array): Float64Array {
  const counts = new Float64Array(edges.length + 1).fill(0.5);
  for (const v of values) {
    let bin = 0;
    while (bin < edges.length && v > edges[bin]!) bin++;
    counts[bin] = counts[bin]! + 1;
  }
  const total = values.length + 0.5 * counts.length;
  return counts.map((c) => c / total);
}

/**
 * Largest distance between the distribution functions of two samples (Smirnov 1939), ties included, with the p-value
 * of independent draws from one continuous law, from Kolmogorov's limit at the effective size nm/(n + m). Throws
 * TooFewObservationsError and NonFiniteSampleError.
 */
export function twoSampleKolmogorovSmirnov(a: Float64Array, b: Float64Array): KolmogorovSmirnov {
  requireSample("first sample", a);
  requireSample("second sample", b);
  const x = a.slice().sort();
  const y = b.slice().sort();
  let i = 0;
  let j = 0;
  let distance = 0;
  while (i < x.length && j < y.length) {
    const at = Math.min(x[i]!, y[j]!);
    while (i < x.length && x[i]! <= at) i++;
    while (j < y.length && y[j]! <= at) j++;
    distance = Math.max(distance, Math.abs(i / x.length - j / y.length));
  }
  return { distance, pValue: kolmogorovSurvival(distance, (x.length * y.length) / (x.length + y.length)) };
}

/** A cumulative-sum chart. */
export interface Cusum {
  /** Evidence of too many or too large after each observation, and of too few or too small; both ≥ 0. */
  readonly up: Float64Array;
  readonly down: Float64Array;
  /** First observation at which either exceeds the threshold, or −1. */
  readonly alarm: number;
}

function toCusum(upSteps: Float64Array, downSteps: Float64Array, threshold: number): Cusum {
  requireThat(threshold > 0, "threshold", threshold, "above 0");
  const accumulate = (steps: Float64Array) => {
    let sum = 0;
    return steps.map((step) => {
      sum = Math.max(0, sum + step);
      return sum;
    });
  };
  const up = accumulate(upSteps);
  const down = accumulate(downSteps);
  return { up, down, alarm: up.findIndex((u, i) => u > threshold || down[i]! > threshold) };
}

/**
 * Two-sided chart of a series with mean 0 and deviation 1 while nothing changes, such as standardised forecast errors
 * (Page 1954): sums of z − allowance and −z − allowance, never below 0. It finds a shift of twice the allowance
 * soonest; with allowance 0.5 and threshold 5, independent normal values give a false alarm every 465 (Montgomery,
 * Introduction to Statistical Quality Control, table 9.3). Throws TooFewObservationsError, NonFiniteSampleError and
 * OutOfRangeError.
 */
export function cusum(standardised: Float64Array, allowance = 0.5, threshold = 5): Cusum {
  requireSample("standardised values", standardised);
  requireThat(allowance >= 0, "allowance", allowance, "at least 0");
  return toCusum(
    standardised.map((z) => z - allowance),
    standardised.map((z) => -z - allowance),
    threshold,
  );
}

/**
 * Two-sided chart of the calibration of probabilities in time order: sums of the log likelihood ratio that the odds
 * of the outcome are `oddsRatio` times (up) or one `oddsRatio`-th of (down) what was said, never below 0 (Steiner,
 * Cook, Farewell & Treasure 2000). A step is never above ln oddsRatio, so that no single outcome alarms at
 * the default. Throws TooFewObservationsError, NonFiniteSampleError, UnequalLengthsError and
 * OutOfRangeError.
 */
export function calibrationCusum(
  probability: Float64Array,
  outcome: Uint8Array,
  oddsRatio = 2,
  threshold = 4.5,
): Cusum {
  requireProbabilities("probabilities", probability);
  requireBinary("outcomes", outcome);
  requireLength("outcomes", outcome, probability.length);
  requireThat(oddsRatio > 1, "odds ratio", oddsRatio, "above 1");
  const stepsAt = (ratio: number) =>
    probability.map((p, i) => outcome[i]! * Math.log(ratio) - Math.log(1 - p + ratio * p));
  return toCusum(stepsAt(oddsRatio), stepsAt(1 / oddsRatio), threshold);
}
