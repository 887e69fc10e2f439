import { describe, expect, it } from "vitest";
import { erfcx, scaledNormalInterval } from "./normal.ts";

describe("erfcx", () => {
  it.each([
    // Abramowitz & Stegun, tables 7.1 and 7.2: erf(0.5), erf(1), erf(1.5).
    [0.5, Math.exp(0.25) * (1 - 0.5204998778)],
    [1, Math.exp(1) * (1 - 0.8427007929)],
    [1.5, Math.exp(2.25) * (1 - 0.9661051465)],
  ])("default: x = %f", (x, expected) => {
    expect(erfcx(x)).toBeCloseTo(expected, 8);
  });

  it("behaviour: series and continued fraction meet at 2", () => {
    expect(erfcx(2 - 1e-15)).toBeCloseTo(erfcx(2), 13);
  });

  it("behaviour: tends to 1/(x√π)", () => {
    expect(erfcx(1e8) * 1e8 * Math.sqrt(Math.PI)).toBeCloseTo(1, 12);
  });
});

describe("scaledNormalInterval", () => {
  it("default: Φ(1) − Φ(−1), and tails far out without underflow", () => {
    expect(scaledNormalInterval(0, -1, 1)).toBeCloseTo(0.682689492137086, 13);
    // e^{z²/2}·P(Z > z) ≈ 1/(z√2π)·(1 − 1/z²)
    const z = 60;
    const far = (1 - 1 / z ** 2 + 3 / z ** 4) / (z * Math.sqrt(2 * Math.PI));
    expect(scaledNormalInterval((z * z) / 2, z, Number.POSITIVE_INFINITY)).toBeCloseTo(far, 9);
    expect(scaledNormalInterval((z * z) / 2, Number.NEGATIVE_INFINITY, -z)).toBeCloseTo(far, 9);
  });
});
