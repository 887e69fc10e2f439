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
