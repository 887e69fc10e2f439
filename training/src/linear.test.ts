import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { fitLinear, type Sample } from "./linear.ts";

/** Variances that follow exp(0.5 + 0.8·z₀ − 0.3·z₁), times noise of mean one. */
function sample(rows: number, noise: boolean): Sample {
  const random = seededRandom(3);
  const z = Float32Array.from({ length: rows * 3 }, () => random.normal());
  const y = Float32Array.from({ length: rows }, (_, r) => {
    const truth = Math.exp(0.5 + 0.8 * z[3 * r]! - 0.3 * z[3 * r + 1]!);
    return truth * (noise ? random.normal() ** 2 + 1e-6 : 1);
  });
  return { rows, inputs: 3, outputs: 1, z, y };
}

describe("fitLinear", () => {
  it("default: recovers an exact law, and a noisy one without bias", () => {
    const exact = fitLinear(sample(200, false), 0);
    for (const [i, beta] of [0.8, -0.3, 0].entries()) expect(exact.weights[i]).toBeCloseTo(beta, 5);
    expect(exact.bias[0]).toBeCloseTo(0.5, 5);
    const noisy = fitLinear(sample(20_000, true), 0);
    // Standard error √(2/20,000) = 0.01: logs of squared normals would be off by 1.27 in the constant.
    for (const [i, beta] of [0.8, -0.3, 0].entries())
      expect(Math.abs(noisy.weights[i]! - beta)).toBeLessThan(0.04);
    expect(Math.abs(noisy.bias[0]! - 0.5)).toBeLessThan(0.04);
  });

  it.each([0, 0.1])("behaviour: the QLIKE gradient vanishes at the fit, ridge %f", (ridge) => {
    const s = sample(3000, true);
    const { weights, bias } = fitLinear(s, ridge);
    const gradient = [0, 0, 0, 0];
    for (let r = 0; r < s.rows; r++) {
      const z = [s.z[3 * r]!, s.z[3 * r + 1]!, s.z[3 * r + 2]!, 1];
      const log = z[0]! * weights[0]! + z[1]! * weights[1]! + z[2]! * weights[2]! + bias[0]!;
      const slope = 1 - s.y[r]! / Math.exp(log);
      for (let i = 0; i < 4; i++) gradient[i] = gradient[i]! + (slope * z[i]!) / s.rows;
    }
    for (let i = 0; i < 4; i++) {
      expect(gradient[i]! + (i < 3 ? ridge * weights[i]! : 0)).toBeCloseTo(0, 3);
    }
  });

  it("behaviour: a column that never varies gets no weight", () => {
    const s = sample(500, false);
    const z = s.z.map((x, i) => (i % 3 === 2 ? 0 : x));
    expect(fitLinear({ ...s, z }, 0).weights[2]).toBe(0);
  });
});
