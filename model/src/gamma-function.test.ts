import { describe, expect, it } from "vitest";
import { digamma, lnGamma } from "./gamma-function.ts";

describe("gamma function", () => {
  it("default: ln Γ and ψ at values known in closed form (Abramowitz & Stegun 6.1.8, 6.3.2-6.3.4)", () => {
    const euler = 0.5772156649015329;
    expect(lnGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 13);
    expect(lnGamma(1)).toBeCloseTo(0, 13);
    expect(lnGamma(12)).toBeCloseTo(Math.log(39916800), 12); // 11!
    expect(digamma(1)).toBeCloseTo(-euler, 13);
    expect(digamma(0.5)).toBeCloseTo(-euler - 2 * Math.LN2, 13);
    expect(digamma(11)).toBeCloseTo(-euler + 7381 / 2520, 13); // −γ + Σ 1/k, k = 1 … 10
  });
});
