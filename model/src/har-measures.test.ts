import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { BadIntradayReturnError, realisedMeasures, UnevenPeriodsError } from "./har-measures.ts";

describe("realised measures", () => {
  it("default: worked by hand", () => {
    const m = realisedMeasures(Float64Array.of(1, -2, 3, 0, 0, 4), 3);
    expect(Array.from(m.rv)).toEqual([14, 16]); // 1 + 4 + 9; 16
    expect(Array.from(m.rsPlus)).toEqual([10, 16]);
    expect(Array.from(m.rsMinus)).toEqual([4, 0]);
    expect(m.bv[0]).toBeCloseTo((Math.PI / 2) * (3 / 2) * (1 * 2 + 2 * 3), 12);
    expect(m.bv[1]).toBe(0);
    expect(m.rq[0]).toBeCloseTo(1 + 16 + 81, 12); // 3/3 · Σ r⁴
    expect(m.jump[0]).toBe(0); // 14 − 18.8 < 0
    expect(m.jump[1]).toBe(16);
  });

  it("behaviour: estimates variance and quarticity of a diffusion, and bv leaves a jump out", () => {
    const random = seededRandom(2);
    const n = 200;
    const sigma = 0.02;
    const periods = 400;
    const returns = Float64Array.from(
      { length: n * periods },
      (_, i) => (random.normal() * sigma) / Math.sqrt(n) + (i % n === 77 ? 0.05 : 0),
    );
    const m = realisedMeasures(returns, n);
    const mean = (x: Float64Array) => x.reduce((s, v) => s + v, 0) / periods;
    expect(mean(m.rv) / (sigma ** 2 + 0.05 ** 2)).toBeCloseTo(1, 1);
    // What reaches bv of a jump are its two products with the neighbours: π/2 · 2 · 0.05 · E|r|.
    const leak = (Math.PI / 2) * 2 * 0.05 * Math.sqrt(2 / Math.PI) * (sigma / Math.sqrt(n));
    expect(mean(m.bv) / (sigma ** 2 + leak)).toBeCloseTo(1, 1);
    const calm = realisedMeasures(
      returns.filter((_, i) => i % n !== 77),
      n - 1,
    );
    expect(mean(calm.rq) / sigma ** 4).toBeCloseTo(1, 1);
    expect(mean(calm.bv) / mean(calm.rv)).toBeCloseTo(1, 1);
  });

  it("error: periods that are not whole, and a missing return", () => {
    expect(() => realisedMeasures(new Float64Array(7), 3)).toThrow(UnevenPeriodsError);
    expect(() => realisedMeasures(new Float64Array(7), 1)).toThrow(UnevenPeriodsError);
    expect(() => realisedMeasures(Float64Array.of(1, Number.NaN), 2)).toThrow(BadIntradayReturnError);
  });
});
