import type { BarColumns } from "@ballast/data";

/**
 * Realised measures of variance. Window sums are in squared log units over the window, never annualised.
 */

/**
 * Lowest variance per hour the models see, (0.3 bp)²: a window without any movement would otherwise have
 * log variance −∞. A pair at 2 %/y of volatility, calmer than any but pegged ones, lies 500 times above it.
 */
export const VARIANCE_FLOOR_PER_HOUR = 1e-9;

/** 1/(4 ln 2): makes the squared log range an estimate of the variance (Parkinson 1980, eq. 5). */
export const PARKINSON = 1 / (4 * Math.LN2);

/**
 * Sum of squared log returns of bars from+1 … to against the bar before each (Andersen, Bollerslev,
 * Diebold & Labys 2003).
 */
export function realisedVariance(close: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from + 1; i <= to; i++) {
    const r = Math.log(close[i]! / close[i - 1]!);
    sum += r * r;
  }
  return sum;
}

/** Sum of ln(high/low)²/(4 ln 2) over bars from … to, both included (Parkinson 1980). */
export function parkinsonVariance(high: Float64Array, low: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i <= to; i++) {
    const range = Math.log(high[i]! / low[i]!);
    sum += range * range;
  }
  return sum * PARKINSON;
}

/**
 * QLIKE loss y/f − ln(y/f) − 1 ≥ 0 of forecast variance f for realised variance y, both positive
 * (Patton 2011, eq. 24 with b = −2: it ranks forecasts rightly even when y is a noisy proxy).
 */
export const qlike = (realised: number, forecast: number): number =>
  realised / forecast - Math.log(realised / forecast) - 1;

/** The last minutes of an hour that have measures of their own, where the bars are short enough. */
export const PART_MINUTES = [5, 15, 30] as const;

/** Realised measures hour by hour, oldest first; hour 0 has no bar before it and serves by its close alone. */
export interface HourlyMeasures {
  readonly close: Float64Array;
  /** Sum of squared log returns. */
  readonly variance: Float64Array;
  /** The same over negative returns: the realised semivariance of Barndorff-Nielsen, Kinnebrock & Shephard (2010). */
  readonly downside: Float64Array;
  /** Sum of fourth powers of log returns. */
  readonly quarticity: Float64Array;
  /** Parkinson variance. */
  readonly range: Float64Array;
  readonly volume: Float64Array;
  /** Per entry of PART_MINUTES, variance and Parkinson variance of the hour's last minutes; absent for longer bars. */
  readonly parts: readonly ({ readonly variance: Float64Array; readonly range: Float64Array } | undefined)[];
}

/**
 * Measures of a whole number of hours of bars. Those of an hour hang on its own bars and the close before them
 * alone, to the bit, wherever the columns begin.
 * @param log natural logarithm; one whose bits are fixed where those of the measures must be.
 */
export function toHourlyMeasures(
  bars: BarColumns,
  barsPerHour: number,
  log: (x: number) => number = Math.log,
): HourlyMeasures {
  const { close, high, low, volume } = bars;
  const hours = close.length / barsPerHour;
  const column = () => new Float64Array(hours);
  const partBars = PART_MINUTES.map((minutes) => (minutes * barsPerHour) / 60);
  const parts = partBars.map((count) =>
    Number.isInteger(count) ? { variance: column(), range: column() } : undefined,
  );
  const out = {
    close: column(),
    variance: column(),
    downside: column(),
    quarticity: column(),
    range: column(),
    volume: column(),
    parts,
  };
  for (let hour = 0; hour < hours; hour++) {
    let [variance, downside, quarticity, range, traded] = [0, 0, 0, 0, 0];
    const end = (hour + 1) * barsPerHour;
    // Backwards, so that the sum so far is that of the hour's last minutes.
    for (let bar = end - 1; bar >= end - barsPerHour; bar--) {
      const r = bar > 0 ? log(close[bar]! / close[bar - 1]!) : 0;
      const extent = log(high[bar]! / low[bar]!);
      const square = r * r;
      variance += square;
      if (r < 0) downside += square;
      quarticity += square * square;
      range += extent * extent;
      traded += volume[bar]!;
      const part = parts[partBars.indexOf(end - bar)];
      if (part !== undefined) {
        part.variance[hour] = variance;
        part.range[hour] = range * PARKINSON;
      }
    }
    out.close[hour] = close[end - 1]!;
    out.variance[hour] = variance;
    out.downside[hour] = downside;
    out.quarticity[hour] = quarticity;
    out.range[hour] = range * PARKINSON;
    out.volume[hour] = traded;
  }
  return out;
}
