import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { dieboldMariano } from "./dieboldmariano.ts";

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
