import { seededRandom } from "@ballast/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BadPoolError, PoolExhaustedError, type PoolState, poolDepth, swapExactIn } from "./pool.ts";
import { MAX_TICK, sqrtPriceOfTick } from "./pool-math.ts";

const FULL = 887_220;
const at = (tick: number, liquidity: bigint, fee = 3000): PoolState => ({
  sqrtPriceX96: sqrtPriceOfTick(tick),
  tick,
  liquidity,
  fee,
  tickSpacing: 60,
  ticks: [
    { tick: -FULL, liquidityNet: liquidity },
    { tick: FULL, liquidityNet: -liquidity },
  ],
});

describe("sqrtPriceOfTick", () => {
  it.each([
    // v3-core, test/TickMath.spec.ts and TickMath.sol: MIN_SQRT_RATIO, MAX_SQRT_RATIO, and Q96 at tick 0.
    [-MAX_TICK, 4295128739n],
    [MAX_TICK, 1461446703485210103287273052203988822378723970342n],
    [0, 79228162514264337593543950336n],
    [-MAX_TICK + 1, 4295343490n],
    [MAX_TICK - 1, 1461373636630004318706518188784493106690254656249n],
  ])("default: tick %s, from v3-core's tests", (tick, price) => {
    expect(sqrtPriceOfTick(tick)).toBe(price);
  });
  it("behaviour: 1.0001^(tick/2) everywhere", () => {
    const random = seededRandom(1);
    for (let i = 0; i < 500; i++) {
      const tick = random.integer(2 * 400_000) - 400_000;
      expect(Number(sqrtPriceOfTick(tick)) / 2 ** 96 / 1.0001 ** (tick / 2)).toBeCloseTo(1, 8);
    }
  });
});

describe("swapExactIn", () => {
  it("behaviour: a constant-product pool by its formula: Δy = y·Δx/(x + Δx)", () => {
    const liquidity = 10n ** 24n;
    for (const amount of [10n ** 18n, 10n ** 21n, 10n ** 24n]) {
      const x = amount - (amount * 3000n) / 1_000_000n;
      const byFormula = (liquidity * x) / (liquidity + x);
      const { amountOut, fee } = swapExactIn(at(0, liquidity), true, amount);
      expect(Number(amountOut - byFormula) / Number(byFormula)).toBeCloseTo(0, 12);
      expect(Number(fee) / Number(amount)).toBeCloseTo(0.003, 12);
    }
  });
  it("behaviour: splitting a swap in two never gives more, and costs no more than rounding", () => {
    fc.assert(
      fc.property(
        fc.bigInt(10n ** 6n, 10n ** 23n),
        fc.integer({ min: 1, max: 99 }),
        fc.boolean(),
        (amount, percent, isDown) => {
          const pool = at(1234, 10n ** 22n);
          const whole = swapExactIn(pool, isDown, amount);
          const first = (amount * BigInt(percent)) / 100n;
          const one = swapExactIn(pool, isDown, first);
          const tick = tickOf(one.sqrtPriceX96);
          const two = swapExactIn({ ...pool, sqrtPriceX96: one.sqrtPriceX96, tick }, isDown, amount - first);
          expect(one.amountOut + two.amountOut).toBeLessThanOrEqual(whole.amountOut + 100n);
          expect(Number(whole.amountOut - one.amountOut - two.amountOut)).toBeLessThan(
            1e4 + 1e-9 * Number(whole.amountOut),
          );
        },
      ),
      { seed: 4, numRuns: 200 },
    );
  });
  it("behaviour: a small trade's impact is x²/depth, as the simulator takes it", () => {
    const pool = at(5000, 10n ** 24n, 0);
    const price = (Number(pool.sqrtPriceX96) / 2 ** 96) ** 2;
    const depth = poolDepth(pool);
    for (const share of [1e-4, 1e-3]) {
      const x = share * depth;
      const { amountOut } = swapExactIn(pool, false, BigInt(Math.round(x)));
      const lost = x - Number(amountOut) * price;
      expect(lost / (x ** 2 / depth)).toBeCloseTo(1, 2);
    }
    expect(poolDepth(pool, true)).toBeCloseTo(depth / price, -15);
  });
  it("behaviour: liquidity that ends at a tick is not there beyond it", () => {
    const wide = at(0, 10n ** 20n);
    const narrow: PoolState = {
      ...wide,
      liquidity: 11n * 10n ** 20n,
      ticks: [
        wide.ticks[0]!,
        { tick: -120, liquidityNet: 10n ** 21n },
        { tick: 120, liquidityNet: -(10n ** 21n) },
        wide.ticks[1]!,
      ],
    };
    const out = (pool: PoolState, amount: bigint) => Number(swapExactIn(pool, true, amount).amountOut);
    expect(out(narrow, 10n ** 17n)).toBeGreaterThan(out(wide, 10n ** 17n));
    // Beyond the range the next unit buys what the wide pool alone gives.
    const more = out(narrow, 10n ** 20n) - out(narrow, 10n ** 20n - 10n ** 17n);
    expect(more / 1e17).toBeLessThan(0.5);
  });
  it("error: more than the pool can take, and a state that cannot be", () => {
    // Over a range that ends, price runs to the last tick.
    const ended: PoolState = {
      ...at(0, 10n ** 20n),
      ticks: [
        { tick: -60, liquidityNet: 10n ** 20n },
        { tick: 60, liquidityNet: -(10n ** 20n) },
      ],
    };
    expect(() => swapExactIn(ended, true, 10n ** 22n)).toThrow(PoolExhaustedError);
    expect(() => swapExactIn({ ...ended, tick: 5 }, true, 1n)).toThrow(BadPoolError);
    expect(() => swapExactIn({ ...ended, liquidity: 1n }, true, 1n)).toThrow(/add up to/);
    expect(() => swapExactIn({ ...ended, fee: -1 }, true, 1n)).toThrow(/fee is -1/);
  });
});

/** Greatest tick whose price is not above, by halving. */
function tickOf(price: bigint): number {
  let [low, high] = [-MAX_TICK, MAX_TICK];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sqrtPriceOfTick(middle) <= price) low = middle;
    else high = middle;
  }
  return low;
}
