import type { HourlySeries } from "./hourly-series.ts";
import { choleskySolve } from "./leastsquares.ts";
import { SERIES_LOOKBACK_HOURS, seriesTerms, spreadTerms, weekMedian } from "./series-terms.ts";

/** What of the hours ahead is forecast: the last of them, their mean or their lowest (of the transformed values). */
export const SERIES_TARGETS = ["last", "mean", "lowest"] as const;
export type SeriesTarget = (typeof SERIES_TARGETS)[number];

/** One direct regression: a target minus the present value, on `seriesTerms`, and the distribution of its errors. */
export interface SeriesRegression {
  readonly coefficients: readonly number[];
  /** Log of the size of its errors, on `spreadTerms`. */
  readonly spread: readonly number[];
  /** Errors divided by their size, at the probabilities (i + ½)/200, ascending. */
  readonly errors: readonly number[];
}

const ERROR_POINTS = 200;
/** Shares of the rows known at each fit of the walk through them; the errors are those made after the first. */
const REFITS = [0.4, 0.55, 0.7, 0.85, 1] as const;
/** Of the mean absolute error: what keeps a lucky error from a log of 0. */
const SIZE_OFFSET = 0.05;
const SPREAD_RIDGE = 0.01;

/** One hour of training with everything known. */
export interface SeriesRow {
  readonly hour: number;
  readonly terms: Float64Array;
  readonly spread: Float64Array;
  /** [target]: minus the present value. */
  readonly ahead: readonly number[];
}

/** [horizon][row]: the hours whose terms and targets are all known. */
export function toSeriesRows(series: HourlySeries, horizonsHours: readonly number[]): SeriesRow[][] {
  const { x } = series;
  const rows = horizonsHours.map((): SeriesRow[] => []);
  for (let hour = SERIES_LOOKBACK_HOURS - 1; hour < x.length; hour++) {
    const level = weekMedian(series, hour);
    const spread = spreadTerms(series, hour, level);
    for (const [h, horizon] of horizonsHours.entries()) {
      if (hour + horizon >= x.length) continue;
      const terms = seriesTerms(series, hour, horizon, level);
      const ahead = targets(x.subarray(hour + 1, hour + 1 + horizon)).map((value) => value - x[hour]!);
      if (spread.every(Number.isFinite) && terms.every(Number.isFinite) && ahead.every(Number.isFinite))
        rows[h]!.push({ hour, terms, spread, ahead });
    }
  }
  return rows;
}

/** In the order of SERIES_TARGETS. */
const targets = (window: Float64Array): number[] => [
  window.at(-1)!,
  window.reduce((sum, v) => sum + v, 0) / window.length,
  window.reduce((a, b) => Math.min(a, b)),
];

/**
 * Ridge regression on all rows. Its errors are made walking forward through the rows, each fit knowing only targets
 * that had ended; a second regression gives the log of their size, and what is left their shape. `belief` is
 * how many independent observations persistence is worth, of which the rows hold one per `horizon`.
 */
export function fitSeriesRegression(
  rows: readonly SeriesRow[],
  target: number,
  horizon: number,
  belief: number,
): SeriesRegression {
  const fit = (known: readonly SeriesRow[]) =>
    fitRidge(
      known.map((row) => row.terms),
      known.map((row) => row.ahead[target]!),
      (belief * horizon) / known.length,
    );
  const scored: SeriesRow[] = [];
  const errors: number[] = [];
  for (let fold = 0; fold + 1 < REFITS.length; fold++) {
    const from = Math.floor(REFITS[fold]! * rows.length);
    const coefficients = fit(rows.slice(0, from).filter(({ hour }) => hour + horizon <= rows[from]!.hour));
    for (const row of rows.slice(from, Math.floor(REFITS[fold + 1]! * rows.length))) {
      scored.push(row);
      errors.push(row.ahead[target]! - dot(coefficients, row.terms));
    }
  }
  const meanSize = errors.reduce((sum, e) => sum + Math.abs(e), 0) / errors.length;
  // A series that is always right has errors of 0, whatever their size is said to be.
  const offset = meanSize === 0 ? 1 : SIZE_OFFSET * meanSize;
  const spread = fitRidge(
    scored.map((row) => row.spread),
    errors.map((e) => Math.log(Math.abs(e) + offset)),
    SPREAD_RIDGE,
  );
  const scaled = errors.map((e, i) => e / Math.exp(dot(spread, scored[i]!.spread))).sort((a, b) => a - b);
  return {
    coefficients: fit(rows),
    spread,
    errors: Array.from({ length: ERROR_POINTS }, (_, i) => quantileOf(scaled, (i + 0.5) / ERROR_POINTS)),
  };
}

/**
 * Least squares of y on inputs whose last is 1, with a penalty, per row, of `ridge` on the squares of the other
 * coefficients times their inputs' variances. An input that is constant gets 0.
 */
export function fitRidge(inputs: readonly Float64Array[], y: readonly number[], ridge: number): number[] {
  const rows = inputs.length;
  const width = inputs[0]!.length - 1;
  const means = new Float64Array(width);
  for (const z of inputs) for (let i = 0; i < width; i++) means[i] = means[i]! + z[i]! / rows;
  const meanY = y.reduce((sum, v) => sum + v, 0) / rows;
  const gram = new Float64Array(width * width);
  const moments = new Float64Array(width);
  const centred = new Float64Array(width);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < width; i++) {
      centred[i] = inputs[r]![i]! - means[i]!;
      moments[i] = moments[i]! + (centred[i]! * (y[r]! - meanY)) / rows;
      for (let j = 0; j <= i; j++)
        gram[i * width + j] = gram[i * width + j]! + (centred[i]! * centred[j]!) / rows;
    }
  }
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < i; j++) gram[j * width + i] = gram[i * width + j]!;
    gram[i * width + i] = gram[i * width + i]! * (1 + ridge);
  }
  const slopes = ridge < Number.POSITIVE_INFINITY ? choleskySolve(gram, moments) : new Float64Array(width);
  return [...slopes, meanY - dot(slopes, means)];
}

/** Between the two nearest of ascending values that stand at the probabilities (i + ½)/n; beyond the ends, the end. */
export function quantileOf(ascending: readonly number[], probability: number): number {
  const last = ascending.length - 1;
  const position = Math.min(last, Math.max(0, probability * ascending.length - 0.5));
  const below = Math.floor(position);
  const above = Math.min(last, below + 1);
  return ascending[below]! + (position - below) * (ascending[above]! - ascending[below]!);
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
