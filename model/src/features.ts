import type { Snapshot } from "@ballast/data";
import { BallastError, HOUR_MS, isoTime } from "@ballast/data";
import { PARKINSON, VARIANCE_FLOOR_PER_HOUR } from "./realised.ts";

/** History one feature row needs: 720 hours of returns and the close before them. */
export const LOOKBACK_HOURS = 721;

const RV_HOURS = [1, 4, 24, 72, 168, 720] as const;
const RANGE_HOURS = [1, 4, 24, 168] as const;
const RETURN_HOURS = [4, 24, 168] as const;

/**
 * One row per asset, in this order. All variances are per hour and in logs, floored at
 * VARIANCE_FLOOR_PER_HOUR; a ratio that cannot be formed is 0, which means `as usual`.
 *
 * - `log_rv_*`: realised variance over the last hours; the cascade of Corsi (2009), in logs.
 * - `log_range_*`: Parkinson (1980) variance over the last hours, about five times as precise as squared
 *   returns of the same bars.
 * - `return_*`: log return over the last hours in units of its own standard deviation by the week's variance
 *   (leverage effect: Black 1976; for HAR, Corsi & Renò 2012).
 * - `downside_24h`: share of the day's squared returns that were negative, less one half (realised
 *   semivariance: Barndorff-Nielsen, Kinnebrock & Shephard 2010).
 * - `log_volume_*`: volume per hour against the week's (volume leads volatility: Karpoff 1987).
 * - `market_*`: mean of the same quantity over all assets of the snapshot (commonality of volatility:
 *   Bollerslev, Hood, Huss & Pedersen 2018).
 * - `hour_*`, `weekday_*`: first and second harmonic of the UTC hour and weekday at which the forecast starts
 *   (intraday seasonality: Andersen & Bollerslev 1997).
 * - `log_base_fee_*`: mean base fee of the last hours against the week's; from the series `base_fee_gwei`.
 * - `utilisation_change`: last value of each lending pool's utilisation against its week, mean over pools.
 */
export const FEATURE_NAMES: readonly string[] = [
  ...RV_HOURS.map((h) => `log_rv_${h}h`),
  ...RANGE_HOURS.map((h) => `log_range_${h}h`),
  ...RETURN_HOURS.map((h) => `return_${h}h`),
  "downside_24h",
  "log_volume_1h",
  "log_volume_24h",
  "market_log_rv_1h",
  "market_log_rv_24h",
  "market_log_rv_168h",
  "market_log_range_1h",
  "market_log_range_4h",
  "hour_sin_1",
  "hour_cos_1",
  "hour_sin_2",
  "hour_cos_2",
  "weekday_sin_1",
  "weekday_cos_1",
  "weekday_sin_2",
  "weekday_cos_2",
  "log_base_fee_1h",
  "log_base_fee_24h",
  "utilisation_change",
];
export const FEATURE_COUNT = FEATURE_NAMES.length;

/** Position of a feature in a row; throws RangeError for a name that is none. */
export function featureIndex(name: string): number {
  const index = FEATURE_NAMES.indexOf(name);
  if (index < 0)
    throw new RangeError(`${name} is not a feature; the features are ${FEATURE_NAMES.join(", ")}`);
  return index;
}

export class UnsupportedIntervalError extends BallastError {
  readonly code = "UNSUPPORTED_INTERVAL";
  readonly intervalMs: number;
  constructor(intervalMs: number) {
    super(
      `bars of ${intervalMs / 60_000} minutes cannot be used: the shortest forecast is one hour. ` +
        `Use bars of 1 hour or of a length that divides it, such as 5 minutes.`,
    );
    this.intervalMs = intervalMs;
  }
}

export class ShortSnapshotError extends BallastError {
  readonly code = "SHORT_SNAPSHOT";
  readonly hours: number;
  constructor(hours: number, at: number) {
    super(
      `the snapshot at ${isoTime(at)} holds ${hours} hours of bars, a forecast needs ${LOOKBACK_HOURS}. ` +
        `Load earlier bars or start later.`,
    );
    this.hours = hours;
  }
}

/** Bars in an hour. Throws UnsupportedIntervalError where an hour is no whole number of bars. */
export function barsPerHour(intervalMs: number): number {
  const perHour = HOUR_MS / intervalMs;
  if (!Number.isInteger(perHour)) throw new UnsupportedIntervalError(intervalMs);
  return perHour;
}

/** Bars a Snapshot needs for `featureRows`. Throws UnsupportedIntervalError. */
export const lookbackBars = (intervalMs: number): number => LOOKBACK_HOURS * barsPerHour(intervalMs);

const RANGE = RV_HOURS.length;
const RETURN = RANGE + RANGE_HOURS.length;
const DOWNSIDE = RETURN + RETURN_HOURS.length;
const VOLUME = DOWNSIDE + 1;
const MARKET = VOLUME + 2;
const CALENDAR = MARKET + 5;
const CHAIN = CALENDAR + 8;
/** The columns whose mean over assets makes the market's columns. */
const MARKET_OF = ["log_rv_1h", "log_rv_24h", "log_rv_168h", "log_range_1h", "log_range_4h"].map(
  featureIndex,
);
const RV_24H = featureIndex("log_rv_24h");
const RV_168H = featureIndex("log_rv_168h");

/**
 * The features at the snapshot's `at`, one row of FEATURE_COUNT numbers per asset in the snapshot's order.
 * The same function makes training rows and serves forecasts. Throws ShortSnapshotError,
 * UnsupportedIntervalError.
 */
export function featureRows(snapshot: Snapshot): Float64Array[] {
  const perHour = barsPerHour(snapshot.intervalMs);
  const needed = LOOKBACK_HOURS * perHour;
  const rows = snapshot.bars.map((bars) => {
    if (bars.close.length < needed) {
      throw new ShortSnapshotError(Math.floor(bars.close.length / perHour), snapshot.at);
    }
    const row = new Float64Array(FEATURE_COUNT);
    writeReturns(row, bars.close, perHour);
    writeRanges(row, bars.high, bars.low, perHour);
    writeVolume(row, bars.volume, perHour);
    return row;
  });
  const shared = new Float64Array(FEATURE_COUNT);
  for (let m = 0; m < MARKET_OF.length; m++) {
    let sum = 0;
    for (const row of rows) sum += row[MARKET_OF[m]!]!;
    shared[MARKET + m] = sum / rows.length;
  }
  writeCalendar(shared, snapshot.at);
  writeChain(shared, snapshot);
  for (const row of rows) row.set(shared.subarray(MARKET), MARKET);
  return rows;
}

function writeReturns(row: Float64Array, close: Float64Array, perHour: number): void {
  const last = close.length - 1;
  let sum = 0;
  let downside = 0;
  let bar = last;
  for (let w = 0; w < RV_HOURS.length; w++) {
    const hours = RV_HOURS[w]!;
    const end = last - hours * perHour;
    for (; bar > end; bar--) {
      const r = Math.log(close[bar]! / close[bar - 1]!);
      sum += r * r;
      if (r < 0) downside += r * r;
    }
    row[w] = Math.log(Math.max(sum / hours, VARIANCE_FLOOR_PER_HOUR));
    if (w === RV_24H) row[DOWNSIDE] = sum > 0 ? downside / sum - 0.5 : 0;
  }
  const hourlyVariance = Math.exp(row[RV_168H]!);
  for (let w = 0; w < RETURN_HOURS.length; w++) {
    const hours = RETURN_HOURS[w]!;
    row[RETURN + w] =
      Math.log(close[last]! / close[last - hours * perHour]!) / Math.sqrt(hourlyVariance * hours);
  }
}

function writeRanges(row: Float64Array, high: Float64Array, low: Float64Array, perHour: number): void {
  let bar = high.length - 1;
  let sum = 0;
  for (let w = 0; w < RANGE_HOURS.length; w++) {
    const hours = RANGE_HOURS[w]!;
    for (const end = high.length - 1 - hours * perHour; bar > end; bar--) {
      const range = Math.log(high[bar]! / low[bar]!);
      sum += range * range;
    }
    row[RANGE + w] = Math.log(Math.max((sum * PARKINSON) / hours, VARIANCE_FLOOR_PER_HOUR));
  }
}

/** An hour with no trade at all counts as a thousandth of the usual volume. */
const VOLUME_FLOOR = 1e-3;

function writeVolume(row: Float64Array, volume: Float64Array, perHour: number): void {
  const week = meanOfLast(volume, 168 * perHour);
  if (!(week > 0)) return;
  row[VOLUME] = Math.log(Math.max(meanOfLast(volume, perHour) / week, VOLUME_FLOOR));
  row[VOLUME + 1] = Math.log(Math.max(meanOfLast(volume, 24 * perHour) / week, VOLUME_FLOOR));
}

function meanOfLast(x: Float64Array, count: number): number {
  let sum = 0;
  for (let i = x.length - count; i < x.length; i++) sum += x[i]!;
  return sum / count;
}

/** Epoch day 0 was a Thursday; the phase is the same for every row, so any origin of the week serves. */
function writeCalendar(row: Float64Array, at: number): void {
  const hour = ((2 * Math.PI) / 24) * (Math.floor(at / HOUR_MS) % 24);
  const weekday = ((2 * Math.PI) / 7) * (Math.floor(at / (24 * HOUR_MS)) % 7);
  for (let harmonic = 1; harmonic <= 2; harmonic++) {
    const column = CALENDAR + 2 * (harmonic - 1);
    row[column] = Math.sin(harmonic * hour);
    row[column + 1] = Math.cos(harmonic * hour);
    row[column + 4] = Math.sin(harmonic * weekday);
    row[column + 5] = Math.cos(harmonic * weekday);
  }
}

function writeChain(row: Float64Array, snapshot: Snapshot): void {
  let pools = 0;
  let change = 0;
  for (const series of snapshot.exogenous) {
    const { name, publishedAt, value } = series;
    const age = snapshot.at - (publishedAt.at(-1) ?? Number.NEGATIVE_INFINITY);
    // A series that fell silent for a day says nothing about now.
    if (age > 24 * HOUR_MS) continue;
    const week = meanSince(publishedAt, value, snapshot.at - 168 * HOUR_MS);
    if (name === "base_fee_gwei" && week > 0) {
      row[CHAIN] = logRatio(meanSince(publishedAt, value, snapshot.at - HOUR_MS), week);
      row[CHAIN + 1] = logRatio(meanSince(publishedAt, value, snapshot.at - 24 * HOUR_MS), week);
    } else if (name.endsWith(".utilisation") && Number.isFinite(week)) {
      change += value.at(-1)! - week;
      pools++;
    }
  }
  if (pools > 0) row[CHAIN + 2] = change / pools;
}

const logRatio = (x: number, usual: number): number => (x > 0 ? Math.log(x / usual) : 0);

/** Mean of the values published after `since`; the last value alone where there is none. */
function meanSince(publishedAt: Float64Array, value: Float64Array, since: number): number {
  let sum = 0;
  let count = 0;
  for (let i = value.length - 1; i >= 0 && publishedAt[i]! > since; i--) {
    sum += value[i]!;
    count++;
  }
  return count > 0 ? sum / count : value.at(-1)!;
}
