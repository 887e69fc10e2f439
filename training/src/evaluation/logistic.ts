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
