import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import { netThroughBase, type PairOrder } from "./netting.ts";
import { type PoolState, swapExactIn } from "./pool.ts";
import { toPoolState } from "./pool-execution.ts";

const order = (from: string, to: string, dollars: number): PairOrder => ({ from, to, dollars });

describe("netThroughBase", () => {
  it("default: by hand", () => {
    const legs = netThroughBase(
      [order("BTC", "ETH", 100), order("ETH", "USD", 60), order("USD", "LINK", 30), order("SOL", "BTC", 100)],
      "USD",
    );
    expect(legs).toEqual([
      { asset: "SOL", dollars: -100 },
      { asset: "ETH", dollars: 40 },
      { asset: "LINK", dollars: 30 },
    ]);
  });
  it("behaviour: a circle, and orders that undo each other to rounding, leave nothing", () => {
    expect(netThroughBase([order("A", "B", 1), order("B", "C", 1), order("C", "A", 1)], "USD")).toEqual([]);
    expect(
      netThroughBase([order("A", "USD", 0.1), order("A", "USD", 0.2), order("USD", "A", 0.3)], "USD"),
    ).toEqual([]);
  });

  const ASSETS = ["USD", "A", "B", "C"];
  const orders = fc.array(
    fc
      .record({
        from: fc.constantFrom(...ASSETS),
        to: fc.constantFrom(...ASSETS),
        dollars: fc.integer({ min: 1, max: 400_000 }),
      })
      .filter(({ from, to }) => from !== to),
    { minLength: 1, maxLength: 6 },
  );
  /** Swaps of an asset against the base asset that its orders come to one by one: dollars' worth, bought above 0. */
  const grossOf = (list: readonly PairOrder[], asset: string) =>
    list.flatMap(({ from, to, dollars }) => (from === asset ? [-dollars] : to === asset ? [dollars] : []));

  it("behaviour: never more swaps than one by one, and every asset ends up where it should", () => {
    fc.assert(
      fc.property(orders, (list) => {
        const legs = netThroughBase(list, "USD");
        const gross = ASSETS.slice(1).map((asset) => grossOf(list, asset));
        expect(legs.length).toBeLessThanOrEqual(gross.flat().length);
        for (const [i, asset] of ASSETS.slice(1).entries()) {
          const found = legs.find((leg) => leg.asset === asset)?.dollars ?? 0;
          expect(found).toBeCloseTo(
            gross[i]!.reduce((a, b) => a + b, 0),
            6,
          );
        }
        const firstBuy = legs.findIndex(({ dollars }) => dollars > 0);
        if (firstBuy >= 0) expect(legs.slice(firstBuy).every(({ dollars }) => dollars > 0)).toBe(true);
      }),
      { seed: 31, numRuns: 300 },
    );
  });

  /** Base asset out (above 0) or in of one pool, for units of the asset bought or sold one after the other at a price of 1. */
  function baseFlow(trades: readonly number[]): number {
    const UNIT = 10n ** 18n;
    const liquidity = 5_000_000n * UNIT;
    const ticks = [
      { tick: -887_220, liquidityNet: liquidity },
      { tick: 887_220, liquidityNet: -liquidity },
    ];
    const layout = { ticks, tickSpacing: 60, isAssetToken0: true, assetDecimals: 18, baseDecimals: 18 };
    let pool: PoolState = toPoolState(500, layout, 1);
    let flow = 0n;
    for (const trade of trades) {
      const units = BigInt(Math.abs(Math.round(trade))) * UNIT;
      let swap = swapExactIn(pool, trade < 0, units);
      if (trade < 0) flow += swap.amountOut;
      else {
        let [low, high] = [units / 2n, 4n * units];
        while (high - low > 10n ** 6n) {
          const middle = (low + high) / 2n;
          if (swapExactIn(pool, false, middle).amountOut < units) low = middle;
          else high = middle;
        }
        swap = swapExactIn(pool, false, high);
        flow -= high;
      }
      const tick = Math.floor((2 * Math.log(Number(swap.sqrtPriceX96) / 2 ** 96)) / Math.log(1.0001));
      pool = { ...pool, sqrtPriceX96: swap.sqrtPriceX96, tick };
    }
    return Number(flow) / 1e18;
  }
  it("behaviour: in the exact pool the net leg never brings less base asset than the orders one after the other", () => {
    fc.assert(
      fc.property(orders, (list) => {
        const legs = netThroughBase(list, "USD");
        for (const asset of ASSETS.slice(1)) {
          const gross = grossOf(list, asset);
          const net = legs.find((leg) => leg.asset === asset)?.dollars;
          const netFlow = net === undefined ? 0 : baseFlow([net]);
          expect(netFlow).toBeGreaterThan(baseFlow(gross) - 1e-6);
          // Where orders went both ways, the fee of what met is saved.
          const met = (gross.reduce((sum, x) => sum + Math.abs(x), 0) - Math.abs(net ?? 0)) / 2;
          if (met > 0) expect(netFlow - baseFlow(gross)).toBeGreaterThan(0.0005 * met);
        }
      }),
      { seed: 32, numRuns: 100 },
    );
  });
  it("error: a negative order", () => {
    expect(() => netThroughBase([order("A", "B", -1)], "USD")).toThrow(OutOfRangeError);
  });
});
