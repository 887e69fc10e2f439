import type { BarColumns, Snapshot } from "@ballast/data";
import { HOUR_MS } from "@ballast/data";
import { exactLog } from "./exact-log.ts";
import { barsPerHour, LOOKBACK_HOURS, ShortSnapshotError } from "./features.ts";
import { MAX_INT16, MIN_INT16 } from "./integer-network.ts";
import { type HourlyMeasures, toHourlyMeasures, VARIANCE_FLOOR_PER_HOUR } from "./realised.ts";

/** Bits behind the point of every integer feature: 1.0 is 1024. */
export const FEATURE_FRACTION_BITS = 10;
const SCALE = 2 ** FEATURE_FRACTION_BITS;

const VARIANCE_HOURS = [1, 4, 24, 168, 720] as const;
const RANGE_HOURS = [1, 4, 24] as const;
const CORRELATION_HOURS = [168, 720] as const;
const MARKET_VARIANCE_HOURS = [24, 168] as const;
const MARKET_RANGE_HOURS = [1, 24] as const;
const SEASON_HOURS = [1, 4] as const;
const SEASON_DAYS = 28;
/** An hour with no trade at all counts as a fiftieth of the usual volume. */
const VOLUME_FLOOR = 0.02;
/**
 * How far, in logs, a variance may lie from the month's: further says that an exchange stood still or printed one
 * wrong price, and a network without bounds of its own would believe it.
 */
const REACH = 4;
const MONTH_HOURS = 720;
/** 1024·sin and 1024·cos of 2π/7 times the days since a Thursday, rounded half up: engines differ in their sines. */
const WEEKDAY_SIN = [0, 801, 998, 444, -444, -998, -801] as const;
const WEEKDAY_COS = [1024, 638, -228, -923, -923, -228, 638] as const;

/**
 * What notaries sign of one asset, in this order; logs are natural, variances per hour, floored at
 * VARIANCE_FLOOR_PER_HOUR and no further than REACH from the same row's or the market's variance of the month.
 *
 * - `log_rv_*h`, `log_range_*h`: realised and Parkinson (1980) variance of the last hours.
 * - `absolute_return_24h`: size of the day's return in units of the month's deviation.
 * - `log_volume_1h`: the hour's volume against the week's.
 * - `correlation_*h`: of hourly returns with the mean return of all assets.
 * - `market_log_rv_*h`: variance of that mean return; `market_log_range_*h`: mean over assets of the log range.
 * - `season_next_*h`: mean log range of the next hours of the day over four weeks, less that of all hours.
 * - `weekday_*`: harmonic of the UTC weekday.
 *
 * The row of the market, for the base asset, which has no bars, has the mean return's own variance and size for
 * its own, and means over assets for the rest.
 */
export const MARKET_FEATURES: readonly string[] = [
  ...VARIANCE_HOURS.map((h) => `log_rv_${h}h`),
  ...RANGE_HOURS.map((h) => `log_range_${h}h`),
  "absolute_return_24h",
  "log_volume_1h",
  ...CORRELATION_HOURS.map((h) => `correlation_${h}h`),
  ...MARKET_VARIANCE_HOURS.map((h) => `market_log_rv_${h}h`),
  ...MARKET_RANGE_HOURS.map((h) => `market_log_range_${h}h`),
  ...SEASON_HOURS.map((h) => `season_next_${h}h`),
  "weekday_sin",
  "weekday_cos",
];
export const MARKET_FEATURE_COUNT = MARKET_FEATURES.length;
const OWN_COUNT = MARKET_FEATURES.indexOf("market_log_rv_24h");

/** Hour by hour, what features are made of. The measures of an hour hang on its own bars and the close before alone. */
export interface MarketTable {
  readonly assets: readonly HourlyMeasures[];
  /** [asset][hour]: log return. */
  readonly returns: readonly Float64Array[];
  /** Of the market: mean over the assets of the hour's return, and of the log of its floored Parkinson variance. */
  readonly marketReturn: Float64Array;
  readonly marketLogRange: Float64Array;
}

/** Hourly measures whose bits no engine's own logarithm decides: those a MarketTable is made of. */
export const toExactMeasures = (bars: BarColumns, barsPerHour: number): HourlyMeasures =>
  toHourlyMeasures(bars, barsPerHour, exactLog);

/** @param assets of `toExactMeasures`. */
export function toMarketTable(assets: readonly HourlyMeasures[]): MarketTable {
  const hours = assets[0]?.close.length ?? 0;
  const returns = assets.map(({ close }) =>
    close.map((price, hour) => (hour === 0 ? 0 : exactLog(price / close[hour - 1]!))),
  );
  const marketReturn = new Float64Array(hours);
  const marketLogRange = new Float64Array(hours);
  for (let hour = 0; hour < hours; hour++) {
    let [sum, logRange] = [0, 0];
    for (let i = 0; i < assets.length; i++) {
      sum += returns[i]![hour]!;
      logRange += floored(assets[i]!.range[hour]!);
    }
    marketReturn[hour] = sum / assets.length;
    marketLogRange[hour] = logRange / assets.length;
  }
  return { assets, returns, marketReturn, marketLogRange };
}

/**
 * Integer features where hour `end` of the table begins, at `at` (ms): one row of MARKET_FEATURE_COUNT int16 for the
 * market, then one per asset. Only the LOOKBACK_HOURS before `end` are read. Each is rounded half up from a double that
 * is computed in a fixed order by operations whose bits IEEE 754 fixes: equal bars give equal integers on every engine.
 */
export function marketFeaturesAt(table: MarketTable, end: number, at: number): Int16Array[] {
  const { assets, returns, marketReturn, marketLogRange } = table;
  const marketMonth = logVariance(marketReturn, end, MONTH_HOURS);
  const marketVariance = (hours: number) => within(logVariance(marketReturn, end, hours), marketMonth);
  const shared = MARKET_VARIANCE_HOURS.map(marketVariance);
  for (const hours of MARKET_RANGE_HOURS)
    shared.push(within(sumOfLast(marketLogRange, end, hours) / hours, marketMonth));
  for (const hours of SEASON_HOURS) shared.push(seasonAhead(marketLogRange, end, hours));
  const weekday = Math.floor(at / (24 * HOUR_MS)) % 7;
  shared.push(WEEKDAY_SIN[weekday]! / SCALE, WEEKDAY_COS[weekday]! / SCALE);

  const rows = assets.map((measures, i) => {
    const { variance, range, volume } = measures;
    const week = sumOfLast(volume, end, 168);
    const month = floored(sumOfLast(variance, end, MONTH_HOURS) / MONTH_HOURS);
    const of = (values: Float64Array) => (hours: number) =>
      within(floored(sumOfLast(values, end, hours) / hours), month);
    return [
      ...VARIANCE_HOURS.map(of(variance)),
      ...RANGE_HOURS.map(of(range)),
      sizeOfDay(returns[i]!, end),
      week > 0 ? exactLog(Math.max(volume[end - 1]! / (week / 168), VOLUME_FLOOR)) : 0,
      ...CORRELATION_HOURS.map((hours) => correlation(returns[i]!, marketReturn, end, hours)),
      ...shared,
    ];
  });
  const meanOf = (column: number) => rows.reduce((sum, row) => sum + row[column]!, 0) / rows.length;
  const market = [
    ...VARIANCE_HOURS.map(marketVariance),
    ...RANGE_HOURS.map((_, k) => meanOf(VARIANCE_HOURS.length + k)),
    sizeOfDay(marketReturn, end),
    ...Array.from({ length: OWN_COUNT - VARIANCE_HOURS.length - RANGE_HOURS.length - 1 }, (_, k) =>
      meanOf(VARIANCE_HOURS.length + RANGE_HOURS.length + 1 + k),
    ),
    ...shared,
  ];
  return [market, ...rows].map((row) => Int16Array.from(row, toInteger));
}

/** The same of a snapshot. Throws ShortSnapshotError, UnsupportedIntervalError. */
export function marketFeatures(snapshot: Snapshot): Int16Array[] {
  const perHour = barsPerHour(snapshot.intervalMs);
  const needed = LOOKBACK_HOURS * perHour;
  const measures = snapshot.bars.map((bars) => {
    const { length } = bars.close;
    if (length < needed) throw new ShortSnapshotError(Math.floor(length / perHour), snapshot.at);
    const last = (column: Float64Array) => column.subarray(length - needed);
    return toExactMeasures(
      {
        open: last(bars.open),
        high: last(bars.high),
        low: last(bars.low),
        close: last(bars.close),
        volume: last(bars.volume),
      },
      perHour,
    );
  });
  return marketFeaturesAt(toMarketTable(measures), LOOKBACK_HOURS, snapshot.at);
}

/** Half up, clipped to int16; NaN, which only broken bars give, is 0. */
const toInteger = (x: number): number =>
  Number.isNaN(x) ? 0 : Math.min(MAX_INT16, Math.max(MIN_INT16, Math.floor(x * SCALE + 0.5)));

const floored = (variance: number): number => exactLog(Math.max(variance, VARIANCE_FLOOR_PER_HOUR));

const within = (log: number, month: number): number => Math.min(month + REACH, Math.max(month - REACH, log));

function sumOfLast(values: Float64Array, end: number, count: number): number {
  let sum = 0;
  for (let i = end - 1; i >= end - count; i--) sum += values[i]!;
  return sum;
}

function logVariance(returns: Float64Array, end: number, hours: number): number {
  let sum = 0;
  for (let i = end - 1; i >= end - hours; i--) sum += returns[i]! * returns[i]!;
  return floored(sum / hours);
}

/** Size of the day's return over a day's deviation by the month's hourly returns. */
function sizeOfDay(returns: Float64Array, end: number): number {
  let squares = 0;
  for (let i = end - 1; i >= end - MONTH_HOURS; i--) squares += returns[i]! * returns[i]!;
  const perHour = Math.max(squares / MONTH_HOURS, VARIANCE_FLOOR_PER_HOUR);
  return Math.abs(sumOfLast(returns, end, 24)) / Math.sqrt(24 * perHour);
}

/** Of returns about zero; 0 where one of them does not move. */
function correlation(x: Float64Array, y: Float64Array, end: number, hours: number): number {
  let [xx, yy, xy] = [0, 0, 0];
  for (let i = end - 1; i >= end - hours; i--) {
    xx += x[i]! * x[i]!;
    yy += y[i]! * y[i]!;
    xy += x[i]! * y[i]!;
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
}

function seasonAhead(logRange: Float64Array, end: number, hours: number): number {
  const usual = sumOfLast(logRange, end, SEASON_DAYS * 24) / (SEASON_DAYS * 24);
  let sum = 0;
  for (let ahead = 0; ahead < hours; ahead++) {
    for (let day = 1; day <= SEASON_DAYS; day++) sum += logRange[end - 24 * day + ahead]!;
  }
  return sum / (hours * SEASON_DAYS) - usual;
}
