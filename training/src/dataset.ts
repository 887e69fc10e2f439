import { setImmediate } from "node:timers/promises";
import type { BarColumns, Market, Progress, UnixMillis } from "@ballast/data";
import { BallastError, HOUR_MS, isoTime, unixMillis } from "@ballast/data";
import {
  barsPerHour,
  ewmaVariance,
  FEATURE_COUNT,
  featureRowsAt,
  HORIZONS_HOURS,
  hourlyLambda,
  LOOKBACK_HOURS,
  RISKMETRICS_DAILY_LAMBDA,
  toHourlyMeasures,
  toMarketMeasures,
  VARIANCE_FLOOR_PER_HOUR,
} from "@ballast/model";

/** Hours after a forecast time that its longest target reaches. */
export const LONGEST_HORIZON_HOURS = HORIZONS_HOURS[HORIZONS_HOURS.length - 1]!;

/** Training rows: forecast times × assets, row = time × assets.length + asset, all tables row-major. */
export interface Dataset {
  readonly assets: readonly string[];
  /** Forecast times, ms, ascending. */
  readonly times: Float64Array;
  /** Hours between two of them. */
  readonly strideHours: number;
  /** [row][feature], known at the row's time. */
  readonly features: Float64Array;
  /** [row][horizon]: realised variance per hour over the horizon after the row's time, floored. */
  readonly targets: Float64Array;
  /** [row]: RiskMetrics variance per hour at the row's time. */
  readonly ewma: Float64Array;
  /**
   * The times after those above, whose longest targets have not ended yet. Nothing is scored on them, but the
   * last fit learns from the targets that have; the others are NaN. Absent where nobody asked for them.
   */
  readonly recent?: Pick<Dataset, "times" | "features" | "targets"> | undefined;
}

/**
 * How many of the ascending times have a target over `horizonHours` that has ended by `at`: what was known
 * then, and so all that a fit at `at` may learn from.
 */
export function timesKnownAt(times: Float64Array, at: number, horizonHours: number): number {
  let known = times.length;
  while (known > 0 && times[known - 1]! + horizonHours * HOUR_MS > at) known--;
  return known;
}

export class TooLittleHistoryError extends BallastError {
  readonly code = "TOO_LITTLE_HISTORY";
  readonly hours: number;
  readonly neededHours: number;
  constructor(hours: number, neededHours: number) {
    super(
      `the market has ${Math.floor(hours)} hours of bars, training needs ${neededHours}. ` +
        `Load a longer history (${Math.ceil(neededHours / 24)} days).`,
    );
    this.hours = hours;
    this.neededHours = neededHours;
  }
}

export class ConstantSeriesError extends BallastError {
  readonly code = "CONSTANT_SERIES";
  readonly asset: string;
  constructor(asset: string, from: number, until: number) {
    super(
      `the price of ${asset} does not move between ${isoTime(from)} and ${isoTime(until)}. ` +
        `Leave ${asset} out, or check its file.`,
    );
    this.asset = asset;
  }
}

export class NotFiniteError extends BallastError {
  readonly code = "NOT_FINITE";
  readonly asset: string;
  readonly at: number;
  constructor(asset: string, at: number) {
    super(
      `the bars of ${asset} around ${isoTime(at)} give no finite number. Repair or remove them, then train again.`,
    );
    this.asset = asset;
    this.at = at;
  }
}

export interface DatasetRequest {
  /** Nothing at or after this time is read. */
  readonly until: UnixMillis;
  /** Stride is chosen so that there are about this many rows. */
  readonly maxRows: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Prime to 24 and to 7, so that every hour of the day and of the week is sampled. */
const isCoprimeToWeek = (hours: number): boolean => hours % 2 !== 0 && hours % 3 !== 0 && hours % 7 !== 0;

/** The smallest stride that keeps `times × assets` within `maxRows` and meets every hour of the week. */
export function strideFor(hours: number, assets: number, maxRows: number): number {
  let stride = Math.max(1, Math.ceil((hours * assets) / maxRows));
  while (!isCoprimeToWeek(stride)) stride++;
  return stride;
}

/** A target within which bars were filled in instead of recorded says nothing: such times are left out. */
export const TARGET_FREE_OF_FILLS_HOURS = 4;

/**
 * Features from `market.past(t)` and targets from the bars that open at or after t, for strided t. No target
 * reaches beyond `until`. Throws TooLittleHistoryError, ConstantSeriesError, NotFiniteError.
 */
export async function toDataset(market: Market, request: DatasetRequest): Promise<Dataset> {
  const perHour = barsPerHour(market.intervalMs);
  const all = market.past(request.until);
  const n = market.assets.length;
  const hours = Math.floor(all.length / perHour) - LOOKBACK_HOURS - LONGEST_HORIZON_HOURS;
  if (hours < 1)
    throw new TooLittleHistoryError(all.length / perHour, LOOKBACK_HOURS + LONGEST_HORIZON_HOURS + 1);
  const strideHours = strideFor(hours, n, request.maxRows);
  const outcomes = market.assets.map((asset, i) => {
    const squares = cumulativeSquares(all.bars(i, all.length).close);
    if (squares[squares.length - 1] === 0) throw new ConstantSeriesError(asset, market.start, request.until);
    return { squares, fills: cumulativeSum(all.filled(i, all.length)) };
  });
  const measures = toMarketMeasures(
    market.assets.map((_, i) => {
      const whole = Math.floor(all.length / perHour) * perHour;
      return toHourlyMeasures(firstBars(all.bars(i, all.length), whole), perHour);
    }),
  );
  const steps: number[] = [];
  let scored = 0;
  for (let hour = LOOKBACK_HOURS; ; hour += strideHours) {
    const bar = hour * perHour;
    const end = bar + TARGET_FREE_OF_FILLS_HOURS * perHour;
    if (end > all.length) break;
    if (outcomes.some(({ fills }) => fills[end] !== fills[bar])) continue;
    steps.push(hour);
    if (hour < LOOKBACK_HOURS + hours) scored = steps.length;
  }
  const rows = steps.length * n;
  const times = Float64Array.from(steps, (hour) => market.start + hour * HOUR_MS);
  const features = new Float64Array(rows * FEATURE_COUNT);
  const targets = new Float64Array(rows * HORIZONS_HOURS.length).fill(Number.NaN);
  const ewma = new Float64Array(scored * n);
  const lambda = hourlyLambda(RISKMETRICS_DAILY_LAMBDA);
  for (let s = 0; s < steps.length; s++) {
    const hour = steps[s]!;
    const bar = hour * perHour;
    const past = market.past(unixMillis(times[s]!));
    const exogenous = market.exogenousNames.map((name) => ({
      name,
      ...past.exogenous(name, LOOKBACK_HOURS * perHour),
    }));
    const found = featureRowsAt(measures, hour, times[s]!, exogenous);
    for (let i = 0; i < n; i++) {
      const row = s * n + i;
      features.set(found[i]!, row * FEATURE_COUNT);
      if (s < scored) {
        const returns = returnsBefore(measures.assets[i]!.close, hour);
        ewma[row] = Math.max(ewmaVariance(returns, lambda), VARIANCE_FLOOR_PER_HOUR);
      }
      const { squares } = outcomes[i]!;
      for (let h = 0; h < HORIZONS_HOURS.length; h++) {
        const horizon = HORIZONS_HOURS[h]!;
        if (bar + horizon * perHour > all.length) continue;
        const variance = (squares[bar + horizon * perHour]! - squares[bar]!) / horizon;
        targets[row * HORIZONS_HOURS.length + h] = Math.max(variance, VARIANCE_FLOOR_PER_HOUR);
        if (!Number.isFinite(variance)) throw new NotFiniteError(market.assets[i]!, times[s]!);
      }
      if (!found[i]!.every(Number.isFinite))
        throw new NotFiniteError(market.assets[faultiest(found)]!, times[s]!);
    }
    if (s % 64 === 0) {
      // Lets an interrupt and the progress bar through.
      await setImmediate();
      request.signal?.throwIfAborted();
      request.onProgress?.({ done: s, total: steps.length, label: "features" });
    }
  }
  request.onProgress?.({ done: steps.length, total: steps.length, label: "features" });
  const part = (from: number, to: number) => ({
    times: times.slice(from, to),
    features: features.slice(from * n * FEATURE_COUNT, to * n * FEATURE_COUNT),
    targets: targets.slice(from * n * HORIZONS_HOURS.length, to * n * HORIZONS_HOURS.length),
  });
  return {
    assets: market.assets,
    strideHours,
    ...part(0, scored),
    ewma,
    recent: part(scored, steps.length),
  };
}

/** The dataset with its recent rows among the others: what a fit after all its times may learn from. */
export function withRecent({ recent, ...dataset }: Dataset): Dataset {
  if (recent === undefined) return dataset;
  const join = (x: Float64Array, y: Float64Array): Float64Array => {
    const out = new Float64Array(x.length + y.length);
    out.set(x);
    out.set(y, x.length);
    return out;
  };
  return {
    ...dataset,
    times: join(dataset.times, recent.times),
    features: join(dataset.features, recent.features),
    targets: join(dataset.targets, recent.targets),
  };
}

function firstBars(bars: BarColumns, count: number): BarColumns {
  const first = (column: Float64Array) => column.subarray(0, count);
  const { open, high, low, close, volume } = bars;
  return {
    open: first(open),
    high: first(high),
    low: first(low),
    close: first(close),
    volume: first(volume),
  };
}

/** Hourly log returns of the LOOKBACK_HOURS before hour `end`, oldest first. */
function returnsBefore(close: Float64Array, end: number): Float64Array {
  const returns = new Float64Array(LOOKBACK_HOURS - 1);
  for (let i = 0; i < returns.length; i++) {
    const hour = end - returns.length + i;
    returns[i] = Math.log(close[hour]! / close[hour - 1]!);
  }
  return returns;
}

/** One asset's fault is in the market's columns of all: it is the one whose row has the most. */
function faultiest(rows: readonly Float64Array[]): number {
  const faults = rows.map((row) => row.filter((x) => !Number.isFinite(x)).length);
  return faults.indexOf(Math.max(...faults));
}

/** out[i]: sum of squared log returns of the bars before bar i, so that out[j] − out[i] is the variance of bars i … j−1. */
function cumulativeSquares(close: Float64Array): Float64Array {
  const out = new Float64Array(close.length + 1);
  for (let i = 1; i < close.length; i++) {
    const r = Math.log(close[i]! / close[i - 1]!);
    out[i + 1] = out[i]! + r * r;
  }
  return out;
}

function cumulativeSum(flags: Uint8Array): Float64Array {
  const out = new Float64Array(flags.length + 1);
  for (let i = 0; i < flags.length; i++) out[i + 1] = out[i]! + flags[i]!;
  return out;
}
