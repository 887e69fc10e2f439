/** Diebold-Mariano test of equal accuracy. */
export interface DieboldMariano {
  readonly meanDifference: number;
  /** Student's t with `degrees` degrees of freedom under equal accuracy; negative where the first loses less. */
  readonly t: number;
  readonly degrees: number;
}

/**
 * Tests losses of two forecasts, as differences d_t = loss₁ − loss₂ in time order, for equal mean (Diebold &
 * Mariano 1995). The long-run variance is Newey & West's (1987) with Bartlett weights up to `lag`, which must
 * be at least the horizon in steps; t carries the small-sample correction of Harvey, Leybourne & Newbold (1997,
 * eq. 9) for a horizon of `lag` steps. t is 0 where the differences are all equal to zero.
 */
export function dieboldMariano(differences: Float64Array, lag: number): DieboldMariano {
  const n = differences.length;
  let mean = 0;
  for (const d of differences) mean += d / n;
  let variance = 0;
  for (let k = 0; k <= Math.min(lag, n - 1); k++) {
    let covariance = 0;
    for (let i = k; i < n; i++) covariance += ((differences[i]! - mean) * (differences[i - k]! - mean)) / n;
    variance += (k === 0 ? 1 : 2 * (1 - k / (lag + 1))) * covariance;
  }
  // The correction is meant for horizons well inside the sample; beyond, it must not change the sign.
  const h = Math.min(Math.max(lag, 1), n / 2);
  const correction = Math.sqrt((n + 1 - 2 * h + (h * (h - 1)) / n) / n);
  const t = mean === 0 ? 0 : (correction * mean) / Math.sqrt(variance / n);
  return { meanDifference: mean, t, degrees: n - 1 };
}

/** Mean squared error of probabilities for outcomes 0 or 1 (Brier 1950). */
export function brierScore(probability: Float64Array, outcome: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < outcome.length; i++) sum += (probability[i]! - outcome[i]!) ** 2;
  return sum / outcome.length;
}

/**
 * 1 − Brier score over that of always saying the observed frequency: 1 is perfect, 0 no better than a
 * constant. 0 where the outcome never varies.
 */
export function brierSkill(probability: Float64Array, outcome: Uint8Array): number {
  let sum = 0;
  for (const o of outcome) sum += o;
  const frequency = sum / outcome.length;
  const constant = frequency * (1 - frequency);
  return constant === 0 ? 0 : 1 - brierScore(probability, outcome) / constant;
}

/** Shrinks (a, b) a little towards (0, 1), the identity, so that separable outcomes stay finite. */
const PRIOR_WEIGHT = 1;
const NEWTON_STEPS = 30;

/**
 * Logistic recalibration p = logistic(a + b·x) of logits x by penalised maximum likelihood (Platt 1999; Cox
 * 1958), Newton's method.
 */
export function fitLogistic(x: Float64Array, outcome: Uint8Array): { a: number; b: number } {
  let a = 0;
  let b = 1;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    let ga = -PRIOR_WEIGHT * a;
    let gb = -PRIOR_WEIGHT * (b - 1);
    let haa = PRIOR_WEIGHT;
    let hab = 0;
    let hbb = PRIOR_WEIGHT;
    for (let i = 0; i < x.length; i++) {
      const p = 1 / (1 + Math.exp(-(a + b * x[i]!)));
      const w = p * (1 - p);
      ga += outcome[i]! - p;
      gb += (outcome[i]! - p) * x[i]!;
      haa += w;
      hab += w * x[i]!;
      hbb += w * x[i]! * x[i]!;
    }
    const determinant = haa * hbb - hab * hab;
    const da = (hbb * ga - hab * gb) / determinant;
    const db = (haa * gb - hab * ga) / determinant;
    // Half a unit at most keeps Newton inside the region where the curvature is informative.
    const length = Math.min(1, 0.5 / Math.max(Math.abs(da), Math.abs(db), 1e-12));
    a += length * da;
    b += length * db;
    if (Math.abs(da) + Math.abs(db) < 1e-10) break;
  }
  return { a, b };
}
