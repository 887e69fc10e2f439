import { seededRandom } from "@ballast/data";
import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import {
  lossVersusRebalancing,
  rebalanceGas,
  toFeeRate,
  toGasDollars,
  VAULT_GAS,
  weightedPoolLoss,
} from "./true-costs.ts";

describe("true costs", () => {
  it("default: gas in dollars, rates, and the yardstick", () => {
    // (30 + 2) gwei at 2,000 dollars: 6.4e-5 dollars a unit; 650,902 units are 41.66 dollars.
    expect(toGasDollars(Float64Array.of(30), 2, 2000)[0]).toBeCloseTo(6.4e-5, 15);
    expect(toGasDollars(Float64Array.of(30, 10), 0, [1000, 2000])[1]).toBeCloseTo(2e-5, 15);
    expect(toFeeRate({ fee: 0.0005, spread: 0.0004, mev: 0.0001 })).toBeCloseTo(0.0008, 15);
    expect(lossVersusRebalancing(0.8)).toBeCloseTo(0.08, 15);
  });
  it("default: gas of a rebalance and of its attestation add up to what the simulator takes", () => {
    const { rebalance, attestation } = rebalanceGas(3, "on-chain");
    expect(rebalance + attestation).toBe(VAULT_GAS.perTrade + 3 * VAULT_GAS.perSwap);
  });
  it("error: negative ones", () => {
    expect(() => toGasDollars(Float64Array.of(-1), 2, 2000)).toThrow(/base fee of bar 0/);
    expect(() => toFeeRate({ fee: 0, spread: 0, mev: -1 })).toThrow(/mev/);
  });
});

describe("weightedPoolLoss", () => {
  it("default: one half each is σ²/8, and a single asset loses nothing", () => {
    // NUMBERS: Milionis et al. 2022, σ²/8; of 80/20 by hand ½ · 0.8 · 0.2 · σ².
    const of = (w: number, sigma: number) =>
      weightedPoolLoss(
        [w, 1 - w],
        [
          [sigma ** 2, 0],
          [0, 0],
        ],
      );
    expect(of(0.5, 0.05)).toBeCloseTo(0.0025 / 8, 15);
    expect(of(0.8, 0.05)).toBeCloseTo(0.08 * 0.0025, 15);
    expect(of(1, 0.05)).toBe(0);
    // Two assets that move as one are one.
    expect(
      weightedPoolLoss(
        [0.3, 0.7],
        [
          [0.04, 0.04],
          [0.04, 0.04],
        ],
      ),
    ).toBeCloseTo(0, 15);
  });
  it.each([
    ["a constant product", [0.5, 0.5], [0.01, 0], 0],
    ["80/20", [0.8, 0.2], [0.012, 0], 0],
    ["three assets, two of them correlated", [0.2, 0.5, 0.3], [0, 0.01, 0.02], 0.6],
  ])(
    "behaviour: what arbitrage takes from a pool under Brownian prices: %s",
    (_, weights, sigmas, correlation) => {
      // The pool holds wᵢV/pᵢ with V = Πpᵢ^wᵢ; arbitrage leaves it worth V at the new prices and keeps the rest.
      const random = seededRandom(8, "pool-loss");
      const prices = weights.map(() => 1);
      let taken = 0;
      const STEPS = 200_000;
      for (let t = 0; t < STEPS; t++) {
        const value = weights.reduce((product, w, i) => product * prices[i]! ** w, 1);
        const reserves = weights.map((w, i) => (w * value) / prices[i]!);
        const common = random.normal();
        for (const [i, sigma] of sigmas.entries()) {
          const shock = Math.sqrt(correlation) * common + Math.sqrt(1 - correlation) * random.normal();
          prices[i]! *= Math.exp(sigma * shock - sigma ** 2 / 2);
        }
        const held = reserves.reduce((sum, x, i) => sum + x * prices[i]!, 0);
        taken += (held - weights.reduce((product, w, i) => product * prices[i]! ** w, 1)) / value;
      }
      const covariance = sigmas.map((a, i) => sigmas.map((b, j) => a * b * (i === j ? 1 : correlation)));
      // The mean of squared normals has a standard error of √(2/steps), 0.3 %; four of them.
      expect(Math.abs(taken / STEPS / weightedPoolLoss(weights, covariance) - 1)).toBeLessThan(0.013);
    },
  );
  it("error: weights and covariances that are none", () => {
    expect(() => weightedPoolLoss([0.5, 0.6], [])).toThrow(OutOfRangeError);
    expect(() => weightedPoolLoss([0.5, 0.5], [[1, 0]])).toThrow(/covariance's size is 1/);
    expect(() => weightedPoolLoss([0.5, 0.5], [[1], [0]])).toThrow(/row 0 is 1/);
    expect(() =>
      weightedPoolLoss(
        [1.5, -0.5],
        [
          [1, 0],
          [0, 0],
        ],
      ),
    ).toThrow(/weight 1 is -0\.5/);
    expect(() => lossVersusRebalancing(-1)).toThrow(/volatility is -1/);
  });
});
