/** RiskMetrics (J.P. Morgan 1996, table 5.7) decay of variance for daily data. */
export const RISKMETRICS_DAILY_LAMBDA = 0.94;

/** Decay per step that halves a weight after `halfLife` steps. */
export const lambdaOfHalfLife = (halfLife: number): number => Math.exp(-Math.LN2 / halfLife);

/** Decay per hour that equals `lambda` per day. */
export const hourlyLambda = (dailyLambda: number): number => Math.exp(Math.log(dailyLambda) / 24);

/**
 * Exponentially weighted variance per step of returns, oldest first, with mean zero and weights that sum to
 * one (RiskMetrics 1996, eq. 5.1, normalised for the finite window). 0 for no returns.
 */
export function ewmaVariance(returns: Float64Array, lambda: number): number {
  let sum = 0;
  let weight = 0;
  for (let i = 0; i < returns.length; i++) {
    sum = lambda * sum + returns[i]! * returns[i]!;
    weight = lambda * weight + 1;
  }
  return weight === 0 ? 0 : sum / weight;
}

/**
 * Exponentially weighted correlation of log returns, mean zero (RiskMetrics 1996, eq. 5.4). `returns` holds
 * one array per asset, equally long, oldest first. A series that never moves correlates 0 with the others.
 * Returns [asset][asset] in [−1, 1] with a unit diagonal.
 */
export function ewmaCorrelation(returns: readonly Float64Array[], lambda: number): number[][] {
  const n = returns.length;
  const length = returns[0]?.length ?? 0;
  // Weighting each series by the root of its weight once turns every pair into a plain inner product.
  const weighted = returns.map((r) => {
    const out = new Float64Array(length);
    const root = Math.sqrt(lambda);
    let weight = 1;
    for (let i = length - 1; i >= 0; i--) {
      out[i] = r[i]! * weight;
      weight *= root;
    }
    return out;
  });
  const deviation = weighted.map((x) => Math.sqrt(inner(x, x)));
  const correlation = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let i = 0; i < n; i++) {
    correlation[i]![i] = 1;
    for (let j = 0; j < i; j++) {
      const scale = deviation[i]! * deviation[j]!;
      const rho = scale > 0 ? Math.min(1, Math.max(-1, inner(weighted[i]!, weighted[j]!) / scale)) : 0;
      correlation[i]![j] = rho;
      correlation[j]![i] = rho;
    }
  }
  return correlation;
}

function inner(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}
