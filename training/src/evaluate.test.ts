import { seededRandom } from "@ballast/data";
import { qlike } from "@ballast/model";
import { describe, expect, it } from "vitest";
import { brierScore, brierSkill, dieboldMariano, fitLogistic } from "./evaluate.ts";

describe("dieboldMariano", () => {
  it("default: without lag, the mean over its standard error, corrected for the sample", () => {
    // d = 1, 2, 3, 6: mean 3, variance 14/4; correction √((4 + 1 − 2)/4) at a horizon of one step.
    const { t, meanDifference, degrees } = dieboldMariano(Float64Array.of(1, 2, 3, 6), 0);
    expect(meanDifference).toBe(3);
    expect(degrees).toBe(3);
    expect(t).toBeCloseTo((3 / Math.sqrt(3.5 / 4)) * Math.sqrt(3 / 4), 12);
  });

  it("default: with lag, equals the quadratic form of Bartlett weights", () => {
    const random = seededRandom(2);
    const d = Float64Array.from({ length: 60 }, () => random.normal() + 0.3);
    const mean = d.reduce((s, x) => s + x, 0) / 60;
    const lag = 5;
    let variance = 0;
    for (let i = 0; i < 60; i++) {
      for (let j = 0; j < 60; j++) {
        const weight = Math.max(0, 1 - Math.abs(i - j) / (lag + 1));
        variance += (weight * (d[i]! - mean) * (d[j]! - mean)) / 60;
      }
    }
    const hln = Math.sqrt((60 + 1 - 2 * lag + (lag * (lag - 1)) / 60) / 60);
    expect(dieboldMariano(d, lag).t).toBeCloseTo((hln * mean) / Math.sqrt(variance / 60), 10);
  });

  it("behaviour: overlapping losses are less significant than independent ones; no difference is 0", () => {
    const random = seededRandom(4);
    const shocks = Float64Array.from({ length: 524 }, () => random.normal() + 0.1);
    const overlapping = Float64Array.from({ length: 500 }, (_, i) =>
      shocks.subarray(i, i + 24).reduce((s, x) => s + x / 24, 0),
    );
    expect(dieboldMariano(overlapping, 24).t).toBeLessThan(0.5 * dieboldMariano(overlapping, 0).t);
    expect(dieboldMariano(new Float64Array(10), 3).t).toBe(0);
  });

  it("behaviour: under equal accuracy |t| > 1.96 happens about one time in twenty", () => {
    const random = seededRandom(9);
    let rejected = 0;
    for (let trial = 0; trial < 400; trial++) {
      const d = Float64Array.from({ length: 300 }, () => random.normal());
      if (Math.abs(dieboldMariano(d, 2).t) > 1.96) rejected++;
    }
    // 20 expected, ± 4 standard deviations of a binomial.
    expect(rejected).toBeGreaterThan(3);
    expect(rejected).toBeLessThan(38);
  });
});

describe("QLIKE", () => {
  it.each([
    // log(m/2) − ψ(m/2)
    [12, 0.0856],
    [48, 0.021],
    [288, 0.0035],
  ])("behaviour: even the true variance scores the noise of %i returns", (m, floor) => {
    const random = seededRandom(m);
    const trials = Math.ceil(600_000 / m);
    let sum = 0;
    for (let i = 0; i < trials; i++) {
      let realised = 0;
      for (let k = 0; k < m; k++) realised += random.normal() ** 2 / m;
      sum += qlike(realised, 1);
    }
    // The losses are about exponential: four standard errors of their mean.
    expect(Math.abs(sum / trials - floor)).toBeLessThan((4 * 1.5 * floor) / Math.sqrt(trials) + 5e-5);
  });
});

describe("Brier", () => {
  it("default: mean squared error, and skill over the frequency", () => {
    const p = Float64Array.of(0.8, 0.4, 0.1, 0.1);
    const outcome = Uint8Array.of(1, 1, 0, 0);
    const score = (0.04 + 0.36 + 0.01 + 0.01) / 4;
    expect(brierScore(p, outcome)).toBeCloseTo(score, 14);
    expect(brierSkill(p, outcome)).toBeCloseTo(1 - score / 0.25, 14);
    expect(brierSkill(Float64Array.of(0.5, 0.5), Uint8Array.of(0, 1))).toBe(0);
    expect(brierSkill(Float64Array.of(0.5, 0.5), Uint8Array.of(0, 0))).toBe(0);
  });
});

describe("fitLogistic", () => {
  it("behaviour: recovers the law that made the outcomes", () => {
    const random = seededRandom(6);
    const x = Float64Array.from({ length: 40_000 }, () => 3 * random.normal() - 1);
    const outcome = Uint8Array.from(x, (v) =>
      random.uniform() < 1 / (1 + Math.exp(-(0.4 + 0.6 * v))) ? 1 : 0,
    );
    const { a, b } = fitLogistic(x, outcome);
    expect(Math.abs(a - 0.4)).toBeLessThan(0.06);
    expect(Math.abs(b - 0.6)).toBeLessThan(0.03);
  });

  it("behaviour: separable, constant and missing outcomes stay finite", () => {
    for (const outcome of [Uint8Array.of(0, 0, 1, 1), Uint8Array.of(0, 0, 0, 0), Uint8Array.of(1, 1, 1, 1)]) {
      const { a, b } = fitLogistic(Float64Array.of(-9, -5, 5, 9), outcome);
      expect(Number.isFinite(a) && Number.isFinite(b)).toBe(true);
    }
    expect(fitLogistic(new Float64Array(0), new Uint8Array(0))).toEqual({ a: 0, b: 1 });
  });
});
