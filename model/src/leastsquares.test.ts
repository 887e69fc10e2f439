import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { choleskySolve } from "./leastsquares.ts";

const real = fc.double({ min: -3, max: 3, noNaN: true });

describe("choleskySolve", () => {
  it("behaviour: the solution satisfies every equation", () => {
    const matrix = fc.array(fc.array(real, { minLength: 4, maxLength: 4 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(matrix, fc.array(real, { minLength: 4, maxLength: 4 }), (m, b) => {
        // M'M + I is positive definite whatever M.
        const a = new Float64Array(16);
        for (let i = 0; i < 4; i++)
          for (let j = 0; j < 4; j++)
            a[i * 4 + j] = m.reduce((s, row) => s + row[i]! * row[j]!, i === j ? 1 : 0);
        const x = choleskySolve(a, Float64Array.from(b));
        for (let i = 0; i < 4; i++) {
          let left = 0;
          for (let j = 0; j < 4; j++) left += a[i * 4 + j]! * x[j]!;
          expect(left).toBeCloseTo(b[i]!, 8);
        }
      }),
      { seed: 1 },
    );
  });

  it("behaviour: a repeated column gets no weight", () => {
    const x = choleskySolve(Float64Array.of(4, 4, 4, 4), Float64Array.of(8, 8));
    expect([...x]).toEqual([2, 0]);
  });
});
