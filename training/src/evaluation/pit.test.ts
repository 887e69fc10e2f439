import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { normalCdf, normalQuantile } from "./distributions.ts";
import { berkowitz, kolmogorovSmirnov, pitFromQuantiles, pitFromSamples, pitHistogram } from "./pit.ts";

const GOLDEN = 0.618033988749895;
const uniforms = (seed: number, n: number) => {
  const random = seededRandom(seed);
  return Float64Array.from({ length: n }, () => random.uniform());
};

describe("PIT of a forecast", () => {
  const levels = Float64Array.of(0.1, 0.5, 0.9);
  const quantiles = Float64Array.of(-1, 0, 2);

  it("default: linear between quantiles, their level on them", () => {
    const random = seededRandom(1);
    const pit = (y: number) => pitFromQuantiles(y, levels, quantiles, random);
    expect([-1, 0, 2].map(pit)).toEqual([0.1, 0.5, 0.9]);
    expect(pit(1)).toBeCloseTo(0.7, 14);
    expect(pit(-0.75)).toBeCloseTo(0.2, 14);
  });

  it("behaviour: anywhere below the lowest level, above the highest, and within a jump", () => {
    const random = seededRandom(2);
    const flat = Float64Array.of(0, 0, 2);
    for (let i = 0; i < 50; i++) {
      const low = pitFromQuantiles(-5, levels, quantiles, random);
      const high = pitFromQuantiles(5, levels, quantiles, random);
      const jump = pitFromQuantiles(0, levels, flat, random);
      expect(low >= 0 && low < 0.1).toBe(true);
      expect(high >= 0.9 && high < 1).toBe(true);
      expect(jump >= 0.1 && jump < 0.5).toBe(true);
    }
  });

  it("behaviour: uniform for right forecasts, from quantiles and from samples with ties", () => {
    const random = seededRandom(3);
    const many = Float64Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
    const ofMany = many.map(normalQuantile);
    const fromQuantiles = new Float64Array(4000);
    const fromSamples = new Float64Array(4000);
    const die = () => random.integer(6);
    for (let i = 0; i < 4000; i++) {
      fromQuantiles[i] = pitFromQuantiles(random.normal(), many, ofMany, random);
      const samples = Float64Array.from({ length: 20 }, die);
      fromSamples[i] = pitFromSamples(die(), samples, random);
    }
    expect(kolmogorovSmirnov(fromQuantiles).pValue).toBeGreaterThan(0.001);
    expect(kolmogorovSmirnov(fromSamples).pValue).toBeGreaterThan(0.001);
    expect(pitHistogram(fromSamples, 20).test.pValue).toBeGreaterThan(0.001);
  });

  it("error: no samples, NaN realised", () => {
    const random = seededRandom(4);
    expect(() => pitFromSamples(0, new Float64Array(0), random)).toThrowError(
      expect.objectContaining({ code: "TOO_FEW_OBSERVATIONS" }),
    );
    expect(() => pitFromSamples(Number.NaN, levels, random)).toThrowError(
      expect.objectContaining({ code: "NON_FINITE_SAMPLE" }),
    );
    expect(() => pitFromQuantiles(Number.NaN, levels, quantiles, random)).toThrowError(
      expect.objectContaining({ code: "NON_FINITE_SAMPLE" }),
    );
  });
});

describe("uniformity", () => {
  const bent = Float64Array.from({ length: 30 }, (_, i) => ((i * GOLDEN) % 1) ** 1.3);

  it("default: distance as scipy.stats.kstest, its exact p-value within 0.001", () => {
    const { distance, pValue } = kolmogorovSmirnov(bent);
    expect(distance).toBeCloseTo(0.13438149554835438, 12);
    expect(Math.abs(pValue - 0.6033814560409321)).toBeLessThan(0.001);
  });

  it("default: histogram as numpy.histogram and scipy.stats.chisquare; 1 falls into the last bin", () => {
    const { counts, test } = pitHistogram(bent, 5);
    expect([...counts]).toEqual([9, 6, 5, 5, 5]);
    expect(test.statistic).toBeCloseTo(2, 12);
    expect(test.pValue).toBeCloseTo(0.7357588823428847, 12);
    expect([...pitHistogram(Float64Array.of(0, 1, 1), 2).counts]).toEqual([1, 2]);
  });

  it("behaviour: too narrow, too wide and shifted forecasts are told", () => {
    const random = seededRandom(6);
    const truth = Float64Array.from({ length: 2000 }, () => random.normal());
    for (const wrong of [(y: number) => 1.3 * y, (y: number) => y / 1.3, (y: number) => y + 0.2]) {
      const pit = truth.map((y) => normalCdf(wrong(y)));
      expect(kolmogorovSmirnov(pit).pValue).toBeLessThan(1e-3);
      expect(pitHistogram(pit, 10).test.pValue).toBeLessThan(1e-4);
      expect(berkowitz(pit).joint.pValue).toBeLessThan(1e-6);
    }
    expect(kolmogorovSmirnov(truth.map(normalCdf)).pValue).toBeGreaterThan(0.001);
  });

  it("behaviour: ties, all values equal", () => {
    expect(kolmogorovSmirnov(new Float64Array(10).fill(0.5)).distance).toBe(0.5);
    expect(kolmogorovSmirnov(new Float64Array(10)).pValue).toBeLessThan(1e-8);
  });

  it.each([
    ["nothing", [], "TOO_FEW_OBSERVATIONS"],
    ["NaN", [0.5, 0.5, 0.5, Number.NaN], "NON_FINITE_SAMPLE"],
    ["beyond 1", [0.5, 0.5, 0.5, 1.1], "OUT_OF_RANGE"],
    ["below 0", [0.5, 0.5, 0.5, -0.1], "OUT_OF_RANGE"],
  ])("error: %s", (_, values, code) => {
    const pit = Float64Array.from(values);
    for (const test of [kolmogorovSmirnov, berkowitz, (u: Float64Array) => pitHistogram(u, 4)]) {
      expect(() => test(pit)).toThrowError(expect.objectContaining({ code }));
    }
    expect(() => pitHistogram(Float64Array.of(0.5), 1)).toThrowError(
      expect.objectContaining({ code: "OUT_OF_RANGE" }),
    );
  });
});

describe("berkowitz", () => {
  it("default: as the likelihood maximised by scipy.optimize.minimize", () => {
    // z = scipy.stats.norm.ppf((arange(30) * 0.618033988749895 + 0.05) % 1); Nelder-Mead over constant, ρ and ln σ
    const pit = Float64Array.from({ length: 30 }, (_, i) => (i * GOLDEN + 0.05) % 1);
    const { joint, independence } = berkowitz(pit);
    expect(joint.statistic).toBeCloseTo(3.56326994027922, 8);
    expect(independence.statistic).toBeCloseTo(3.1076334480560632, 8);
    expect([joint.degrees, independence.degrees]).toEqual([3, 1]);
  });

  it("behaviour: right forecasts are rejected about one time in twenty, correlated ones found", () => {
    let rejected = 0;
    for (let trial = 0; trial < 600; trial++) {
      if (berkowitz(uniforms(trial, 300)).joint.pValue < 0.05) rejected++;
    }
    // 30 expected, ± 4 standard deviations of a binomial.
    expect(rejected).toBeGreaterThan(8);
    expect(rejected).toBeLessThan(52);

    const random = seededRandom(5);
    let z = 0;
    const correlated = Float64Array.from({ length: 300 }, () => {
      z = 0.4 * z + Math.sqrt(1 - 0.16) * random.normal();
      return normalCdf(z);
    });
    expect(berkowitz(correlated).independence.pValue).toBeLessThan(1e-4);
  });

  it("behaviour: 0 and 1 stay finite; a PIT that never varies is refused for certain", () => {
    expect(Number.isFinite(berkowitz(Float64Array.of(0, 1, 0.5, 0.2, 0.9)).joint.statistic)).toBe(true);
    const { joint, independence } = berkowitz(new Float64Array(20).fill(0.4));
    expect(joint).toEqual({ statistic: Number.POSITIVE_INFINITY, degrees: 3, pValue: 0 });
    expect(independence).toEqual({ statistic: 0, degrees: 1, pValue: 1 });
  });
});
