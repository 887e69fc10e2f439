import { type Covariances, invertPositive, product, scoreOuter } from "./garch-inference.ts";
import { type GarchKind, type Likelihood, NU, SLOTS } from "./garch-likelihood.ts";
import { minimise } from "./garch-optimiser.ts";
import { isAdmissible, type Parameterisation, startingGrid } from "./garch-parameters.ts";

/** Largest slope of the mean log-likelihood by a free coordinate at its maximum. */
const TOLERANCE = 1e-7;
const MAX_ITERATIONS = 200;
/** Starts tried, the likeliest first, until one leads to a maximum: the kinks of EGARCH in μ can stop a search. */
const MAX_STARTS = 3;
/** Degrees of freedom to begin from: returns of most markets lie within a few of it. */
const START_NU = 6;

/** Maximises the likelihood of n returns of unit variance and mean `mu` over the parameters of the map. */
export function findLikeliest(
  likelihood: Likelihood,
  kind: GarchKind,
  map: Parameterisation,
  mu: number,
  n: number,
): Climb {
  const nu = map.slots.includes(NU) ? START_NU : Number.POSITIVE_INFINITY;
  const starts = Array.from(startingGrid(kind, mu, nu), (theta) => ({ theta, value: likelihood(theta) }));
  starts.sort((a, b) => b.value - a.value);
  let first: Climb | undefined;
  for (const start of starts.slice(0, MAX_STARTS)) {
    const search = climb(likelihood, map, start.theta, n);
    if (search.hasConverged) return search;
    first ??= search;
  }
  return first!;
}

export interface Climb {
  readonly theta: Float64Array;
  readonly iterations: number;
  readonly gradientNorm: number;
  readonly hasConverged: boolean;
}

/** BFGS on the mean negative log-likelihood over the free coordinates, its first metric the scores' (BHHH 1974). */
function climb(likelihood: Likelihood, map: Parameterisation, start: Float64Array, n: number): Climb {
  const k = map.slots.length;
  const theta = new Float64Array(SLOTS);
  const slope = new Float64Array(SLOTS);
  const jacobian = new Float64Array(SLOTS * k);
  const objective = (free: Float64Array, gradient?: Float64Array): number => {
    map.toTheta(free, theta, jacobian);
    if (gradient === undefined) return -likelihood(theta) / n;
    const value = likelihood(theta, slope);
    for (let j = 0; j < k; j++) {
      let sum = 0;
      for (const slot of map.slots) sum += jacobian[slot * k + j]! * slope[slot]!;
      gradient[j] = -sum / n;
    }
    return -value / n;
  };
  const free = map.toFree(start);
  const metric = scoreMetric(likelihood, map, free, n);
  const search = minimise(objective, free, metric, TOLERANCE, MAX_ITERATIONS);
  map.toTheta(search.x, theta, jacobian);
  return { ...search, theta };
}

/** Inverse of the mean outer product of the scores by the free coordinates; the identity where it is singular. */
function scoreMetric(
  likelihood: Likelihood,
  map: Parameterisation,
  free: Float64Array,
  n: number,
): Float64Array {
  const k = map.slots.length;
  const theta = new Float64Array(SLOTS);
  const jacobian = new Float64Array(SLOTS * k);
  const scores = new Float64Array(n * SLOTS);
  map.toTheta(free, theta, jacobian);
  likelihood(theta, new Float64Array(SLOTS), scores);
  const byFree = Float64Array.from(
    { length: k * k },
    (_, at) => jacobian[map.slots[Math.floor(at / k)]! * k + (at % k)]!,
  );
  const transposed = byFree.map((_, at) => byFree[(at % k) * k + Math.floor(at / k)]!);
  const outer = product(product(transposed, scoreOuter(scores, map.slots), k), byFree, k).map((x) => x / n);
  return (
    invertPositive(outer, k) ?? Float64Array.from({ length: k * k }, (_, at) => (at % (k + 1) === 0 ? 1 : 0))
  );
}

/** Two Newton steps on the parameters themselves, which double the digits; none where a bound or a kink is near. */
export function polish(
  likelihood: Likelihood,
  kind: GarchKind,
  map: Parameterisation,
  theta: Float64Array,
  { hessian }: Covariances,
): Float64Array {
  if (kind === "egarch" || hessian === null) return theta;
  const k = map.slots.length;
  const gradient = new Float64Array(SLOTS);
  let best = theta;
  let highest = likelihood(theta, gradient);
  for (let round = 0; round < 2; round++) {
    const next = best.slice();
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < k; j++) {
        next[map.slots[i]!] = next[map.slots[i]!]! + hessian[i * k + j]! * gradient[map.slots[j]!]!;
      }
    }
    if (!isAdmissible(kind, next)) return best;
    const value = likelihood(next, gradient);
    if (!(value >= highest - 1e-12 * Math.abs(highest))) return best;
    best = next;
    highest = value;
  }
  return best;
}
