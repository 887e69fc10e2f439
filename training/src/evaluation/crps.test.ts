import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crpsFromQuantiles, crpsFromSamples, crpsLogNormal, crpsNormal } from "./crps.ts";
import { normalCdf, normalQuantile } from "./distributions.ts";

/** ∫ (F(x) − 1{x ≥ y})² dx by the midpoint rule on either side of y. */
function integral(cdf: (x: number) => number, y: number, low: number, high: number): number {
  const steps = 200_000;
  const part = (from: number, to: number, offset: number) => {
    let sum = 0;
    const dx = (to - from) / steps;
    for (let i = 0; i < steps; i++) sum += (cdf(from + (i + 0.5) * dx) - offset) ** 2 * dx;
    return sum;
  };
  return part(low, y, 0) + part(y, high, 1);
}

describe("closed forms", () => {
  it.each([
    // properscoring 0.1: crps_gaussian(y, mean, deviation)
    [0, 0, 1, 0.23369497725510913],
    [1, 0, 1, 0.6024413576276163],
    [0.3, -0.2, 1.7, 0.45553015043880485],
  ])("default: normal, y = %f from N(%f, %f²)", (y, mean, deviation, expected) => {
    expect(crpsNormal(y, mean, deviation)).toBeCloseTo(expected, 13);
    expect(integral((x) => normalCdf((x - mean) / deviation), y, mean - 12, mean + 12)).toBeCloseTo(
      expected,
      8,
    );
  });

  it.each([
    // scipy.integrate.quad of lognorm.cdf² below y and lognorm.sf² above
    [1.5, 0.1, 0.6, 0.244992519356945],
    [0.2, 0.1, 0.6, 0.688446606289989],
    [4, -0.5, 1.1, 2.516397698222868],
  ])("default: log-normal, y = %f, ln N(%f, %f²)", (y, mu, sigma, expected) => {
    expect(crpsLogNormal(y, mu, sigma)).toBeCloseTo(expected, 11);
  });

  it("behaviour: without spread the absolute error, and nearly so with a little", () => {
    expect(crpsNormal(3, 1, 0)).toBe(2);
    expect(crpsNormal(3, 1, 1e-9)).toBeCloseTo(2, 8);
    expect(crpsLogNormal(3, 0, 0)).toBe(2);
    expect(crpsLogNormal(3, 0, 1e-9)).toBeCloseTo(2, 8);
    // y = 0 is the mean less the part of the spread: finite, though ln 0 is not.
    expect(crpsLogNormal(0, 0, 0.5)).toBeCloseTo(
      integral((x) => normalCdf(Math.log(x) / 0.5), 0, 0, 60),
      6,
    );
  });
});

describe("arguments", () => {
  it.each([
    ["y of NaN", Number.NaN, 0, 1, "NON_FINITE_SAMPLE"],
    ["a mean of NaN", 1, Number.NaN, 1, "NON_FINITE_SAMPLE"],
    ["a negative deviation", 1, 0, -1, "OUT_OF_RANGE"],
    ["a deviation of NaN", 1, 0, Number.NaN, "OUT_OF_RANGE"],
  ])("error: %s", (_, y, mean, deviation, code) => {
    for (const crps of [crpsNormal, crpsLogNormal]) {
      expect(() => crps(y, mean, deviation)).toThrowError(expect.objectContaining({ code }));
    }
  });

  it("error: a log-normal below 0; no sample; NaN for y", () => {
    const codeOf = (code: string) => expect.objectContaining({ code });
    const one = Float64Array.of(0.5);
    expect(() => crpsLogNormal(-1, 0, 1)).toThrowError(codeOf("OUT_OF_RANGE"));
    expect(() => crpsFromSamples(0, new Float64Array(0))).toThrowError(codeOf("TOO_FEW_OBSERVATIONS"));
    expect(() => crpsFromSamples(Number.NaN, one)).toThrowError(codeOf("NON_FINITE_SAMPLE"));
    expect(() => crpsFromQuantiles(Number.NaN, one, one)).toThrowError(codeOf("NON_FINITE_SAMPLE"));
  });
});

describe("crpsFromSamples", () => {
  const samples = Float64Array.of(0.3, -1.2, 2.5, 0.3, 0.9);

  it("default: as properscoring.crps_ensemble, ties included, order and input left alone", () => {
    expect(crpsFromSamples(0.5, samples)).toBeCloseTo(0.26, 13);
    expect(crpsFromSamples(-3, samples)).toBeCloseTo(2.92, 13);
    expect([...samples]).toEqual([0.3, -1.2, 2.5, 0.3, 0.9]);
    expect(crpsFromSamples(3, Float64Array.of(1))).toBe(2);
  });

  it("behaviour: equals the double sum over pairs, and is never negative", () => {
    const real = fc.integer({ min: -50, max: 50 });
    fc.assert(
      fc.property(real, fc.array(real, { minLength: 1, maxLength: 20 }), (y, xs) => {
        const m = xs.length;
        const distance = xs.reduce((sum, x) => sum + Math.abs(x - y), 0) / m;
        let spread = 0;
        for (const a of xs) for (const b of xs) spread += Math.abs(a - b) / (m * m);
        const score = crpsFromSamples(y, Float64Array.from(xs));
        expect(score).toBeCloseTo(distance - spread / 2, 9);
        expect(score).toBeGreaterThan(-1e-9);
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it("behaviour: many samples score as the law they come from", () => {
    const random = seededRandom(8);
    const draws = Float64Array.from({ length: 100_000 }, () => random.normal());
    expect(Math.abs(crpsFromSamples(1, draws) - 0.6024413576)).toBeLessThan(0.01);
  });
});

describe("crpsFromQuantiles", () => {
  const normal = (levels: Float64Array) => levels.map(normalQuantile);

  it("default: the median alone scores the absolute error", () => {
    expect(crpsFromQuantiles(3, Float64Array.of(0.5), Float64Array.of(1))).toBe(2);
  });

  it("behaviour: approaches the closed form as levels fill the unit interval", () => {
    const errors = [9, 99, 999, 9999].map((m) => {
      const levels = Float64Array.from({ length: m }, (_, i) => (i + 1) / (m + 1));
      return Math.abs(crpsFromQuantiles(1, levels, normal(levels)) - 0.6024413576276163);
    });
    expect(errors[3]).toBeLessThan(1e-5);
    for (let i = 1; i < errors.length; i++) expect(errors[i]).toBeLessThan(errors[i - 1]! / 3);
  });

  it.each([
    ["levels that do not ascend", [0.5, 0.5], [0, 1], "OUT_OF_RANGE"],
    ["a level of 1", [0.5, 1], [0, 1], "OUT_OF_RANGE"],
    ["a level of 0", [0, 0.5], [0, 1], "OUT_OF_RANGE"],
    ["quantiles that cross", [0.1, 0.9], [1, 0], "OUT_OF_RANGE"],
    ["a quantile too few", [0.1, 0.9], [1], "UNEQUAL_LENGTHS"],
    ["no quantile", [], [], "TOO_FEW_OBSERVATIONS"],
    ["NaN", [0.1, 0.9], [0, Number.NaN], "NON_FINITE_SAMPLE"],
  ])("error: %s", (_, levels, quantiles, code) => {
    expect(() => crpsFromQuantiles(0, Float64Array.from(levels), Float64Array.from(quantiles))).toThrowError(
      expect.objectContaining({ code }),
    );
  });
});
