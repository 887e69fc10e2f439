import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  calibrationCusum,
  cusum,
  featureStability,
  populationStability,
  twoSampleKolmogorovSmirnov,
} from "./stability.ts";

const normals = (seed: number, n: number, shift = 0) => {
  const random = seededRandom(seed);
  return Float64Array.from({ length: n }, () => random.normal() + shift);
};

describe("populationStability", () => {
  it("default: as NumPy", () => {
    // numpy.histogram of both between numpy.quantile(reference, [.1 … .9]), half a count added to each bin
    const reference = Float64Array.from({ length: 200 }, (_, i) => Math.sin(i * 1.1));
    const current = Float64Array.from({ length: 150 }, (_, i) => 0.4 + Math.sin(i * 0.7));
    expect(populationStability(reference, current)).toBeCloseTo(1.8411943716967287, 10);
    expect(populationStability(reference, reference)).toBe(0);
  });

  it("behaviour: (bins − 1)(1/n + 1/m) without a shift, and well above with one", () => {
    let sum = 0;
    for (let trial = 0; trial < 200; trial++) {
      sum += populationStability(normals(2 * trial, 500), normals(2 * trial + 1, 250)) / 200;
    }
    // 9·0.006 = 0.054; χ² with 9 degrees: ± 4·0.054·√(2/9)/√200.
    expect(Math.abs(sum - 0.054)).toBeLessThan(0.008);
    expect(populationStability(normals(1, 500), normals(2, 250, 0.6))).toBeGreaterThan(0.25);
  });

  it("behaviour: constants and values never seen stay finite", () => {
    const constant = new Float64Array(100).fill(3);
    // One edge, two bins: 100 and 50 values in the first, half a count added to each.
    const [r, c] = [0.5 / 101, 0.5 / 51];
    const half = (c - r) * Math.log(c / r) + (r - c) * Math.log((1 - c) / (1 - r));
    expect(populationStability(constant, constant.subarray(50))).toBeCloseTo(half, 14);
    expect(populationStability(constant, constant)).toBe(0);
    const moved = populationStability(constant, new Float64Array(100).fill(4));
    expect(Number.isFinite(moved) && moved > 5).toBe(true);
  });

  it("error: nothing, NaN, one bin", () => {
    const x = normals(1, 10);
    const codeOf = (code: string) => expect.objectContaining({ code });
    expect(() => populationStability(new Float64Array(0), x)).toThrowError(codeOf("TOO_FEW_OBSERVATIONS"));
    expect(() => populationStability(x, Float64Array.of(Number.NaN))).toThrowError(
      codeOf("NON_FINITE_SAMPLE"),
    );
    expect(() => populationStability(x, x, 1)).toThrowError(codeOf("OUT_OF_RANGE"));
  });
});

describe("featureStability", () => {
  it("default: the index of each column", () => {
    const reference = normals(1, 600);
    const current = normals(2, 300).map((x, i) => (i % 3 === 1 ? x + 2 : x));
    const column = (table: Float64Array, c: number) => table.filter((_, i) => i % 3 === c);
    const index = featureStability(reference, current, 3);
    expect([...index]).toEqual(
      [0, 1, 2].map((c) => populationStability(column(reference, c), column(current, c))),
    );
    expect(index.indexOf(Math.max(...index))).toBe(1);
  });

  it("error: a table that is no table, and no features", () => {
    const codeOf = (code: string) => expect.objectContaining({ code });
    expect(() => featureStability(normals(1, 9), normals(1, 10), 3)).toThrowError(codeOf("UNEQUAL_LENGTHS"));
    expect(() => featureStability(normals(1, 9), normals(1, 9), 0)).toThrowError(codeOf("OUT_OF_RANGE"));
  });
});

describe("twoSampleKolmogorovSmirnov", () => {
  it("default: as scipy.stats.ks_2samp, ties included", () => {
    const a = Float64Array.from({ length: 40 }, (_, i) => Math.sin(i * 1.7));
    const b = Float64Array.from(
      { length: 55 },
      (_, i) => Math.round((0.3 + 0.8 * Math.sin(i * 2.3)) * 10) / 10,
    );
    const { distance, pValue } = twoSampleKolmogorovSmirnov(a, b);
    expect(distance).toBeCloseTo(0.3, 12);
    // Exact 0.02405, asymptotic 0.02481.
    expect(Math.abs(pValue - 0.02405)).toBeLessThan(0.006);
  });

  it("behaviour: equals the largest gap over all points; equal samples have none", () => {
    const values = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(values, values, (xs, ys) => {
        const share = (v: number[], at: number) => v.filter((x) => x <= at).length / v.length;
        const gaps = [...xs, ...ys].map((at) => Math.abs(share(xs, at) - share(ys, at)));
        const { distance } = twoSampleKolmogorovSmirnov(Float64Array.from(xs), Float64Array.from(ys));
        expect(distance).toBeCloseTo(Math.max(...gaps), 12);
      }),
      { seed: 4, numRuns: 200 },
    );
    const x = normals(3, 50);
    expect(twoSampleKolmogorovSmirnov(x, x)).toEqual({ distance: 0, pValue: 1 });
  });

  it("error: nothing, NaN", () => {
    const x = normals(1, 10);
    expect(() => twoSampleKolmogorovSmirnov(x, new Float64Array(0))).toThrowError(
      expect.objectContaining({ code: "TOO_FEW_OBSERVATIONS" }),
    );
    expect(() => twoSampleKolmogorovSmirnov(Float64Array.of(Number.NaN), x)).toThrowError(
      expect.objectContaining({ code: "NON_FINITE_SAMPLE" }),
    );
  });
});

describe("cusum", () => {
  it("default: by hand", () => {
    const { up, down, alarm } = cusum(Float64Array.of(1, 2, -3, 4, 4), 0.5, 5);
    expect([...up]).toEqual([0.5, 2, 0, 3.5, 7]);
    expect([...down]).toEqual([0, 0, 2.5, 0, 0]);
    expect(alarm).toBe(4);
    expect(cusum(Float64Array.of(0.1, -0.1)).alarm).toBe(-1);
  });

  it.each([
    // Montgomery, Introduction to Statistical Quality Control, table 9.3: average run length at k = 0.5, h = 4
    [0, 168],
    [0.5, 26.6],
    [1, 8.38],
    [2, 3.34],
  ])("behaviour: a shift of %f deviations is found after %f observations on average", (shift, expected) => {
    const random = seededRandom(17);
    const trials = 1500;
    let sum = 0;
    let squares = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { alarm } = cusum(
        Float64Array.from({ length: shift === 0 ? 2000 : 300 }, () => random.normal() + shift),
        0.5,
        4,
      );
      expect(alarm).toBeGreaterThanOrEqual(0);
      sum += alarm + 1;
      squares += (alarm + 1) ** 2;
    }
    const average = sum / trials;
    const standardError = Math.sqrt((squares / trials - average ** 2) / trials);
    expect(Math.abs(average - expected)).toBeLessThan(4 * standardError + 0.005 * expected);
  });

  it("error: nothing, NaN, a negative allowance, no threshold", () => {
    const codeOf = (code: string) => expect.objectContaining({ code });
    expect(() => cusum(new Float64Array(0))).toThrowError(codeOf("TOO_FEW_OBSERVATIONS"));
    expect(() => cusum(Float64Array.of(Number.NaN))).toThrowError(codeOf("NON_FINITE_SAMPLE"));
    expect(() => cusum(Float64Array.of(1), -1)).toThrowError(codeOf("OUT_OF_RANGE"));
    expect(() => cusum(Float64Array.of(1), 0.5, 0)).toThrowError(codeOf("OUT_OF_RANGE"));
  });
});

describe("calibrationCusum", () => {
  it("default: steps are log likelihood ratios", () => {
    // Odds twice those of p = 0.2: probability 1/3. ln((1/3)/0.2) up, ln((2/3)/0.8) after that.
    const { up, down } = calibrationCusum(Float64Array.of(0.2, 0.2), Uint8Array.of(1, 0));
    expect(up[0]).toBeCloseTo(Math.log(1 / 3 / 0.2), 14);
    expect(up[1]).toBeCloseTo(Math.log(1 / 3 / 0.2) + Math.log(2 / 3 / 0.8), 14);
    // Half the odds: probability 1/9.
    expect(down[0]).toBe(0);
    expect(down[1]).toBeCloseTo(Math.log(8 / 9 / 0.8), 14);
  });

  it("behaviour: quiet while calibrated, alarmed soon after the odds double or halve", () => {
    const random = seededRandom(19);
    const change = 400;
    for (const factor of [1, 2.5, 0.4]) {
      let late = 0;
      let early = 0;
      const trials = 100;
      for (let trial = 0; trial < trials; trial++) {
        const p = Float64Array.from({ length: 900 }, () => 0.05 + 0.4 * random.uniform());
        const outcome = Uint8Array.from(p, (said, i) => {
          const odds = ((i < change ? 1 : factor) * said) / (1 - said);
          return random.uniform() < odds / (1 + odds) ? 1 : 0;
        });
        const { alarm } = calibrationCusum(p, outcome);
        if (alarm >= change) late++;
        else if (alarm >= 0) early++;
      }
      expect(early).toBeLessThan(0.35 * trials);
      if (factor === 1) expect(early + late).toBeLessThan(0.6 * trials);
      else expect(early + late).toBe(trials);
    }
  });

  it("behaviour: certainty that was right says nothing, that was wrong at most ln 2", () => {
    const right = calibrationCusum(Float64Array.of(0, 1), Uint8Array.of(0, 1));
    expect([...right.up, ...right.down]).toEqual([0, 0, 0, 0]);
    expect(calibrationCusum(Float64Array.of(0), Uint8Array.of(1)).up[0]).toBeCloseTo(Math.LN2, 14);
    expect(calibrationCusum(Float64Array.of(1), Uint8Array.of(0)).down[0]).toBeCloseTo(Math.LN2, 14);
  });

  it.each([
    ["nothing", [], [], 2, "TOO_FEW_OBSERVATIONS"],
    ["NaN", [Number.NaN], [1], 2, "NON_FINITE_SAMPLE"],
    ["a probability above 1", [1.5], [1], 2, "OUT_OF_RANGE"],
    ["an outcome of 3", [0.5], [3], 2, "OUT_OF_RANGE"],
    ["other lengths", [0.5], [1, 0], 2, "UNEQUAL_LENGTHS"],
    ["odds that do not change", [0.5], [1], 1, "OUT_OF_RANGE"],
  ])("error: %s", (_, p, outcome, oddsRatio, code) => {
    expect(() => calibrationCusum(Float64Array.from(p), Uint8Array.from(outcome), oddsRatio)).toThrowError(
      expect.objectContaining({ code }),
    );
  });
});
