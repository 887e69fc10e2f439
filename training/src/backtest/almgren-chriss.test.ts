import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import { type LiquidationProblem, liquidationSchedule } from "./almgren-chriss.ts";

/** Almgren & Chriss 2000, table 1. */
const PAPER: LiquidationProblem = {
  amount: 1e6,
  time: 5,
  periods: 5,
  volatility: 0.95,
  permanentImpact: 2.5e-7,
  fixedCost: 0.0625,
  temporaryImpact: 2.5e-6,
  riskAversion: 1e-6,
};

describe("liquidationSchedule", () => {
  it("default: the paper's inputs", () => {
    const { kappa, holdings, expectedCost, standardDeviation } = liquidationSchedule(PAPER);
    expect(kappa).toBeCloseTo(0.60708, 5);
    expect([...holdings].map(Math.round)).toEqual([1e6, 541_956, 289_854, 147_897, 62_142, 0]);
    expect(Math.round(expectedCost)).toBe(911_227);
    expect(Math.round(standardDeviation)).toBe(603_431);
  });
  it("behaviour: no other schedule is better, whichever period gives to whichever", () => {
    const { holdings } = liquidationSchedule(PAPER);
    const tau = PAPER.time / PAPER.periods;
    const objective = (x: ArrayLike<number>) => {
      let value = 0;
      for (let j = 1; j < x.length; j++) {
        const sold = x[j - 1]! - x[j]!;
        // Eq. 4 with each period's price fallen by what was sold before it.
        value +=
          PAPER.fixedCost * sold +
          (PAPER.temporaryImpact / tau) * sold ** 2 +
          PAPER.permanentImpact * sold * x[j]!;
        value += PAPER.riskAversion * PAPER.volatility ** 2 * tau * x[j]! ** 2;
      }
      return value;
    };
    for (let j = 1; j < PAPER.periods; j++) {
      for (const shift of [-1000, 1000]) {
        expect(objective(holdings.map((x, k) => (k === j ? x + shift : x)))).toBeGreaterThan(
          objective(holdings),
        );
      }
    }
  });
  it.each([0, 1e-30, 1e-15])("behaviour: who minds no variance sells evenly (%f)", (riskAversion) => {
    const { holdings } = liquidationSchedule({ ...PAPER, riskAversion });
    for (const [j, x] of holdings.entries()) expect(x).toBeCloseTo(1e6 * (1 - j / 5), 0);
  });
  it("behaviour: who minds nothing else sells at once", () => {
    const { holdings } = liquidationSchedule({ ...PAPER, riskAversion: 1e300 });
    for (const [j, x] of holdings.entries()) expect(x).toBeCloseTo(j === 0 ? 1e6 : 0, 9);
  });
  it("error: what has no schedule", () => {
    expect(() => liquidationSchedule({ ...PAPER, periods: 0 })).toThrow(OutOfRangeError);
    expect(() => liquidationSchedule({ ...PAPER, temporaryImpact: 1e-8 })).toThrow(/temporary impact/);
  });
});
