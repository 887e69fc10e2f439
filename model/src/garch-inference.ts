import { type Likelihood, SLOTS } from "./garch-likelihood.ts";
import { choleskySolve } from "./leastsquares.ts";

/** k × k, row-major, over the estimated slots; null where the Hessian is not positive definite. */
export interface Covariances {
  readonly hessian: Float64Array | null;
  readonly robust: Float64Array | null;
}

/** Step of the central differences, relative to the parameter. */
const STEP = 3e-5;

/**
 * Covariances of the maximum-likelihood estimates: the inverse of the negative Hessian (central differences of
 * the analytic gradient) and the sandwich of it around the scores' outer product (Bollerslev & Wooldridge 1992).
 */
export function parameterCovariances(
  likelihood: Likelihood,
  theta: Float64Array,
  slots: readonly number[],
  observations: number,
): Covariances {
  const k = slots.length;
  const inverse = invertPositive(negativeHessian(likelihood, theta, slots), k);
  if (inverse === null) return { hessian: null, robust: null };
  const scores = new Float64Array(observations * SLOTS);
  likelihood(theta, new Float64Array(SLOTS), scores);
  const outer = scoreOuter(scores, slots);
  return { hessian: inverse, robust: product(product(inverse, outer, k), inverse, k) };
}

function negativeHessian(
  likelihood: Likelihood,
  theta: Float64Array,
  slots: readonly number[],
): Float64Array {
  const k = slots.length;
  const shifted = theta.slice();
  const above = new Float64Array(SLOTS);
  const below = new Float64Array(SLOTS);
  const raw = new Float64Array(k * k);
  for (const [i, slot] of slots.entries()) {
    const step = STEP * Math.max(Math.abs(theta[slot]!), 0.01);
    shifted[slot] = theta[slot]! + step;
    likelihood(shifted, above);
    shifted[slot] = theta[slot]! - step;
    likelihood(shifted, below);
    shifted[slot] = theta[slot]!;
    for (const [j, other] of slots.entries()) raw[i * k + j] = (below[other]! - above[other]!) / (2 * step);
  }
  return raw.map((_, at) => (raw[at]! + raw[(at % k) * k + Math.floor(at / k)]!) / 2);
}

/** Σ s·s' over the observations, k × k over `slots`. */
export function scoreOuter(scores: Float64Array, slots: readonly number[]): Float64Array {
  const k = slots.length;
  const outer = new Float64Array(k * k);
  for (let offset = 0; offset < scores.length; offset += SLOTS) {
    for (let i = 0; i < k; i++) {
      const s = scores[offset + slots[i]!]!;
      for (let j = 0; j <= i; j++) outer[i * k + j] = outer[i * k + j]! + s * scores[offset + slots[j]!]!;
    }
  }
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) outer[j * k + i] = outer[i * k + j]!;
  return outer;
}

/** The inverse of a symmetric matrix, or null if it is not positive definite. */
export function invertPositive(matrix: Float64Array, k: number): Float64Array | null {
  const inverse = new Float64Array(k * k);
  const unit = new Float64Array(k);
  for (let j = 0; j < k; j++) {
    unit.fill(0);
    unit[j] = 1;
    const column = choleskySolve(matrix, unit);
    if (!(column[j]! > 0 && column[j]! < Number.POSITIVE_INFINITY)) return null;
    for (let i = 0; i < k; i++) inverse[i * k + j] = column[i]!;
  }
  return inverse;
}

export function product(left: Float64Array, right: Float64Array, k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) {
      let sum = 0;
      for (let m = 0; m < k; m++) sum += left[i * k + m]! * right[m * k + j]!;
      out[i * k + j] = sum;
    }
  }
  return out;
}
