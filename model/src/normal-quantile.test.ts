import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scaledNormalInterval } from "./normal.ts";
import { normalQuantile } from "./normal-quantile.ts";

describe("normalQuantile", () => {
  it("default: tabulated values (Abramowitz & Stegun, table 26.5)", () => {
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 12);
    expect(normalQuantile(0.05)).toBeCloseTo(-1.6448536269514722, 12);
    expect(normalQuantile(1e-10)).toBeCloseTo(-6.361340902404056, 11);
    expect(normalQuantile(0.5)).toBeCloseTo(0, 15);
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
  });

  it("behaviour: inverts the distribution function, far into the tail too", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 0.5, noNaN: true }), (p) => {
        const back = scaledNormalInterval(0, -normalQuantile(p), Number.POSITIVE_INFINITY);
        expect(back / p).toBeCloseTo(1, 10);
      }),
      { seed: 1 },
    );
    for (const p of [1e-300, 1e-100, 1e-16, 1e-3])
      expect(scaledNormalInterval(0, -normalQuantile(p), Number.POSITIVE_INFINITY) / p).toBeCloseTo(1, 10);
  });
});
