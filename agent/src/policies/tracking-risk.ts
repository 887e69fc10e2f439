import { BallastError } from "@ballast/data";

/** What a rebalance costs, in shares of the portfolio's value. */
export interface SelectionCosts {
  /** Index of the base asset, the other side of every trade; none where absent. */
  readonly base: number | undefined;
  /** Of a rebalance whatever its swaps, and of each swap. */
  readonly perTrade: number;
  readonly perSwap: number;
  /** Per asset, share of what is traded. */
  readonly feeRates: ArrayLike<number>;
}

export class DegenerateCovarianceError extends BallastError {
  readonly code = "DEGENERATE_COVARIANCE";
  readonly scale: number;
  constructor(scale: number) {
    super(`The covariance gives a tracking scale of ${scale}. Give one of assets that move, without a gap.`);
    this.scale = scale;
  }
}

/**
 * d'Σd: variance per unit of time of the difference between a portfolio that deviates by d and the one on target.
 * `covariance` is n×n, row by row, of simple returns; rows and columns of the base asset are 0.
 */
export function trackingVariance(deviations: ArrayLike<number>, covariance: ArrayLike<number>): number {
  const n = deviations.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const d = deviations[i]!;
    if (d === 0) continue;
    let row = 0;
    for (let j = 0; j < n; j++) row += covariance[i * n + j]! * deviations[j]!;
    sum += d * row;
  }
  return sum;
}

/** How the tracking variance of deviations that are left alone grows. */
export interface TrackingDiffusion {
  /** ν of the squared Bessel process that it is like. */
  readonly dimension: number;
  /** Tracking variance per unit of time and dimension. */
  readonly speed: number;
}

/**
 * Deviations from `targets` diffuse with the covariance D = JΣJ, J = diag(w) − ww', and q = d'Σd like a squared Bessel
 * process of dimension tr(ΣD)²/tr((ΣD)²) and speed tr((ΣD)²)/tr(ΣD), by Satterthwaite's approximation. Throws
 * DegenerateCovarianceError.
 */
export function trackingDiffusion(
  covariance: ArrayLike<number>,
  targets: ArrayLike<number>,
): TrackingDiffusion {
  const n = targets.length;
  const at = (i: number, j: number) => covariance[i * n + j]!;
  const spread = new Float64Array(n * n);
  // ΣJ, with J = diag(w) − ww': column j is Σ(w_j(e_j − w)).
  for (let i = 0; i < n; i++) {
    let mean = 0;
    for (let k = 0; k < n; k++) mean += at(i, k) * targets[k]!;
    for (let j = 0; j < n; j++) spread[i * n + j] = targets[j]! * (at(i, j) - mean);
  }
  const product = multiply(spread, spread, n);
  let trace = 0;
  let traceOfSquare = 0;
  for (let i = 0; i < n; i++) {
    trace += product[i * n + i]!;
    for (let j = 0; j < n; j++) traceOfSquare += product[i * n + j]! * product[j * n + i]!;
  }
  const speed = traceOfSquare / trace;
  if (!(speed > 0 && Number.isFinite(speed))) throw new DegenerateCovarianceError(speed);
  // One at least: rounding must not make it less.
  return { dimension: Math.max(1, trace ** 2 / traceOfSquare), speed };
}

/**
 * The tracking variance at which a width of 1 trades: q = width² · scale. Where each trade costs the same, the best q to
 * trade at goes as √(s(2ν + 4)) of the diffusion's speed s and dimension ν (`valueOfReset`). Scaled so that
 * the width is the half-width of a weight where there are two assets. Throws DegenerateCovarianceError.
 */
export function trackingScale(covariance: ArrayLike<number>, targets: ArrayLike<number>): number {
  const { dimension, speed } = trackingDiffusion(covariance, targets);
  let share = 0;
  for (let i = 0; i < targets.length; i++) share += (targets[i]! * (1 - targets[i]!)) / 2;
  return Math.sqrt((speed * (2 * dimension + 4)) / 6) / share;
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const x = a[i * n + k]!;
      for (let j = 0; j < n; j++) out[i * n + j]! += x * b[k * n + j]!;
    }
  }
  return out;
}

/** Of the way from each correlation to their mean. */
const SHRINKAGE = 0.5;

/**
 * Moves the correlations of a covariance, n×n, half way to their mean, in place: a few hundred hours say more of the mean
 * than of each (constant correlation, Ledoit & Wolf 2003, at a fixed intensity). Assets without variance stay so.
 */
export function shrinkToMeanCorrelation(covariance: Float64Array, n: number): void {
  const deviation = Float64Array.from({ length: n }, (_, i) => Math.sqrt(covariance[i * n + i]!));
  const isMoving = (i: number, j: number) => deviation[i]! > 0 && deviation[j]! > 0;
  const correlation = (i: number, j: number) => covariance[i * n + j]! / (deviation[i]! * deviation[j]!);
  let sum = 0;
  let pairs = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      if (!isMoving(i, j)) continue;
      sum += correlation(i, j);
      pairs++;
    }
  }
  if (pairs === 0) return;
  const mean = sum / pairs;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j || !isMoving(i, j)) continue;
      const rho = correlation(i, j) + SHRINKAGE * (mean - correlation(i, j));
      covariance[i * n + j] = rho * deviation[i]! * deviation[j]!;
    }
  }
}

/**
 * What it is worth to be on target rather than at u = q/q*, in units of a rebalance's cost: u(2 − u) up to 1. Solves
 * ½s²(V″ + (ν−1)V′/r) + λr² = const with V(0) = 0, V(r*) = 1 and V′(r*) = 0 for r² = q: whatever ν and λ, which
 * are in q* alone. (Impulse control of a Bessel process; for ν = 1 the fixed-cost case of `noTradeRegion`.)
 */
export const valueOfReset = (u: number): number => (u >= 1 ? 1 : u * (2 - u));

/**
 * Which assets to trade: those that are worth their swap. Writes the deviations that are left into `out` (what is
 * chosen goes to target; the base asset takes up the rest, or without one the asset left out that lies furthest on the
 * other side) and returns what it takes in all, share of value: what the swaps cost and what the rest is still worth.
 * From one asset on and from all of them on, adds or drops the asset that helps most until none does, and takes the
 * better end: at worst everything is traded. `limit` is the tracking variance q* at which all would be.
 */
export function selectTrades(
  deviations: ArrayLike<number>,
  covariance: ArrayLike<number>,
  limit: number,
  costs: SelectionCosts,
  out: Float64Array,
): number {
  const n = deviations.length;
  const { base } = costs;
  const rest = new Float64Array(n);
  const isChosen = new Uint8Array(n);
  const costOfRest = (): number => {
    let swaps = 0;
    let fees = 0;
    for (let i = 0; i < n; i++) {
      const traded = Math.abs(deviations[i]! - rest[i]!);
      if (i === base || traded <= LEAST_TRADE) continue;
      swaps++;
      fees += costs.feeRates[i]! * traded;
    }
    return swaps === 0 ? Number.POSITIVE_INFINITY : costs.perTrade + swaps * costs.perSwap + fees;
  };
  const whole = costOfRest();
  const totalOfChosen = (): number => {
    leave(deviations, isChosen, base, rest);
    const q = Math.max(0, trackingVariance(rest, covariance));
    return costOfRest() + whole * valueOfReset(q / limit);
  };
  let best = Number.MAX_VALUE;
  for (const start of [0, 1]) {
    isChosen.fill(start);
    let total = start === 1 ? totalOfChosen() : Number.MAX_VALUE;
    for (;;) {
      let next = -1;
      for (let i = 0; i < n; i++) {
        if (i === base) continue;
        isChosen[i] = 1 - isChosen[i]!;
        const found = totalOfChosen();
        isChosen[i] = 1 - isChosen[i]!;
        if (found < total * SURELY) {
          total = found;
          next = i;
        }
      }
      if (next < 0) break;
      isChosen[next] = 1 - isChosen[next]!;
    }
    if (total < best * SURELY) {
      best = total;
      totalOfChosen();
      out.set(rest);
    }
  }
  return best;
}

/** Rounding must not choose between two that cost the same. */
const SURELY = 1 - 1e-9;
/** Below this share of the value a deviation is rounding. */
const LEAST_TRADE = 1e-9;

/** The deviations that are left once the chosen assets are on target. */
function leave(
  deviations: ArrayLike<number>,
  isChosen: Uint8Array,
  base: number | undefined,
  rest: Float64Array,
): void {
  let moved = 0;
  for (let i = 0; i < rest.length; i++) {
    const isLeft = i === base || isChosen[i] === 0;
    rest[i] = isLeft ? deviations[i]! : 0;
    if (!isLeft) moved += deviations[i]!;
  }
  let other = base ?? -1;
  if (other < 0) {
    for (let i = 0; i < rest.length; i++) {
      if (isChosen[i] === 1) continue;
      if (other < 0 || rest[i]! * Math.sign(moved) < rest[other]! * Math.sign(moved)) other = i;
    }
  }
  if (other >= 0) rest[other]! += moved;
}
