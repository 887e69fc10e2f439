import { HOUR_MS } from "@ballast/data";
import type { HourlySeries } from "./hourly-series.ts";

const LAGS = [1, 2, 3, 6, 12, 24, 168] as const;
const DAY = 24;
const WEEK = 168;

/** Hours that have to be known before one can be forecast from: the present one and a week. */
export const SERIES_LOOKBACK_HOURS = WEEK + 1;

/** Numbers that `seriesTerms` and `spreadTerms` give. */
export const SERIES_TERM_COUNT = 18;
export const SPREAD_TERM_COUNT = 6;

/** When hour t of the series ends, in hours since 1970. */
const hourOf = ({ x, end }: HourlySeries, t: number): number => end / HOUR_MS - (x.length - 1 - t);

/**
 * Inputs of the point forecast at hour t (an index into `x`) for `horizon` hours later, all relative to the
 * present value, so that coefficients of 0 mean persistence and shifting the series changes none: the lags, the
 * mean of the day, the median of the week, the hours a whole day and a whole week before the target's, two
 * harmonics of the hour of the day and one of the week, and a 1. `level` is `weekMedian`. NaN where an hour needed is.
 */
export function seriesTerms(series: HourlySeries, t: number, horizon: number, level: number): Float64Array {
  const { x } = series;
  const now = x[t]!;
  const before = (period: number) => t + horizon - period * Math.ceil(horizon / period);
  return Float64Array.of(
    ...LAGS.map((lag) => x[t - lag]! - now),
    mean(x.subarray(t - DAY + 1, t + 1)) - now,
    level - now,
    x[before(DAY)]! - now,
    x[before(WEEK)]! - now,
    ...harmonic(hourOf(series, t), DAY),
    ...harmonic(hourOf(series, t), DAY / 2),
    ...harmonic(hourOf(series, t), WEEK),
    1,
  );
}

/**
 * Inputs of the forecast's spread at hour t: log of the root mean squared hourly change over the last day and over
 * the last week, the present value against the week's median, one harmonic of the hour of the day, and a 1.
 */
export function spreadTerms(series: HourlySeries, t: number, level: number): Float64Array {
  const { x } = series;
  const rms = (hours: number) => {
    let sum = 0;
    for (let i = t - hours + 1; i <= t; i++) sum += (x[i]! - x[i - 1]!) ** 2;
    // A series that stood still has no log of its changes; any constant far below those of one that moves will do.
    return Math.max(Math.sqrt(sum / hours), STILL);
  };
  return Float64Array.of(
    Math.log(rms(DAY)),
    Math.log(rms(WEEK)),
    x[t]! - level,
    ...harmonic(hourOf(series, t), DAY),
    1,
  );
}

const STILL = 1e-9;

const harmonic = (hour: number, period: number): [number, number] => {
  const angle = (2 * Math.PI * (hour % period)) / period;
  return [Math.sin(angle), Math.cos(angle)];
};

const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Median of the week up to hour t; NaN where an hour of it is, which Float64Array sorts to the end. */
export function weekMedian({ x }: HourlySeries, t: number): number {
  const sorted = x.slice(t - WEEK + 1, t + 1).sort();
  return Number.isNaN(sorted[WEEK - 1]!) ? Number.NaN : 0.5 * (sorted[WEEK / 2 - 1]! + sorted[WEEK / 2]!);
}
