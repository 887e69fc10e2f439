import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import { TradeExceedsPoolError } from "./sim-result.ts";
import { planSlices, type SlicingProblem } from "./slicing.ts";

const PROBLEM: SlicingProblem = {
  dollars: 500_000,
  nav: 5e6,
  depth: 5e7,
  volatility: 0.006,
  riskAversion: 20,
  fixedCost: 40,
  refillBars: 1,
  mostSlices: 30,
};
const lossOf = ({ impact, fixed, risk }: { impact: number; fixed: number; risk: number }) =>
  impact + fixed + risk;

/** Loss of any slices, bar by bar: the twin of the plan's own sums. */
function lossOfSlices(slices: readonly number[], p: SlicingProblem): number {
  let left = slices.reduce((a, b) => a + b, 0);
  let loss = 0;
  for (const [j, slice] of slices.entries()) {
    loss += (slice * slice) / p.depth + p.fixedCost;
    left -= slice;
    const isLast = j === slices.length - 1;
    for (let bar = 0; bar < (isLast ? 0 : p.refillBars); bar++)
      loss += (p.nav * p.riskAversion * ((left / p.nav) * p.volatility) ** 2) / 2;
  }
  return loss;
}

describe("planSlices", () => {
  it("default: without risk aversion by hand: X²/(nD) + nF is least at n = X/√(DF)", () => {
    // 500,000/√(5e7 · 50) = 10.
    const plan = planSlices({ ...PROBLEM, riskAversion: 0, fixedCost: 50 });
    expect(plan.slices.length).toBe(10);
    for (const slice of plan.slices) expect(slice).toBeCloseTo(50_000, 6);
    expect(plan).toMatchObject({ bars: 9, fixed: 500, risk: 0 });
    expect(plan.impact).toBeCloseTo(500, 8);
  });
  it("default: an hour's trade of half a million in a pool of fifty", () => {
    const plan = planSlices(PROBLEM);
    const slices = [...plan.slices];
    expect(slices.length).toBeGreaterThan(1);
    expect(slices.reduce((a, b) => a + b, 0)).toBeCloseTo(PROBLEM.dollars, 6);
    expect(slices.toSorted((a, b) => b - a)).toEqual(slices);
    expect(lossOf(plan)).toBeCloseTo(lossOfSlices(slices, PROBLEM), 6);
  });
  it("behaviour: no split into one, two or three on a fine grid loses less", () => {
    fc.assert(
      fc.property(
        fc.record({
          dollars: fc.double({ min: 1e3, max: 2e6, noNaN: true }),
          depth: fc.double({ min: 3e6, max: 3e8, noNaN: true }),
          volatility: fc.double({ min: 1e-3, max: 0.03, noNaN: true }),
          riskAversion: fc.double({ min: 0, max: 200, noNaN: true }),
          fixedCost: fc.double({ min: 0, max: 500, noNaN: true }),
          refillBars: fc.integer({ min: 1, max: 4 }),
        }),
        (some) => {
          const problem = { ...PROBLEM, ...some, mostSlices: 3 };
          const x = problem.dollars;
          const plan = planSlices(problem);
          const GRID = 100;
          let best = Number.POSITIVE_INFINITY;
          for (let i = 0; i <= GRID; i++) {
            best = Math.min(best, lossOfSlices([(x * i) / GRID, x * (1 - i / GRID)], problem));
            for (let j = 0; i + j <= GRID; j++)
              best = Math.min(
                best,
                lossOfSlices(
                  [i, j, GRID - i - j].map((k) => (x * k) / GRID),
                  problem,
                ),
              );
          }
          best = Math.min(best, lossOfSlices([x], problem));
          expect(lossOfSlices([...plan.slices], problem)).toBeCloseTo(lossOf(plan), 6);
          expect(lossOf(plan)).toBeLessThanOrEqual(best * (1 + 1e-12));
          // The loss is quadratic about its least: half a cell off costs at most this.
          const slack =
            3 *
            (x / GRID) ** 2 *
            (1 / problem.depth +
              (problem.riskAversion * problem.volatility ** 2 * problem.refillBars) / problem.nav);
          expect(best - lossOf(plan)).toBeLessThanOrEqual(slack + 1e-9);
        },
      ),
      { seed: 41, numRuns: 60 },
    );
  });
  it("behaviour: a trade small beside its fixed cost goes at once, however risk is minded", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e5, max: 1e9, noNaN: true }),
        fc.double({ min: 0.01, max: 1000, noNaN: true }),
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.double({ min: 0, max: 1e4, noNaN: true }),
        (depth, fixedCost, share, riskAversion) => {
          const dollars = share * Math.min(depth, Math.sqrt(2 * depth * fixedCost));
          const plan = planSlices({ ...PROBLEM, dollars, depth, fixedCost, riskAversion });
          expect([...plan.slices]).toEqual([expect.closeTo(dollars, 6)]);
          expect(plan.bars).toBe(0);
        },
      ),
      { seed: 42, numRuns: 300 },
    );
  });
  it("behaviour: the more risk is minded the sooner it ends, and front-loaded; the shallower the pool the later", () => {
    const barsAt = (change: Partial<SlicingProblem>) => planSlices({ ...PROBLEM, ...change }).bars;
    const byAversion = [0, 1, 10, 100, 1000, 1e9].map((riskAversion) => barsAt({ riskAversion }));
    expect(byAversion.toSorted((a, b) => b - a)).toEqual(byAversion);
    expect(byAversion.at(-1)).toBe(0);
    const byDepth = [1e9, 1e8, 1e7].map((depth) => barsAt({ depth }));
    expect(byDepth.toSorted((a, b) => a - b)).toEqual(byDepth);
    expect(byDepth.at(-1)).toBeGreaterThan(byDepth[0]!);
  });
  it("error: more than all slices can take, and what is no problem", () => {
    expect(() => planSlices({ ...PROBLEM, depth: 10_000 })).toThrow(TradeExceedsPoolError);
    expect(() => planSlices({ ...PROBLEM, dollars: 0 })).toThrow(OutOfRangeError);
    expect(() => planSlices({ ...PROBLEM, refillBars: 0.5 })).toThrow(/refillBars is 0\.5/);
    expect(() => planSlices({ ...PROBLEM, fixedCost: -1 })).toThrow(/fixedCost is -1/);
  });
});
