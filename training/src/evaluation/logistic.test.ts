import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { fitLogistic } from "./logistic.ts";

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
