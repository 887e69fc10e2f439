import { BallastError, HOUR_MS, isoTime, type Snapshot, type UnixMillis, unixMillis } from "@ballast/data";
import { QUANTILE_LEVELS } from "./forecast.ts";
import {
  fromTransformed,
  type HourlySeries,
  type PublishedSeries,
  type SeriesTransform,
  toHourlySeries,
} from "./hourly-series.ts";
import {
  dot,
  fitSeriesRegressions,
  quantileOf,
  SERIES_TARGETS,
  type SeriesRegression,
  type SeriesTarget,
  toSeriesRows,
} from "./series-regression.ts";
import { SERIES_LOOKBACK_HOURS, seriesTerms, spreadTerms, weekMedian } from "./series-terms.ts";

/** The horizons costs are forecast at, in hours. */
export const COST_HORIZONS_HOURS = [1, 4, 24] as const;
/** Fewer hours of training than two weeks say nothing of the hours of the week. */
export const MIN_SERIES_ROWS = 336;
/** The smallest was chosen among 0, 10, 30 and 100 on the first halves of two recorded years' base fees. */
const BELIEFS = [30, 300, 3000, Number.POSITIVE_INFINITY] as const;

export interface SeriesOptions {
  /** Whole hours from 1 to 168, ascending. Default COST_HORIZONS_HOURS. */
  readonly horizonsHours?: readonly number[] | undefined;
  /**
   * How many independent observations the belief in persistence is worth; hours whose targets overlap are not
   * independent. Infinity is persistence plus a constant. Default: for each target the best of 30, 300, 3,000 and
   * Infinity in a walk forward through the training hours.
   */
  readonly belief?: number | undefined;
}

/** Plain values: JSON holds it exactly. */
export interface SeriesModel {
  readonly transform: SeriesTransform;
  readonly horizonsHours: readonly number[];
  /** [horizon][target], in the order of SERIES_TARGETS. */
  readonly regressions: readonly (readonly SeriesRegression[])[];
}

/** The predictive distribution of one target at one horizon. */
export interface TargetForecast {
  /** Mean of the transformed value: of its log, for a fee. */
  readonly transformedMean: number;
  /** Mean in the series' unit. */
  readonly mean: number;
  /** In the series' unit, at QUANTILE_LEVELS. */
  readonly quantiles: readonly number[];
}

export interface SeriesForecast extends Readonly<Record<SeriesTarget, readonly TargetForecast[]>> {
  readonly at: UnixMillis;
  /** The last hour's value, in the series' unit. */
  readonly now: number;
  /** Each target has one forecast per horizon. */
  readonly horizonsHours: readonly number[];
}

export class TooShortSeriesError extends BallastError {
  readonly code = "TOO_SHORT_SERIES";
  readonly rows: number;
  readonly needed: number;
  constructor(rows: number, needed: number, horizonHours: number) {
    super(
      `Only ${rows} hours of the series have the week before them and the ${horizonHours} h after them; a forecast ` +
        `needs ${needed}. Give a longer history, without gaps of more than a day.`,
    );
    this.rows = rows;
    this.needed = needed;
  }
}

export class UnknownHoursError extends BallastError {
  readonly code = "UNKNOWN_HOURS";
  readonly at: number;
  constructor(at: number) {
    super(
      `The series is not known throughout the ${SERIES_LOOKBACK_HOURS} hours before ${isoTime(at)}. Bring it up to ` +
        `date, or give a longer look-back; a value holds for a day after it was published.`,
    );
    this.at = at;
  }
}

export class BadSeriesOptionError extends BallastError {
  readonly code = "BAD_SERIES_OPTION";
  readonly option: string;
  readonly value: unknown;
  constructor(option: string, value: unknown, remedy: string) {
    super(`The series forecast's ${option} is ${JSON.stringify(value)}. Give ${remedy}.`);
    this.option = option;
    this.value = value;
  }
}

export class UnknownExogenousError extends BallastError {
  readonly code = "UNKNOWN_EXOGENOUS";
  readonly series: string;
  constructor(series: string, known: readonly string[]) {
    super(
      `The snapshot has no series ${series}; it has ${known.length === 0 ? "none" : known.join(", ")}. ` +
        `Add the series to the market.`,
    );
    this.series = series;
  }
}

/**
 * Fits one ridge regression per horizon and target, of the change from the present value on the series' own past
 * (direct forecasts, shrunk to persistence), and the distribution of its errors, whose size depends on the hour of
 * the day, the level and recent changes. No target reaches beyond the series. It pays where a series has a daily
 * wave, as base fees have; recorded utilisation and liquidity were forecast no better than by persistence. Throws
 * TooShortSeriesError and BadSeriesOptionError.
 */
export function fitSeries(series: HourlySeries, options: SeriesOptions = {}): SeriesModel {
  const { horizonsHours = COST_HORIZONS_HOURS, belief } = options;
  if (belief !== undefined && !(belief >= 0))
    throw new BadSeriesOptionError("belief", belief, "a number of observations from 0");
  const isAscending = horizonsHours.every(
    (h, i) => Number.isInteger(h) && h <= 168 && h > (i === 0 ? 0 : horizonsHours[i - 1]!),
  );
  if (horizonsHours.length === 0 || !isAscending)
    throw new BadSeriesOptionError("horizonsHours", horizonsHours, "whole hours from 1 to 168, ascending");
  const rows = toSeriesRows(series, horizonsHours);
  const regressions = horizonsHours.map((horizon, h) => {
    const count = rows[h]!.length;
    if (count < MIN_SERIES_ROWS) throw new TooShortSeriesError(count, MIN_SERIES_ROWS, horizon);
    return fitSeriesRegressions(rows[h]!, horizon, belief === undefined ? BELIEFS : [belief]);
  });
  return { transform: series.transform, horizonsHours: [...horizonsHours], regressions };
}

/**
 * The distributions ahead of hour `t` of a series, its last by default; no later hour is read. Throws
 * UnknownHoursError where the week before is not known throughout.
 */
export function forecastSeries(
  model: SeriesModel,
  series: HourlySeries,
  t = series.x.length - 1,
): SeriesForecast {
  const { transform, horizonsHours } = model;
  const at = unixMillis(series.end - (series.x.length - 1 - t) * HOUR_MS);
  const known = series.x.subarray(Math.max(0, t - SERIES_LOOKBACK_HOURS + 1), t + 1);
  if (known.length < SERIES_LOOKBACK_HOURS || !known.every(Number.isFinite)) throw new UnknownHoursError(at);
  const now = series.x[t]!;
  const level = weekMedian(series, t);
  const spreadInputs = spreadTerms(series, t, level);
  const ahead = horizonsHours.map((horizon, h) => {
    const terms = seriesTerms(series, t, horizon, level);
    return model.regressions[h]!.map(({ coefficients, spread, errors }): TargetForecast => {
      const center = now + dot(coefficients, terms);
      const size = Math.exp(dot(spread, spreadInputs));
      const value = (error: number) => fromTransformed(center + size * error, transform);
      let sum = 0;
      for (const error of errors) sum += value(error);
      return {
        transformedMean: center + size * mean(errors),
        mean: sum / errors.length,
        quantiles: QUANTILE_LEVELS.map((level) => value(quantileOf(errors, level))),
      };
    });
  });
  const of = (target: SeriesTarget) => ahead.map((targets) => targets[SERIES_TARGETS.indexOf(target)]!);
  return {
    at,
    now: fromTransformed(now, transform),
    horizonsHours,
    last: of("last"),
    mean: of("mean"),
    lowest: neverRising(of("lowest")),
  };
}

/** The lowest of more hours cannot be higher: each number is at most that of the shorter horizon. */
function neverRising(lowest: readonly TargetForecast[]): TargetForecast[] {
  const out: TargetForecast[] = [];
  for (const next of lowest) {
    const before = out.at(-1) ?? next;
    out.push({
      transformedMean: Math.min(next.transformedMean, before.transformedMean),
      mean: Math.min(next.mean, before.mean),
      quantiles: next.quantiles.map((q, i) => Math.min(q, before.quantiles[i]!)),
    });
  }
  return out;
}

const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Fits what was published by `at`, all of it. Throws as `toHourlySeries` and `fitSeries` do. */
export function fitExogenous(
  series: PublishedSeries,
  transform: SeriesTransform,
  at: UnixMillis,
  options: SeriesOptions = {},
): SeriesModel {
  const first = series.publishedAt[0] ?? at;
  const hours = Math.max(0, Math.floor((at - first) / HOUR_MS) + 1);
  return fitSeries(toHourlySeries(series, transform, at, hours), options);
}

/**
 * Forecast of a snapshot's series `name`, which has to reach a week back. Throws UnknownExogenousError,
 * UnknownHoursError and BadSeriesValueError.
 */
export function forecastExogenous(model: SeriesModel, snapshot: Snapshot, name: string): SeriesForecast {
  const found = snapshot.exogenous.find((series) => series.name === name);
  if (found === undefined) {
    const known = snapshot.exogenous.map((series) => series.name);
    throw new UnknownExogenousError(name, known);
  }
  return forecastSeries(model, toHourlySeries(found, model.transform, snapshot.at, SERIES_LOOKBACK_HOURS));
}

/** Forecast of the base fee, in gwei, by a model fitted to the log of `base_fee_gwei`. */
export const forecastBaseFee = (model: SeriesModel, snapshot: Snapshot): SeriesForecast =>
  forecastExogenous(model, snapshot, "base_fee_gwei");
