import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import { mevAllowance, type Route } from "./mev.ts";
import { type PoolState, swapExactIn } from "./pool.ts";
import { toPoolState } from "./pool-execution.ts";

const RESERVE = 1e7;
const UNIT = 10n ** 18n;
const units = (dollars: number) => BigInt(Math.round(dollars * 1e6)) * 10n ** 12n;
const poolOf = (fee: number): PoolState => {
  const liquidity = BigInt(RESERVE) * UNIT;
  const ticks = [
    { tick: -887_220, liquidityNet: liquidity },
    { tick: 887_220, liquidityNet: -liquidity },
  ];
  const layout = { ticks, tickSpacing: 60, isAssetToken0: true, assetDecimals: 18, baseDecimals: 18 };
  return toPoolState(fee, layout, 1);
};
const after = (pool: PoolState, sqrtPriceX96: bigint): PoolState => ({
  ...pool,
  sqrtPriceX96,
  tick: Math.floor((2 * Math.log(Number(sqrtPriceX96) / 2 ** 96)) / Math.log(1.0001)),
});

/** What the best of many sandwiches earns its attacker, and what it costs the victim, in the exact pool; price 1. */
function bruteForce(fee: number, victim: number, tolerance: number, steps = 200) {
  const pool = poolOf(fee);
  const alone = swapExactIn(pool, false, units(victim)).amountOut;
  const minimum = victim * (1 - fee / 1e6) * (1 - tolerance);
  let best = { profit: 0, loss: 0 };
  for (let i = 1; i <= steps; i++) {
    const front = (tolerance * RESERVE * i) / steps;
    const bought = swapExactIn(pool, false, units(front));
    const filled = swapExactIn(after(pool, bought.sqrtPriceX96), false, units(victim));
    if (Number(filled.amountOut) / 1e18 < minimum) break;
    const back = swapExactIn(after(pool, filled.sqrtPriceX96), true, bought.amountOut);
    const profit = Number(back.amountOut - units(front)) / 1e18;
    if (profit > best.profit) best = { profit, loss: Number(alone - filled.amountOut) / 1e18 };
  }
  return best;
}

describe("mevAllowance", () => {
  const publicly = (tolerance: number, attackDollars = 0): Route => ({
    kind: "public",
    tolerance,
    attackDollars,
  });
  const of = (route: Route, dollars: number, fee = 0.0005) =>
    mevAllowance(route, { dollars, fee, depth: RESERVE });

  it("default: private and batch routes as assumed, a public one by hand", () => {
    expect(of({ kind: "private", leak: 0.0001 }, 20_000)).toBeCloseTo(2, 12);
    expect(of({ kind: "batch", surplus: 0.0002 }, 20_000)).toBeCloseTo(4, 12);
    // x/R = 0.002, room 0.005 − 0.002; 20,000 is above fR = 5,000; 0.003 · 15,000 = 45 is what it earns.
    expect(of(publicly(0.005, 44), 20_000)).toBeCloseTo(60, 9);
    expect(of(publicly(0.005, 46), 20_000)).toBe(0);
  });
  it.each([
    // Fee of the pool in millionths, victim's dollars, tolerance.
    [500, 15_000, 0.005],
    [500, 30_000, 0.01],
    [100, 4_000, 0.003],
    [3000, 60_000, 0.03],
  ])(
    "behaviour: in the exact pool of %i millionths, %i dollars with %f lose what it says",
    (fee, victim, tolerance) => {
      const { profit, loss } = bruteForce(fee, victim, tolerance);
      const expected = of(publicly(tolerance), victim, fee / 1e6);
      expect(profit).toBeGreaterThan(0);
      expect(Math.abs(loss / expected - 1)).toBeLessThan(0.05);
      const room = tolerance - victim / RESERVE;
      expect(Math.abs(profit / (room * (victim - (fee / 1e6) * RESERVE)) - 1)).toBeLessThan(0.05);
    },
  );
  it.each([
    [500, 4_500, 0.005],
    [3000, 25_000, 0.02],
    [3000, 5_000, 0.001],
  ])("behaviour: and it does not pay where it says so (%i, %i, %f)", (fee, victim, tolerance) => {
    expect(bruteForce(fee, victim, tolerance).profit).toBe(0);
    expect(of(publicly(tolerance), victim, fee / 1e6)).toBe(0);
  });
  it("behaviour: a tolerance of no more than the pool's fee is safe at any size", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e7, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (x, k) => {
          expect(of(publicly(0.003 * k), x, 0.003)).toBe(0);
        },
      ),
      { seed: 3 },
    );
  });
  it("error: shares that are none", () => {
    expect(() => of(publicly(-0.1), 1)).toThrow(OutOfRangeError);
    expect(() => of({ kind: "private", leak: 1 }, 1)).toThrow(/leak is 1/);
    expect(() => of({ kind: "batch", surplus: NaN }, 1)).toThrow(/surplus/);
    expect(() => of(publicly(0.1, -1), 1)).toThrow(/attack's cost/);
  });
});
