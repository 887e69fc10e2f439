import { BallastError } from "@ballast/data";
import type { RealisedMeasure, RealisedMeasures } from "./har-measures.ts";
import { CORSI_LAGS, type HarKind, type HarTerm, harTerms, meanOver } from "./har-terms.ts";
import { choleskySolve } from "./leastsquares.ts";

export interface HarOptions {
  readonly kind: HarKind;
  /** Periods ahead, each with a regression of its own on the mean rv over them ("direct" forecasts). */
  readonly horizons: readonly number[];
  /** Lengths in periods of the means, ascending. Default CORSI_LAGS. */
  readonly lags?: readonly number[];
  /**
   * "wls" fits a second time with weights 1/(fitted variance), as large variances are noisier (Patton & Sheppard
   * 2015). Default "ols", and the only one for `log-har`, where the logarithm does the same.
   */
  readonly weighting?: "ols" | "wls";
}

export interface HarModel {
  readonly kind: HarKind;
  readonly horizons: readonly number[];
  readonly lags: readonly number[];
  /** What each coefficient belongs to, e.g. `constant`, `rv_5`, `jump_1`, `sqrt_rq_rv_1`. */
  readonly terms: readonly string[];
  /** [horizon][term]. */
  readonly coefficients: readonly Float64Array[];
  /** [horizon]: mean and range of the variance ahead, per period, in training. */
  readonly mean: readonly number[];
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  /** [horizon]: multiplies `log-har`'s forecasts, so that they were right on average (logs understate the mean); else 1. */
  readonly meanRatio: readonly number[];
  /** The smallest positive rv in training, which stands for 0 under a logarithm. */
  readonly floor: number;
}

/** Fewer rows than this for each coefficient fit noise. */
export const MIN_HAR_ROWS_PER_TERM = 10;

export class BadHarOptionsError extends BallastError {
  readonly code = "BAD_HAR_OPTIONS";
  readonly option: string;
  readonly value: unknown;
  constructor(option: string, value: unknown, remedy: string) {
    super(`HAR's ${option} are ${JSON.stringify(value)}. Give ${remedy}.`);
    this.option = option;
    this.value = value;
  }
}

export class TooFewPeriodsError extends BallastError {
  readonly code = "TOO_FEW_PERIODS";
  readonly rows: number;
  readonly needed: number;
  constructor(rows: number, needed: number, horizon: number) {
    super(
      `${rows} periods have both their lags and the ${horizon} ahead inside of the training window; HAR needs ` +
        `${needed}. Give a longer window or shorter lags.`,
    );
    this.rows = rows;
    this.needed = needed;
  }
}

export class BadMeasureError extends BallastError {
  readonly code = "BAD_MEASURE";
  readonly measure: RealisedMeasure;
  readonly period: number;
  readonly value: number;
  constructor(measure: RealisedMeasure, period: number, value: number) {
    super(`${measure} of period ${period} is ${value}. Give measures that are finite and not negative.`);
    this.measure = measure;
    this.period = period;
    this.value = value;
  }
}

export class NoVarianceError extends BallastError {
  readonly code = "NO_VARIANCE";
  readonly periods: number;
  constructor(periods: number) {
    super(`The realised variance of all ${periods} training periods is 0. Leave this series out.`);
    this.periods = periods;
  }
}

export class NoHarHistoryError extends BallastError {
  readonly code = "NO_HAR_HISTORY";
  readonly period: number;
  readonly needed: number;
  constructor(period: number, needed: number) {
    super(`Period ${period} does not end ${needed} known periods. Forecast from period ${needed - 1} on.`);
    this.period = period;
    this.needed = needed;
  }
}

/**
 * Fits one regression per horizon on the periods from … to − 1 of `measures`; no lag and no target reaches outside
 * of them. Least squares, or weighted; see `HarOptions`.
 */
export function fitHar(
  measures: RealisedMeasures,
  options: HarOptions,
  from = 0,
  to = measures.rv.length,
): HarModel {
  const { kind, horizons, lags = CORSI_LAGS, weighting = "ols" } = options;
  checkOptions(kind, horizons, lags, weighting);
  checkMeasures(measures, from, to);
  const floor = smallestPositive(measures.rv.subarray(from, to));
  const terms = harTerms(kind, lags, floor);
  const firstRow = from + longest(lags) - 1;
  const width = terms.length + 1;
  const last = to - Math.min(...horizons);
  const x = new Float64Array(Math.max(0, last - firstRow) * width);
  for (let p = firstRow; p < last; p++) readTerms(terms, measures, p, x, (p - firstRow) * width);

  const coefficients: Float64Array[] = [];
  const [mean, lower, upper, meanRatio]: number[][] = [[], [], [], []];
  for (const horizon of horizons) {
    const rows = to - horizon - firstRow;
    const needed = MIN_HAR_ROWS_PER_TERM * width;
    if (rows < needed) throw new TooFewPeriodsError(Math.max(0, rows), needed, horizon);
    const y = new Float64Array(rows);
    for (let i = 0; i < rows; i++) y[i] = meanOver(measures.rv, firstRow + i + horizon, horizon);
    mean!.push(y.reduce((sum, v) => sum + v, 0) / rows);
    lower!.push(y.reduce((a, b) => Math.min(a, b)));
    upper!.push(y.reduce((a, b) => Math.max(a, b)));
    const response = kind === "log-har" ? y.map((v) => Math.log(Math.max(v, floor))) : y;
    let beta = leastSquares(x, width, response);
    if (weighting === "wls") {
      const smallest = Math.max(lower!.at(-1)!, floor);
      beta = leastSquares(x, width, response, (i) => 1 / Math.max(fitted(x, i * width, beta), smallest));
    }
    let ratio = 1;
    if (kind === "log-har") {
      ratio = y.reduce((sum, v, i) => sum + v / Math.exp(fitted(x, i * width, beta)), 0) / rows;
    }
    coefficients.push(beta);
    meanRatio!.push(ratio);
  }
  const names = ["constant", ...terms.map((term) => term.name)];
  return {
    kind,
    horizons,
    lags,
    terms: names,
    coefficients,
    mean: mean!,
    lower: lower!,
    upper: upper!,
    meanRatio: meanRatio!,
    floor,
  };
}

/**
 * Mean variance per period over horizon number `horizon`, made at the end of `period` from it and those before. A
 * forecast outside of what training saw is replaced by its mean ("insanity filter": Swanson & White 1997; BPQ 2016).
 */
export function predictHar(
  model: HarModel,
  measures: RealisedMeasures,
  period: number,
  horizon: number,
): number {
  const needed = longest(model.lags);
  if (period < needed - 1 || period >= measures.rv.length) throw new NoHarHistoryError(period, needed);
  const terms = harTerms(model.kind, model.lags, model.floor);
  for (const term of terms) {
    for (const measure of term.measures) checkMeasure(measures, measure, period - needed + 1, period + 1);
  }
  const x = new Float64Array(terms.length + 1);
  readTerms(terms, measures, period, x, 0);
  return forecastFrom(model, x, horizon);
}

/** Forecasts at the end of every period, [period][horizon]; NaN where the lags reach before the first. */
export function forecastHarRows(model: HarModel, measures: RealisedMeasures): Float64Array {
  const periods = measures.rv.length;
  checkMeasures(measures, 0, periods);
  const terms = harTerms(model.kind, model.lags, model.floor);
  const width = model.horizons.length;
  const out = new Float64Array(periods * width).fill(Number.NaN);
  const x = new Float64Array(terms.length + 1);
  for (let p = longest(model.lags) - 1; p < periods; p++) {
    readTerms(terms, measures, p, x, 0);
    for (let h = 0; h < width; h++) out[p * width + h] = forecastFrom(model, x, h);
  }
  return out;
}

function forecastFrom(model: HarModel, x: Float64Array, horizon: number): number {
  const z = fitted(x, 0, model.coefficients[horizon]!);
  const variance = model.kind === "log-har" ? Math.exp(z) * model.meanRatio[horizon]! : z;
  const isSane = variance > 0 && variance >= model.lower[horizon]! && variance <= model.upper[horizon]!;
  return isSane ? variance : model.mean[horizon]!;
}

function readTerms(
  terms: readonly HarTerm[],
  measures: RealisedMeasures,
  period: number,
  x: Float64Array,
  offset: number,
): void {
  x[offset] = 1;
  for (let i = 0; i < terms.length; i++) x[offset + 1 + i] = terms[i]!.at(measures, period);
}

function fitted(x: Float64Array, offset: number, beta: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < beta.length; i++) sum += beta[i]! * x[offset + i]!;
  return sum;
}

/** Normal equations over the first y.length rows of x, each row and its y times its weight. */
function leastSquares(
  x: Float64Array,
  width: number,
  y: Float64Array,
  weight: (row: number) => number = () => 1,
): Float64Array {
  const gram = new Float64Array(width * width);
  const moments = new Float64Array(width);
  for (let row = 0; row < y.length; row++) {
    const w = weight(row);
    const offset = row * width;
    for (let i = 0; i < width; i++) {
      const wx = w * x[offset + i]!;
      moments[i] = moments[i]! + wx * y[row]!;
      for (let j = 0; j < width; j++) gram[i * width + j] = gram[i * width + j]! + wx * x[offset + j]!;
    }
  }
  return choleskySolve(gram, moments);
}

function checkOptions(
  kind: HarKind,
  horizons: readonly number[],
  lags: readonly number[],
  weighting: string,
): void {
  const isCount = (n: number) => Number.isInteger(n) && n > 0;
  if (lags.length === 0 || !lags.every((lag, i) => isCount(lag) && lag > (lags[i - 1] ?? 0))) {
    throw new BadHarOptionsError("lags", lags, "whole numbers of periods from 1 on, ascending");
  }
  if (horizons.length === 0 || !horizons.every(isCount)) {
    throw new BadHarOptionsError("horizons", horizons, "whole numbers of periods from 1 on");
  }
  if (kind === "log-har" && weighting === "wls") {
    throw new BadHarOptionsError("weights for log-har", weighting, '"ols"');
  }
}

function checkMeasures(measures: RealisedMeasures, from: number, to: number): void {
  for (const measure of Object.keys(measures) as RealisedMeasure[]) checkMeasure(measures, measure, from, to);
}

function checkMeasure(measures: RealisedMeasures, measure: RealisedMeasure, from: number, to: number): void {
  const values = measures[measure];
  for (let p = from; p < to; p++) {
    if (!(values[p]! >= 0 && values[p]! < Number.POSITIVE_INFINITY)) {
      throw new BadMeasureError(measure, p, values[p]!);
    }
  }
}

function smallestPositive(values: Float64Array): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (values[i]! > 0) smallest = Math.min(smallest, values[i]!);
  if (smallest === Number.POSITIVE_INFINITY) throw new NoVarianceError(values.length);
  return smallest;
}

const longest = (lags: readonly number[]): number => lags[lags.length - 1]!;
