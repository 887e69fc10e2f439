import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  fullRange,
  type Pair,
  sqrtDown,
  toAnswerDown,
  toLiquidityDown,
  toSqrtPriceX96Down,
  toUnitsDown,
} from "./devnet-prices.ts";

const Q96 = 2 ** 96;

describe("sqrtDown", () => {
  test.each([
    [0n, 0n],
    [1n, 1n],
    [3n, 1n],
    [4n, 2n],
    [(1n << 320n) - 1n, (1n << 160n) - 1n],
  ])("default: of %s is %s", (value, root) => {
    expect(sqrtDown(value)).toBe(root);
  });

  test("behaviour: the largest root whose square does not exceed the value", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 320n) - 1n }), (value) => {
        const root = sqrtDown(value);
        expect(root * root <= value && value < (root + 1n) * (root + 1n)).toBe(true);
      }),
      { seed: 1 },
    );
  });
});

describe("toSqrtPriceX96Down", () => {
  test("default: a price of 1 between equal decimals is 2^96", () => {
    expect(toSqrtPriceX96Down(1, { assetDecimals: 18, baseDecimals: 18, isAssetToken0: true })).toBe(
      1n << 96n,
    );
  });

  test("default: 1600 USDC for an ether, as token1, is 1 / sqrt(1600e6 / 1e18) = 25000", () => {
    const root = toSqrtPriceX96Down(1600, { assetDecimals: 18, baseDecimals: 6, isAssetToken0: false });
    expect(root).toBe(25_000n << 96n);
  });

  test("behaviour: the price comes back, whatever the decimals and the order", () => {
    const pairs = fc.record<Pair>({
      assetDecimals: fc.constantFrom(6, 8, 18),
      baseDecimals: fc.constantFrom(6, 18),
      isAssetToken0: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 1e6, noNaN: true }), pairs, (price, pair) => {
        const ratio = (Number(toSqrtPriceX96Down(price, pair)) / Q96) ** 2;
        const basePerAsset = pair.isAssetToken0 ? ratio : 1 / ratio;
        const back = basePerAsset * 10 ** (pair.assetDecimals - pair.baseDecimals);
        expect(Math.abs(back / price - 1)).toBeLessThan(1e-9);
      }),
      { seed: 2 },
    );
  });
});

test("default: answers have 8 decimals and are rounded down", () => {
  expect(toAnswerDown(19_123.456_789_129)).toBe(1_912_345_678_912n);
});

test("default: 1.5 tokens of 8 decimals are 150,000,000 units", () => {
  expect(toUnitsDown(1.5, 8)).toBe(150_000_000n);
});

test("behaviour: liquidity is what the two reserves of a constant product would have", () => {
  // A 2 % dearer asset means x' = x / sqrt(1.02), y' = y · sqrt(1.02), where x·y = L²: depth = y' − y.
  const pair: Pair = { assetDecimals: 8, baseDecimals: 6, isAssetToken0: true };
  const liquidity = Number(toLiquidityDown(1_000_000, 20_000, pair));
  const rawPrice = (20_000 * 1e6) / 1e8;
  const [x, y] = [liquidity / Math.sqrt(rawPrice), liquidity * Math.sqrt(rawPrice)];
  const paid = 1_000_000 * 1e6;
  const [xAfter, yAfter] = [(x * y) / (y + paid), y + paid];
  expect(yAfter / xAfter / (y / x)).toBeCloseTo(1.02, 9);
});

test.each([
  [10, 887_270],
  [60, 887_220],
  [200, 887_200],
])("default: the full range at spacing %i is ±%i", (spacing, tick) => {
  expect(fullRange(spacing)).toEqual([-tick, tick]);
});
