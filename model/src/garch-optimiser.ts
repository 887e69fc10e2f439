/** f at `x`; writes its gradient into `gradient` if given. May return +∞ outside of its domain. */
export type Objective = (x: Float64Array, gradient?: Float64Array) => number;

export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Largest absolute component of the gradient. */
  readonly gradientNorm: number;
  readonly hasConverged: boolean;
}

/** Iterations without progress to the last digits after which a kink is looked for. */
const STALL_ITERATIONS = 20;
const SUFFICIENT_DECREASE = 1e-4;
/** A step this small that lowers f nowhere marks a kink's minimum, where a gradient does not vanish. */
const KINK_STEP = 1e-6;

/**
 * Minimises f from `start` by BFGS (Nocedal & Wright 2006, alg. 6.1) with a backtracking line search. `metric`
 * (n × n, row-major) is the first guess of the inverse Hessian. Converged where no component of the gradient
 * exceeds `tolerance`, or, f being kinked, where no small step along an axis lowers it. Deterministic.
 */
export function minimise(
  f: Objective,
  start: Float64Array,
  metric: Float64Array,
  tolerance: number,
  maxIterations = 500,
): Minimum {
  const n = start.length;
  let x = start.slice();
  let next = new Float64Array(n);
  let gradient = new Float64Array(n);
  let nextGradient = new Float64Array(n);
  const inverse = metric.slice();
  const direction = new Float64Array(n);
  const change = new Float64Array(n);
  let value = f(x, gradient);
  let iterations = 0;
  let hasConverged = norm(gradient) <= tolerance;
  let isFresh = false;
  let stallValue = value;
  while (!hasConverged && iterations < maxIterations) {
    if (iterations % STALL_ITERATIONS === 0 && iterations > 0) {
      const hasStalled = stallValue - value <= 1e-12 * Math.abs(value);
      if (hasStalled && isLowest(f, x, value, next)) {
        hasConverged = true;
        break;
      }
      stallValue = value;
    }
    iterations++;
    let slope = descend(inverse, gradient, direction);
    if (!(slope < 0)) {
      reset(inverse, n, gradient);
      isFresh = true;
      slope = descend(inverse, gradient, direction);
    }
    let step = 1;
    let nextValue = value;
    let isAccepted = false;
    for (let tries = 0; tries < 40; tries++) {
      for (let i = 0; i < n; i++) next[i] = x[i]! + step * direction[i]!;
      nextValue = f(next, nextGradient);
      if (nextValue <= value + SUFFICIENT_DECREASE * step * slope) isAccepted = true;
      // Near the minimum f is flat to the last bit; there the slope decides (Hager & Zhang 2005).
      else if (nextValue <= value + 1e-14 * Math.abs(value)) {
        isAccepted = Math.abs(inner(nextGradient, direction)) < 0.5 * Math.abs(slope);
      }
      if (isAccepted) break;
      const curvature = nextValue - value - step * slope;
      const parabola = (-0.5 * slope * step * step) / curvature;
      step = Number.isFinite(parabola) ? Math.min(0.5 * step, Math.max(0.1 * step, parabola)) : 0.2 * step;
    }
    if (!isAccepted) {
      if (isFresh) {
        hasConverged = isLowest(f, x, value, next);
        break;
      }
      reset(inverse, n, gradient);
      isFresh = true;
      continue;
    }
    isFresh = false;
    for (let i = 0; i < n; i++) {
      direction[i] = next[i]! - x[i]!;
      change[i] = nextGradient[i]! - gradient[i]!;
    }
    update(inverse, direction, change);
    [x, next] = [next, x];
    [gradient, nextGradient] = [nextGradient, gradient];
    value = nextValue;
    hasConverged = norm(gradient) <= tolerance;
  }
  return { x, value, iterations, gradientNorm: norm(gradient), hasConverged };
}

/** direction = −inverse·gradient; its slope. */
function descend(inverse: Float64Array, gradient: Float64Array, direction: Float64Array): number {
  const n = gradient.length;
  let slope = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum -= inverse[i * n + j]! * gradient[j]!;
    direction[i] = sum;
    slope += sum * gradient[i]!;
  }
  return slope;
}

/** Steepest descent with a first step of length at most 0.1. */
function reset(inverse: Float64Array, n: number, gradient: Float64Array): void {
  inverse.fill(0);
  const scale = Math.min(1, 0.1 / norm(gradient));
  for (let i = 0; i < n; i++) inverse[i * n + i] = scale;
}

/** The BFGS update of the inverse Hessian (Nocedal & Wright 2006, eq. 6.17), left out where it would not stay positive. */
function update(inverse: Float64Array, s: Float64Array, y: Float64Array): void {
  const n = s.length;
  const sy = inner(s, y);
  if (!(sy > 1e-12 * Math.sqrt(inner(s, s) * inner(y, y)))) return;
  const hy = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += inverse[i * n + j]! * y[j]!;
    hy[i] = sum;
  }
  const factor = (1 + inner(y, hy) / sy) / sy;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      inverse[i * n + j] =
        inverse[i * n + j]! + factor * s[i]! * s[j]! - (hy[i]! * s[j]! + s[i]! * hy[j]!) / sy;
    }
  }
}

function isLowest(f: Objective, x: Float64Array, value: number, trial: Float64Array): boolean {
  for (let i = 0; i < x.length; i++) {
    for (const step of [-KINK_STEP, KINK_STEP]) {
      trial.set(x);
      trial[i] = x[i]! + step;
      if (f(trial) < value - 1e-12 * Math.abs(value)) return false;
    }
  }
  return true;
}

function norm(x: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    const size = Math.abs(x[i]!);
    if (!(size <= largest)) largest = size;
  }
  return largest;
}

function inner(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
}
