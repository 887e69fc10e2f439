import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  chiSquareSurvival,
  kolmogorovSurvival,
  normalCdf,
  normalQuantile,
  studentTTwoSided,
  toChiSquareTest,
} from "./distributions.ts";

const relative = (value: number, expected: number) => Math.abs(value / expected - 1);

describe("tails, to ten digits of SciPy 1.17", () => {
  it.each([
    // scipy.stats.chi2.sf(x, k)
    [3.841458820694124, 1, 0.04999999999999989],
    [0.769138, 1, 0.3804838510763735],
    [12.955491, 1, 0.00031898451883797835],
    [30, 3, 1.3800570312932553e-6],
    [400, 2, 1.383896526736753e-87],
    [0.01, 5, 0.9999994699729957],
    [100, 200, 0.9999999996799934],
  ])("default: P(χ² > %f), %i degrees", (x, degrees, expected) => {
    expect(relative(chiSquareSurvival(x, degrees), expected)).toBeLessThan(1e-12);
  });

  it.each([
    // 2 * scipy.stats.t.sf(abs(t), k)
    [0.001, 10, 0.999221783374741],
    [1.96, 5, 0.10728795250529416],
    [2.5, 30, 0.01811564906806669],
    [-3.3, 1000, 0.00100099672500209],
    [8, 100_000, 1.2573919876256345e-15],
    [40, 7, 1.5902179984850364e-9],
    [0.001, 100_000, 0.9992021175668879],
    [0.5, 1, 0.7048327646991335],
    [30, 5000, 5.691658117861631e-182],
  ])("default: P(|T| > |%f|), %i degrees", (t, degrees, expected) => {
    expect(relative(studentTTwoSided(t, degrees), expected)).toBeLessThan(1e-10);
  });

  it.each([
    // scipy.stats.norm.cdf(z)
    [-37, 5.7255712225239266e-300],
    [-8, 6.22096057427174e-16],
    [-1.96, 0.024997895148220435],
    [0.3, 0.6179114221889526],
    [6, 0.9999999990134123],
  ])("default: P(Z ≤ %f), and back", (z, expected) => {
    expect(relative(normalCdf(z), expected)).toBeLessThan(1e-12);
    // Above the middle the probability itself keeps fewer digits of z.
    if (z <= 0.3) expect(normalQuantile(normalCdf(z))).toBeCloseTo(z, 10);
  });

  it("default: t with 1 and 2 degrees, closed forms", () => {
    for (const t of [0.01, 0.5, 1, 3, 50, 1e4]) {
      expect(relative(studentTTwoSided(t, 1), (2 / Math.PI) * Math.atan(1 / t))).toBeLessThan(1e-12);
      const r = Math.sqrt(2 + t * t);
      expect(relative(studentTTwoSided(t, 2), 2 / (r * (r + t)))).toBeLessThan(1e-12);
    }
  });

  it("default: χ² with an even number of degrees is a Poisson sum", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 300, noNaN: true }),
        fc.integer({ min: 1, max: 30 }),
        (x, m) => {
          let term = Math.exp(-x / 2);
          let sum = term;
          for (let k = 1; k < m; k++) {
            term *= x / 2 / k;
            sum += term;
          }
          expect(relative(chiSquareSurvival(x, 2 * m), sum)).toBeLessThan(1e-11);
        },
      ),
      { seed: 1, numRuns: 300 },
    );
  });

  it("behaviour: limits are limits, not NaN", () => {
    expect(chiSquareSurvival(0, 3)).toBe(1);
    expect(chiSquareSurvival(Number.POSITIVE_INFINITY, 3)).toBe(0);
    expect(studentTTwoSided(0, 9)).toBe(1);
    expect(studentTTwoSided(Number.NEGATIVE_INFINITY, 9)).toBe(0);
    expect(studentTTwoSided(1e200, 9)).toBe(0);
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
    expect(toChiSquareTest(-1e-16, 1)).toEqual({ statistic: 0, degrees: 1, pValue: 1 });
  });
});

describe("kolmogorovSurvival", () => {
  it.each([
    // scipy.stats.kstwo.sf(d, n), the exact law
    [0.3, 10, 0.27053557479999946, 0.0025],
    [0.15, 50, 0.19026366518248072, 3e-4],
    [0.1, 100, 0.2526927570063874, 2e-4],
    [0.05, 100, 0.9532159710635725, 2e-4],
    [0.03, 1000, 0.3226902143914636, 3e-5],
    [0.05, 1000, 0.013012074781090332, 3e-5],
    [0.002, 1000, 1, 1e-9],
  ])("default: P(D > %f) of %i draws", (d, n, expected, tolerance) => {
    expect(Math.abs(kolmogorovSurvival(d, n) - expected)).toBeLessThan(tolerance);
  });

  it("behaviour: its two series meet, and it never rises", () => {
    const n = 1e12;
    const at = (x: number) => kolmogorovSurvival(x / Math.sqrt(n), n);
    expect(at(1 - 1e-6)).toBeCloseTo(at(1 + 1e-6), 5);
    // The 5 % point of Kolmogorov's distribution (Smirnov 1948).
    expect(at(1.3580986393)).toBeCloseTo(0.05, 6);
    for (let x = 0.02; x < 4; x += 0.02) expect(at(x)).toBeLessThanOrEqual(at(x - 0.02));
    expect(kolmogorovSurvival(0, 5)).toBe(1);
  });
});
