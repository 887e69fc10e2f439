import betainc from "@stdlib/math-base-special-betainc";
import erfc from "@stdlib/math-base-special-erfc";
import erfcinv from "@stdlib/math-base-special-erfcinv";
import gammainc from "@stdlib/math-base-special-gammainc";

/** A test statistic with the distribution it has under the null hypothesis. */
export interface ChiSquareTest {
  readonly statistic: number;
  readonly degrees: number;
  /** Probability of a statistic at least as large under the null hypothesis. */
  readonly pValue: number;
}

/** Density of the standard normal distribution. */
export const normalDensity = (z: number): number => Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);

/** P(Z ≤ z) of a standard normal Z, accurate in both tails. */
export const normalCdf = (z: number): number => 0.5 * erfc(-z * Math.SQRT1_2);

/** The z with P(Z ≤ z) = p; −∞ at 0 and ∞ at 1. */
export const normalQuantile = (p: number): number => -Math.SQRT2 * erfcinv(2 * p);

/** P(X > x) of a chi-square X with `degrees` > 0; 1 for x ≤ 0. */
export function chiSquareSurvival(x: number, degrees: number): number {
  if (x <= 0) return 1;
  return x === Number.POSITIVE_INFINITY ? 0 : gammainc(x / 2, degrees / 2, true, true);
}

/** A likelihood ratio or Wald statistic, which rounding may have left a little below zero, with its p-value. */
export function toChiSquareTest(statistic: number, degrees: number): ChiSquareTest {
  const clipped = Math.max(0, statistic);
  return { statistic: clipped, degrees, pValue: chiSquareSurvival(clipped, degrees) };
}

/** P(|T| > |t|) of a Student T with `degrees` > 0 (Abramowitz & Stegun 26.7.1), from the side that keeps digits. */
export function studentTTwoSided(t: number, degrees: number): number {
  const square = t * t;
  return square < degrees
    ? betainc(square / (degrees + square), 0.5, degrees / 2, true, true)
    : betainc(degrees / (degrees + square), degrees / 2, 0.5, true, false);
}

/**
 * P(D > d) of the Kolmogorov-Smirnov distance D between the uniform distribution and n draws from it:
 * Kolmogorov's limit (1933) at the argument corrected for n by Vrbik (2018), within 0.0025 of the
 * exact law for n = 10, 0.0003 for n = 50 and 0.00003 for n = 1000.
 */
export function kolmogorovSurvival(d: number, n: number): number {
  if (d <= 0) return 1;
  const limit = Math.sqrt(n) * d;
  const x = limit + 1 / (6 * Math.sqrt(n)) + (limit - 1) / (4 * n);
  // Jacobi's identity turns the slow end of one series into the fast end of the other.
  if (x < 1) {
    let sum = 0;
    for (let k = 1; k <= 9; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  let sum = 0;
  for (let k = 1; k <= 8; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return sum;
}
