/**
 * Variance of √n times the mean of a series: Newey & West (1987), Bartlett weights up to `lag`. Never negative; 0 of
 * a constant series.
 */
export function longRunVariance(values: Float64Array, lag: number): number {
  const n = values.length;
  let mean = 0;
  for (const d of values) mean += d / n;
  let variance = 0;
  for (let k = 0; k <= Math.min(lag, n - 1); k++) {
    let covariance = 0;
    for (let i = k; i < n; i++) covariance += ((values[i]! - mean) * (values[i - k]! - mean)) / n;
    variance += (k === 0 ? 1 : 2) * bartlettWeight(k, lag) * covariance;
  }
  return Math.max(0, variance);
}

/** 1 − k/(lag + 1), the weight that keeps the estimate from being negative. */
export const bartlettWeight = (k: number, lag: number): number => 1 - k / (lag + 1);

/** ⌊4·(n/100)^(2/9)⌋, the usual lag where nothing overlaps (Newey & West 1994). */
export const neweyWestLag = (n: number): number => Math.floor(4 * (n / 100) ** (2 / 9));
