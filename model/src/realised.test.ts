import { describe, expect, it } from "vitest";
import { parkinsonVariance, qlike, realisedVariance } from "./realised.ts";

describe("qlike", () => {
  it("default: y/f − ln(y/f) − 1", () => {
    expect(qlike(2, 1)).toBeCloseTo(0.306852819, 9); // 2 − ln 2 − 1
    expect(qlike(1, 2)).toBeCloseTo(0.193147181, 9); // ½ + ln 2 − 1
    expect(qlike(0.3, 0.3)).toBe(0);
  });
});

describe("realised measures", () => {
  it("default: squared log returns of the bars after `from`", () => {
    const close = Float64Array.of(100, 110, 99, 99);
    expect(realisedVariance(close, 0, 3)).toBeCloseTo(Math.log(1.1) ** 2 + Math.log(0.9) ** 2, 15);
    expect(realisedVariance(close, 2, 3)).toBe(0);
  });

  it("default: Parkinson's range, both ends included", () => {
    // ln(e^0.1)² / (4 ln 2) each.
    const high = Float64Array.of(Math.exp(0.1), Math.exp(0.1));
    expect(parkinsonVariance(high, Float64Array.of(1, 1), 0, 1)).toBeCloseTo((2 * 0.01) / (4 * Math.LN2), 15);
  });
});
