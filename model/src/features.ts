import type { Snapshot } from "@ballast/data";
import { BallastError, HOUR_MS, isoTime } from "@ballast/data";
import { type HourlyMeasures, PART_MINUTES, toHourlyMeasures, VARIANCE_FLOOR_PER_HOUR } from "./realised.ts";

/** History one feature row needs: 720 hours of returns and the close before them. */
export const LOOKBACK_HOURS = 721;

const VARIANCE_HOURS = [1, 4, 24, 72, 168, 720] as const;
const RANGE_HOURS = [1, 4, 24, 168] as const;
const RETURN_HOURS = [1, 4, 24, 168, 720] as const;
const ABSOLUTE_RETURN_HOURS = [4, 24, 168] as const;
const QUARTICITY_HOURS = [4, 24, 168] as const;
const MARKET_LOG_RANGE_HOURS = [4, 24, 168, 720] as const;
/** The daily profile is that of the last four weeks, each weekday as often as any other. */
const SEASON_DAYS = 28;
const SEASON_NEXT_HOURS = [1, 4] as const;
const SEASON_LAST_HOURS = [1, 4, 8] as const;

/** What one asset's own bars say, in the order of its row. */
const OWN_NAMES = [
  ...VARIANCE_HOURS.map((h) => `log_rv_${h}h`),
  ...RANGE_HOURS.map((h) => `log_range_${h}h`),
  ...PART_MINUTES.flatMap((m) => [`log_rv_share_${m}m`, `log_range_share_${m}m`]),
  ...RETURN_HOURS.map((h) => `return_${h}h`),
  ...ABSOLUTE_RETURN_HOURS.map((h) => `absolute_return_${h}h`),
  "downside_24h",
  ...QUARTICITY_HOURS.map((h) => `log_quarticity_${h}h`),
  "log_volume_1h",
  "log_volume_24h",
];
/** The columns whose mean over the assets is the market's. */
const MARKET_OF = [
  "log_rv_1h",
  "log_rv_24h",
  "log_rv_168h",
  "log_range_1h",
  "log_range_4h",
  "log_range_share_15m",
  "log_range_share_30m",
  "return_4h",
  "return_24h",
  "return_168h",
  "return_720h",
  "absolute_return_24h",
  "log_volume_1h",
  "log_volume_24h",
];
const MARKET_COLUMNS = MARKET_OF.map((name) => OWN_NAMES.indexOf(name));

/**
 * One row per asset, in this order. All variances are per hour and in logs, floored at
 * VARIANCE_FLOOR_PER_HOUR; a ratio that cannot be formed is 0, which means `as usual`.
 *
 * - `log_rv_*h`: realised variance over the last hours; the cascade of Corsi (2009), in logs.
 * - `log_range_*h`: Parkinson (1980) variance over the last hours, about five times as precise as squared
 *   returns of the same bars.
 * - `log_*_share_*m`: the same over the last minutes against the hour's range, per time; 0 where bars are longer.
 * - `return_*`: log return over the last hours in units of its own standard deviation by the variance of the
 *   week, of the month for the month's, and its size (leverage effect: Black 1976; for HAR, Corsi & Renò 2012).
 * - `downside_24h`: share of the day's squared returns that were negative, less one half (realised
 *   semivariance: Barndorff-Nielsen, Kinnebrock & Shephard 2010).
 * - `log_quarticity_*`: sum of fourth powers of returns against the squared variance: how much of the variance
 *   came in few bars, and how far it is to be trusted (Bollerslev, Patton & Quaedvlieg 2016).
 * - `log_volume_*`: volume per hour against the week's (volume leads volatility: Karpoff 1987).
 * - `market_*`: mean of the same quantity over all assets of the snapshot (commonality of volatility:
 *   Bollerslev, Hood, Huss & Pedersen 2018); `market_mean_log_range_*`: mean over assets and hours of the
 *   log of the hourly range, which one jump moves little.
 * - `season_*`: mean of the market's log range in the next or last hours of the day over four weeks, less that
 *   over all hours (intraday seasonality: Andersen & Bollerslev 1997).
 * - `hour_*`, `weekday_*`: first and second harmonic of the UTC hour and weekday at which the forecast starts.
 * - `log_base_fee_*`: mean base fee of the last hours against the week's; from the series `base_fee_gwei`.
 * - `utilisation_change`: last value of each lending pool's utilisation against its week, mean over pools.
 */
export const FEATURE_NAMES: readonly string[] = [
  ...OWN_NAMES,
  ...MARKET_OF.map((name) => `market_${name}`),
  ...MARKET_LOG_RANGE_HOURS.map((h) => `market_mean_log_range_${h}h`),
  ...SEASON_NEXT_HOURS.map((h) => `season_next_${h}h`),
  ...SEASON_LAST_HOURS.map((h) => `season_last_${h}h`),
  ...[1, 2].flatMap((k) => [`hour_sin_${k}`, `hour_cos_${k}`, `weekday_sin_${k}`, `weekday_cos_${k}`]),
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

/** Assets' hourly measures, with what they have in common. */
export interface MarketMeasures {
  readonly assets: readonly HourlyMeasures[];
  /** Mean over assets of the log of the hour's floored Parkinson variance. */
  readonly logRange: Float64Array;
}

export function toMarketMeasures(assets: readonly HourlyMeasures[]): MarketMeasures {
  const logRange = new Float64Array(assets[0]?.range.length ?? 0);
  for (let hour = 0; hour < logRange.length; hour++) {
    let sum = 0;
    for (const { range } of assets) sum += floored(range[hour]!);
    logRange[hour] = sum / assets.length;
  }
  return { assets, logRange };
}

/**
 * The features at the snapshot's `at`, one row of FEATURE_COUNT numbers per asset in the snapshot's order.
 * Throws ShortSnapshotError, UnsupportedIntervalError.
 */
export function featureRows(snapshot: Snapshot): Float64Array[] {
  const perHour = barsPerHour(snapshot.intervalMs);
  const needed = LOOKBACK_HOURS * perHour;
  const measures = snapshot.bars.map(({ open, high, low, close, volume }) => {
    if (close.length < needed) {
      throw new ShortSnapshotError(Math.floor(close.length / perHour), snapshot.at);
    }
    const last = (column: Float64Array) => column.subarray(column.length - needed);
    const bars = {
      open: last(open),
      high: last(high),
      low: last(low),
      close: last(close),
      volume: last(volume),
    };
    return toHourlyMeasures(bars, perHour);
  });
  return featureRowsAt(toMarketMeasures(measures), LOOKBACK_HOURS, snapshot.at, snapshot.exogenous);
}

/**
 * The features at `at`, when hour `end` of the measures begins: only the LOOKBACK_HOURS before it are read, so
 * that a table of measures, made once, gives what a snapshot at `at` gives, to the bit.
 */
export function featureRowsAt(
  { assets, logRange }: MarketMeasures,
  end: number,
  at: number,
  exogenous: Snapshot["exogenous"],
): Float64Array[] {
  const rows = assets.map((measures) => {
    const row = new Float64Array(FEATURE_COUNT);
    writeOwn(row, measures, end);
    return row;
  });
  const shared = new Float64Array(FEATURE_COUNT);
  let column = OWN_NAMES.length;
  for (const own of MARKET_COLUMNS) {
    let sum = 0;
    for (const row of rows) sum += row[own]!;
    shared[column++] = sum / rows.length;
  }
  for (const hours of MARKET_LOG_RANGE_HOURS) shared[column++] = sumOfLast(logRange, end, hours) / hours;
  column = writeSeason(shared, column, logRange, end);
  column = writeCalendar(shared, column, at);
  writeChain(shared, column, at, exogenous);
  for (const row of rows) row.set(shared.subarray(OWN_NAMES.length), OWN_NAMES.length);
  return rows;
}

/** An hour with no trade at all counts as a thousandth of the usual volume. */
const VOLUME_FLOOR = 1e-3;
/** Below one part in a million a day's variance cannot be spread over its bars. */
const QUARTICITY_FLOOR = 1e-6;

function writeOwn(row: Float64Array, measures: HourlyMeasures, end: number): void {
  const { close, variance, downside, quarticity, range, volume, parts } = measures;
  let column = 0;
  const rv = sumsOfLast(variance, end, VARIANCE_HOURS);
  for (const [w, hours] of VARIANCE_HOURS.entries()) row[column++] = floored(rv[w]! / hours);
  const ranges = sumsOfLast(range, end, RANGE_HOURS);
  for (const [w, hours] of RANGE_HOURS.entries()) row[column++] = floored(ranges[w]! / hours);
  const lastHour = floored(ranges[0]!);
  for (const [p, minutes] of PART_MINUTES.entries()) {
    const part = parts[p];
    const perHour = 60 / minutes;
    row[column++] = part === undefined ? 0 : floored(part.variance[end - 1]! * perHour) - lastHour;
    row[column++] = part === undefined ? 0 : floored(part.range[end - 1]! * perHour) - lastHour;
  }
  const [ofDay, ofWeek, ofMonth] = [rv[2]!, rv[4]!, rv[5]!];
  const scaled = (hours: number): number => {
    const perHour = hours > 168 ? ofMonth / 720 : ofWeek / 168;
    const deviation = Math.sqrt(Math.max(perHour, VARIANCE_FLOOR_PER_HOUR) * hours);
    return Math.log(close[end - 1]! / close[end - 1 - hours]!) / deviation;
  };
  for (const hours of RETURN_HOURS) row[column++] = scaled(hours);
  for (const hours of ABSOLUTE_RETURN_HOURS) row[column++] = Math.abs(scaled(hours));
  row[column++] = ofDay > 0 ? sumOfLast(downside, end, 24) / ofDay - 0.5 : 0;
  for (const hours of QUARTICITY_HOURS) {
    const square = Math.max(sumOfLast(variance, end, hours), VARIANCE_FLOOR_PER_HOUR * hours) ** 2;
    row[column++] = Math.log(Math.max(sumOfLast(quarticity, end, hours) / square, QUARTICITY_FLOOR));
  }
  const [hour, day, week] = sumsOfLast(volume, end, [1, 24, 168]) as [number, number, number];
  const against = (perHour: number) =>
    week > 0 ? Math.log(Math.max(perHour / (week / 168), VOLUME_FLOOR)) : 0;
  row[column++] = against(hour);
  row[column++] = against(day / 24);
}

const floored = (variance: number): number => Math.log(Math.max(variance, VARIANCE_FLOOR_PER_HOUR));

/** Sum of the `count` values before index `end`. */
function sumOfLast(values: Float64Array, end: number, count: number): number {
  let sum = 0;
  for (let i = end - 1; i >= end - count; i--) sum += values[i]!;
  return sum;
}

/** The same for several ascending counts at once. */
function sumsOfLast(values: Float64Array, end: number, counts: readonly number[]): number[] {
  let sum = 0;
  let i = end - 1;
  return counts.map((count) => {
    for (; i >= end - count; i--) sum += values[i]!;
    return sum;
  });
}

function writeSeason(row: Float64Array, first: number, logRange: Float64Array, end: number): number {
  const usual = sumOfLast(logRange, end, SEASON_DAYS * 24) / (SEASON_DAYS * 24);
  /** The profile at the hour of day that begins `ahead` hours from now; ahead is −24 … 23. */
  const profile = (ahead: number): number => {
    let sum = 0;
    for (let day = 1; day <= SEASON_DAYS; day++) sum += logRange[end - 24 * day + ((ahead + 24) % 24)]!;
    return sum / SEASON_DAYS - usual;
  };
  const mean = (from: number, hours: number): number => {
    let sum = 0;
    for (let h = from; h < from + hours; h++) sum += profile(h);
    return sum / hours;
  };
  let column = first;
  for (const hours of SEASON_NEXT_HOURS) row[column++] = mean(0, hours);
  for (const hours of SEASON_LAST_HOURS) row[column++] = mean(-hours, hours);
  return column;
}

/** Epoch day 0 was a Thursday; the phase is the same for every row, so any origin of the week serves. */
function writeCalendar(row: Float64Array, first: number, at: number): number {
  const hour = ((2 * Math.PI) / 24) * (Math.floor(at / HOUR_MS) % 24);
  const weekday = ((2 * Math.PI) / 7) * (Math.floor(at / (24 * HOUR_MS)) % 7);
  let column = first;
  for (const k of [1, 2]) {
    for (const angle of [hour, weekday]) {
      row[column++] = Math.sin(k * angle);
      row[column++] = Math.cos(k * angle);
    }
  }
  return column;
}

function writeChain(row: Float64Array, first: number, at: number, exogenous: Snapshot["exogenous"]): void {
  let pools = 0;
  let change = 0;
  for (const series of exogenous) {
    const { name, publishedAt, value } = series;
    const age = at - (publishedAt.at(-1) ?? Number.NEGATIVE_INFINITY);
    // A series that fell silent for a day says nothing about now.
    if (age > 24 * HOUR_MS) continue;
    const week = meanSince(publishedAt, value, at - 168 * HOUR_MS);
    if (name === "base_fee_gwei" && week > 0) {
      row[first] = logRatio(meanSince(publishedAt, value, at - HOUR_MS), week);
      row[first + 1] = logRatio(meanSince(publishedAt, value, at - 24 * HOUR_MS), week);
    } else if (name.endsWith(".utilisation") && Number.isFinite(week)) {
      change += value.at(-1)! - week;
      pools++;
    }
  }
  if (pools > 0) row[first + 2] = change / pools;
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
