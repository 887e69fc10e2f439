import { digamma, lnGamma } from "./gamma-function.ts";

/** Columns of a GARCH parameter vector; those a model lacks hold 0 (ν: +∞ for the Gaussian). */
export const MU = 0;
export const OMEGA = 1;
export const ALPHA = 2;
export const GAMMA = 3;
export const BETA = 4;
export const NU = 5;
export const SLOTS = 6;

/** √(2/π) = E|Z| of a standard normal: what the EGARCH recursion subtracts from |z| under either likelihood. */
export const MEAN_ABSOLUTE_NORMAL = Math.sqrt(2 / Math.PI);

/** How far EGARCH's ln h may go from where it starts; a series that stops moving would draw it to −∞. */
const LOG_RANGE = 30;

export type GarchKind = "garch" | "gjr" | "egarch";

/**
 * Log-likelihood of all observations; −∞ where the variance leaves (0, ∞), for EGARCH e^±30 times its start. If
 * given, `gradient` [slot] takes its analytic derivatives and `scores` [observation][slot] those of each
 * observation (Fiorentini, Calzolari & Panattoni 1996).
 */
export type Likelihood = (theta: Float64Array, gradient?: Float64Array, scores?: Float64Array) => number;

/** Variance before the first observation and its derivative by μ. */
interface PreSample {
  readonly variance: number;
  readonly byMu: number;
}

/**
 * The likelihood of `returns`. Before the first observation, variance and squared residual are `start`, or the
 * mean squared residual at the μ in question where it is null, and a residual is as often negative as not.
 * `isStudent` takes ν from the vector (Bollerslev 1987, unit variance). Recursions:
 * h = ω + (α + γ·1[e<0])·e² + β·h of the step before (Bollerslev 1986; Glosten, Jagannathan & Runkle 1993);
 * EGARCH ln h = ω + α(|z| − √(2/π)) + γ·z + β·ln h, z = e/√h (Nelson 1991).
 */
export function garchLikelihood(
  returns: Float64Array,
  kind: GarchKind,
  isStudent: boolean,
  start: number | null,
): Likelihood {
  const mean = meanOf(returns);
  let squares = 0;
  for (let i = 0; i < returns.length; i++) squares += (returns[i]! - mean) ** 2;
  const variance = squares / returns.length;
  const preSample = (mu: number): PreSample =>
    start === null
      ? { variance: variance + (mean - mu) ** 2, byMu: 2 * (mu - mean) }
      : { variance: start, byMu: 0 };
  const recursion = kind === "egarch" ? egarch : gjr;
  return (theta, gradient, scores) =>
    recursion(returns, theta, isStudent, preSample(theta[MU]!), gradient, scores);
}

function gjr(
  returns: Float64Array,
  theta: Float64Array,
  isStudent: boolean,
  pre: PreSample,
  gradient?: Float64Array,
  scores?: Float64Array,
): number {
  const n = returns.length;
  const mu = theta[MU]!;
  const omega = theta[OMEGA]!;
  const alpha = theta[ALPHA]!;
  const gamma = theta[GAMMA]!;
  const beta = theta[BETA]!;
  const nu = isStudent ? theta[NU]! : 0;
  const share = alpha + gamma / 2 + beta;
  let h = omega + share * pre.variance;
  let hMu = share * pre.byMu;
  let hOmega = 1;
  let hAlpha = pre.variance;
  let hGamma = pre.variance / 2;
  let hBeta = pre.variance;
  let gMu = 0;
  let gOmega = 0;
  let gAlpha = 0;
  let gGamma = 0;
  let gBeta = 0;
  let logs = 0;
  let squares = 0;
  let ratios = 0;
  let tails = 0;
  // One logarithm for eight observations: the sum of logs is the log of the product.
  let product = 1;
  let tailProduct = 1;
  for (let i = 0; i < n; i++) {
    if (!(h > 0)) return Number.NEGATIVE_INFINITY;
    const e = returns[i]! - mu;
    const square = e * e;
    const precision = 1 / h;
    product *= h;
    let weight = 1;
    if (isStudent) {
      const q = (square * precision) / (nu - 2);
      tailProduct *= 1 + q;
      ratios += q / (1 + q);
      weight = (nu + 1) / ((nu - 2) * (1 + q));
    } else {
      squares += square * precision;
    }
    if ((i & 7) === 7) {
      logs += Math.log(product);
      product = 1;
      if (isStudent) {
        tails += Math.log(tailProduct);
        tailProduct = 1;
      }
    }
    const shock = e < 0 ? alpha + gamma : alpha;
    if (gradient !== undefined) {
      const byH = 0.5 * precision * (weight * square * precision - 1);
      const byMu = weight * e * precision + byH * hMu;
      gMu += byMu;
      gOmega += byH * hOmega;
      gAlpha += byH * hAlpha;
      gGamma += byH * hGamma;
      gBeta += byH * hBeta;
      if (scores !== undefined) {
        const at = i * SLOTS;
        scores[at + MU] = byMu;
        scores[at + OMEGA] = byH * hOmega;
        scores[at + ALPHA] = byH * hAlpha;
        scores[at + GAMMA] = byH * hGamma;
        scores[at + BETA] = byH * hBeta;
        scores[at + NU] = isStudent ? nuScore(nu, (square * precision) / (nu - 2)) : 0;
      }
      hMu = beta * hMu - 2 * shock * e;
      hOmega = beta * hOmega + 1;
      hAlpha = beta * hAlpha + square;
      hGamma = beta * hGamma + (e < 0 ? square : 0);
      hBeta = beta * hBeta + h;
    }
    h = omega + shock * square + beta * h;
  }
  logs += Math.log(product);
  tails += Math.log(tailProduct);
  if (gradient !== undefined) {
    gradient[MU] = gMu;
    gradient[OMEGA] = gOmega;
    gradient[ALPHA] = gAlpha;
    gradient[GAMMA] = gGamma;
    gradient[BETA] = gBeta;
    gradient[NU] = isStudent ? nuDerivative(nu, n, tails, ratios) : 0;
  }
  return total(n, logs, isStudent, nu, squares, tails);
}

function egarch(
  returns: Float64Array,
  theta: Float64Array,
  isStudent: boolean,
  pre: PreSample,
  gradient?: Float64Array,
  scores?: Float64Array,
): number {
  const n = returns.length;
  const mu = theta[MU]!;
  const omega = theta[OMEGA]!;
  const alpha = theta[ALPHA]!;
  const gamma = theta[GAMMA]!;
  const beta = theta[BETA]!;
  const nu = isStudent ? theta[NU]! : 0;
  const preLog = Math.log(pre.variance);
  // x is ln h.
  let x = omega + beta * preLog;
  let xMu = (beta * pre.byMu) / pre.variance;
  let xOmega = 1;
  let xAlpha = 0;
  let xGamma = 0;
  let xBeta = preLog;
  let gMu = 0;
  let gOmega = 0;
  let gAlpha = 0;
  let gGamma = 0;
  let gBeta = 0;
  let logs = 0;
  let squares = 0;
  let ratios = 0;
  let tails = 0;
  let tailProduct = 1;
  for (let i = 0; i < n; i++) {
    if (!(Math.abs(x - preLog) < LOG_RANGE)) return Number.NEGATIVE_INFINITY;
    const scale = Math.exp(-0.5 * x);
    const z = (returns[i]! - mu) * scale;
    const square = z * z;
    logs += x;
    let weight = 1;
    if (isStudent) {
      const q = square / (nu - 2);
      tailProduct *= 1 + q;
      ratios += q / (1 + q);
      weight = (nu + 1) / ((nu - 2) * (1 + q));
      if ((i & 7) === 7) {
        tails += Math.log(tailProduct);
        tailProduct = 1;
      }
    } else {
      squares += square;
    }
    const size = Math.abs(z);
    if (gradient !== undefined) {
      const byX = 0.5 * (weight * square - 1);
      const byMu = weight * z * scale + byX * xMu;
      gMu += byMu;
      gOmega += byX * xOmega;
      gAlpha += byX * xAlpha;
      gGamma += byX * xGamma;
      gBeta += byX * xBeta;
      if (scores !== undefined) {
        const at = i * SLOTS;
        scores[at + MU] = byMu;
        scores[at + OMEGA] = byX * xOmega;
        scores[at + ALPHA] = byX * xAlpha;
        scores[at + GAMMA] = byX * xGamma;
        scores[at + BETA] = byX * xBeta;
        scores[at + NU] = isStudent ? nuScore(nu, square / (nu - 2)) : 0;
      }
      const memory = beta - 0.5 * (alpha * size + gamma * z);
      xMu = memory * xMu - (z < 0 ? gamma - alpha : gamma + alpha) * scale;
      xOmega = memory * xOmega + 1;
      xAlpha = memory * xAlpha + size - MEAN_ABSOLUTE_NORMAL;
      xGamma = memory * xGamma + z;
      xBeta = memory * xBeta + x;
    }
    x = omega + alpha * (size - MEAN_ABSOLUTE_NORMAL) + gamma * z + beta * x;
  }
  tails += Math.log(tailProduct);
  if (gradient !== undefined) {
    gradient[MU] = gMu;
    gradient[OMEGA] = gOmega;
    gradient[ALPHA] = gAlpha;
    gradient[GAMMA] = gGamma;
    gradient[BETA] = gBeta;
    gradient[NU] = isStudent ? nuDerivative(nu, n, tails, ratios) : 0;
  }
  return total(n, logs, isStudent, nu, squares, tails);
}

/** Σ of the log densities from Σ ln h, Σ z² (Gaussian) or Σ ln(1 + z²/(ν − 2)) (Student-t of unit variance). */
function total(
  n: number,
  logs: number,
  isStudent: boolean,
  nu: number,
  squares: number,
  tails: number,
): number {
  const value = isStudent
    ? n * (lnGamma((nu + 1) / 2) - lnGamma(nu / 2) - 0.5 * Math.log(Math.PI * (nu - 2))) -
      0.5 * logs -
      0.5 * (nu + 1) * tails
    : -0.5 * (n * Math.log(2 * Math.PI) + logs + squares);
  return Number.isFinite(value) ? value : Number.NEGATIVE_INFINITY;
}

/** Derivative of the log-likelihood of n observations by ν, from Σ ln(1 + q) and Σ q/(1 + q), q = z²/(ν − 2). */
const nuDerivative = (nu: number, n: number, tails: number, ratios: number): number =>
  (n / 2) * (digamma((nu + 1) / 2) - digamma(nu / 2) - 1 / (nu - 2)) -
  0.5 * tails +
  (0.5 * (nu + 1) * ratios) / (nu - 2);

const nuScore = (nu: number, q: number): number => nuDerivative(nu, 1, Math.log1p(q), q / (1 + q));

export function meanOf(x: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]!;
  return sum / x.length;
}
