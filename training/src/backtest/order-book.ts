import { requireThat } from "../evaluation/sample.ts";
import { type Execution, NO_COSTS, type SwapCosts, venueOf } from "./execution.ts";
import { TradeExceedsPoolError } from "./sim-result.ts";
import { type AttestationKind, rebalanceGas } from "./true-costs.ts";

/** Dollars a unit, and units on offer at it; both above 0. */
export interface BookLevel {
  readonly price: number;
  readonly size: number;
}

/** Best price first on both sides, which do not cross. */
export interface OrderBook {
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
}

export interface BookVenue {
  readonly book: OrderBook;
  /** Share of what is traded. */
  readonly takerFee: number;
}

/** Trades on an exchange's book burn no gas; a decision that is attested on chain still does. */
export const exchangeGas = (kind: AttestationKind) => ({
  rebalance: 0,
  attestation: rebalanceGas(0, kind).attestation,
});

/**
 * Market orders against recorded books, level by level. A book is moved as a whole, in proportion, until the middle
 * between its best prices is the market's; assumed: it is full again at every trade. Throws TradeExceedsPoolError for
 * more than one side holds, NoVenueError and OutOfRangeError.
 */
export function bookExecution(
  venues: Readonly<Record<string, BookVenue>>,
  attestation: AttestationKind,
): Execution {
  for (const [asset, { book, takerFee }] of Object.entries(venues)) {
    checkBook(asset, book);
    requireThat(
      takerFee >= 0 && takerFee < 1,
      `taker fee of ${asset}`,
      takerFee,
      "a share from 0 to below 1",
    );
  }
  return {
    name: "order-book",
    gasUnits: () => exchangeGas(attestation),
    swapCosts(asset, dollars, price, at) {
      const { book, takerFee } = venueOf(venues, asset, dollars, price);
      if (dollars === 0) return NO_COSTS;
      const walked = walk(book, dollars);
      if (walked === undefined) {
        const depth = depthOf(dollars > 0 ? book.asks : book.bids) * (dollars > 0 ? 1 : price / midOf(book));
        throw new TradeExceedsPoolError(
          `${new Date(at).toISOString()}, in ${asset},`,
          Math.abs(dollars),
          depth,
        );
      }
      return { ...walked, fee: takerFee * Math.abs(dollars) };
    },
  };
}

const midOf = ({ bids, asks }: OrderBook): number => (bids[0]!.price + asks[0]!.price) / 2;
const depthOf = (levels: readonly BookLevel[]): number =>
  levels.reduce((sum, { price, size }) => sum + price * size, 0);

/** What is lost against the middle: as far as the best price has it the spread, the rest impact. */
function walk(book: OrderBook, dollars: number): SwapCosts | undefined {
  const isBuy = dollars > 0;
  const levels = isBuy ? book.asks : book.bids;
  const mid = midOf(book);
  // A buy is so many dollars spent, a sell so many dollars' worth of units at the middle.
  let left = isBuy ? dollars : -dollars / mid;
  let units = 0;
  let paid = 0;
  for (const { price, size } of levels) {
    const taken = Math.min(size, isBuy ? left / price : left);
    units += taken;
    paid += taken * price;
    left -= isBuy ? taken * price : taken;
    if (taken < size || left <= 0) {
      const spread = units * Math.abs(levels[0]!.price - mid);
      return { fee: 0, spread, impact: Math.max(0, Math.abs(paid - units * mid) - spread), mev: 0 };
    }
  }
  return undefined;
}

function checkBook(asset: string, { bids, asks }: OrderBook): void {
  for (const [side, levels, sign] of [
    ["bids", bids, -1],
    ["asks", asks, 1],
  ] as const) {
    requireThat(levels.length > 0, `number of ${side} of ${asset}`, levels.length, "at least 1");
    for (const [i, { price, size }] of levels.entries()) {
      const before = i === 0 ? sign * Number.NEGATIVE_INFINITY : levels[i - 1]!.price;
      const isNext = Number.isFinite(price) && price > 0 && sign * (price - before) > 0;
      requireThat(
        isNext,
        `price ${i} of the ${side} of ${asset}`,
        price,
        "above 0 and worse than the one before",
      );
      requireThat(size > 0 && Number.isFinite(size), `size ${i} of the ${side} of ${asset}`, size, "above 0");
    }
  }
  requireThat(bids[0]!.price < asks[0]!.price, `best bid of ${asset}`, bids[0]!.price, "below the best ask");
}
