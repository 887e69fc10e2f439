import { BallastError } from "@ballast/data";
import { type Covariances, parameterCovariances } from "./garch-inference.ts";
import { BETA, type GarchKind, garchLikelihood, MU, meanOf, OMEGA } from "./garch-likelihood.ts";
import { type Parameterisation, parameterisation } from "./garch-parameters.ts";
import { findLikeliest, polish } from "./garch-search.ts";

/** Fewer returns than this say nothing about the persistence of variance. */
export const MIN_GARCH_RETURNS = 100;

export type GarchDistribution = "normal" | "student-t";

/**
 * Variance and squared residual before the first return: the mean squared residual at each μ tried (Fiorentini,
 * Calzolari & Panattoni 1996), the exponentially weighted mean of the first 75 squared residuals about the sample
 * mean with decay 0.94 (the back-cast of most software), or a given variance.
 */
export type GarchStartUp = "residual-variance" | "backcast" | number;

export interface GarchOptions {
  readonly kind: GarchKind;
  /** Default "normal". */
  readonly distribution?: GarchDistribution;
  /** Default "constant"; "zero" fixes μ at 0. */
  readonly mean?: "constant" | "zero";
  /** Default "residual-variance". */
  readonly startUp?: GarchStartUp;
}

/** Parameters of r = μ + e, e = √h·z, in the units of the returns. Those a model lacks are 0, ν of the Gaussian +∞. */
export interface GarchModel {
  readonly kind: GarchKind;
  readonly distribution: GarchDistribution;
  readonly mu: number;
  readonly omega: number;
  readonly alpha: number;
  readonly gamma: number;
  readonly beta: number;
  readonly nu: number;
  /** Variance per step before the first return. */
  readonly startVariance: number;
}

export type GarchParameterName = "mu" | "omega" | "alpha" | "gamma" | "beta" | "nu";

export interface GarchParameter {
  readonly name: GarchParameterName;
  readonly estimate: number;
  /** From the inverse Hessian; NaN where the Hessian is not positive definite, as it need not be on a bound. */
  readonly hessianError: number;
  /** Robust to the wrong distribution: H⁻¹(Σ ss')H⁻¹ (Bollerslev & Wooldridge 1992); NaN likewise. */
  readonly robustError: number;
}

export interface GarchFit {
  readonly model: GarchModel;
  /** The estimated ones. */
  readonly parameters: readonly GarchParameter[];
  readonly logLikelihood: number;
  readonly observations: number;
  readonly iterations: number;
}

export class TooFewReturnsError extends BallastError {
  readonly code = "TOO_FEW_RETURNS";
  readonly returns: number;
  constructor(returns: number) {
    super(`${returns} returns are too few to fit a GARCH model. Give at least ${MIN_GARCH_RETURNS}.`);
    this.returns = returns;
  }
}

export class ConstantReturnsError extends BallastError {
  readonly code = "CONSTANT_RETURNS";
  readonly value: number;
  constructor(value: number) {
    super(`All returns equal ${value}, so their variance has no law. Leave this series out.`);
    this.value = value;
  }
}

export class BadReturnError extends BallastError {
  readonly code = "BAD_RETURN";
  readonly index: number;
  readonly value: number;
  constructor(index: number, value: number) {
    super(`Return number ${index} is ${value}. Fill or leave out what is missing before fitting.`);
    this.index = index;
    this.value = value;
  }
}

export class BadStartVarianceError extends BallastError {
  readonly code = "BAD_START_VARIANCE";
  readonly variance: number;
  constructor(variance: number) {
    super(`The variance before the first return is ${variance}. Give a positive one, or a start-up rule.`);
    this.variance = variance;
  }
}

export class GarchNotConvergedError extends BallastError {
  readonly code = "GARCH_NOT_CONVERGED";
  readonly kind: GarchKind;
  readonly iterations: number;
  readonly gradientNorm: number;
  constructor(kind: GarchKind, iterations: number, gradientNorm: number) {
    super(
      `The ${kind} likelihood still slopes by ${gradientNorm.toPrecision(2)} after ${iterations} iterations. ` +
        "Look for outliers in the returns, or give more of them.",
    );
    this.kind = kind;
    this.iterations = iterations;
    this.gradientNorm = gradientNorm;
  }
}

const NAMES: readonly GarchParameterName[] = ["mu", "omega", "alpha", "gamma", "beta", "nu"];

/**
 * Maximum-likelihood GARCH(1,1), GJR-GARCH(1,1,1) or EGARCH(1,1,1) of returns per step, oldest first. The scale
 * does not matter. EGARCH's α is positive, and its ω goes with E|z| = √(2/π) under both distributions. Deterministic.
 * A series without a well-behaved maximum, as one that stops moving half-way, may end in a GarchNotConvergedError.
 */
export function fitGarch(returns: Float64Array, options: GarchOptions): GarchFit {
  const { kind, distribution = "normal", mean = "constant", startUp = "residual-variance" } = options;
  checkReturns(returns);
  const isStudent = distribution === "student-t";
  const hasMean = mean === "constant";
  const { scale, scaled, start } = standardise(returns, hasMean, startUp);
  const likelihood = garchLikelihood(scaled, kind, isStudent, start);
  const map = parameterisation(kind, isStudent, hasMean);

  const search = findLikeliest(likelihood, kind, map, hasMean ? meanOf(scaled) : 0, returns.length);
  if (!search.hasConverged) {
    throw new GarchNotConvergedError(kind, search.iterations, search.gradientNorm);
  }
  const covariances = parameterCovariances(likelihood, search.theta, map.slots, returns.length);
  const theta = polish(likelihood, kind, map, search.theta, covariances);

  const model = rescale(theta, kind, distribution, scale, start ?? residualVariance(scaled, theta[MU]!));
  const errors = standardErrors(covariances, map, kind, scale);
  return {
    model,
    parameters: map.slots.map((slot, i) => {
      const name = NAMES[slot]!;
      return {
        name,
        estimate: model[name],
        hessianError: errors.hessian[i]!,
        robustError: errors.robust[i]!,
      };
    }),
    logLikelihood: likelihood(theta) - returns.length * Math.log(scale),
    observations: returns.length,
    iterations: search.iterations,
  };
}

function checkReturns(returns: Float64Array): void {
  if (returns.length < MIN_GARCH_RETURNS) throw new TooFewReturnsError(returns.length);
  let isConstant = true;
  for (let i = 0; i < returns.length; i++) {
    if (!Number.isFinite(returns[i]!)) throw new BadReturnError(i, returns[i]!);
    if (returns[i] !== returns[0]) isConstant = false;
  }
  if (isConstant) throw new ConstantReturnsError(returns[0]!);
}

/** Returns of unit variance, and the variance before the first of them; null lets it follow μ. */
function standardise(returns: Float64Array, hasMean: boolean, startUp: GarchStartUp) {
  const centre = hasMean ? meanOf(returns) : 0;
  const scale = Math.sqrt(residualVariance(returns, centre));
  const scaled = new Float64Array(returns.length);
  for (let i = 0; i < returns.length; i++) scaled[i] = returns[i]! / scale;
  if (startUp === "residual-variance") return { scale, scaled, start: null };
  if (startUp === "backcast") return { scale, scaled, start: backcast(scaled, centre / scale) };
  if (!(startUp > 0 && startUp < Number.POSITIVE_INFINITY)) throw new BadStartVarianceError(startUp);
  return { scale, scaled, start: startUp / scale ** 2 };
}

function residualVariance(returns: Float64Array, mu: number): number {
  let sum = 0;
  for (let i = 0; i < returns.length; i++) sum += (returns[i]! - mu) ** 2;
  return sum / returns.length;
}

function backcast(returns: Float64Array, mu: number): number {
  let sum = 0;
  let weights = 0;
  for (let i = 0, weight = 1; i < Math.min(75, returns.length); i++, weight *= 0.94) {
    sum += weight * (returns[i]! - mu) ** 2;
    weights += weight;
  }
  return sum / weights;
}

/** From returns of unit variance to their own: e scales by `scale`, h by its square, ln h shifts. */
function rescale(
  theta: Float64Array,
  kind: GarchKind,
  distribution: GarchDistribution,
  scale: number,
  startVariance: number,
): GarchModel {
  const [mu = 0, omega = 0, alpha = 0, gamma = 0, beta = 0, nu = Number.POSITIVE_INFINITY] = theta;
  return {
    kind,
    distribution,
    mu: mu * scale,
    omega: kind === "egarch" ? omega + 2 * (1 - beta) * Math.log(scale) : omega * scale ** 2,
    alpha,
    gamma,
    beta,
    nu,
    startVariance: startVariance * scale ** 2,
  };
}

/** Standard errors in the units of the returns, by the derivative of `rescale`. */
function standardErrors(
  covariances: Covariances,
  { slots }: Parameterisation,
  kind: GarchKind,
  scale: number,
) {
  const k = slots.length;
  const omega = slots.indexOf(OMEGA);
  const beta = slots.indexOf(BETA);
  const errorsOf = (covariance: Float64Array | null): number[] =>
    slots.map((slot, i) => {
      if (covariance === null) return Number.NaN;
      const at = (row: number, column: number) => covariance[row * k + column]!;
      if (slot === MU) return Math.sqrt(at(i, i)) * scale;
      if (slot !== OMEGA) return Math.sqrt(at(i, i));
      if (kind !== "egarch") return Math.sqrt(at(i, i)) * scale ** 2;
      const shift = -2 * Math.log(scale);
      return Math.sqrt(at(omega, omega) + 2 * shift * at(omega, beta) + shift ** 2 * at(beta, beta));
    });
  return { hessian: errorsOf(covariances.hessian), robust: errorsOf(covariances.robust) };
}
