import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byLoss, toRungs, toSurvivors } from "./halving.ts";

describe("toRungs", () => {
  it.each([
    // Hyperband's first table (Li et al. 2018), η = 3, R = 81: the bracket s = 4.
    [81, 81, ["81 × 1", "27 × 3", "9 × 9", "3 × 27", "1 × 81"]],
    [20, 16, ["20 × 2", "6 × 5", "2 × 16"]],
    [2, 16, ["2 × 16"]],
    [9, 2, ["9 × 2"]],
    [1, 1, ["1 × 1"]],
  ])("default: %i trials of at most %i epochs", (trials, epochs, expected) => {
    expect(toRungs(trials, epochs).map((rung) => `${rung.trials} × ${rung.epochs}`)).toEqual(expected);
  });

  it("behaviour: ends at all epochs, each rung a third of the one before it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 500 }), (trials, epochs) => {
        const rungs = toRungs(trials, epochs);
        expect(rungs[0]!.trials).toBe(trials);
        expect(rungs.at(-1)!.epochs).toBe(epochs);
        for (let k = 1; k < rungs.length; k++) {
          expect(rungs[k]!.trials).toBe(Math.floor(rungs[k - 1]!.trials / 3));
          expect(rungs[k]!.epochs).toBeGreaterThan(rungs[k - 1]!.epochs);
        }
      }),
      { seed: 1 },
    );
  });
});

describe("toSurvivors", () => {
  const scored = [0.9, null, 0.8, 0.8, 0.95].map((loss, index) => ({ index, loss }));

  it("default: the least losses; of equals the earlier; never one that diverged", () => {
    expect(toSurvivors(scored, 2)).toEqual([2, 3]);
    expect(toSurvivors(scored, 5)).toEqual([2, 3, 0, 4]);
    expect([...scored].sort(byLoss).at(-1)!.index).toBe(1);
  });

  it("behaviour: the order in which trials ended is no matter", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(scored, { minLength: 5 }), (order) => {
        expect(toSurvivors(order, 3)).toEqual([2, 3, 0]);
      }),
      { seed: 1 },
    );
  });
});
