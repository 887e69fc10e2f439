import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unixMillis } from "../units.ts";
import { BadObservationError, toExogenous } from "./evm-series.ts";
import { type PoolSwap, toFlowSeries, toPoolFlows } from "./evm-swaps.ts";

describe("toExogenous", () => {
  test("default: in the order of publication, and of one moment the last", () => {
    const series = toExogenous("x", "1", [
      { publishedAt: 20, value: 1 },
      { publishedAt: 10, value: 2 },
      { publishedAt: 20, value: 3 },
    ]);
    expect([[...series.publishedAt], [...series.value]]).toEqual([
      [10, 20],
      [2, 3],
    ]);
  });

  test.each([
    [Number.NaN, 1],
    [1, Number.NaN],
    [Number.POSITIVE_INFINITY, 1],
    [1, Number.NEGATIVE_INFINITY],
  ])("error: %d at %d ms", (value, publishedAt) => {
    expect(() => toExogenous("x", "1", [{ publishedAt, value }])).toThrow(BadObservationError);
  });

  test("behaviour: ascending, without repetition, and each value one that was published at its time", () => {
    const observations = fc.array(
      fc.record({ publishedAt: fc.integer({ min: 0, max: 30 }), value: fc.integer() }),
    );
    fc.assert(
      fc.property(observations, (given) => {
        const { publishedAt, value } = toExogenous("x", "1", given);
        expect(publishedAt.length).toBe(new Set(given.map((one) => one.publishedAt)).size);
        for (const [i, time] of publishedAt.entries()) {
          if (i > 0) expect(time).toBeGreaterThan(publishedAt[i - 1]!);
          expect(value[i]).toBe(given.findLast((one) => one.publishedAt === time)?.value);
        }
      }),
      { seed: 3 },
    );
  });
});

describe("toPoolFlows", () => {
  const swap = (time: number, amount0: bigint, amount1: bigint): PoolSwap => ({
    blockNumber: 0,
    logIndex: 0,
    txHash: "0x",
    time: unixMillis(time),
    sender: "0x",
    recipient: "0x",
    amount0,
    amount1,
    sqrtPriceX96: 0n,
    liquidity: 0n,
    tick: 0,
  });

  test("default: net and gross by interval, in whole tokens, without the empty ones", () => {
    const swaps = [
      swap(0, 5_000_000n, -2n * 10n ** 18n),
      swap(99, -1_000_000n, 10n ** 18n),
      swap(200, 1n, -1n),
    ];
    expect(toPoolFlows(swaps, { token0: 6, token1: 18 }, 100)).toEqual([
      { time: 0, swaps: 2, net0: 4, net1: -1, gross0: 6, gross1: 3 },
      { time: 200, swaps: 1, net0: 1e-6, net1: -1e-18, gross0: 1e-6, gross1: 1e-18 },
    ]);
  });

  test("behaviour: a flow is public only when its interval has ended", () => {
    const flows = toPoolFlows([swap(99, 3n, -1n)], { token0: 0, token1: 0 }, 100);
    const [net, gross] = toFlowSeries("a_b", "B", flows, 1, 100);
    expect([net?.name, [...net!.publishedAt], [...net!.value]]).toEqual(["uniswap.a_b.net", [100], [-1]]);
    expect([gross?.name, [...gross!.value]]).toEqual(["uniswap.a_b.gross", [1]]);
  });
});
