import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutOfRangeError } from "../evaluation/sample.ts";
import { NoVenueError, totalOf } from "./execution.ts";
import {
  depthWithin,
  impactExecution,
  type Liquidity,
  squareRootImpact,
  toRootImpact,
} from "./impact-book.ts";
import { type BookLevel, bookExecution, type OrderBook } from "./order-book.ts";
import { TradeExceedsPoolError } from "./sim-result.ts";

const BOOK: OrderBook = {
  bids: [
    { price: 99, size: 10 },
    { price: 98, size: 20 },
  ],
  asks: [
    { price: 101, size: 10 },
    { price: 103, size: 20 },
  ],
};
const of = (book: OrderBook, takerFee = 0) => bookExecution({ ETH: { book, takerFee } }, "off-chain");

describe("bookExecution", () => {
  it("default: by hand", () => {
    // Spends 1,010 on ten at 101 and 1,030 on ten at 103: twenty worth 2,000, for 2,040.
    const buy = of(BOOK, 0.001).swapCosts("ETH", 2040, 100, 0);
    expect(buy.fee).toBeCloseTo(2.04, 12);
    expect(buy.spread).toBeCloseTo(20, 12);
    expect(buy.impact).toBeCloseTo(20, 12);
    // Sells fifteen: 990 + 490 for what is worth 1,500.
    const sell = of(BOOK).swapCosts("ETH", -1500, 100, 0);
    expect(sell.spread).toBeCloseTo(15, 12);
    expect(sell.impact).toBeCloseTo(5, 12);
    expect(of(BOOK).gasUnits(3)).toEqual({ rebalance: 0, attestation: 0 });
  });
  it("behaviour: goes with the price: the same shares at another", () => {
    for (const dollars of [700, 2040, -1500]) {
      const [here, there] = [100, 0.4].map((price) => of(BOOK).swapCosts("ETH", dollars, price, 0));
      expect(totalOf(there!)).toBeCloseTo(totalOf(here!), 9);
    }
  });
  it("behaviour: as good as taking one tiny unit after the other", () => {
    const levels = fc.array(
      fc.record({ gap: fc.integer({ min: 1, max: 50 }), size: fc.integer({ min: 1, max: 9 }) }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(levels, levels, fc.double({ min: 0.01, max: 1, noNaN: true }), (up, down, share) => {
        const stack = (list: typeof up, sign: number): BookLevel[] => {
          let price = 1000;
          return list.map(({ gap, size }) => {
            price += sign * gap;
            return { price, size };
          });
        };
        const book = { asks: stack(up, 1), bids: stack(down, -1) };
        const mid = (book.asks[0]!.price + book.bids[0]!.price) / 2;
        const units = share * book.bids.reduce((sum, { size }) => sum + size, 0);
        const PIECES = 20_000;
        const queue = book.bids.map((level) => ({ ...level }));
        let proceeds = 0;
        for (let i = 0; i < PIECES; i++) {
          let piece = units / PIECES;
          while (piece > 1e-12 && queue.length > 0) {
            const taken = Math.min(piece, queue[0]!.size);
            proceeds += taken * queue[0]!.price;
            queue[0]!.size -= taken;
            piece -= taken;
            if (queue[0]!.size <= 1e-12) queue.shift();
          }
        }
        const costs = of(book).swapCosts("ETH", -units * mid * (1 - 1e-9), mid, 0);
        expect(Math.abs(totalOf(costs) - (units * mid - proceeds))).toBeLessThan(1e-6 * units * mid);
      }),
      { seed: 21, numRuns: 60 },
    );
  });
  it.each<[string, () => unknown, new (...args: never[]) => Error, RegExp]>([
    [
      "more than is bid",
      () => of(BOOK).swapCosts("ETH", -3100, 100, 0),
      TradeExceedsPoolError,
      /pool of 2950/,
    ],
    [
      "more than is asked",
      () => of(BOOK).swapCosts("ETH", 3100, 100, 0),
      TradeExceedsPoolError,
      /pool of 3070/,
    ],
    ["an empty side", () => of({ ...BOOK, bids: [] }), OutOfRangeError, /number of bids of ETH is 0/],
    [
      "a crossed book",
      () => of({ ...BOOK, bids: [{ price: 101, size: 1 }] }),
      OutOfRangeError,
      /below the best ask/,
    ],
    [
      "levels out of order",
      () => of({ ...BOOK, asks: BOOK.asks.toReversed() }),
      OutOfRangeError,
      /price 1 of the asks/,
    ],
    [
      "a size of zero",
      () => of({ ...BOOK, asks: [{ price: 101, size: 0 }] }),
      OutOfRangeError,
      /size 0 of the asks/,
    ],
    ["a negative fee", () => of(BOOK, -0.1), OutOfRangeError, /taker fee/],
    ["an asset without a book", () => of(BOOK).swapCosts("BTC", 1, 1, 0), NoVenueError, /BTC/],
  ])("error: %s", (_, run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(message);
  });
});

describe("impactExecution", () => {
  const LIQUIDITY: Liquidity = { spread: 0.0002, volatility: 0.04, volume: 1e8 };
  const execution = impactExecution({ ETH: { takerFee: 0.001, liquidityAt: () => LIQUIDITY } }, "on-chain");
  it("default: by hand", () => {
    // A hundredth of the day's volume: the price moves by 4 % · √0.01 = 0.4 %, of which two thirds are paid.
    const costs = execution.swapCosts("ETH", -1e6, 1800, 0);
    expect(costs.fee).toBeCloseTo(1000, 9);
    expect(costs.spread).toBeCloseTo(100, 9);
    expect(costs.impact).toBeCloseTo((1e6 * 0.004 * 2) / 3, 6);
    expect(toRootImpact(LIQUIDITY) * 1e6 ** 1.5).toBeCloseTo(costs.impact, 6);
    expect(execution.gasUnits(2)).toEqual({ rebalance: 0, attestation: 494_224 });
  });
  it("behaviour: costs what walking a book of its own depth, level by level, does", () => {
    const STEP = 1e-6;
    const levels = (sign: number): BookLevel[] =>
      Array.from({ length: 10_000 }, (_, i) => {
        const dollars = depthWithin((i + 1) * STEP, LIQUIDITY) - depthWithin(i * STEP, LIQUIDITY);
        const price = 1 + sign * (i + 0.5) * STEP;
        return { price, size: dollars / price };
      });
    const book = bookExecution(
      { ETH: { book: { asks: levels(1), bids: levels(-1) }, takerFee: 0 } },
      "on-chain",
    );
    for (const dollars of [1e5, 1e6, -1e6]) {
      const walked = totalOf(book.swapCosts("ETH", dollars, 1, 0));
      const { impact } = execution.swapCosts("ETH", dollars, 1, 0);
      expect(Math.abs(walked / impact - 1)).toBeLessThan(5e-3);
    }
  });
  it("behaviour: depth and impact are inverse to each other", () => {
    for (const share of [1e-5, 1e-3, 0.02])
      expect(squareRootImpact(depthWithin(share, LIQUIDITY), LIQUIDITY)).toBeCloseTo(share, 12);
  });
  it("error: beyond a tenth of a day's volume, and without a market", () => {
    expect(() => execution.swapCosts("ETH", 1.1e7, 1, 0)).toThrow(TradeExceedsPoolError);
    const still = { ETH: { takerFee: 0, liquidityAt: () => ({ ...LIQUIDITY, volatility: 0 }) } };
    expect(() => impactExecution(still, "on-chain").swapCosts("ETH", 1, 1, 0)).toThrow(/volatility is 0/);
    expect(() => depthWithin(-1, LIQUIDITY)).toThrow(OutOfRangeError);
  });
});
