import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import {
  type BootstrapOptions,
  bootstrapDeviations,
  bootstrapInterval,
  drawBlocks,
  optimalMeanBlock,
} from "./bootstrap.ts";
import { longRunVariance } from "./hac.ts";

const options = (seed: number, meanBlock: number, resamples = 500): BootstrapOptions => ({
  random: seededRandom(seed),
  meanBlock,
  resamples,
});

function autoregression(seed: number, n: number, rho: number): Float64Array {
  const random = seededRandom(seed);
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) x[i] = rho * (x[i - 1] ?? 0) + random.normal();
  return x;
}

describe("drawBlocks", () => {
  it("behaviour: blocks fill n times, start anywhere, and are of geometric length", () => {
    const random = seededRandom(1);
    const n = 1000;
    const lengths: number[] = [];
    let starts = 0;
    for (let trial = 0; trial < 200; trial++) {
      const drawn: number[] = [];
      drawBlocks(n, 10, random, (start, length) => {
        drawn.push(length);
        starts += start;
        expect(start >= 0 && start < n && length >= 1).toBe(true);
      });
      expect(drawn.reduce((sum, l) => sum + l, 0)).toBe(n);
      // The last block is cut to fit.
      lengths.push(...drawn.slice(0, -1));
    }
    const average = lengths.reduce((sum, l) => sum + l, 0) / lengths.length;
    const ones = lengths.filter((l) => l === 1).length / lengths.length;
    // About 20,000 blocks: mean 10 ± 4·9.5/√20,000, a tenth of them of length 1 ± 4·√(0.09/20,000).
    expect(Math.abs(average - 10)).toBeLessThan(0.3);
    expect(Math.abs(ones - 0.1)).toBeLessThan(0.009);
    expect(Math.abs(starts / (lengths.length + 200) - 499.5)).toBeLessThan(10);
  });

  it("behaviour: a mean block of 1 draws single times", () => {
    drawBlocks(50, 1, seededRandom(2), (_, length) => expect(length).toBe(1));
  });
});

describe("bootstrapDeviations", () => {
  it("default: equals the means of the resampled values, all series at the same times", () => {
    const a = autoregression(3, 40, 0.5);
    const b = a.map((x, i) => x * x + i);
    const meanOf = (x: Float64Array) => x.reduce((sum, v) => sum + v, 0) / x.length;
    const deviations = bootstrapDeviations([a, b], options(7, 6, 25));
    const twin = seededRandom(7);
    for (let r = 0; r < 25; r++) {
      let sumA = 0;
      let sumB = 0;
      drawBlocks(40, 6, twin, (start, length) => {
        for (let i = start; i < start + length; i++) {
          sumA += a[i % 40]!;
          sumB += b[i % 40]!;
        }
      });
      expect(deviations[2 * r]).toBeCloseTo(sumA / 40 - meanOf(a), 12);
      expect(deviations[2 * r + 1]).toBeCloseTo(sumB / 40 - meanOf(b), 11);
    }
  });

  it("behaviour: its variance is the long-run variance with the weights of Politis & Romano (1994, lemma 1)", () => {
    const n = 300;
    const x = autoregression(4, n, 0.7);
    const centre = x.reduce((sum, v) => sum + v / n, 0);
    const covariance = (k: number) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += ((x[i]! - centre) * (x[(i + k) % n]! - centre)) / n;
      return sum;
    };
    // Circular covariances, each weighted (1 − k/n)(1 − p)^k + (k/n)(1 − p)^(n − k).
    let expected = covariance(0);
    for (let k = 1; k < n; k++) expected += 2 * (1 - k / n) * 0.9 ** k * covariance(k);
    const deviations = bootstrapDeviations([x], options(5, 10, 20_000));
    const variance = deviations.reduce((sum, d) => sum + d * d, 0) / 20_000;
    // Four standard errors of a variance: 4·√(2/20,000).
    expect(Math.abs((n * variance) / expected - 1)).toBeLessThan(0.04);
    expect(expected).toBeGreaterThan(2 * longRunVariance(x, 0));
  });

  it.each([
    ["no series", [], 2, 10, "OUT_OF_RANGE"],
    ["a single value", [[1]], 1, 10, "TOO_FEW_OBSERVATIONS"],
    ["NaN", [[1, Number.NaN]], 1, 10, "NON_FINITE_SAMPLE"],
    [
      "unequal lengths",
      [
        [1, 2],
        [1, 2, 3],
      ],
      1,
      10,
      "UNEQUAL_LENGTHS",
    ],
    ["a block below one", [[1, 2]], 0.5, 10, "OUT_OF_RANGE"],
    ["a block beyond the sample", [[1, 2]], 3, 10, "OUT_OF_RANGE"],
    ["no resample", [[1, 2]], 1, 0, "OUT_OF_RANGE"],
  ])("error: %s", (_, series, meanBlock, resamples, code) => {
    const arrays = series.map((values) => Float64Array.from(values));
    expect(() => bootstrapDeviations(arrays, options(1, meanBlock, resamples))).toThrowError(
      expect.objectContaining({ code }),
    );
  });
});

describe("bootstrapInterval", () => {
  const average = (means: Float64Array) => means[0]!;

  it("behaviour: the same seed gives the same bits, another seed others", () => {
    const x = autoregression(6, 100, 0.2);
    const first = bootstrapInterval([x], average, 0.9, options(1, 4));
    expect(bootstrapInterval([x], average, 0.9, options(1, 4))).toEqual(first);
    expect(bootstrapInterval([x], average, 0.9, options(2, 4)).low).not.toBe(first.low);
    expect(first.low).toBeLessThan(first.estimate);
    expect(first.high).toBeGreaterThan(first.estimate);
  });

  it("behaviour: 90 % of intervals hold the true mean of correlated data, if blocks are long enough", () => {
    const trials = 200;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const x = autoregression(1000 + trial, 400, 0.6);
      const { low, high } = bootstrapInterval([x], average, 0.9, options(trial, 25, 200));
      if (low <= 0 && high >= 0) held++;
    }
    // A little below 90 % in finite samples; 180 ± 4·√(200·0.09).
    expect(held).toBeGreaterThan(160);
    expect(held).toBeLessThan(197);
    // Points taken one by one forget the correlation, which doubles the deviation of the mean: √((1 + ρ)/(1 − ρ)).
    const x = autoregression(7, 2000, 0.6);
    const errorOf = (block: number) => bootstrapInterval([x], average, 0.9, options(1, block)).standardError;
    expect(errorOf(1)).toBeLessThan(0.65 * errorOf(40));
  });

  it("default: a ratio of means resamples both together; a constant series has no width", () => {
    const x = autoregression(8, 200, 0.3).map((v) => v * v + 1);
    const ratio = (means: Float64Array) => means[0]! / means[1]!;
    const { estimate, low, high, standardError } = bootstrapInterval(
      [x.map((v) => 0.8 * v), x],
      ratio,
      0.95,
      options(3, 5),
    );
    for (const value of [estimate, low, high]) expect(value).toBeCloseTo(0.8, 12);
    expect(standardError).toBeLessThan(1e-12);
    const constant = bootstrapInterval([new Float64Array(20).fill(7)], average, 0.95, options(3, 5));
    expect(constant).toEqual({ estimate: 7, low: 7, high: 7, standardError: 0 });
  });

  it("error: a level of 1, and a statistic that is not finite", () => {
    const x = new Float64Array(20);
    expect(() => bootstrapInterval([x], average, 1, options(1, 2))).toThrowError(
      expect.objectContaining({ code: "OUT_OF_RANGE" }),
    );
    expect(() => bootstrapInterval([x], (means) => 0 / means[0]!, 0.9, options(1, 2))).toThrowError(
      expect.objectContaining({ code: "NON_FINITE_SAMPLE" }),
    );
  });
});

describe("optimalMeanBlock", () => {
  const shocks = Float64Array.from({ length: 400 }, (_, i) => Math.sin(i * i * 0.37));

  it("default: near arch.bootstrap.optimal_block_length", () => {
    const x = new Float64Array(400);
    for (let t = 1; t < 400; t++) x[t] = 0.8 * x[t - 1]! + shocks[t]!;
    // arch 8.0, stationary. Its run of insignificant lags begins one lag before that of the paper, which shows where
    // the correlation dies slowly; with the paper's lags its formula gives 13.749555515283031.
    expect(Math.abs(optimalMeanBlock(x) / 13.627135528503224 - 1)).toBeLessThan(0.01);
    expect(optimalMeanBlock(x)).toBeCloseTo(13.749555515283031, 9);
    expect(optimalMeanBlock(shocks) / 1.5122765381244363).toBeCloseTo(1, 6);
  });

  it("behaviour: grows with the correlation, never below 1 or beyond its bound", () => {
    const [none, some, much] = [0, 0.5, 0.95].map((rho) => optimalMeanBlock(autoregression(11, 2000, rho)));
    expect(none).toBeLessThan(some!);
    expect(some).toBeLessThan(much!);
    expect(optimalMeanBlock(new Float64Array(50))).toBe(1);
    for (const n of [10, 30, 100, 400]) {
      const block = optimalMeanBlock(Float64Array.from({ length: n }, (_, i) => i));
      expect(block).toBeGreaterThan(n / 15);
      expect(block).toBeLessThanOrEqual(Math.ceil(Math.min(3 * Math.sqrt(n), n / 3)));
    }
  });

  it("error: fewer than ten values, or NaN", () => {
    expect(() => optimalMeanBlock(new Float64Array(9))).toThrowError(
      expect.objectContaining({ code: "TOO_FEW_OBSERVATIONS", count: 9, needed: 10 }),
    );
    expect(() => optimalMeanBlock(new Float64Array(20).fill(Number.NaN))).toThrowError(
      expect.objectContaining({ code: "NON_FINITE_SAMPLE" }),
    );
  });
});
