import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import { affordablePart } from "./affordable-part.ts";
import { type Execution, totalOf } from "./execution.ts";
import { poolExecution } from "./pool-execution.ts";

describe("affordablePart", () => {
  const pool = poolExecution({
    venues: { ETH: { fee: 500, liquidity: { reserve: 1e6 } } },
    route: { kind: "private", leak: 0 },
    attestation: "on-chain",
  });
  const want = (dollars: number) => ({ asset: "ETH", dollars, price: 1800, at: 0 });
  it("default: as much as keeps to the rate", () => {
    // Fee 5 bp and an impact of x/R to first order: 15 bp leave about 10 bp of a million.
    const part = affordablePart(pool, want(50_000), 0.0015);
    expect(part).toBeCloseTo(1000, -1);
    expect(affordablePart(pool, want(-50_000), 0.0015)).toBeCloseTo(-part, -1);
    expect(affordablePart(pool, want(500), 0.0015)).toBe(500);
    expect(affordablePart(pool, want(500), 0.0004)).toBe(0);
    expect(affordablePart(pool, want(3e6), 0.0015)).toBeCloseTo(part, 3);
  });
  it("behaviour: keeps to the rate, and a thousandth more would not", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 10, max: 5e6, noNaN: true }),
        fc.double({ min: 0.0006, max: 0.3, noNaN: true }),
        fc.constantFrom(1, -1),
        (dollars, rate, sign) => {
          const part = affordablePart(pool, want(sign * dollars), rate);
          const rateOf = (x: number) => totalOf(pool.swapCosts("ETH", x, 1800, 0)) / Math.abs(x);
          expect(rateOf(part)).toBeLessThanOrEqual(rate);
          const more = 1.001 * part;
          if (Math.abs(more) < Math.min(dollars, 1e6)) expect(rateOf(more)).toBeGreaterThan(rate);
        },
      ),
      { seed: 33, numRuns: 100 },
    );
  });
  it("error: what is no lack of depth is not hidden", () => {
    const broken: Execution = {
      ...pool,
      swapCosts: () => {
        throw new RangeError("broken");
      },
    };
    expect(() => affordablePart(broken, want(1), 0.1)).toThrow(RangeError);
    expect(() => affordablePart(pool, want(1), -1)).toThrow(OutOfRangeError);
  });
});
