import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { christoffersen, intervalCoverage, kupiec, toMisses } from "./coverage.ts";

describe("kupiec", () => {
  it.each([
    [4, 250, 0.01, 0.769138],
    [10, 250, 0.01, 12.955491],
    [20, 250, 0.05, 4.03952],
    // 2·(binom.logpmf(36, 250, 36/250) − binom.logpmf(36, 250, 0.1)), SciPy 1.17
    [36, 250, 0.1, 4.801066464190079],
    // 2·250·ln(1/0.99), and 2·5·ln(1/0.01)
    [0, 250, 0.01, -500 * Math.log(0.99)],
    [5, 5, 0.01, -10 * Math.log(0.01)],
    [25, 250, 0.1, 0],
  ])("default: %i misses of %i at %f", (misses, observations, rate, statistic) => {
    const test = kupiec(misses, observations, rate);
    expect(test.statistic).toBeCloseTo(statistic, 6);
    expect(test.degrees).toBe(1);
    expect(test.pValue < 0.05).toBe(statistic > 3.841459);
  });

  it.each([
    [-1, 10, 0.1],
    [11, 10, 0.1],
    [Number.NaN, 10, 0.1],
    [0, 0, 0.1],
    [1, 10, 0],
    [1, 10, 1],
  ])("error: %f misses of %f at %f", (misses, observations, rate) => {
    expect(() => kupiec(misses, observations, rate)).toThrowError(
      expect.objectContaining({ code: "OUT_OF_RANGE" }),
    );
  });
});

describe("christoffersen", () => {
  it("default: independence is the G-test of the table of transitions", () => {
    // scipy.stats.chi2_contingency([[188, 25], [26, 10]], lambda_="log-likelihood", correction=False)
    const misses = Uint8Array.from({ length: 250 }, (_, k) =>
      (k * 7919) % 100 < 9 || [3, 4].includes(k % 37) ? 1 : 0,
    );
    const { unconditional, independence, conditional } = christoffersen(misses, 0.1);
    expect(independence.statistic).toBeCloseTo(5.574308649226895, 11);
    expect(independence.pValue).toBeCloseTo(0.018225859161654326, 12);
    expect(unconditional).toEqual(kupiec(36, 250, 0.1));
    expect(conditional.statistic).toBeCloseTo(5.574308649226895 + 4.801066464190079, 10);
    expect(conditional.degrees).toBe(2);
    expect(conditional.pValue).toBeCloseTo(Math.exp(-(5.574308649226895 + 4.801066464190079) / 2), 12);
  });

  it("behaviour: without a miss, or with nothing else, independence stands", () => {
    for (const value of [0, 1]) {
      const { independence, conditional } = christoffersen(new Uint8Array(50).fill(value), 0.1);
      expect(independence).toEqual({ statistic: 0, degrees: 1, pValue: 1 });
      expect(Number.isFinite(conditional.statistic)).toBe(true);
    }
    const single = new Uint8Array(50);
    single[49] = 1;
    expect(christoffersen(single, 0.1).independence.pValue).toBeGreaterThan(0.5);
  });

  it("behaviour: clustered misses of the right number fail independence alone", () => {
    const misses = new Uint8Array(400).fill(1, 100, 140);
    const { unconditional, independence } = christoffersen(misses, 0.1);
    expect(unconditional.pValue).toBeCloseTo(1, 12);
    expect(independence.pValue).toBeLessThan(1e-20);
  });

  it("behaviour: right forecasts are rejected about one time in twenty", () => {
    const random = seededRandom(12);
    let rejected = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const misses = Uint8Array.from({ length: 500 }, () => (random.uniform() < 0.1 ? 1 : 0));
      if (christoffersen(misses, 0.1).conditional.pValue < 0.05) rejected++;
    }
    // 50 expected, ± 4 standard deviations of a binomial, and as much again for the chi-square limit.
    expect(rejected).toBeGreaterThan(25);
    expect(rejected).toBeLessThan(90);
  });

  it("error: fewer than two, or values that are neither 0 nor 1", () => {
    expect(() => christoffersen(new Uint8Array(1), 0.1)).toThrowError(
      expect.objectContaining({ code: "TOO_FEW_OBSERVATIONS", needed: 2 }),
    );
    expect(() => christoffersen(Uint8Array.of(0, 2), 0.1)).toThrowError(
      expect.objectContaining({ code: "OUT_OF_RANGE", value: 2 }),
    );
  });
});

describe("intervals", () => {
  const low = Float64Array.of(0, 0, 0, 0);
  const high = Float64Array.of(1, 1, 1, 0);

  it("default: the edge belongs to the interval", () => {
    const realised = Float64Array.of(-0.1, 0, 1, 0);
    expect([...toMisses(realised, low, high)]).toEqual([1, 0, 0, 0]);
    expect(intervalCoverage(realised, low, high)).toBe(0.75);
  });

  it("error: edges that cross, lengths that differ, NaN, nothing", () => {
    expect(() => toMisses(low, high, low)).toThrowError(expect.objectContaining({ code: "OUT_OF_RANGE" }));
    expect(() => toMisses(low, low, high.subarray(1))).toThrowError(
      expect.objectContaining({ code: "UNEQUAL_LENGTHS", length: 3, expected: 4 }),
    );
    expect(() => toMisses(Float64Array.of(Number.NaN), low, high)).toThrowError(
      expect.objectContaining({ code: "NON_FINITE_SAMPLE" }),
    );
    const nothing = new Float64Array(0);
    expect(() => intervalCoverage(nothing, nothing, nothing)).toThrowError(
      expect.objectContaining({ code: "TOO_FEW_OBSERVATIONS" }),
    );
  });
});
