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

/** Points by which the shape of errors is described. */
export const ERROR_POINTS = 200;
/** Shares of the rows known at each fit of the walk through them; the errors are those made after the first. */
const REFITS = [0.4, 0.55, 0.7, 0.85, 1] as const;
/** Of the mean absolute error: what keeps a lucky error from a log of 0. */
const SIZE_OFFSET = 0.05;
/** Halves what the size of errors is said to depend on; chosen, as BELIEFS in series-forecast.ts, among 0.01, 1 and Infinity. */
const SPREAD_RIDGE = 1;

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
 * [target]: ridge regressions on all rows of one horizon. Their errors are made walking forward through the rows, each
 * fit knowing only targets that had ended; of `beliefs` (ascending: how many independent observations persistence is
 * worth, of which the rows hold one per `horizon`) each target takes the one with the smallest squared errors. A second
 * regression gives the log of their size, and what is left their shape.
 */
export function fitSeriesRegressions(
  rows: readonly SeriesRow[],
  horizon: number,
  beliefs: readonly number[],
): SeriesRegression[] {
  const fitOn = (known: readonly SeriesRow[]) => {
    const equations = normalEquations(
      known.map((row) => row.terms),
      SERIES_TARGETS.map((_, target) => known.map((row) => row.ahead[target]!)),
    );
    return (target: number, belief: number) =>
      solveRidge(equations, target, (belief * horizon) / known.length);
  };
  const folds = REFITS.slice(1).map((end, fold) => {
    const from = Math.floor(REFITS[fold]! * rows.length);
    return {
      fit: fitOn(rows.slice(0, from).filter(({ hour }) => hour + horizon <= rows[from]!.hour)),
      scored: rows.slice(from, Math.floor(end * rows.length)),
    };
  });
  const scored = folds.flatMap((fold) => fold.scored);
  const fit = fitOn(rows);
  return SERIES_TARGETS.map((_, target) => {
    const trials = beliefs.map((belief) => {
      const errors = folds.flatMap((fold) => {
        const coefficients = fold.fit(target, belief);
        return fold.scored.map((row) => row.ahead[target]! - dot(coefficients, row.terms));
      });
      return { belief, errors, squares: dot(errors, errors) };
    });
    const { belief, errors } = trials.reduce((best, next) => (next.squares < best.squares ? next : best));
    return { coefficients: fit(target, belief), ...errorLaw(scored, errors) };
  });
}

/** Size and shape of errors made at the scored rows. */
function errorLaw(
  scored: readonly SeriesRow[],
  errors: readonly number[],
): Pick<SeriesRegression, "spread" | "errors"> {
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
    spread,
    errors: Array.from({ length: ERROR_POINTS }, (_, i) => quantileOf(scaled, (i + 0.5) / ERROR_POINTS)),
  };
}

/**
 * Least squares of y on inputs whose last is 1, with a penalty, per row, of `ridge` on the squares of the other
 * coefficients times their inputs' variances. An input that is constant gets 0.
 */
export const fitRidge = (inputs: readonly Float64Array[], y: readonly number[], ridge: number): number[] =>
  solveRidge(normalEquations(inputs, [y]), 0, ridge);

/** Means and centred second moments per row, of the inputs without their last and with each response. */
interface NormalEquations {
  readonly means: Float64Array;
  readonly gram: Float64Array;
  /** [response] */
  readonly meanY: readonly number[];
  readonly moments: readonly Float64Array[];
}

function normalEquations(
  inputs: readonly Float64Array[],
  responses: readonly (readonly number[])[],
): NormalEquations {
  const rows = inputs.length;
  const width = inputs[0]!.length - 1;
  const means = new Float64Array(width);
  for (const z of inputs) for (let i = 0; i < width; i++) means[i] = means[i]! + z[i]! / rows;
  const meanY = responses.map((y) => y.reduce((sum, v) => sum + v, 0) / rows);
  const gram = new Float64Array(width * width);
  const moments = responses.map(() => new Float64Array(width));
  const centred = new Float64Array(width);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < width; i++) {
      centred[i] = inputs[r]![i]! - means[i]!;
      for (let j = 0; j <= i; j++)
        gram[i * width + j] = gram[i * width + j]! + (centred[i]! * centred[j]!) / rows;
    }
    for (const [k, y] of responses.entries()) {
      const error = (y[r]! - meanY[k]!) / rows;
      for (let i = 0; i < width; i++) moments[k]![i] = moments[k]![i]! + centred[i]! * error;
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) gram[j * width + i] = gram[i * width + j]!;
  return { means, gram, meanY, moments };
}

function solveRidge(
  { means, gram, meanY, moments }: NormalEquations,
  response: number,
  ridge: number,
): number[] {
  const width = means.length;
  let slopes = new Float64Array(width);
  if (ridge < Number.POSITIVE_INFINITY) {
    const penalised = gram.slice();
    for (let i = 0; i < width; i++) penalised[i * width + i] = gram[i * width + i]! * (1 + ridge);
    slopes = choleskySolve(penalised, moments[response]!) as Float64Array<ArrayBuffer>;
  }
  return [...slopes, meanY[response]! - dot(slopes, means)];
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
